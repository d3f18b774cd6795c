"""From changes that may be made now to those under way: some at each service, alike together."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from reconciler.engine.bodies import Context
from reconciler.engine.steps import Done, perform
from reconciler.engine.together import MOST, Half, Result, make_together, shares_with
from reconciler.engine.values import Change
from reconciler.kinds.address import Address

SHARE = 4
"""Requests that alike creates are dealt out to, before they share one: services have workers."""

Begin = Callable[[Change, None], None]
_Key = tuple[str, Address]


class Crew:
    """Guards what is queued and what is under way; only the thread that asks it touches these."""

    def __init__(self, pool: ThreadPoolExecutor, context: Context, begin: Begin) -> None:
        self._pool = pool
        self._context = context
        self._begin = begin
        self._queues: dict[str, deque[Change]] = {}
        self._alike: dict[_Key, dict[Address, Change]] = {}
        self._queued: set[Address] = set()
        self._flying: dict[Future[list[Result]], tuple[tuple[Change, ...], _Key | None]] = {}
        self._at: Counter[str] = Counter()
        self._sharing: Counter[_Key] = Counter()
        self._turns: set[Address] = set()
        self._began: dict[Address, float] = {}

    def queue(self, change: Change) -> None:
        """Take a change on that waits for no other one."""
        self._queues.setdefault(change.kind.service, deque()).append(change)
        self._queued.add(change.address)
        key = shares_with(change)
        if key is not None:
            self._alike.setdefault(key, {})[change.address] = change

    def drop(self) -> list[Address]:
        """Forget what has not begun, and name it."""
        left = sorted(self._queued)
        self._queues.clear()
        self._alike.clear()
        self._queued.clear()
        return left

    def work(self) -> Iterator[tuple[Change, Done | Exception, float]]:
        """Begin what can be, wait until something is done, and give that, with its seconds."""
        for service, queue in self._queues.items():
            self._send_out(service, queue)
        if not self._flying:
            return
        finished, _ = wait(self._flying, return_when=FIRST_COMPLETED)
        for future in finished:
            changes, key = self._flying.pop(future)
            self._at[changes[0].kind.service] -= 1
            if key is not None:
                self._sharing[key] -= len(changes)
            for change, result in zip(changes, future.result(), strict=True):
                if isinstance(result, Half):
                    self._fly((change,), None, _one, result.rest)
                    continue
                self._turns.discard(_turn(change))
                seconds = time.monotonic() - self._began.pop(change.address)
                yield change, result, seconds

    def _send_out(self, service: str, queue: deque[Change]) -> None:
        waiting: list[Change] = []
        while queue and self._at[service] < self._context.width(service):
            change = queue.popleft()
            if change.address not in self._queued:
                continue  # it went with another one
            if _turn(change) in self._turns:
                waiting.append(change)
                continue
            key = shares_with(change)
            changes = self._with_alike(change, key)
            for one in changes:
                self._queued.discard(one.address)
                self._turns.add(_turn(one))
                self._began[one.address] = time.monotonic()
                self._begin(one, None)
            if len(changes) == 1:
                self._fly(changes, key, _one, _performing(change, self._context))
            else:
                self._fly(changes, key, make_together, changes, self._context)
        queue.extendleft(reversed(waiting))

    def _with_alike(self, change: Change, key: _Key | None) -> tuple[Change, ...]:
        """Give the change and those that share a request with it, and have not begun either."""
        if key is None:
            return (change,)
        alike = self._alike[key]
        beside = change.kind.create is not None and change.kind.create.beside
        everyone = len(alike) + self._sharing[key]
        share = MOST if beside else min(MOST, -(-everyone // SHARE))
        chosen = list(alike.values())[:share]
        for one in chosen:
            del alike[one.address]
        self._sharing[key] += len(chosen)
        return tuple(chosen)

    def _fly(
        self,
        changes: tuple[Change, ...],
        key: _Key | None,
        do: Callable[..., list[Result]],
        *to: object,
    ) -> None:
        self._flying[self._pool.submit(do, *to)] = changes, key
        self._at[changes[0].kind.service] += 1


def _turn(change: Change) -> Address:
    """Give the object of which only one thing may be changed at a time."""
    return change.parent if change.kind.in_turn else change.address


def _performing(change: Change, context: Context) -> Callable[[], Done]:
    return lambda: perform(change, context)


def _one(do: Callable[[], Done]) -> list[Result]:
    try:
        return [do()]
    except Exception as error:  # noqa: BLE001 - it is an outcome: whose, the caller says
        return [error]
