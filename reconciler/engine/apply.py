"""From a plan to outcomes: in parallel, in order, a failure stopping only what waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from graphlib import TopologicalSorter

from reconciler.engine.bodies import Context
from reconciler.engine.crew import Crew
from reconciler.engine.steps import Done
from reconciler.engine.values import Action, Change, Plan, Reason
from reconciler.errors import (
    CloudError,
    Conflict,
    Denied,
    ReconcilerError,
    Rejected,
    Stale,
    Trouble,
    trouble_of,
)
from reconciler.kinds.address import Address

WORKERS = 24


class Status(StrEnum):
    """What became of a change."""

    APPLIED = "applied"
    FAILED = "failed"
    SKIPPED = "skipped"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change."""

    change: Change
    status: Status
    error: str = ""
    refused: bool = False
    """Whether the service surely did nothing: it said no, and why."""
    trouble: Trouble | None = None
    """When it makes sense to try again, where something went wrong."""
    left: Reason | None = None
    """Why it was left as it is, although nothing failed."""
    request_id: str = ""
    seconds: float = 0.0


Listener = Callable[[Change, Status | None], None]
"""Told when a change begins (None) and what became of it."""


def apply_plan(
    plan: Plan,
    context: Context,
    *,
    listen: Listener = lambda _change, _status: None,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Outcome, ...]:
    """Make what is not held; once ``stopped``, finish what is in flight and no more."""
    todo = {change.address: change for change in plan.changes if not change.held}
    ids = {a: o.id for a, o in context.live.objects.items()}
    ids |= {c.address: c.live.id for c in todo.values() if c.live is not None}
    run = _Run(todo, ids, replace(context, ids=ids), listen)
    sorter = TopologicalSorter({a: [b for b in c.after if b in todo] for a, c in todo.items()})
    sorter.prepare()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="apply") as pool:
        crew = Crew(pool, run.context, listen)
        while sorter.is_active():
            for address in sorter.get_ready():
                if run.passes_over(address):
                    sorter.done(address)
                else:
                    crew.queue(todo[address])
            if stopped():
                sorter.done(*crew.drop())
            for change, result, seconds in crew.work():
                run.note(change, result, seconds)
                sorter.done(change.address)
    return tuple(run.outcome(change) for change in todo.values())


class _Run:
    """What is known while changes are made. Guards ids and outcomes: one thread writes them."""

    def __init__(
        self,
        todo: dict[Address, Change],
        ids: dict[Address, str],
        context: Context,
        listen: Listener,
    ) -> None:
        self.todo = todo
        self.ids = ids
        self.context = context
        self.listen = listen
        self.outcomes: dict[Address, Outcome] = {}
        self.came_along: set[Address] = set()

    def passes_over(self, address: Address) -> bool:
        """Settle what needs no request of its own: it came along, or what it needs failed."""
        change = self.todo[address]
        blocker = next((a for a in change.after if self._failed(a)), None)
        if blocker is not None:
            text = f"waits for {blocker}, which was not done"
            self._set(Outcome(change, Status.SKIPPED, text))
            return True
        if address in self.came_along and change.action is Action.CREATE:
            self._set(Outcome(change, Status.APPLIED))
            return True
        return False

    def _failed(self, address: Address) -> bool:
        outcome = self.outcomes.get(address)
        if outcome is None or outcome.left is Reason.OWNERSHIP:
            return False  # what counts as external is there, and can be referred to
        return outcome.status in (Status.FAILED, Status.SKIPPED)

    def note(self, change: Change, result: Done | Exception, seconds: float) -> None:
        if isinstance(result, Exception):
            self._set(_failed(change, result))
            return
        if result.id:
            self.ids[change.address] = result.id
        self.came_along |= result.children
        self._set(Outcome(change, Status.APPLIED, seconds=seconds))

    def _set(self, outcome: Outcome) -> None:
        self.outcomes[outcome.change.address] = outcome
        self.listen(outcome.change, outcome.status)

    def outcome(self, change: Change) -> Outcome:
        return self.outcomes.get(change.address) or Outcome(change, Status.PENDING, "interrupted")


def _failed(change: Change, error: Exception) -> Outcome:
    """Say what became of a change that ended in an error, and whose move is next."""
    failed = Outcome(change, Status.FAILED, str(error), trouble=trouble_of(error))
    skipped = replace(failed, status=Status.SKIPPED)
    match error:
        case Stale():
            text = f"held stale: {error}; plan again"
            return replace(skipped, error=text, left=Reason.STALE)
        case Denied() if change.action is Action.ADOPT:
            # A read-only backend (LDAP): it is nobody's, and stays so.
            text = f"its mark is refused, so it counts as external: {error}"
            return replace(skipped, error=text, left=Reason.OWNERSHIP)
        case CloudError():
            said_no = isinstance(error, (Conflict, Denied, Rejected))
            return replace(failed, refused=said_no, request_id=error.request_id)
        case ReconcilerError():
            return failed
        case _:  # a bug in one kind must not lose the report
            text = f"internal error, please report it: {type(error).__name__}: {error}"
            return replace(failed, error=text)


def failures(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Give what was not done although it should have been."""
    return [o for o in outcomes if o.status is not Status.APPLIED]
