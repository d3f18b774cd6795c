"""From fields and their values to what these refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.kinds.address import Address
from reconciler.kinds.fields import Field, Shape, Value, pairs
from reconciler.kinds.spec import Ref


def referred(fields: Iterable[Field]) -> set[str]:
    """Give the kinds that fields refer to."""
    found: set[str] = set()
    for one in fields:
        found |= referred(one.nested)
        if one.ref:
            found.add(one.ref.kind)
    return found


def convert(fields: Iterable[Field], values: Mapping[str, Value], one: Callable[..., Value]) -> Any:
    """Give the same values with ``one(ref, value)`` in the place of every reference."""
    found = {
        f.name: _convert(f, values[f.name], one) for f in fields if f.leads and f.name in values
    }
    return {**values, **found} if found else values


def _convert(field: Field, value: Value, one: Callable[..., Value]) -> Value:
    if value is None:
        return value
    if field.shape is Shape.MODEL:
        return convert(field.nested, value, one)
    if field.shape in (Shape.SET, Shape.SEQUENCE):
        make = frozenset if field.shape is Shape.SET else tuple
        if field.nested:
            return make(pairs(convert(field.nested, dict(item), one)) for item in value)
        return make(one(field.ref, item) for item in value)
    return one(field.ref, value)


def references(fields: Iterable[Field], values: Mapping[str, Value]) -> list[tuple[Ref, Address]]:
    """List every address in the values, with the marker of the field it stands in."""
    found: list[tuple[Ref, Address]] = []

    def note(ref: Ref, value: Value) -> Value:
        if isinstance(value, Address):
            found.append((ref, value))
        return value

    for field in fields:
        if field.leads and values.get(field.name) is not None:
            _convert(field, values[field.name], note)
    return found
