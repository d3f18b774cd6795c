"""From calls to threads that make them: as many as a service may have requests out, and no more."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from reconciler.cloud.pace import MOST

T = TypeVar("T")


class Turns:
    """Guards the calls that wait for a service. A thread that only waits costs as much as one."""

    def __init__(self, width: Callable[[], int]) -> None:
        self._width = width
        self._pool = ThreadPoolExecutor(MOST)
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._busy = 0

    def submit(self, do: Callable[..., T], *words: object) -> Future[T]:
        """Have a call made in its turn."""
        promised: Future[T] = Future()
        with self._lock:
            self._waiting.append((promised, lambda: do(*words)))
            self._begin()
        return promised

    def shutdown(self) -> None:
        """Give up what was not begun, and wait for the rest."""
        with self._lock:
            while self._waiting:
                self._waiting.popleft()[0].cancel()
        self._pool.shutdown()

    @property
    def _has_next(self) -> bool:
        """Whether a call waits, and there is room for it; who asks holds the lock."""
        # One more stands by: a request's place is not empty while its answer is decoded.
        return bool(self._waiting) and self._busy < min(MOST, self._width() + 1)

    def _begin(self) -> None:
        while self._has_next:
            self._busy += 1
            try:
                self._pool.submit(self._go_on, *self._waiting.popleft())
            except RuntimeError:  # no thread can be started; the pool has noted the call
                if self._busy == 1:
                    self._busy = 0
                    raise
                # It is made by another thread as soon as that has done with its own.

    def _go_on(self, promised: Future[Any], do: Callable[[], Any]) -> None:
        """Make a call, and the next ones after it."""
        while True:
            if promised.set_running_or_notify_cancel():
                try:
                    promised.set_result(do())
                except BaseException as error:  # noqa: BLE001 - whoever waits for it is told
                    promised.set_exception(error)
            with self._lock:
                self._busy -= 1
                if not self._has_next:
                    return
                self._busy += 1
                promised, do = self._waiting.popleft()
                self._begin()
