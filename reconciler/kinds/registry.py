"""From the modules below this package to the kinds they define."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache

import reconciler.kinds
from reconciler.kinds.address import Address
from reconciler.kinds.fields import Field, fields_of
from reconciler.kinds.kind import Kind

ROOT = Address("", ())
"""The cloud itself: the parent of what lies in no other object."""


class Kinds:
    """All kinds there are, found by name or by where their collection stands."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._all = tuple(kinds)
        self._by_name = {kind.name: kind for kind in self._all}
        self._by_word = {(kind.word, kind.collection): kind for kind in self._all if kind.word}
        self._by_place = {(place, k.collection): k for k in self._all for place in k.within}
        self._below: dict[str, list[Kind]] = {}
        for kind in self._all:
            for place in kind.within:
                self._below.setdefault(place, []).append(kind)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._all)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Kind:
        return self._by_name[name]

    def of(self, address: Address) -> Kind | None:
        """Give the kind of the object that an address speaks of, if there is one."""
        shared = self._by_word.get((address.kind, address.name))
        return shared or self._by_name.get(address.kind)

    def at(self, place: str, collection: str) -> Kind | None:
        """Give the kind whose collection has this name in an object of kind ``place``."""
        return self._by_place.get((place, collection))

    def below(self, place: str) -> list[Kind]:
        """Give the kinds whose collections can stand in an object of kind ``place``."""
        return self._below.get(place, [])

    def build(self) -> None:
        """Make what checks the specs of all kinds, instead of each when it is first needed.

        For who has threads: in older pydantic two that make one at a time could take its
        parent's checks (https://github.com/pydantic/pydantic/pull/13438).
        """
        for kind in self._all:
            kind.spec.model_rebuild()

    def fields(self, kind: Kind) -> tuple[Field, ...]:
        return fields_of(kind.spec)

    def ordered(self) -> list[Kind]:
        """Give parents before what lies in them, and ends before the edges that join them."""
        done: list[Kind] = []
        names = {""}
        rest = list(self._all)
        first = {k.name: self._needed(k) - {k.name} for k in rest}
        while rest:
            ready = [k for k in rest if first[k.name] <= names]
            if not ready:
                raise ValueError(f"kinds lie in one another: {', '.join(k.name for k in rest)}")
            done += ready
            names |= {k.name for k in ready}
            rest = [k for k in rest if k not in ready]
        return done

    def _needed(self, kind: Kind) -> set[str]:
        """Name the kinds that must be known before an object of this one has an address."""
        ends = {f.ref.kind for f in self.fields(kind) if f.ref} if kind.edge else set()
        return {*kind.within, *(name for name in ends if name in self)}


@cache
def load_kinds() -> Kinds:
    """Import every module below this package and give the kinds found in them."""
    found: dict[str, Kind] = {}
    package = reconciler.kinds
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Kind):
                found[value.name] = value
    return Kinds(found[name] for name in sorted(found))


def child_address(kind: Kind, parent: Address, key: str) -> Address:
    """Give the address of a named child, or of the only one."""
    if kind.word:
        return Address(kind.word, (*parent.names, kind.collection))
    return Address(kind.name, (*parent.names, key) if kind.named else parent.names)


def relative(value: Address, base: Address) -> str:
    """Name an address as briefly as a reader in ``base`` understands it."""
    names = value.names
    for ours in base.names:
        if len(names) > 1 and names[0] == ours:
            names = names[1:]
        else:
            break
    return "/".join(names)
