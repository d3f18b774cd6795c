"""One run for one cloud: fetch, load, observe, plan, gate, apply, and what to tell of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from reconciler.cloud.record import read_record
from reconciler.controller.course import Course, Walked
from reconciler.controller.gate import hold_back, make_gate
from reconciler.controller.status import Pause, Phase, Result, SourceStatus
from reconciler.engine.apply import Status, failures
from reconciler.engine.hold import hold_waiting
from reconciler.engine.policy import Releases
from reconciler.engine.values import Cause
from reconciler.errand import (
    Ears,
    Job,
    Ready,
    Wish,
    let_through,
    look,
    make,
    policy_for,
    remember,
    with_plan,
)
from reconciler.errors import (
    CloudError,
    LockedError,
    ReconcilerError,
    SourceError,
    StaleError,
    StoppedError,
    Trouble,
    trouble_of,
)
from reconciler.ledger import Repository
from reconciler.line import Selection, Target
from reconciler.settings import Mode
from reconciler.state.model import make_desired
from reconciler.state.source import head_of
from reconciler.state.values import Desired

WHOLE = Selection()


def walk(
    course: Course,
    source: SourceStatus,
    last_good: Desired | None,
    pauses: tuple[Pause, ...],
    planned: Callable[[Walked], None] = lambda _walked: None,
) -> Walked:
    """Walk the line once; what goes wrong is told in what is given back, and never raised.

    ``planned`` is told of a plan before the first change of it is made.
    """
    walked = Walked(source, time.time())
    try:
        target = course.connect() if last_good is None else None
        applied = _applied(target, course.owner) if target else ""
        _go_on(course)
        with _timed(walked, Phase.FETCH):
            walked.source = course.source.fetch(time.time(), applied)
        with _timed(walked, Phase.LOAD):
            walked.desired = _load(course, walked, last_good)
        _go_on(course)
        target = target or course.connect()
        job = Job(
            target, walked.desired, course.owner, course.settings,
            _with_at_hand(course.source.repository, last_good), course.chronicle,
        )  # fmt: skip

        def plan() -> Ready:
            walked.ready = _gated(course, job, _plan(course, job, walked), pauses)
            walked.plan_id = walked.ready.plan.id
            _note_applied(course, walked)
            if course.settings.mode is Mode.ENFORCE and walked.ready.todo:
                planned(walked)
            return walked.ready

        ready = plan()
        walked.result = _judged(ready)
        if course.settings.mode is Mode.ENFORCE and not _is_to_stop(course):
            _apply(course, job, walked, pauses, plan)
    except LockedError as error:
        walked.result, walked.error = Result.BLOCKED, str(error)
    except (StaleError, StoppedError) as error:
        _went_wrong(walked, Result.PARTIAL, error)
    except ReconcilerError as error:
        _went_wrong(walked, Result.FAILED, error)
    return walked


def _go_on(course: Course) -> None:
    """Begin nothing more where the process is to end.

    Raises:
        StoppedError: it is.

    """
    if course.stopped():
        raise StoppedError("stopped before there was a plan: the next start goes on")


def _is_to_stop(course: Course) -> bool:
    return course.stopped() or course.paused()


def _with_at_hand(repository: Repository | None, last_good: Desired | None) -> Repository | None:
    """Remember what was in force until now: after a commit it is what was settled."""
    if repository is None or last_good is None:
        return repository
    return replace(repository, at_hand=(last_good,))


def _went_wrong(walked: Walked, result: Result, error: ReconcilerError) -> None:
    walked.result, walked.error = result, str(error)
    walked.troubles = frozenset({trouble_of(error)})
    walked.request_id = error.request_id if isinstance(error, CloudError) else ""


def _applied(target: Target, owner: str) -> str:
    """Give the revision that was applied last, where that can be had."""
    try:
        found = read_record(target.http, target.who.project_id, owner)
    except CloudError:
        return ""
    return found.applied if found else ""


@contextmanager
def _timed(walked: Walked, phase: Phase) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        walked.seconds[phase] = time.monotonic() - started


def _load(course: Course, walked: Walked, last_good: Desired | None) -> Desired:
    """Read the state at the head; where that cannot be, the last good one stays in force.

    After a restart that is what the source remembers.
    """
    revision = walked.source.revision
    if last_good is not None and last_good.revision.name == revision:
        return last_good
    try:
        if not revision:
            raise SourceError(walked.source.problem or "no commit was ever had")
        desired = make_desired(course.source.read(revision), course.kinds)[0]
        course.source.take(revision)
    except ReconcilerError as error:
        first = str(error).splitlines()[0]
        walked.source = replace(walked.source, problem=walked.source.problem or first)
        good = last_good or _in_force(course)
        name = good.revision.name if good else ""
        committed = _committed(course, name)
        walked.source = replace(walked.source, revision=name, committed=committed)
        if good is None:
            raise
        return good
    return desired


def _in_force(course: Course) -> Desired | None:
    """Read the commit that an earlier process put in force, where there is one to be read."""
    name = course.source.in_force
    try:
        return make_desired(course.source.read(name), course.kinds)[0] if name else None
    except ReconcilerError:
        return None  # what is told is what is wrong with the head: that is what can be mended


def _committed(course: Course, revision: str) -> float | None:
    """Give when a commit was made, where it can still be read."""
    repository = course.source.repository
    try:
        return head_of(repository.root, revision)[1] if repository and revision else None
    except SourceError:
        return None


def _note_applied(course: Course, walked: Walked) -> None:
    """Note when the commit was made that was last applied to its end."""
    assert walked.ready is not None  # a plan was made
    applied, source = walked.ready.memory.record.applied, walked.source
    newest = applied == source.revision
    walked.applied_committed = source.committed if newest else _committed(course, applied)


def _plan(course: Course, job: Job, walked: Walked) -> Ready:
    _go_on(course)
    policy = policy_for(course.owner, course.settings, Releases())
    started = time.monotonic()
    memory = remember(job, WHOLE, time.time())

    def listed(*_: object) -> None:
        course.alive()
        _go_on(course)

    _go_on(course)
    plan, live, table = look(job, policy, WHOLE, memory, listed)
    walked.seconds[Phase.OBSERVE] = table.seconds or 0.0
    walked.seconds[Phase.PLAN] = time.monotonic() - started - (table.seconds or 0.0)
    ready = Ready(WHOLE, policy, memory, plan, live, table)
    walked.approval = memory.record.approval(plan.id, memory.now)
    if walked.approval is not None:
        return let_through(job, ready, policy.approved())
    return ready


def _gated(course: Course, job: Job, ready: Ready, pauses: tuple[Pause, ...]) -> Ready:
    """Hold what may not be made now, and what waits for that."""
    if course.settings.mode is not Mode.ENFORCE:
        return ready
    gate = make_gate(course.settings, pauses, time.time())
    changes, _ = hold_waiting(hold_back(ready.plan.changes, gate), job.desired, ready.live)
    ordered = tuple(sorted(changes, key=lambda change: change.address))
    before = {change.address: change for change in ready.plan.changes}
    kept_back = any(c.held and not before[c.address].held and c.cause is Cause.GIT for c in ordered)
    gated = with_plan(job, ready, replace(ready.plan, changes=ordered))
    return replace(gated, whole=not (kept_back or gate.shut))


def _judged(ready: Ready) -> Result:
    """Say how a run ends that writes nothing."""
    if not [c for c in ready.plan.changes if c.held] and ready.plan.empty:
        return Result.NOOP
    return Result.OBSERVED


def _apply(
    course: Course,
    job: Job,
    walked: Walked,
    pauses: tuple[Pause, ...],
    again: Callable[[], Ready],
) -> None:
    ready = walked.ready
    assert ready is not None  # it was just made
    if walked.result is Result.OBSERVED and not ready.todo:
        walked.result = Result.BLOCKED
    with _timed(walked, Phase.APPLY):
        report = make(
            job, ready, again,
            Wish(reason="controller", ears=lambda _ready: _ears(course)),
        )  # fmt: skip
    walked.report = report
    walked.ready = _with_record(course, job, ready)
    _note_applied(course, walked)
    if not report.outcomes:
        return
    undone = failures(walked.outcomes)
    walked.troubles = frozenset(o.trouble for o in walked.outcomes if o.trouble)
    if report.interrupted or report.unseen or not (undone or report.settled):
        walked.troubles |= {Trouble.TRANSIENT}  # another pass may do it
    walked.result = Result.PARTIAL if undone or not report.settled else Result.APPLIED
    if report.left is not None and report.live is not None:
        after = with_plan(job, replace(walked.ready, live=report.live), report.left)
        walked.ready = _gated(course, job, after, pauses)
    if report.interrupted:
        walked.error = "stopped in the middle: the next run goes on"
    elif undone:
        first = next((o for o in undone if o.status is Status.FAILED), undone[0])
        walked.error = f"{first.change.address}: {first.error}"
        walked.request_id = first.request_id


def _with_record(course: Course, job: Job, ready: Ready) -> Ready:
    """Read what the record says after an apply: how far we are."""
    try:
        found = read_record(job.target.http, job.target.who.project_id, course.owner)
    except CloudError:
        return ready
    return replace(ready, memory=replace(ready.memory, record=found or ready.memory.record))


@contextmanager
def _ears(course: Course) -> Iterator[Ears]:
    alive = course.alive
    yield Ears(
        listen=lambda *_: alive(), progress=lambda *_: alive(),
        stopped=lambda: _is_to_stop(course),
    )  # fmt: skip
