"""From a plan to its changes, under a lease, with the record kept before and after."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler import log
from reconciler.cli.console import story, warn
from reconciler.cli.progress import applying, stopping
from reconciler.cli.run import Run, chronicle_of, look, memory_of, policy_of
from reconciler.cloud.lease import Tenure
from reconciler.cloud.live import Live
from reconciler.engine.apply import Status
from reconciler.engine.memory import Memory
from reconciler.engine.policy import Policy, Releases
from reconciler.engine.values import Change, Plan, Reason
from reconciler.errors import CloudError, LockedError, StaleError, UsageError
from reconciler.ledger import begin, end, is_behind, keep, repository_of
from reconciler.line import Report, Selection, carry_out, compare_with
from reconciler.report.table import make_table
from reconciler.report.values import Table

PATIENCE_STEP = 1.0
"""Seconds between two tries to get the lease."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan with all that it was made from."""

    selection: Selection
    policy: Policy
    memory: Memory
    plan: Plan
    live: Live
    table: Table

    @property
    def todo(self) -> list[Change]:
        return [change for change in self.plan.changes if not change.held]

    @property
    def would_be_released_by_a_yes(self) -> bool:
        """Whether a person who sees the plan can let something through by saying yes."""
        reasons = {change.held.reason for change in self.plan.changes if change.held}
        return bool(reasons & {Reason.FIRST_MEETING, Reason.APPROVAL})


def prepare(run: Run, selection: Selection, releases: Releases) -> Ready:
    """Observe and plan; an approval in the record lets through what it is for."""
    memory = memory_of(run, selection)
    if memory is None:
        raise UsageError("writing needs an owner, whose marks are written: --owner NAME")
    policy = policy_of(run, releases)
    plan, live, table = look(run, policy, selection, memory)
    ready = Ready(selection, policy, memory, plan, live, table)
    approval = memory.record.approval(plan.id, memory.now)
    if approval is None:
        return ready
    story(f"plan {plan.id} was approved by {approval.by}")
    return let_through(run, ready, policy.approved())


def let_through(run: Run, ready: Ready, policy: Policy) -> Ready:
    """Plan again from what was observed, with more let through; it is the same plan still."""
    plan = compare_with(
        ready.live, run.target, run.desired, policy, ready.selection, ready.memory
    )  # fmt: skip
    plan = replace(plan, id=ready.plan.id)
    old = ready.table
    since = {str(row.address): row.since for row in old.rows if row.since is not None}
    table = make_table(plan, folder=run.folder, seconds=old.seconds, since=since, now=old.now)
    return replace(ready, policy=policy, plan=plan, table=table)


def make(run: Run, ready: Ready, *, patience: float, reason: str) -> Report:
    """Make the changes, alone, and note what became of them.

    Raises:
        LockedError: another run writes, for longer than ``patience``.
        StaleError: another run wrote since the plan was made, and it would come out otherwise.

    """
    if not ready.todo and not (is_behind(ready.memory) and not ready.memory.problem):
        return Report(ready.plan, ())
    with _tenure(run, patience, anew=ready.policy.releases.history) as tenure:
        if isinstance(tenure, str):
            ready = let_through(run, replace(ready, memory=_without(ready, tenure)), ready.policy)
            return _carry(run, ready)
        if replace(tenure.record, lease=None) != replace(ready.memory.record, lease=None):
            ready = _still_the_same(run, ready)
        log.event(
            logging.INFO, "began", plan=ready.plan.id, reason=reason,
            approved=ready.policy.releases.approved,
        )  # fmt: skip
        tenure.note(begin(tenure.record, ready.plan, ready.memory, ready.policy, time.time()))
        report = _carry(run, ready)
        tenure.note(end(tenure.record, report, ready.memory, time.time()))
    done = [o.change for o in report.outcomes if o.status is Status.APPLIED]
    chronicle_of(run).corrected(done, time.time())
    repository = repository_of(run.place.root, run.place.folder) if not run.folder else None
    if repository is not None:
        keep(repository, run.target.name, tenure.record)
    return report


def _without(ready: Ready, why: str) -> Memory:
    """Give a memory that says why there is no record to rely on: deletes are held then."""
    warn(f"{why}: nothing is deleted or replaced, and no other run is kept away")
    return replace(ready.memory, problem=why)


@contextlib.contextmanager
def _tenure(run: Run, patience: float, *, anew: bool) -> Iterator[Tenure | str]:
    """Hold the lease, or give the reason why there is no record to hold it in."""
    until = time.monotonic() + patience
    with contextlib.ExitStack() as stack:
        held: Tenure | str | None = None
        while held is None:
            tenure = Tenure(run.target.http, run.target.who.project_id, run.owner, anew=anew)
            try:
                held = stack.enter_context(tenure)
            except LockedError:
                if time.monotonic() >= until:
                    raise
                time.sleep(PATIENCE_STEP)
            except CloudError as error:
                held = f"the record cannot be written: {error}"
        yield held


def _still_the_same(run: Run, ready: Ready) -> Ready:
    """Plan anew, for another run wrote meanwhile.

    Raises:
        StaleError: the plan is another one by now.

    """
    again = prepare(run, ready.selection, ready.policy.releases)
    if [c.address for c in again.todo] != [c.address for c in ready.todo]:
        raise StaleError("another run changed the cloud since the plan was made; plan again")
    return again


def _carry(run: Run, ready: Ready) -> Report:
    if not ready.todo:
        return Report(ready.plan, ())
    with stopping() as stopped, applying(len(ready.todo)) as listen:
        return carry_out(
            run.target, run.desired, ready.policy, (ready.plan, ready.live), ready.selection,
            listen=listen, stopped=stopped, progress=listen.sent, memory=ready.memory,
        )  # fmt: skip
