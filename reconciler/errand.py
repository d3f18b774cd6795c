"""One run over one cloud: recall, observe, plan; then the changes, alone, the record kept."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler import log
from reconciler.chronicle import Chronicle, digest_of
from reconciler.cloud.lease import Tenure
from reconciler.cloud.live import Live
from reconciler.cloud.record import Record
from reconciler.engine.apply import Listener, Status
from reconciler.engine.memory import Memory
from reconciler.engine.plan import plan_id
from reconciler.engine.policy import Policy, Releases
from reconciler.engine.values import Change, Plan, Reason
from reconciler.errors import CloudError, LockedError, StaleError
from reconciler.ledger import Repository, begin, end, is_behind, keep, recall
from reconciler.line import (
    Progress,
    Report,
    Selection,
    Target,
    carry_out,
    compare_with,
    plan_for,
)
from reconciler.report.table import make_table, shown_address
from reconciler.report.values import Table
from reconciler.settings import CloudSettings
from reconciler.state.values import Desired

PATIENCE_STEP = 1.0
"""Seconds between two tries to get the lease."""
NO_REPORT: Listener = lambda _change, _status: None  # noqa: E731 - a value that is a function


@dataclass(frozen=True, slots=True)
class Job:
    """What a run is about: a state, a cloud, and whose marks are written."""

    target: Target
    desired: Desired
    owner: str
    settings: CloudSettings | None
    repository: Repository | None
    """Where earlier revisions are read; None for a folder as it lies."""
    chronicle: Chronicle
    folder: str = ""
    """The folder as it lies, for reports."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan with all that it was made from."""

    selection: Selection
    policy: Policy
    memory: Memory
    plan: Plan
    live: Live
    table: Table
    whole: bool = True
    """Whether all that the commit asks for may be made now: else it does not count as applied."""

    @property
    def todo(self) -> list[Change]:
        return [change for change in self.plan.changes if not change.held]

    @property
    def would_be_released_by_a_yes(self) -> bool:
        """Whether a person who sees the plan can let something through by saying yes."""
        reasons = {change.held.reason for change in self.plan.changes if change.held}
        return bool(reasons & {Reason.FIRST_MEETING, Reason.APPROVAL})


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears of a run while it goes on, and who can stop it."""

    warn: Callable[[str], None] = lambda _text: None
    listen: Listener = NO_REPORT
    progress: Progress = lambda _address, _done, _all: None
    stopped: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of one apply."""

    patience: float = 0.0
    """Seconds to wait for another run that holds the cloud."""
    reason: str = ""
    ears: Callable[[Ready], contextlib.AbstractContextManager[Ears]] = field(
        default=lambda _ready: contextlib.nullcontext(Ears())
    )


def policy_for(owner: str, settings: CloudSettings | None, releases: Releases) -> Policy:
    """Put together what the settings and the person at the terminal allow."""
    if settings is None:
        return Policy(owner, releases=releases)
    prune = frozenset(kind for kind, on in settings.prune.items() if on)
    return Policy(owner, prune, settings.adopt, settings.limits, releases)


def remember(job: Job, selection: Selection, now: float) -> Memory:
    """Recall what earlier runs left behind."""
    memory = recall(job.target, job.desired, job.owner, selection, job.repository, now)
    quarrels = job.chronicle.flapping(now)
    return replace(
        memory, flapping=lambda change: (str(change.address), digest_of(change)) in quarrels
    )


def look(
    job: Job,
    policy: Policy,
    selection: Selection,
    memory: Memory | None,
    progress: Callable[[str, int], None] = lambda _kind, _count: None,
) -> tuple[Plan, Live, Table]:
    """Observe and plan."""
    started = time.monotonic()
    plan, live = plan_for(job.target, job.desired, policy, selection, progress, memory)
    seconds = time.monotonic() - started
    since: Mapping[str, float] = {}
    if memory is not None and memory.prior.known and not selection.targets:
        since = job.chronicle.seen(plan.changes, memory.now)
    when = memory.now if memory else None
    return plan, live, make_table(plan, folder=job.folder, seconds=seconds, since=since, now=when)


def let_through(job: Job, ready: Ready, policy: Policy) -> Ready:
    """Plan again from what was observed, with more let through; it is the same plan still."""
    plan = compare_with(
        ready.live, job.target, job.desired, policy, ready.selection, ready.memory
    )  # fmt: skip
    return with_plan(job, replace(ready, policy=policy), replace(plan, id=ready.plan.id))


def with_plan(job: Job, ready: Ready, plan: Plan) -> Ready:
    """Give the same with another plan, and the table of it."""
    old = ready.table
    known = {row.address: row.since for row in old.rows if row.since is not None}
    shown = {str(change.address): shown_address(change) for change in plan.changes}
    since = {name: known[address] for name, address in shown.items() if address in known}
    table = make_table(plan, folder=job.folder, seconds=old.seconds, since=since, now=old.now)
    return replace(ready, plan=plan, table=table)


def make(job: Job, ready: Ready, again: Callable[[], Ready], wish: Wish) -> Report:
    """Make the changes, alone, and note what became of them.

    ``again`` makes the plan anew, for when another run wrote since it was made.

    Raises:
        LockedError: another run writes, for longer than the wish has patience.
        StaleError: another run wrote since the plan was made, and it would come out otherwise.

    """
    behind = ready.whole and is_behind(ready.memory) and not ready.memory.problem
    if not ready.todo and not behind:
        return Report(ready.plan, ())
    with _tenure(job, wish.patience, anew=ready.policy.releases.history) as tenure:
        if isinstance(tenure, str):
            blind = replace(ready, memory=replace(ready.memory, problem=tenure))
            # An approval that cannot be noted as used would be good for ever.
            releases = replace(ready.policy.releases, approved=False)
            policy = replace(ready.policy, releases=releases)
            return _carry(job, let_through(job, blind, policy), wish, blind=tenure)
        if _lasting(tenure.record) != _lasting(ready.memory.record):
            ready = _still_the_same(ready, again)
        log.event(
            logging.INFO, "began", plan=ready.plan.id, reason=wish.reason,
            approved=ready.policy.releases.approved,
        )  # fmt: skip
        now = time.time()
        noted = begin(tenure.record, ready.plan, ready.live, ready.memory, ready.policy, now)
        tenure.note(noted)
        # The look after the changes must know what they took over.
        known = replace(ready.memory.record, taken=noted.taken)
        ready = replace(ready, memory=replace(ready.memory, record=known))
        report = _carry(job, ready, wish, lost=lambda: tenure.lost)
        try:
            # The time is that of the beginning: what is given back goes with what it came from.
            tenure.note(end(tenure.record, report, ready.memory, now, whole=ready.whole))
        except (CloudError, LockedError) as error:
            why = report.unseen or f"the record cannot be written: {error}"
            report = replace(report, unseen=why)
    done = [o.change for o in report.outcomes if o.status is Status.APPLIED]
    job.chronicle.corrected(done, time.time())
    if job.repository is not None:
        keep(job.repository, job.target.name, tenure.record)
    return report


def _lasting(record: Record) -> Record:
    """Give what of a record says whether another run wrote since it was read."""
    return replace(record, lease=None, approvals=())


@contextlib.contextmanager
def _tenure(job: Job, patience: float, *, anew: bool) -> Iterator[Tenure | str]:
    """Hold the lease, or give the reason why there is no record to hold it in."""
    until = time.monotonic() + patience
    with contextlib.ExitStack() as stack:
        held: Tenure | str | None = None
        while held is None:
            tenure = Tenure(job.target.http, job.target.who.project_id, job.owner, anew=anew)
            try:
                held = stack.enter_context(tenure)
            except LockedError:
                if time.monotonic() >= until:
                    raise
                time.sleep(PATIENCE_STEP)
            except CloudError as error:
                held = f"the record cannot be written: {error}"
        yield held


def _still_the_same(ready: Ready, again: Callable[[], Ready]) -> Ready:
    """Plan anew, for another run wrote meanwhile.

    Raises:
        StaleError: the plan is another one by now.

    """
    found = again()
    ids = [plan_id(one.todo, one.live) for one in (ready, found)]
    used = found.policy.releases.approved and not found.memory.record.approval(
        ready.plan.id, time.time()
    )
    if ids[0] != ids[1] or used:
        raise StaleError("another run changed the cloud since the plan was made; plan again")
    return found


def _carry(
    job: Job,
    ready: Ready,
    wish: Wish,
    *,
    blind: str = "",
    lost: Callable[[], str] = lambda: "",
) -> Report:
    if not ready.todo:
        return Report(ready.plan, ())
    with wish.ears(ready) as ears:
        if blind:
            ears.warn(f"{blind}: nothing is deleted or replaced, and no other run is kept away")
        return carry_out(
            job.target, job.desired, ready.policy, (ready.plan, ready.live), ready.selection,
            listen=ears.listen, stopped=lambda: ears.stopped() or bool(lost()),
            progress=ears.progress, memory=ready.memory,
        )  # fmt: skip
