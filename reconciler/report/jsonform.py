"""From the table to JSON that other programs are written against."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic needs it below Python 3.12

from reconciler.engine.apply import Status
from reconciler.engine.values import Reason
from reconciler.kinds.values import Json
from reconciler.report.jsontext import dump
from reconciler.report.values import Line, Result, Row, Table

FORMAT_VERSION: Final = "1.0"
CLOSED = ConfigDict(extra="forbid")
ActionWord = Literal["create", "update", "replace", "adopt", "delete"]
AddressWord = Annotated[str, Field(description="Kind/ and the names on the way down; never an id.")]


@with_config(CLOSED)
class ObservedForm(TypedDict):
    """How much of a kind was seen."""

    complete: Annotated[bool, Field(description="Whether its listing ran to its end.")]
    count: Annotated[int, Field(description="How many objects it listed.")]


@with_config(CLOSED)
class FieldForm(TypedDict):
    """One field that differs. Items of a list of edges come one by one, before or after null."""

    path: Annotated[str, Field(description="Dotted path: mtu, rules, extra_specs.hw:cpu_policy.")]
    before: Annotated[Any, Field(description="The value in the cloud; null where there is none.")]
    after: Annotated[Any, Field(description="The value wanted; null where there is to be none.")]
    sensitive: Annotated[bool, Field(description="The values are hidden.")]
    forces_replace: Annotated[bool, Field(description="The object is made again to change it.")]


@with_config(CLOSED)
class SourceForm(TypedDict):
    """Where the entry stands, relative to the state's root."""

    file: str
    line: int


@with_config(CLOSED)
class HeldForm(TypedDict):
    """Why a change is not made."""

    reason: Annotated[
        Literal[tuple(reason.value for reason in Reason)],  # type: ignore[valid-type] # the enum's words
        Field(description="One word of a closed vocabulary."),
    ]
    detail: Annotated[str, Field(description="The same for people.")]
    release: Annotated[str, Field(description="What releases it; empty where nothing does.")]


@with_config(CLOSED)
class ChangeForm(TypedDict):
    """One object and what happens to it."""

    address: AddressWord
    kind: str
    action: ActionWord
    origin: Annotated[
        Literal["git", "live"], Field(description="A commit, or a hand on the cloud.")
    ]
    fields: list[FieldForm]
    source: Annotated[SourceForm | None, Field(description="null where no file names it.")]
    after: Annotated[list[AddressWord], Field(description="Changes that must be made before.")]
    held: Annotated[HeldForm | None, Field(description="null where nothing holds it.")]
    since: Annotated[
        NotRequired[str],
        Field(description="When a hand's change was first seen, in ISO 8601. Only from `drift`."),
    ]


@with_config(CLOSED)
class SummaryForm(TypedDict):
    """How many of each; what is held is counted under its action, too."""

    create: int
    update: int
    replace: int
    adopt: int
    delete: int
    held: int
    unchanged: int


@with_config(CLOSED)
class OutcomeForm(TypedDict):
    """What became of one change."""

    address: AddressWord
    action: ActionWord
    status: Literal["applied", "failed", "skipped", "pending"]
    error: Annotated[str | None, Field(description="What the cloud said; null where all is well.")]
    seconds: float


@with_config(CLOSED)
class PlanForm(TypedDict):
    """A plan, and after an apply what became of it."""

    format_version: Literal["1.0"]
    plan_id: Annotated[str, Field(description="A hash of the changes and of what was observed.")]
    cloud: str
    revision: Annotated[str | None, Field(description="The commit; null for a folder as it lies.")]
    settled_revision: Annotated[
        str | None, Field(description="The last commit of which all was done, where one is known.")
    ]
    observed: Annotated[dict[str, ObservedForm], Field(description="By kind.")]
    changes: list[ChangeForm]
    summary: SummaryForm
    outcomes: Annotated[
        NotRequired[list[OutcomeForm]], Field(description="Only in the answer of an apply.")
    ]


def plan_form(table: Table, *, ages: bool = False) -> PlanForm:
    """Give the table as plain values; with ``ages``, say since when differences are seen."""
    form = PlanForm(
        format_version=FORMAT_VERSION,
        plan_id=table.plan_id,
        cloud=table.cloud,
        revision=table.revision or None,
        settled_revision=table.settled or None,
        observed={
            kind: ObservedForm(complete=seen.complete, count=seen.count)
            for kind, seen in sorted(table.observed.items())
        },
        changes=[_change(row, ages=ages) for row in table.rows],
        summary=SummaryForm(**table.summary),  # type: ignore[typeddict-item] # the keys of Action
    )
    if table.results is not None:
        form["outcomes"] = [_outcome(result) for result in table.results]
    return form


def plan_json(table: Table, *, ages: bool = False) -> str:
    """Write the table as one JSON object."""
    return dump(plan_form(table, ages=ages))


def plan_schema() -> dict[str, Json]:
    """Give the JSON Schema of what ``plan_json`` writes."""
    found = TypeAdapter(PlanForm).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The answer of `reconciler plan -o json` and `reconciler apply -o json`",
        **{key: value for key, value in found.items() if key != "title"},
    }


def _change(row: Row, *, ages: bool) -> ChangeForm:
    held = row.held
    form = ChangeForm(
        address=str(row.address),
        kind=row.address.kind,
        action=row.action.value,
        origin=row.cause.value,
        fields=[_field(line) for line in row.lines],
        source=SourceForm(file=row.source.file, line=row.source.line) if row.source.file else None,
        after=[str(address) for address in row.after],
        held=HeldForm(reason=held.reason.value, detail=held.detail, release=held.release)
        if held
        else None,
    )
    if ages and row.since is not None:
        form["since"] = datetime.fromtimestamp(row.since, UTC).isoformat(timespec="seconds")
    return form


def _field(line: Line) -> FieldForm:
    return FieldForm(
        path=line.path,
        before=line.before,
        after=line.after,
        sensitive=line.sensitive,
        forces_replace=line.forces_replace,
    )


def _outcome(result: Result) -> OutcomeForm:
    failed = result.status is not Status.APPLIED
    return OutcomeForm(
        address=str(result.address),
        action=result.action.value,
        status=result.status.value,
        error=result.error or None if failed else None,
        seconds=result.seconds,
    )
