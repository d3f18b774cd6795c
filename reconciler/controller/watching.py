"""Hints that a local repository has changed. Only hints: the interval finds what they miss."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from reconciler import log
from reconciler.controller.status import Trigger
from reconciler.state.source import branches_of

DEBOUNCE = 1.0
"""Seconds of quiet after which a change counts: one commit writes many files."""
MEANT = frozenset({"created", "modified", "moved", "deleted"})
"""Reading a file is told too, and would wake us for our own reading."""


class _Handler(FileSystemEventHandler):
    """Guards the timer that a change sets going anew."""

    def __init__(self, wake: Callable[[Trigger], None]) -> None:
        self._wake = wake
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in MEANT:
            return
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(DEBOUNCE, self._wake, args=(Trigger.COMMIT,))
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()


@contextmanager
def watching(repository: str, wake: Callable[[Trigger], None]) -> Iterator[None]:
    """Wake the loops when the branches of a repository move; without one, do nothing."""
    folder = branches_of(Path(repository)) if repository else None
    if folder is None:
        yield
        return
    handler, observer = _Handler(wake), Observer()
    observer.schedule(handler, str(folder), recursive=True)
    try:
        observer.start()
    except OSError as error:
        # The kernel watches only so much for a user; others may have used that up.
        why = error.strerror or error
        log.event(logging.WARNING, "repository not watched", folder=folder, error=why)
        yield
        return
    try:
        yield
    finally:
        observer.stop()
        observer.join()
        handler.stop()
