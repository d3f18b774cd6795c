"""From settings to loops that run, a server that answers, and an orderly end."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import FrameType

import waitress

from reconciler import __version__, log
from reconciler.controller.course import Course
from reconciler.controller.history import past_form
from reconciler.controller.loop import Loop, Requests, Surroundings, first_status
from reconciler.controller.metrics import Metrics
from reconciler.controller.server import Doors, make_app
from reconciler.controller.status import (
    CloudStatus,
    ControllerStatus,
    Deed,
    Event,
    SourceStatus,
    Trigger,
)
from reconciler.controller.store import Store
from reconciler.controller.wakeups import Wakeups
from reconciler.controller.watching import watching
from reconciler.errors import ReconcilerError

TICK = 0.5
THREADS = 4


@dataclass(frozen=True, slots=True)
class Plans:
    """What a controller is made of."""

    courses: Mapping[str, Course]
    requests: Mapping[str, Requests]
    branch: str
    interval: float
    store: Store
    token: str = ""
    hook_secret: bytes = b""
    watched: str = ""
    """A local repository, of which every change wakes the loops."""
    names: bool = False
    """Whether the metrics name objects."""


class ListenError(ReconcilerError):
    """The address to answer on is another's, or nobody's."""


class Controller:
    """Guards the newest status of every cloud; the loops write their own, everybody reads."""

    def __init__(self, plans: Plans) -> None:
        self.plans = plans
        self.wakeups = Wakeups(plans.courses)
        self.metrics = Metrics(names=plans.names, queued=self.wakeups.count)
        self._lock = threading.Lock()
        self._status = ControllerStatus(__version__, time.time())
        self.loops = {
            name: Loop(self._course(course), self._first(course), self.wakeups, self._around(),
                       plans.requests[name])
            for name, course in plans.courses.items()
        }  # fmt: skip
        for loop in self.loops.values():
            self._publish(loop.status)

    def _course(self, course: Course) -> Course:
        return replace(course, stopped=lambda: self.wakeups.stopped)

    def _first(self, course: Course) -> CloudStatus:
        source = SourceStatus("", self.plans.branch)
        return first_status(course, self.plans.branch, source, self.plans.interval)

    def _around(self) -> Surroundings:
        return Surroundings(
            publish=self._publish, beat=self._beat, pauses=self.plans.store.pauses,
            counted=self.plans.store.counted, keep=self._keep,
        )  # fmt: skip

    def _kinds(self) -> frozenset[str]:
        return frozenset(kind.name for one in self.plans.courses.values() for kind in one.kinds)

    @property
    def status(self) -> ControllerStatus:
        """Give what is known now."""
        with self._lock:
            return replace(self._status, queued=self.wakeups.count())

    def _publish(self, status: CloudStatus) -> None:
        with self._lock:
            clouds = {**self._status.clouds, status.cloud: status}
            self._status = replace(self._status, clouds=clouds)
            # Within the lock: else one loop could put back what another has just replaced.
            self.metrics.publish(self._status)

    def _beat(self, cloud: str, until: float) -> None:
        with self._lock:
            beats = {**self._status.beats, cloud: time.time()}
            deadlines = {**self._status.deadlines, cloud: until}
            self._status = replace(self._status, beats=beats, deadlines=deadlines)

    def _keep(self, status: CloudStatus) -> None:
        run = status.run
        if run is None:
            return
        self.plans.store.keep(status.cloud, run.number, run.started, past_form(run))
        if run.approved_by:
            at = run.finished or run.started
            approved = Event(at, Deed.APPROVED, run.approved_by, plan_id=run.plan_id)
            self.plans.store.note(status.cloud, approved)

    def _hung_up(self) -> None:
        for name in self.loops:
            self.plans.store.note(name, Event(time.time(), Deed.WOKEN, "", "SIGHUP"))
        self.wakeups.add_all(Trigger.MANUAL)

    def once(self) -> None:
        """Run every loop one time."""
        for loop in self.loops.values():
            loop.once(Trigger.MANUAL)

    def serve(self, host: str, port: int, ready: Callable[[int], None]) -> None:
        """Run the loops and answer requests, until a signal says that it is time to stop.

        Raises:
            ListenError: there is nothing to listen on; no loop was begun.

        """
        doors = Doors(
            lambda: self.status, self.metrics.exposition, self.wakeups.add, self.plans.store,
            self.plans.token, self.plans.hook_secret, self._kinds(),
            lambda name: self.loops[name].good,
        )  # fmt: skip
        sockets = _bind(host, port)
        found = int(sockets[0].getsockname()[1])
        server = waitress.create_server(
            make_app(doors), sockets=sockets, threads=THREADS, ident=None,
            max_request_body_size=2 << 20, channel_timeout=30, clear_untrusted_proxy_headers=True,
        )  # fmt: skip
        threads = [
            threading.Thread(target=loop.run, name=f"loop {name}", daemon=True)
            for name, loop in self.loops.items()
        ]
        answering = threading.Thread(target=server.run, name="http", daemon=True)
        with ExitStack() as stack:
            stack.enter_context(watching(self.plans.watched, self.wakeups.add_all))
            stack.enter_context(_signals(self.wakeups.stop, self._hung_up))
            answering.start()
            for thread in threads:
                thread.start()
            ready(found)
            while any(thread.is_alive() for thread in threads):
                for thread in threads:
                    thread.join(TICK)
        server.close()
        server.task_dispatcher.shutdown()
        answering.join(TICK)
        log.event(logging.INFO, "stopped")


def _bind(host: str, port: int) -> list[socket.socket]:
    """Take the address to answer on: one socket for each that the name has, as localhost often has.

    Raises:
        ListenError: it cannot be had.

    """
    with ExitStack() as stack:
        try:
            found = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )  # fmt: skip
            every = [
                stack.enter_context(socket.create_server(place, family=family))
                for family, _, _, _, place in found
            ]
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", "") or error
            raise ListenError(f"cannot listen on {host}:{port}: {reason}") from error
        stack.pop_all()
    return every


@contextmanager
def _signals(stop: Callable[[], None], look: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT end it after what is in flight; SIGHUP has every loop look now."""

    def on_end(_number: int, _frame: FrameType | None) -> None:
        # In a thread of its own: a handler must not wait for a lock that its thread may hold.
        threading.Thread(target=stop, daemon=True).start()

    def on_hangup(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=look, daemon=True).start()

    handlers = {signal.SIGTERM: on_end, signal.SIGINT: on_end, signal.SIGHUP: on_hangup}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
