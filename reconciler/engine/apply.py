"""From a plan to outcomes: in parallel, in order, a failure stopping only what waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from enum import StrEnum
from graphlib import TopologicalSorter

from reconciler.engine.bodies import Context
from reconciler.engine.steps import Done, perform
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

WORKERS = 12


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


@dataclass(frozen=True, slots=True)
class _Timed:
    done: Done
    seconds: float


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
        waiting: dict[Future[_Timed], Address] = {}
        ready: list[Address] = []
        while sorter.is_active():
            ready += sorter.get_ready()
            busy = {_turn(todo[address]) for address in waiting.values()}
            later: list[Address] = []
            for address in ready:
                if _turn(todo[address]) in busy:
                    later.append(address)
                    continue
                if stopped() or run.passes_over(address):
                    sorter.done(address)
                    continue
                listen(todo[address], None)
                busy.add(_turn(todo[address]))
                waiting[pool.submit(_timed, todo[address], run.context)] = address
            ready = later
            if not waiting:
                continue
            finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                address = waiting.pop(future)
                run.note(address, future)
                sorter.done(address)
    return tuple(run.outcome(change) for change in todo.values())


def _turn(change: Change) -> Address:
    """Give the object of which only one thing may be changed at a time."""
    return change.parent if change.kind.in_turn else change.address


def _timed(change: Change, context: Context) -> _Timed:
    started = time.monotonic()
    return _Timed(perform(change, context), time.monotonic() - started)


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

    def note(self, address: Address, future: Future[_Timed]) -> None:
        change = self.todo[address]
        try:
            timed = future.result()
        except Stale as error:
            text = f"held stale: {error}; plan again"
            outcome = Outcome(change, Status.SKIPPED, text, left=Reason.STALE)
            self._set(replace(outcome, trouble=trouble_of(error)))
        except CloudError as error:
            if isinstance(error, Denied) and change.action is Action.ADOPT:
                # A read-only backend (LDAP): it is nobody's, and stays so.
                text = f"its mark is refused, so it counts as external: {error}"
                outcome = Outcome(change, Status.SKIPPED, text, left=Reason.OWNERSHIP)
                self._set(replace(outcome, trouble=trouble_of(error)))
                return
            said_no = isinstance(error, (Conflict, Denied, Rejected))
            outcome = Outcome(change, Status.FAILED, str(error), refused=said_no)
            outcome = replace(outcome, trouble=trouble_of(error))
            self._set(replace(outcome, request_id=error.request_id))
        except ReconcilerError as error:
            self._set(Outcome(change, Status.FAILED, str(error), trouble=trouble_of(error)))
        except Exception as error:  # noqa: BLE001 - a bug in one kind must not lose the report
            text = f"internal error, please report it: {type(error).__name__}: {error}"
            self._set(Outcome(change, Status.FAILED, text, trouble=trouble_of(error)))
        else:
            if timed.done.id:
                self.ids[address] = timed.done.id
            self.came_along |= timed.done.children
            self._set(Outcome(change, Status.APPLIED, seconds=timed.seconds))

    def _set(self, outcome: Outcome) -> None:
        self.outcomes[outcome.change.address] = outcome
        self.listen(outcome.change, outcome.status)

    def outcome(self, change: Change) -> Outcome:
        return self.outcomes.get(change.address) or Outcome(change, Status.PENDING, "interrupted")


def failures(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Give what was not done although it should have been."""
    return [o for o in outcomes if o.status is not Status.APPLIED]
