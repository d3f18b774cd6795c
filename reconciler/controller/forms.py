"""From what the controller knows to JSON that other programs are written against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic needs it below Python 3.12

from reconciler.controller.history import (
    CLOSED,
    HeldForm,
    HistoryForm,
    RunForm,
    ScopeWord,
    Time,
    held_form,
    run_form,
    time_of,
)
from reconciler.controller.status import CloudStatus, ControllerStatus, Pause
from reconciler.kinds.values import Json
from reconciler.report.answers import DIALECT
from reconciler.report.jsonform import PlanForm, SummaryForm, plan_form


@with_config(CLOSED)
class SourceForm(TypedDict):
    """The repository that is followed."""

    repository: str
    branch: str
    revision: str
    committed: Time
    fetched: Time
    verified: bool | None
    problem: Annotated[str, Field(description="Why the newest head is not in force.")]


@with_config(CLOSED)
class PauseForm(TypedDict):
    """Somebody stopped writing for a while."""

    scope: ScopeWord
    name: str
    reason: str
    by: str
    since: Time
    until: Time


@with_config(CLOSED)
class CloudForm(TypedDict):
    """One cloud after its newest run."""

    cloud: str
    owner: str
    mode: Literal["observe", "enforce"]
    apply_commits: bool
    heal: bool
    interval: float
    source: SourceForm
    run: RunForm | None
    in_sync: Annotated[
        bool | None,
        Field(description="null where nobody knows: as long as the newest run failed, too."),
    ]
    plan_id: Annotated[
        str | None, Field(description="Of the newest plan, or of what is left: `approve` takes it.")
    ]
    summary: Annotated[SummaryForm | None, Field(description="Of the newest plan.")]
    held: list[HeldForm]
    pauses: list[PauseForm]
    applied_revision: str
    applied_committed: Annotated[
        Time, Field(description="When the commit was made that was last applied to its end.")
    ]
    settled_revision: str
    last_success: Time
    failures: int
    unsettled: int
    approvals_pending: int


@with_config(CLOSED)
class StatusForm(TypedDict):
    """The whole controller."""

    format_version: Literal["1.0"]
    version: str
    started: Time
    now: Time
    clouds: list[CloudForm]


@with_config(CLOSED)
class HealthForm(TypedDict):
    """Whether every loop runs."""

    alive: bool
    late: Annotated[list[str], Field(description="Clouds whose loop has not been heard of.")]


@with_config(CLOSED)
class ReadyForm(TypedDict):
    """Whether every cloud was looked at."""

    ready: bool
    waiting: Annotated[list[str], Field(description="Clouds that were not.")]


def status_form(status: ControllerStatus, now: float) -> StatusForm:
    """Give all clouds."""
    return StatusForm(
        format_version="1.0", version=status.version, started=time_of(status.started),
        now=time_of(now), clouds=[_cloud(one) for _, one in sorted(status.clouds.items())],
    )  # fmt: skip


def plan_of(status: CloudStatus) -> PlanForm | None:
    """Give the newest plan, in the form of ``reconciler plan -o json``."""
    return plan_form(status.table) if status.table else None


def _cloud(one: CloudStatus) -> CloudForm:
    table, source = one.table, one.source
    return CloudForm(
        cloud=one.cloud, owner=one.owner, mode=one.mode.value, apply_commits=one.apply_commits,
        heal=one.heal, interval=one.interval,
        source=SourceForm(
            repository=source.repository, branch=source.branch, revision=source.revision,
            committed=time_of(source.committed), fetched=time_of(source.fetched),
            verified=source.verified, problem=source.problem,
        ),
        run=run_form(one.run) if one.run else None,
        in_sync=one.in_sync,
        plan_id=table.plan_id if table else None,
        summary=plan_form(table)["summary"] if table else None,
        held=held_form(one.held),
        pauses=[_pause(pause) for pause in one.pauses],
        applied_revision=one.applied, applied_committed=time_of(one.applied_committed),
        settled_revision=one.settled,
        last_success=time_of(one.last_success), failures=one.failures, unsettled=one.unsettled,
        approvals_pending=one.approvals_pending,
    )  # fmt: skip


def _pause(pause: Pause) -> PauseForm:
    return PauseForm(
        scope=pause.scope.value, name=pause.name, reason=pause.reason, by=pause.by,
        since=time_of(pause.since), until=time_of(pause.until),
    )  # fmt: skip


_BOTH = "`reconciler {0} -o json` and /api/v1/{0}"
FORMS: Mapping[str, tuple[type, str]] = {
    "status": (StatusForm, _BOTH.format("status")),
    "history": (HistoryForm, _BOTH.format("history")),
    "healthz": (HealthForm, "/healthz"),
    "readyz": (ReadyForm, "/readyz"),
}
"""What the controller answers, by the name of its schema, and where."""


def schemas() -> dict[str, Json]:
    """Give the JSON Schemas of the answers, by their names."""
    return {
        name: {"$schema": DIALECT, **TypeAdapter(form).json_schema(),
               "title": f"The answer of {where}"}
        for name, (form, where) in FORMS.items()
    }  # fmt: skip
