"""What only tells: since when a difference is seen, and how often it was corrected.

It lies in SQLite beside the one who runs this, and may be lost: no delete hangs on what it says.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reconciler import log
from reconciler.engine.values import Action, Cause, Change

FLAPS, WITHIN = 3, 6 * 3600.0
"""So many corrections of the same difference, within so many seconds, are a quarrel."""

BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_TABLES = """
CREATE TABLE IF NOT EXISTS differences (
    address TEXT PRIMARY KEY, digest TEXT NOT NULL, since REAL NOT NULL);
CREATE TABLE IF NOT EXISTS corrections (
    address TEXT NOT NULL, digest TEXT NOT NULL, at REAL NOT NULL);
"""
T = TypeVar("T")


def chronicle_path(cloud: str, owner: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Say where the chronicle of a cloud and an owner lies."""
    home = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = environ.get("RECONCILER_STATE_DIRECTORY") or str(Path(home) / "reconciler")
    word = re.sub(r"[^A-Za-z0-9.-]", "_", f"{cloud}-{owner}")
    return Path(folder) / f"{word}.sqlite3"


@dataclass(frozen=True, slots=True)
class Chronicle:
    """The file that it is written in. Whatever goes wrong with it is noted, and no more."""

    path: Path

    def seen(self, changes: Iterable[Change], now: float) -> Mapping[str, float]:
        """Note what differs now, forget what does not, and say since when each is seen."""
        found = {str(c.address): digest_of(c) for c in changes if is_drift(c)}

        def write(database: sqlite3.Connection) -> dict[str, float]:
            rows = database.execute("SELECT address, digest, since FROM differences")
            since = {address: at for address, digest, at in rows if found.get(address) == digest}
            every = {address: since.get(address, now) for address in found}
            database.execute("DELETE FROM differences")
            database.executemany(
                "INSERT INTO differences VALUES (?, ?, ?)",
                [(address, found[address], at) for address, at in every.items()],
            )
            return every

        return self._with(write, {})

    def corrected(self, changes: Iterable[Change], now: float) -> None:
        """Note what was corrected."""
        rows = [(str(c.address), digest_of(c), now) for c in changes if is_drift(c)]

        def write(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM corrections WHERE at < ?", (now - WITHIN,))
            database.executemany("INSERT INTO corrections VALUES (?, ?, ?)", rows)

        if rows:
            self._with(write, None)

    def flapping(self, now: float) -> frozenset[tuple[str, str]]:
        """Give addresses and differences that were corrected too often to go on."""

        def read(database: sqlite3.Connection) -> frozenset[tuple[str, str]]:
            rows = database.execute(
                "SELECT address, digest FROM corrections WHERE at >= ? "
                "GROUP BY address, digest HAVING count(*) >= ?",
                (now - WITHIN, FLAPS),
            )
            return frozenset((address, digest) for address, digest in rows)

        return self._with(read, frozenset())

    def _with(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(sqlite3.connect(self.path, timeout=5)) as database, database:
                database.executescript(_TABLES)
                return work(database)
        except (sqlite3.Error, OSError) as error:
            log.event(logging.WARNING, "chronicle unusable", path=self.path, error=error)
            set_aside(self.path, error)
            return otherwise


def set_aside(path: Path, error: Exception) -> bool:
    """Move a file away that is no database any more, so that a new one can begin."""
    if getattr(error, "sqlite_errorcode", None) not in BROKEN:
        return False
    try:
        path.replace(path.with_name(f"{path.name}.broken"))
    except OSError:
        return False
    return True


def is_drift(change: Change) -> bool:
    """Say whether a change is about what somebody did to the cloud."""
    return change.cause is Cause.LIVE and change.action is not Action.ADOPT


def digest_of(change: Change) -> str:
    """Name a difference so that the same one has the same name; nothing can be read out of it."""
    fields = [
        (f.path, "" if f.sensitive else (_steady(f.before), _steady(f.after)))
        for f in change.fields
    ]
    return hashlib.sha256(repr((change.action.value, fields)).encode()).hexdigest()[:16]


def _steady(value: object) -> str:
    if isinstance(value, frozenset):
        return repr(sorted(map(str, value)))
    return str(value)
