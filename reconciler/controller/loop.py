"""The loop of one cloud: it waits for a wake-up, walks the line, and tells. Nothing ends it."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler import log
from reconciler.cloud.session import Answer
from reconciler.controller.course import Course, Walked
from reconciler.controller.gate import opens
from reconciler.controller.status import CloudStatus, Pause, Scope, SourceStatus, Trigger
from reconciler.controller.tell import Asked, Occasion, tell, tell_plan
from reconciler.controller.wakeups import Wakeups
from reconciler.controller.walk import walk
from reconciler.errors import trouble_of
from reconciler.hide import hide
from reconciler.state.values import Desired

FIRST_DELAY, LONGEST_DELAY = 5.0, 900.0
"""Seconds after what may work by itself, doubled with every further time, and never more."""
DOUBLINGS = 8
JITTER = 0.1
"""By which part an interval is longer or shorter, so that controllers do not march in step."""
MARGIN = 1.0
"""Seconds after the end of a pause at which it is surely over."""
RUN_DEADLINE = 900.0
"""Seconds between two signs of life of a run, such as a change or a listing that has ended."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a loop tells, and asks."""

    publish: Callable[[CloudStatus], None]
    beat: Callable[[str, float], None]
    """Told when the loop will have said again that it is alive."""
    pauses: Callable[[str], tuple[Pause, ...]]
    counted: Callable[[str], int] = lambda _cloud: 0
    """Gives the number of the newest run in the history."""
    keep: Callable[[CloudStatus], None] = lambda _status: None
    """Keeps a run that ended in the history."""
    clock: Callable[[], float] = time.time
    chance: Callable[[], float] = field(default=random.random)


class Requests:
    """Guards the requests that were answered since somebody last took them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[Asked] = []

    def note(self, answer: Answer) -> None:
        with self._lock:
            self._asked.append(Asked(answer, answer.seconds))

    def take(self) -> list[Asked]:
        with self._lock:
            found, self._asked = self._asked, []
        return found


class Loop:
    """Guards what lasts between the runs of one cloud. Only its own thread runs it."""

    def __init__(
        self,
        course: Course,
        first: CloudStatus,
        wakeups: Wakeups,
        around: Surroundings,
        requests: Requests,
    ) -> None:
        self.course = course
        self.status = first
        self.wakeups = wakeups
        self.around = around
        self.requests = requests
        self.good: Desired | None = None
        """The last state that could be read whole: in force whatever happens to the next."""

    def run(self) -> None:
        """Walk again and again, until it is time to stop."""
        trigger: Trigger | None = Trigger.INTERVAL
        while not self.wakeups.stopped:
            delay, next_trigger = self.status.interval, Trigger.RETRY
            try:
                if trigger is not None:
                    self.once(trigger)
                delay, next_trigger = self.pause_after()
                delay = min(delay, self._first_end())
            except Exception as error:  # noqa: BLE001 - nothing ends the loop
                log.event(logging.ERROR, "run untold", error=_words_of(error))
            self._beat(2 * delay + 60)
            found = self.wakeups.wait(self.course.cloud, delay)
            trigger = found or next_trigger

    def once(self, trigger: Trigger) -> CloudStatus:
        """Walk the line once, and tell; a bug in it is told like any other failure."""
        self._beat(RUN_DEADLINE)
        source = self.status.source
        pauses = self._pauses()
        if pauses != self.status.pauses:
            self._tell(replace(self.status, pauses=pauses))
        last = self.status.run
        number = 1 + (last.number if last else self.around.counted(self.course.cloud))
        occasion = Occasion(
            last, number, trigger, pauses, self.course.kinds, self.course.settings
        )  # fmt: skip
        log.event(logging.INFO, "run began", cloud=self.course.cloud, trigger=trigger.value)

        def planned(walked: Walked) -> None:
            self._tell(tell_plan(self.status, walked, occasion, self.around.clock()))

        try:
            walked = walk(self._lively(pauses), source, self.good, occasion.pauses, planned)
        except Exception as error:  # noqa: BLE001 - nothing ends the loop
            log.event(logging.ERROR, "run broke", error=_words_of(error))
            walked = Walked(source, self.around.clock())
            walked.error = f"internal error: {_words_of(error)}"
            walked.troubles = frozenset({trouble_of(error)})
        self.good = walked.desired or self.good
        now, occasion = self.around.clock(), replace(occasion, pauses=self._pauses())
        self._tell(tell(self.status, walked, occasion, now, self.requests.take()))
        self.around.keep(self.status)
        _log_end(self.status, walked)
        return self.status

    def _lively(self, pauses: tuple[Pause, ...]) -> Course:
        """Give the course with what is looked at while a run goes on.

        Whoever pauses the whole cloud ends an apply after what is in flight, and so does the end of
        the last open window.
        """
        course = self.course
        # What holds from the beginning holds changes back, and ends nothing.
        free, inside = not _is_paused(pauses), not self._is_closed()
        return replace(
            course, alive=lambda: self._beat(RUN_DEADLINE),
            paused=lambda: (
                (free and _is_paused(self._pauses())) or (inside and self._is_closed())
            ),
        )  # fmt: skip

    def _is_closed(self) -> bool:
        return bool(opens(self.course.settings.windows, self.around.clock()))

    def _pauses(self) -> tuple[Pause, ...]:
        """Give the pauses that are not over."""
        now = self.around.clock()
        every = self.around.pauses(self.course.cloud)
        return tuple(pause for pause in every if pause.until is None or pause.until > now)

    def _tell(self, status: CloudStatus) -> None:
        self.status = status
        self.around.publish(status)

    def pause_after(self) -> tuple[float, Trigger]:
        """Say how long to wait, and what the next run is then told as.

        What the cloud refuses it refuses again until the state, the cloud or our rights are others:
        that has time until the next interval.
        """
        status = self.status
        if status.tries:
            # Who cannot look asks no more often than a loop that is well; who can still looks.
            most = status.interval * (2 if status.failures else 1)
            grown = FIRST_DELAY * 2 ** min(status.tries - 1, DOUBLINGS)
            delay = min(most, LONGEST_DELAY, grown) * (0.5 + self.around.chance() / 2)
            return delay, Trigger.RETRY
        spread = 1 + JITTER * (2 * self.around.chance() - 1)
        return status.interval * spread, Trigger.INTERVAL

    def _first_end(self) -> float:
        """Give the seconds until the first pause is over: what it held is to be done then."""
        now = self.around.clock()
        ends = [pause.until - now for pause in self.status.pauses if pause.until is not None]
        return max(0.0, min(ends, default=math.inf)) + MARGIN

    def _beat(self, seconds: float) -> None:
        """Say that the loop is alive, and will have said so again within this time."""
        self.around.beat(self.course.cloud, self.around.clock() + seconds)


def _words_of(error: Exception) -> str:
    """Give what a bug says, of which nobody knows what it repeats."""
    return hide(f"{type(error).__name__}: {error}", ())


def _is_paused(pauses: tuple[Pause, ...]) -> bool:
    return any(pause.scope is Scope.CLOUD for pause in pauses)


def _log_end(status: CloudStatus, walked: Walked) -> None:
    run = status.run
    assert run is not None  # it just ended
    level = logging.WARNING if walked.error else logging.INFO
    log.event(
        level, "run ended", cloud=status.cloud, result=walked.result.value,
        revision=run.revision[:7], plan=run.plan_id, error=walked.error or "none",
        seconds=(run.finished or run.started) - run.started,
    )  # fmt: skip


def first_status(course: Course, branch: str, source: SourceStatus, interval: float) -> CloudStatus:
    """Give what is known before the first run."""
    settings = course.settings
    return CloudStatus(
        course.cloud, course.owner, settings.mode, branch, interval, settings.apply_commits,
        settings.heal, source,
    )  # fmt: skip
