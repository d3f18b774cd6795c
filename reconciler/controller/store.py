"""What the controller keeps for people: runs, what they did, and pauses. SQLite; may be lost."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from reconciler import log
from reconciler.chronicle import set_aside
from reconciler.controller.history import event_form
from reconciler.controller.status import Event, Pause, Scope
from reconciler.kinds.values import Json

KEPT = 1000
"""Runs that are kept of each cloud, and events."""
LARGEST = 8 << 20
"""Characters of runs that are kept of each cloud: one that fails in bulk tells a lot."""
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    cloud TEXT NOT NULL, number INTEGER NOT NULL, started REAL NOT NULL, told TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS runs_of ON runs (cloud, started);
CREATE TABLE IF NOT EXISTS events (cloud TEXT NOT NULL, at REAL NOT NULL, told TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_of ON events (cloud, at);
CREATE TABLE IF NOT EXISTS pauses (
    cloud TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL,
    by TEXT NOT NULL, since REAL NOT NULL, until REAL, PRIMARY KEY (cloud, scope, name));
"""
_FORGET_RUNS = """
DELETE FROM runs WHERE rowid IN (SELECT rowid FROM (
    SELECT rowid, row_number() OVER newest AS place, sum(length(told)) OVER newest AS size
    FROM runs WHERE cloud = ? WINDOW newest AS (ORDER BY started DESC, rowid DESC)
) WHERE place > ? OR size > ?)
"""
_FORGET_EVENTS = """
DELETE FROM events WHERE rowid IN (
    SELECT rowid FROM events WHERE cloud = ? ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?)
"""
T = TypeVar("T")


class Store:
    """Guards the file: one thread at a time. A run is never held up by what goes wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Pause, ...]] = {}

    def keep(self, cloud: str, number: int, started: float, told: Json) -> None:
        """Keep what is told of a run that ended."""

        def write(database: sqlite3.Connection) -> None:
            row = (cloud, number, started, json.dumps(told, separators=(",", ":")))
            database.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", row)
            database.execute(_FORGET_RUNS, (cloud, KEPT, LARGEST))

        self._with(write, None)

    def note(self, cloud: str, event: Event) -> None:
        """Keep what somebody did by hand."""

        def write(database: sqlite3.Connection) -> None:
            row = (cloud, event.at, json.dumps(event_form(event), separators=(",", ":")))
            database.execute("INSERT INTO events VALUES (?, ?, ?)", row)
            database.execute(_FORGET_EVENTS, (cloud, KEPT))

        self._with(write, None)

    def runs(self, cloud: str, count: int) -> list[Json]:
        """Give the newest runs, the newest first."""
        return self._told("runs WHERE cloud = ? ORDER BY started DESC LIMIT ?", cloud, count)

    def run(self, cloud: str, number: int) -> list[Json]:
        """Give the newest run of a number, if there is one."""
        words = "runs WHERE cloud = ? AND number = ? ORDER BY started DESC LIMIT 1"
        return self._told(words, cloud, number)

    def events(self, cloud: str, count: int) -> list[Json]:
        """Give what people did last, the newest first."""
        return self._told("events WHERE cloud = ? ORDER BY at DESC LIMIT ?", cloud, count)

    def _told(self, words: str, *values: str | int) -> list[Json]:
        def read(database: sqlite3.Connection) -> list[Json]:
            rows = database.execute(f"SELECT told FROM {words}", values)  # noqa: S608 - our own words
            return [json.loads(told) for (told,) in rows]

        return self._with(read, [])

    def counted(self, cloud: str) -> int:
        """Give the largest number that a run has; 0: none is kept."""

        def read(database: sqlite3.Connection) -> int:
            found = database.execute("SELECT max(number) FROM runs WHERE cloud = ?", (cloud,))
            return found.fetchone()[0] or 0

        return self._with(read, 0)

    def pauses(self, cloud: str) -> tuple[Pause, ...]:
        """Give the pauses of a cloud, those that are over too; the last known, if none can be had.

        A file that breaks must not end what somebody wanted to be left alone.
        """
        self._noting(cloud, lambda _database: True)
        return self._known.get(cloud, ())

    def pause(self, cloud: str, pause: Pause) -> bool:
        """Note a pause, and forget those that are over; False: it could not be."""

        def write(database: sqlite3.Connection) -> bool:
            database.execute("DELETE FROM pauses WHERE until <= ?", (pause.since,))
            _insert(database, cloud, pause)
            return True

        return self._noting(cloud, write)

    def resume(self, cloud: str, scope: Scope, name: str) -> bool:
        """End a pause; False: there was none."""

        def write(database: sqlite3.Connection) -> bool:
            done = database.execute(
                "DELETE FROM pauses WHERE cloud = ? AND scope = ? AND name = ?",
                (cloud, scope.value, name),
            )
            return done.rowcount > 0

        return self._noting(cloud, write)

    def _noting(self, cloud: str, work: Callable[[sqlite3.Connection], bool]) -> bool:
        """Do something and know from then on which pauses there are, should the file break."""

        def both(database: sqlite3.Connection) -> tuple[bool, tuple[Pause, ...]]:
            return work(database), _pauses_of(database, cloud)

        def note(found: tuple[bool, tuple[Pause, ...]]) -> None:
            self._known[cloud] = found[1]

        nothing: tuple[bool, tuple[Pause, ...]] = (False, ())
        return self._with(both, nothing, note)[0]

    def _with(
        self,
        work: Callable[[sqlite3.Connection], T],
        otherwise: T,
        note: Callable[[T], None] = lambda _found: None,
    ) -> T:
        """Do something in one transaction; ``note`` is told once it is kept, and nobody between."""
        try:
            with self._lock:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with closing(sqlite3.connect(self.path, timeout=5)) as database:
                    with database:
                        database.executescript(_TABLES)
                        found = work(database)
                    note(found)
                    return found
        except (sqlite3.Error, OSError, ValueError) as error:
            log.event(logging.WARNING, "store unusable", path=self.path, error=error)
            if set_aside(self.path, error):
                self._begin_anew()
            return otherwise

    def _begin_anew(self) -> None:
        """Write into a new file which pauses there were."""

        def write(database: sqlite3.Connection) -> None:
            for cloud, pauses in self._known.items():
                for pause in pauses:
                    _insert(database, cloud, pause)

        self._with(write, None)


def _insert(database: sqlite3.Connection, cloud: str, pause: Pause) -> None:
    row = (pause.scope.value, pause.name, pause.reason, pause.by, pause.since, pause.until)
    database.execute("INSERT OR REPLACE INTO pauses VALUES (?,?,?,?,?,?,?)", (cloud, *row))


def _pauses_of(database: sqlite3.Connection, cloud: str) -> tuple[Pause, ...]:
    rows = database.execute(
        "SELECT scope, name, reason, by, since, until FROM pauses WHERE cloud = ? ORDER BY since",
        (cloud,),
    )
    return tuple(Pause(Scope(scope), *rest) for scope, *rest in rows)
