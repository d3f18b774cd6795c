"""From what an edge joins or says to the address and the words that tell it apart."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.address import Address
from reconciler.kinds.fields import Value
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import relative


def edge_address(kind: Kind, parent: Address, fields: Mapping[str, Value]) -> Address:
    """Give the address of something that is told by what it joins or says."""
    if kind.names:
        return Address(kind.name, kind.names(parent, fields))
    return Address(kind.name, (*parent.names, label(kind, parent, fields)))


def label(kind: Kind, parent: Address, fields: Mapping[str, Value]) -> str:
    """Say an edge in a few words: its kind's phrase, or the fields of its identity in turn."""
    if kind.phrase:
        named = {
            name: relative(value, parent) if isinstance(value, Address) else value
            for name, value in fields.items()
        }
        return kind.phrase(named)
    words = (fields.get(name) for name in kind.identity)
    return " ".join(_word(value, parent) for value in words if value is not None)


def _word(value: Value, parent: Address) -> str:
    if isinstance(value, Address):
        return relative(value, parent)
    if isinstance(value, dict):
        return " ".join(_word(v, parent) for v in value.values() if v is not None)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
