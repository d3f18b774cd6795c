"""From what the controller knows to JSON that other programs are written against."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic needs it below Python 3.12

from reconciler.controller.status import (
    CloudStatus,
    ControllerStatus,
    Pause,
    Result,
    RunStatus,
    Scope,
    Trigger,
)
from reconciler.engine.values import Reason
from reconciler.kinds.values import Json
from reconciler.report.answers import DIALECT
from reconciler.report.jsonform import ActionWord, PlanForm, SummaryForm, plan_form

CLOSED = ConfigDict(extra="forbid")
Time = Annotated[str | None, Field(description="ISO 8601, in UTC; null where there is none yet.")]


@with_config(CLOSED)
class WrittenForm(TypedDict):
    """How many changes of one sort were made or tried."""

    kind: str
    action: ActionWord
    origin: Literal["git", "live"]
    status: Literal["applied", "failed", "skipped", "pending"]
    count: int


@with_config(CLOSED)
class HeldForm(TypedDict):
    """How many changes of a kind are held for one reason."""

    kind: str
    reason: Literal[tuple(reason.value for reason in Reason)]  # type: ignore[valid-type] # the enum's words
    count: int


@with_config(CLOSED)
class RunForm(TypedDict):
    """One run of one cloud."""

    number: Annotated[int, Field(description="Counted since the controller began.")]
    trigger: Literal[tuple(trigger.value for trigger in Trigger)]  # type: ignore[valid-type] # the enum's words
    started: Time
    finished: Time
    result: Annotated[
        Literal[tuple(result.value for result in Result)] | None,  # type: ignore[valid-type] # the enum's words
        Field(description="How it ended; null while it carries out its plan."),
    ]
    revision: str
    plan_id: Annotated[str, Field(description="Of the plan that it made, before any change.")]
    error: Annotated[str, Field(description="What ended it early, or went wrong first.")]
    troubles: Annotated[
        NotRequired[list[Literal["transient", "rejected", "denied"]]],
        Field(
            description="transient: tried again soon, then ever later; rejected, denied: tried "
            "again at the next interval."
        ),
    ]
    seconds: Annotated[dict[str, float], Field(description="By phase.")]
    written: list[WrittenForm]


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

    scope: Literal[tuple(scope.value for scope in Scope)]  # type: ignore[valid-type] # the enum's words
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
    in_sync: Annotated[bool | None, Field(description="null where nobody knows.")]
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
class HistoryForm(TypedDict):
    """The newest runs of a cloud, the newest first."""

    format_version: Literal["1.0"]
    cloud: str
    runs: list[RunForm]


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
        format_version="1.0", version=status.version, started=_time(status.started),
        now=_time(now), clouds=[_cloud(one) for _, one in sorted(status.clouds.items())],
    )  # fmt: skip


def history_form(cloud: str, runs: list[Json]) -> HistoryForm:
    """Give runs as they were kept."""
    return HistoryForm(format_version="1.0", cloud=cloud, runs=runs)


def plan_of(status: CloudStatus) -> PlanForm | None:
    """Give the newest plan, in the form of ``reconciler plan -o json``."""
    return plan_form(status.table) if status.table else None


def run_form(run: RunStatus) -> RunForm:
    """Give one run."""
    return RunForm(
        number=run.number, trigger=run.trigger.value, started=_time(run.started),
        finished=_time(run.finished), result=run.result.value if run.result else None,
        revision=run.revision, plan_id=run.plan_id, error=run.error,
        troubles=sorted(trouble.value for trouble in run.troubles),
        seconds={phase.value: round(taken, 3) for phase, taken in run.seconds.items()},
        written=[
            WrittenForm(
                kind=one.kind, action=one.action.value, origin=one.cause.value,
                status=one.status.value, count=count,
            )
            for one, count in run.written.items()
        ],
    )  # fmt: skip


def _cloud(one: CloudStatus) -> CloudForm:
    table, source = one.table, one.source
    return CloudForm(
        cloud=one.cloud, owner=one.owner, mode=one.mode.value, apply_commits=one.apply_commits,
        heal=one.heal, interval=one.interval,
        source=SourceForm(
            repository=source.repository, branch=source.branch, revision=source.revision,
            committed=_time(source.committed), fetched=_time(source.fetched),
            verified=source.verified, problem=source.problem,
        ),
        run=run_form(one.run) if one.run else None,
        in_sync=table.empty if table else None,
        plan_id=table.plan_id if table else None,
        summary=plan_form(table)["summary"] if table else None,
        held=[
            HeldForm(kind=kind, reason=reason.value, count=count)
            for (kind, reason), count in sorted(one.held.items())
        ],
        pauses=[_pause(pause) for pause in one.pauses],
        applied_revision=one.applied, applied_committed=_time(one.applied_committed),
        settled_revision=one.settled,
        last_success=_time(one.last_success), failures=one.failures, unsettled=one.unsettled,
        approvals_pending=one.approvals_pending,
    )  # fmt: skip


def _pause(pause: Pause) -> PauseForm:
    return PauseForm(
        scope=pause.scope.value, name=pause.name, reason=pause.reason, by=pause.by,
        since=_time(pause.since), until=_time(pause.until),
    )  # fmt: skip


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


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
