"""From answers to how many requests a service has of us at once: as many as it is quicker for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

START = 4
"""Requests at once after the first answer: on small clouds more were no faster, 30 were slower."""
LEAST, MOST = 1, 16
STEP = 2
WINDOW = 6
"""Answers that a rate is taken from, for each request that is out at once."""
WORTH = 1.15
"""How many times quicker more requests at once must be, to be worth their burden."""
TIRED = 0.6
"""The part of its earlier rate at which a service has other things to do: then it has fewer."""
SILENT = 4
"""Requests in a row without any answer after which a service is left alone for a while."""
PAUSE = 30.0
"""Seconds for which it is: each of those requests took as long as clouds.yaml allows, or thrice."""
REST = 10
"""Windows until more are tried again after that was in vain."""


class Pace:
    """Guards how many requests are out. Begins with one, so that one log-in serves the others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free = threading.Condition()
        self._out = 0
        self._limit = LEAST
        self._known = False
        self._kept = START
        self._rate = 0.0
        self._rest = 0
        self._lost = 0
        self._until = 0.0
        self._began = clock()
        self._answers = 0
        self._full = 0

    @property
    def limit(self) -> int:
        """Give how many may be out now."""
        return self._limit

    @property
    def width(self) -> int:
        """Give how many may be out as soon as the first is answered."""
        return self._limit if self._known else START

    def __enter__(self) -> Self:
        """Wait until one more may go out."""
        with self._free:
            while self._out >= self._limit:
                self._free.wait()
            self._out += 1
            self._full += self._out >= self._limit
        return self

    def __exit__(self, *_: object) -> None:
        """Note that one is answered, or lost."""
        with self._free:
            self._out -= 1
            self._answers += 1
            if not self._known:
                self._known = True
                self._use(START)
            elif self._answers >= WINDOW * self._limit:
                self._judge()
            self._free.notify(max(0, self._limit - self._out))  # waking all costs all of us

    @property
    def is_silent(self) -> bool:
        """Whether the service gave no answer so often that nothing should be asked of it now."""
        return self._lost >= SILENT and self._clock() < self._until

    def answered(self) -> None:
        """Note that the service said something, whatever it was."""
        self._lost = 0

    def lost(self) -> None:
        """Note that a request got no answer."""
        with self._free:
            self._lost += 1
            self._until = self._clock() + PAUSE

    def throttled(self) -> None:
        """Take half, for the service asked for less."""
        with self._free:
            self._kept, self._known = max(LEAST, self._limit // 2), True
            self._rate, self._rest = 0.0, REST
            self._use(self._kept)

    def _judge(self) -> None:
        """Compare the rate of this window with what was kept before, and go up, back or down."""
        rate = self._answers / max(self._clock() - self._began, 1e-9)
        if self._full * 2 < self._answers:
            self._use(self._limit)  # there was too little to do to tell anything
        elif self._limit > self._kept:
            self._judge_more(rate)
        elif self._rate and rate < TIRED * self._rate:
            self._kept = max(START // 2, self._kept - 1)
            self._rate, self._rest = rate, REST
            self._use(self._kept)
        else:
            self._rate = max(self._rate, rate)
            self._rest -= 1
            self._use(min(MOST, self._kept + STEP) if self._rest < 0 else self._kept)

    def _judge_more(self, rate: float) -> None:
        if rate >= WORTH * self._rate:
            self._kept, self._rate = self._limit, rate
            self._use(min(MOST, self._kept + STEP))
        else:
            self._rest = REST
            self._use(self._kept)

    def _use(self, limit: int) -> None:
        self._limit = limit
        self._began, self._answers, self._full = self._clock(), 0, 0
