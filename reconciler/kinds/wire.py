"""Between the fields of a spec and the JSON of the API: ids and addresses, wire names, spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from reconciler.kinds.address import Address, Id
from reconciler.kinds.fields import Field, Shape, Value, pairs
from reconciler.kinds.values import Json, is_reserved

NameOf = Callable[[str, str], Address | Id]
"""From a kind and an id to the address of that object, or the id itself."""


def from_wire(
    fields: Iterable[Field], raw: Mapping[str, Json], name_of: NameOf
) -> dict[str, Value]:
    """Read the fields of a spec out of a raw object; what the object does not have is left out."""
    values: dict[str, Value] = {}
    for field in fields:
        if field.beside:
            values[field.name] = {k: v for k, v in raw.items() if re.fullmatch(field.beside, k)}
        elif field.wire in raw:
            value = raw[field.wire]
            values[field.name] = value if field.plain else _read(field, value, name_of)
        elif field.lifted:
            values[field.name] = from_wire(field.nested, raw, name_of)
    return values


def _read(field: Field, value: Json, name_of: NameOf) -> Value:
    if value is None:
        return None
    if field.shape is Shape.MODEL:
        return from_wire(field.nested, value, name_of) if value else None
    if field.shape in (Shape.SET, Shape.SEQUENCE) and isinstance(value, list):
        make = frozenset if field.shape is Shape.SET else tuple
        if field.nested:
            return make(pairs(from_wire(field.nested, item, name_of)) for item in value)
        if field.ref:
            kind = field.ref.kind
            return make(name_of(kind, item) for item in value)
        value = [item for item in value if not (isinstance(item, str) and is_reserved(item))]
    elif field.ref:
        if value == "*":  # all there are
            return value
        return name_of(field.ref.kind, str(value)) if value != "" else None
    return field.settle(value) if field.settle else value


def to_wire(
    fields: Iterable[Field], values: Mapping[str, Value], id_of: Callable[[Address], str]
) -> dict[str, Json]:
    """Write values as the API takes them: ids for addresses, lists for sets, wire names."""
    body: dict[str, Json] = {}
    for field in fields:
        if field.name not in values:
            continue
        value = values[field.name]
        if field.lifted:
            body.update(to_wire(field.nested, value or {}, id_of))
        elif field.beside:
            body.update(value or {})
        else:
            body[field.wire] = _write(field, value, id_of)
    return body


def _write(field: Field, value: Value, id_of: Callable[[Address], str]) -> Json:
    if isinstance(value, Address):
        return id_of(value)
    if isinstance(value, Id):
        return value.id
    if value is None:
        return None
    if field.shape is Shape.MODEL:
        return to_wire(field.nested, value, id_of)
    if field.shape in (Shape.SET, Shape.SEQUENCE):
        items = value if field.shape is Shape.SEQUENCE else sorted(value, key=str)
        if field.nested:
            return [to_wire(field.nested, dict(item), id_of) for item in items]
        return [_write(field, item, id_of) if field.ref else item for item in items]
    return dict(value) if field.shape is Shape.MAP else value
