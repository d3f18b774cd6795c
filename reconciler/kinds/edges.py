"""From what an edge joins or says to the address and the words that tell it apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from reconciler.kinds.address import Address
from reconciler.kinds.fields import Value
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import relative

MOST = 10_000
"""Phrases that are remembered."""
Phrase = Callable[[Mapping[str, Value]], str]


def edge_address(kind: Kind, parent: Address, fields: Mapping[str, Value]) -> Address:
    """Give the address of something that is told by what it joins or says."""
    if kind.names:
        return Address(kind.name, kind.names(parent, fields))
    return Address(kind.name, (*parent.names, label(kind, parent, fields)))


def label(kind: Kind, parent: Address, fields: Mapping[str, Value]) -> str:
    """Say an edge in a few words: its kind's phrase, or the fields of its identity in turn."""
    if kind.phrase:
        named = tuple([
            (name, relative(value, parent)) if isinstance(value, Address) else (name, value)
            for name, value in fields.items()
        ])  # fmt: skip
        try:
            return _phrase(kind.phrase, named, tuple([value.__class__ for _, value in named]))
        except TypeError:  # a nested model
            return kind.phrase(dict(named))
    words = (fields.get(name) for name in kind.identity)
    return " ".join(_word(value, parent) for value in words if value is not None)


@lru_cache(maxsize=MOST)
def _phrase(phrase: Phrase, named: tuple[tuple[str, Value], ...], _types: tuple[type, ...]) -> str:
    """Say what many projects have alike only once; 1 is not true."""
    return phrase(dict(named))


def _word(value: Value, parent: Address) -> str:
    if isinstance(value, Address):
        return relative(value, parent)
    if isinstance(value, dict):
        return " ".join(_word(v, parent) for v in value.values() if v is not None)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
