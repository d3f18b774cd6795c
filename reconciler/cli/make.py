"""From a plan to its changes, as a person at a terminal sees them made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from reconciler import errand
from reconciler.cli.console import story, warn
from reconciler.cli.progress import applying, stopping
from reconciler.cli.run import Run, look, memory_of, policy_of
from reconciler.engine.policy import Policy, Releases
from reconciler.errand import Ears, Ready, Wish
from reconciler.errors import UsageError
from reconciler.line import Report, Selection


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
    return errand.let_through(run.job, ready, policy)


def make(run: Run, ready: Ready, *, patience: float, reason: str) -> Report:
    """Make the changes, with progress, and note what became of them.

    Raises:
        LockedError: another run writes, for longer than ``patience``.
        StaleError: another run wrote since the plan was made, and it would come out otherwise.

    """

    def again() -> Ready:
        return prepare(run, ready.selection, ready.policy.releases)

    return errand.make(run.job, ready, again, Wish(patience, reason, _shown))


@contextlib.contextmanager
def _shown(ready: Ready) -> Iterator[Ears]:
    with stopping() as stopped, applying(len(ready.todo)) as listen:
        yield Ears(warn, listen, listen.sent, stopped)
