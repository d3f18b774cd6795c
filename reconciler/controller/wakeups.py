"""From anything that might mean work to one pending wake-up a cloud: they merge, never overlap."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from reconciler.controller.status import Trigger

URGENCY = (Trigger.MANUAL, Trigger.WEBHOOK, Trigger.COMMIT, Trigger.RETRY, Trigger.INTERVAL)
"""Which trigger a merged wake-up is told as: the first of these."""


class Wakeups:
    """Guards which clouds have a wake-up waiting. Waking is cheap, safe from any thread."""

    def __init__(self, clouds: Iterable[str]) -> None:
        self._change = threading.Condition()
        self._waiting: dict[str, set[Trigger]] = {cloud: set() for cloud in clouds}
        self._stopped = False

    def add(self, cloud: str, trigger: Trigger) -> None:
        """Have the loop of a cloud look again as soon as it can."""
        with self._change:
            if cloud in self._waiting:
                self._waiting[cloud].add(trigger)
                self._change.notify_all()

    def add_all(self, trigger: Trigger) -> None:
        for cloud in self._waiting:
            self.add(cloud, trigger)

    def wait(self, cloud: str, seconds: float) -> Trigger | None:
        """Wait for a wake-up, so long at most; None: none came, or it is time to stop."""
        with self._change:
            self._change.wait_for(lambda: self._stopped or bool(self._waiting[cloud]), seconds)
            found = self._waiting[cloud]
            self._waiting[cloud] = set()
        return next((trigger for trigger in URGENCY if trigger in found), None)

    def stop(self) -> None:
        """End every wait, now and from now on."""
        with self._change:
            self._stopped = True
            self._change.notify_all()

    @property
    def stopped(self) -> bool:
        return self._stopped

    def count(self) -> int:
        """Count the clouds that have something waiting."""
        with self._change:
            return sum(bool(found) for found in self._waiting.values())


Wake = Callable[[str, Trigger], None]
