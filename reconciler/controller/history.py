"""From runs, and from what people did, to the JSON that tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, NotRequired, TypeAlias

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # pydantic needs it below Python 3.12

from reconciler.controller.status import (
    Deed,
    Event,
    Planned,
    Result,
    RunStatus,
    Scope,
    Tried,
    Trigger,
)
from reconciler.engine.values import Reason
from reconciler.kinds.values import Json
from reconciler.report.jsonform import ActionWord, AddressWord, SummaryForm

CLOSED = ConfigDict(extra="forbid")
Time = Annotated[str | None, Field(description="ISO 8601, in UTC; null where there is none yet.")]
ReasonWord: TypeAlias = Literal[tuple(reason.value for reason in Reason)]  # type: ignore[valid-type] # the enum's words
ScopeWord: TypeAlias = Literal[tuple(scope.value for scope in Scope)]  # type: ignore[valid-type] # the enum's words


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
    reason: ReasonWord
    count: int


@with_config(CLOSED)
class RunForm(TypedDict):
    """One run of one cloud."""

    number: Annotated[
        int, Field(description="Counted on after a restart, where the state directory is kept.")
    ]
    trigger: Literal[tuple(trigger.value for trigger in Trigger)]  # type: ignore[valid-type] # the enum's words
    started: Time
    finished: Time
    result: Annotated[
        Literal[tuple(result.value for result in Result)] | None,  # type: ignore[valid-type] # the enum's words
        Field(description="How it ended; null while it carries out its plan."),
    ]
    revision: str
    author: Annotated[
        NotRequired[str], Field(description="Who wrote that commit, by the name that git knows.")
    ]
    plan_id: Annotated[str, Field(description="Of the plan that it made, before any change.")]
    approved_by: Annotated[
        NotRequired[str],
        Field(description="Who had approved the plan, where that was made use of; else empty."),
    ]
    error: Annotated[str, Field(description="What ended it early, or went wrong first.")]
    request_id: Annotated[
        NotRequired[str], Field(description="Of the request that `error` is about, if it is one.")
    ]
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
class FollowedForm(TypedDict):
    """The plan that a run followed, in numbers."""

    summary: SummaryForm
    held: list[HeldForm]


@with_config(CLOSED)
class TriedForm(TypedDict):
    """What became of one change. No value of a field is ever told here."""

    address: AddressWord
    part: Annotated[
        str | None,
        Field(description="What of the object, where that has no address of its own; else null."),
    ]
    action: ActionWord
    origin: Annotated[
        Literal["git", "live"], Field(description="A commit, or a hand on the cloud.")
    ]
    reason: Annotated[
        str, Field(description="Such as the commit that took the entry away, and its author.")
    ]
    fields: Annotated[list[str], Field(description="Paths that an update or a replace is about.")]
    status: Literal["applied", "failed", "skipped", "pending"]
    left: Annotated[
        ReasonWord | None, Field(description="Why it was left as it is, where nothing failed.")
    ]
    error: Annotated[str | None, Field(description="What the cloud said; null where all is well.")]
    request_id: Annotated[
        str | None, Field(description="Of the request that failed, for whoever reads its logs.")
    ]


@with_config(CLOSED)
class PastRunForm(RunForm):
    """One run that ended, and all that was made or tried in it."""

    plan: Annotated[
        NotRequired[FollowedForm | None], Field(description="null where none could be made.")
    ]
    outcomes: Annotated[
        NotRequired[list[TriedForm]], Field(description="What was not done first; 500 at most.")
    ]
    more_outcomes: Annotated[
        NotRequired[int], Field(description="How many there were beside `outcomes`.")
    ]


@with_config(CLOSED)
class EventForm(TypedDict):
    """What somebody did by hand."""

    at: Time
    event: Annotated[
        Literal[tuple(deed.value for deed in Deed)],  # type: ignore[valid-type] # the enum's words
        Field(description="approved: a run made use of an approval."),
    ]
    by: Annotated[
        str, Field(description="As they call themselves; nobody has checked it. Empty: unknown.")
    ]
    reason: str
    scope: Annotated[ScopeWord | None, Field(description="Of a pause; else null.")]
    name: Annotated[str, Field(description="What a pause was about; empty for the cloud.")]
    until: Time
    plan_id: Annotated[str, Field(description="The plan that was approved; else empty.")]


@with_config(CLOSED)
class HistoryForm(TypedDict):
    """The newest runs of a cloud, and what people did by hand, each the newest first."""

    format_version: Literal["1.0"]
    cloud: str
    runs: list[PastRunForm]
    events: list[EventForm]


def history_form(cloud: str, runs: list[Json], events: list[Json]) -> HistoryForm:
    """Give runs and events as they were kept: an older one says less."""
    return HistoryForm(format_version="1.0", cloud=cloud, runs=runs, events=events)


def run_form(run: RunStatus) -> RunForm:
    """Give one run."""
    return RunForm(
        number=run.number, trigger=run.trigger.value, started=time_of(run.started),
        finished=time_of(run.finished), result=run.result.value if run.result else None,
        revision=run.revision, author=run.author, plan_id=run.plan_id,
        approved_by=run.approved_by, error=run.error, request_id=run.request_id,
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


def past_form(run: RunStatus) -> PastRunForm:
    """Give one run that ended."""
    return PastRunForm(
        **run_form(run), plan=_followed(run.planned) if run.planned else None,
        outcomes=[_tried(one) for one in run.tried],
        more_outcomes=sum(run.written.values()) - len(run.tried),
    )  # fmt: skip


def event_form(event: Event) -> EventForm:
    """Give what somebody did."""
    return EventForm(
        at=time_of(event.at), event=event.deed.value, by=event.by, reason=event.reason,
        scope=event.scope.value if event.scope else None, name=event.name,
        until=time_of(event.until), plan_id=event.plan_id,
    )  # fmt: skip


def held_form(held: Mapping[tuple[str, Reason], int]) -> list[HeldForm]:
    """Give how many are held, by kind and reason."""
    return [
        HeldForm(kind=kind, reason=reason.value, count=count)
        for (kind, reason), count in sorted(held.items())
    ]


def time_of(at: float | None) -> str | None:
    """Write a time as programs read it."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _followed(plan: Planned) -> FollowedForm:
    summary = SummaryForm(**plan.summary)  # type: ignore[typeddict-item] # the keys of Action
    return FollowedForm(summary=summary, held=held_form(plan.held))


def _tried(one: Tried) -> TriedForm:
    return TriedForm(
        address=one.address, part=one.part or None, action=one.action.value,
        origin=one.cause.value, reason=one.reason, fields=list(one.fields),
        status=one.status.value, left=one.left.value if one.left else None,
        error=one.error or None, request_id=one.request_id or None,
    )  # fmt: skip
