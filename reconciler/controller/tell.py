"""From a run, and what was known before it, to what everybody may know after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeVar

from reconciler.chronicle import is_drift
from reconciler.cloud.live import owners
from reconciler.cloud.session import Answer
from reconciler.controller.course import Walked
from reconciler.controller.status import (
    DRIFT,
    CloudStatus,
    Histogram,
    Pause,
    Result,
    RunStatus,
    Trigger,
    Written,
)
from reconciler.controller.tried import planned, tried
from reconciler.engine.apply import Status
from reconciler.engine.policy import room_for
from reconciler.engine.values import Action, Cause, Reason
from reconciler.errand import Ready
from reconciler.errors import Trouble
from reconciler.kinds.registry import Kinds
from reconciler.report.table import shown_address
from reconciler.settings import CloudSettings, Mode
from reconciler.state.values import Desired

K = TypeVar("K")
THROTTLED = (413, 429)
RELEASED_BY_APPROVAL = frozenset({
    Reason.BUDGET, Reason.WIPE, Reason.REPLACE, Reason.FIRST_MEETING, Reason.APPROVAL,
    Reason.HISTORY, Reason.UNSETTLED, Reason.FLAP,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was answered, and how long that took."""

    answer: Answer
    seconds: float


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a run is about, whatever becomes of it."""

    last: RunStatus | None
    """The run before."""
    number: int
    """Of this one."""
    trigger: Trigger
    pauses: tuple[Pause, ...]
    kinds: Kinds
    settings: CloudSettings


def tell_plan(before: CloudStatus, walked: Walked, occasion: Occasion, now: float) -> CloudStatus:
    """Give the status while a plan is carried out: what it says, and nothing of how it ends."""
    run = replace(_run(walked, occasion, now), finished=None, result=None)
    status = replace(before, source=walked.source, run=run, pauses=occasion.pauses)
    return _with_plan(status, before, walked, occasion, now)


def tell(
    before: CloudStatus,
    walked: Walked,
    occasion: Occasion,
    now: float,
    asked: Iterable[Asked],
) -> CloudStatus:
    """Give the status after a run that ended; ``before`` may be that of its plan."""
    run = _run(walked, occasion, now)
    failed = walked.result is Result.FAILED
    good = not walked.error and walked.result not in (Result.PARTIAL, Result.FAILED)
    status = replace(
        before,
        source=walked.source,
        run=run,
        pauses=occasion.pauses,
        last_run=now,
        last_success=now if good else before.last_success,
        failures=before.failures + 1 if failed else 0,
        tries=_tries(before, run, occasion.last),
        troubles=walked.troubles,
        unsettled=_unsettled(before, walked),
        runs=_add(before.runs, {(occasion.trigger, walked.result): 1}),
        changes=_changes(before, walked, run),
    )
    status = _with_plan(status, before, walked, occasion, now)
    return _with_requests(_with_phases(status, walked), asked)


def _run(walked: Walked, occasion: Occasion, now: float) -> RunStatus:
    written = Counter(
        Written(o.change.kind.name, o.change.action, o.change.cause, o.status)
        for o in walked.outcomes
    )
    revision = walked.desired.revision if walked.desired else None
    return RunStatus(
        occasion.number, occasion.trigger, walked.started, now, walked.result,
        revision.name if revision else "",
        walked.plan_id, walked.error, dict(walked.seconds), dict(written), walked.troubles,
        revision.author if revision else "", _approver(walked), walked.request_id,
        planned(walked), tried(walked.outcomes),
    )  # fmt: skip


def _approver(walked: Walked) -> str:
    """Give who let the plan pass, once the record says that this was made use of."""
    approval = walked.approval
    used = walked.ready.memory.record.used if walked.ready else ()
    return approval.by if approval and approval.key in used else ""


def _changes(before: CloudStatus, walked: Walked, run: RunStatus) -> dict[Written, int]:
    """Count on; what may come of a declared kind says 0, else nobody sees its first change rise."""
    resources = walked.desired.resources.values() if walked.desired else ()
    kinds = sorted({resource.kind.name for resource in resources if resource.managed})
    ends = (Status.APPLIED, Status.FAILED)
    counts = {Written(*labels): 0 for labels in product(kinds, DRIFT, Cause, ends)}
    counts |= before.changes
    for written, count in run.written.items():
        counts[written] = counts.get(written, 0) + count
    return counts


def _tries(before: CloudStatus, run: RunStatus, last: RunStatus | None) -> int:
    """Count what is to be tried again soon; a new commit is a new beginning."""
    if Trouble.TRANSIENT not in run.troubles:
        return 0
    same = last is not None and last.revision == run.revision
    return before.tries + 1 if same else 1


def _unsettled(before: CloudStatus, walked: Walked) -> int:
    if walked.report is None or not walked.report.outcomes:
        return 0 if walked.result is not Result.FAILED else before.unsettled
    return before.unsettled + 1 if not walked.report.settled else 0


@dataclass(frozen=True, slots=True)
class _Objects:
    """How many there are of each kind."""

    desired: Mapping[str, int]
    managed: Mapping[str, int]
    unmanaged: Mapping[str, int]


def _objects(ready: Ready, desired: Desired, owner: str) -> _Objects:
    """Count what is declared, ours, and neither; edges count with what they lie in."""
    mine: Counter[str] = Counter()
    strange: Counter[str] = Counter()
    for found in ready.live.objects.values():
        if found.kind.edge:
            continue
        ours = owner in owners(found.kind, found.raw) or found.address in ready.memory.prior.settled
        declared = desired.resources.get(found.address)
        if ours or (declared is not None and declared.managed):
            mine[found.kind.name] += 1
        elif declared is None or declared.implied:
            strange[found.kind.name] += 1
    said = Counter(r.kind.name for r in desired.resources.values() if r.managed and not r.kind.edge)
    return _Objects(dict(said), dict(mine), dict(strange))


def _with_plan(
    status: CloudStatus, before: CloudStatus, walked: Walked, occasion: Occasion, now: float
) -> CloudStatus:
    """Add what the plan says, if one could be made; by the objects that its reports name."""
    ready, desired = walked.ready, walked.desired
    if ready is None or desired is None:
        return status
    counts = _objects(ready, desired, status.owner)
    changes, record = ready.plan.changes, ready.memory.record
    held = Counter((shown_address(c).kind, c.held.reason) for c in changes if c.held)
    known = {reason for _, reason in before.held}
    trips = {reason: 1 for reason in {reason for _, reason in held} if reason not in known}
    differing: Counter[tuple[str, Action, Cause]] = Counter(
        (row.address.kind, row.action, row.cause)
        for row in ready.table.rows if row.action is not Action.ADOPT
    )  # fmt: skip
    quarrels = {shown_address(c) for c in changes if is_drift(c) and ready.memory.flapping(c)}
    seen = {kind: now for kind, found in ready.plan.observed.items() if found.complete}
    return replace(
        status,
        table=ready.table,
        desired=counts.desired,
        managed=counts.managed,
        unmanaged=counts.unmanaged,
        differing=dict(differing),
        held=dict(held),
        oldest=_oldest(ready),
        flapping=dict(Counter(address.kind for address in quarrels)),
        observed={k: at for k, at in status.observed.items() if k in ready.plan.observed} | seen,
        approvals_pending=int(
            # Where nothing is applied nothing waits for being let through.
            occasion.settings.mode is Mode.ENFORCE
            and any(r in RELEASED_BY_APPROVAL for _, r in held)
        ),
        applied=record.applied,
        applied_committed=walked.applied_committed,
        settled=record.settled,
        trips=_add(before.trips, trips),
        budget_left=_budgets(ready, counts, occasion, now),
    )


def _budgets(ready: Ready, counts: _Objects, occasion: Occasion, now: float) -> dict[str, int]:
    """Give how many deletes may still pass of each kind that is pruned."""
    left, settings = {}, occasion.settings
    for kind in occasion.kinds:
        if settings.prune.get(kind.name):
            record = ready.memory.record
            spent = record.spent(kind.name, now)
            owned = record.a_day_ago(kind.name, counts.managed.get(kind.name, 0), now)
            room = room_for(kind.name, grave=kind.grave, limits=settings.limits).of(owned)
            left[kind.name] = max(0, room - spent)
    return left


def _oldest(ready: Ready) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in ready.table.rows:
        if row.since is not None and row.cause is Cause.LIVE:
            kind = row.address.kind
            found[kind] = min(row.since, found.get(kind, row.since))
    return found


def _with_phases(status: CloudStatus, walked: Walked) -> CloudStatus:
    phases = dict(status.phases)
    for phase, seconds in walked.seconds.items():
        phases[phase] = phases.get(phase, Histogram()).with_one(seconds)
    return replace(status, phases=phases)


def _with_requests(status: CloudStatus, asked: Iterable[Asked]) -> CloudStatus:
    requests, times = Counter(status.requests), dict(status.request_seconds)
    throttled = Counter(status.throttled)
    for one in asked:
        answer = one.answer
        requests[answer.service, answer.method, answer.status] += 1
        key = (answer.service, answer.method)
        times[key] = times.get(key, Histogram()).with_one(one.seconds)
        if answer.status in THROTTLED:
            throttled[answer.service] += 1
    return replace(
        status, requests=dict(requests), request_seconds=times, throttled=dict(throttled)
    )


def _add(before: Mapping[K, int], more: Mapping[K, int]) -> dict[K, int]:
    return dict(Counter(before) + Counter(more))
