"""From the files of a revision to all that they state; a text that was read before is not again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from reconciler.errors import MOST, Problem
from reconciler.kinds.address import Address
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Kinds
from reconciler.state.entries import Entries, Entry, collect
from reconciler.state.parse import Origin, parse_file
from reconciler.state.source import Revision
from reconciler.yamlio import Budget

KEPT = 500_000
"""Values of files that are kept at least, and at most twice as many: some kilobytes each ten."""
TEXTS = 4
"""Of a file: the one in force, the settled one, and those of commits on their way."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file states, if nothing is wrong with it."""

    found: tuple[Entry, ...]
    lists: tuple[tuple[Address, Kind, Origin], ...]
    scopes: Mapping[Address, Origin]
    values: int
    """How many values there are in it: they count, whether they are read anew or not."""


class Readings:
    """Files that were read before. Guards how many are kept: what nobody asks for is forgotten."""

    def __init__(self) -> None:
        self._new: dict[str, dict[bytes, Reading]] = {}
        self._old: dict[str, dict[bytes, Reading]] = {}
        self._values = 0

    def get(self, file: str, text: bytes) -> Reading | None:
        """Give what a file of this name states whose text has this hash.

        The name is a part of it, for it stands in every message.
        """
        found = self._new.get(file, {}).get(text)
        if found is None:
            found = self._old.get(file, {}).get(text)
            if found is not None:
                self.keep(file, text, found)
        return found

    def keep(self, file: str, text: bytes, reading: Reading) -> None:
        if self._values > KEPT:
            self._old, self._new, self._values = self._new, {}, 0
        texts = self._new.setdefault(file, {})
        texts[text] = reading
        self._values += reading.values
        if len(texts) > TEXTS:
            self._values -= texts.pop(next(iter(texts))).values


_OF: WeakKeyDictionary[Kinds, Readings] = WeakKeyDictionary()
"""What was read with the same kinds in mind: all that a text means hangs on them."""


def read_entries(revision: Revision, kinds: Kinds) -> tuple[Entries, list[Problem]]:
    """Read every file; what is wrong is a problem, and the rest goes on."""
    entries, problems, budget = Entries(), list[Problem](), Budget()
    readings = _OF.setdefault(kinds, Readings())
    for file, text in revision.files.items():
        if len(problems) > MOST:
            break
        key = hashlib.sha256(text).digest()
        reading = readings.get(file, key)
        if reading is not None and reading.values <= budget.left:
            budget.left -= reading.values
        else:
            wrong = len(problems) + len(entries.problems)
            reading = _read(file, text, kinds, budget, entries, problems)
            if wrong == len(problems) + len(entries.problems):
                readings.keep(file, key, reading)
        _add(reading, entries)
    return entries, problems


def _read(
    file: str, text: bytes, kinds: Kinds, budget: Budget, entries: Entries, problems: list[Problem]
) -> Reading:
    left = budget.left
    documents = parse_file(file, text, budget, problems)
    found = Entries(problems=entries.problems)
    collect(documents, kinds, found)
    return Reading(tuple(found.found), tuple(found.lists), found.scopes, left - budget.left)


def _add(reading: Reading, entries: Entries) -> None:
    entries.found += reading.found
    entries.lists += reading.lists
    for address, origin in reading.scopes.items():
        entries.scopes.setdefault(address, origin)
