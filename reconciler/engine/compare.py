"""From what should be and what is of one object, to the fields that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.kinds.fields import Field, Shape, Value


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs: dotted path, value now and value wanted."""

    path: str
    before: Value
    after: Value
    sensitive: bool = False
    forces_replace: bool = False


def compare(
    fields: Iterable[Field],
    desired: Mapping[str, Value],
    live: Mapping[str, Value],
    ignore: Iterable[str] = (),
    defaults: Mapping[str, Value] | None = None,
) -> tuple[FieldChange, ...]:
    """Give the stated fields whose live value is another one.

    ``defaults`` are what the cloud itself would set: what a stated ``null`` reverts to.
    """
    reverts, changes = defaults or {}, list[FieldChange]()
    for field in fields:
        name = field.name
        if name not in desired:
            continue
        wanted = desired[name]
        if wanted == live.get(name) and (wanted is not None or name not in reverts):
            continue  # as nearly everywhere
        changes += _field(field, name, wanted, live, reverts)
    if not changes:
        return ()
    ignored = frozenset(ignore)
    return tuple(change for change in changes if not _is_ignored(change.path, ignored))


def _is_ignored(path: str, ignored: frozenset[str]) -> bool:
    parts = path.split(".")
    return any(".".join(parts[:depth]) in ignored for depth in range(1, len(parts) + 1))


def _field(
    field: Field,
    path: str,
    wanted: Value,
    live: Mapping[str, Value],
    defaults: Mapping[str, Value],
) -> Iterable[FieldChange]:
    if field.create_only or (field.secret and field.shape is not Shape.MODEL):
        return
    found = live.get(field.name)
    if wanted is None and field.name in defaults:
        wanted = defaults[field.name]
    if wanted is None and field.server_default:
        return
    if field.shape is Shape.MODEL and wanted is not None:
        for inner in field.nested:
            if inner.name in wanted:
                below = found if isinstance(found, Mapping) else {}
                yield from _field(inner, f"{path}.{inner.name}", wanted[inner.name], below, {})
    elif field.shape is Shape.MAP and isinstance(wanted, Mapping):
        yield from _map(field, path, wanted, found, defaults.get(field.name) or {})
    elif not same(wanted, found) and not _gained(field, wanted, found):
        yield FieldChange(path, found, wanted, field.secret, _fixed(field, found))


def _fixed(field: Field, found: Value) -> bool:
    return field.immutable and not (field.once and found is None)


def _map(
    field: Field,
    path: str,
    wanted: Mapping[str, Value],
    there: Mapping[str, Value] | None,
    defaults: Mapping[str, Value],
) -> Iterable[FieldChange]:
    fixed, found = _fixed(field, there), there or {}
    keys = [*wanted] if field.keyed else [*wanted, *(key for key in found if key not in wanted)]
    for key in keys:
        after = wanted.get(key)
        if after is None and field.keyed:
            after = defaults.get(key)
        if after != found.get(key):
            where = key if field.beside else f"{path}.{key}"
            yield FieldChange(where, found.get(key), after, field.secret, fixed)


def same(wanted: Value, found: Value) -> bool:
    """Whether the live value satisfies the wanted one; items of sets match by what they state."""
    if wanted == found:
        return True
    if wanted in (None, "", frozenset(), ()) and found in (None, "", frozenset(), ()):
        # "" and null mean the same to whoever reads them, and services answer either.
        return True
    if isinstance(wanted, frozenset) and isinstance(found, frozenset | tuple):
        return _unmatched(list(wanted), list(found)) == []
    if isinstance(wanted, tuple) and isinstance(found, tuple):
        return len(wanted) == len(found) and all(
            _item_fits(a, b) for a, b in zip(wanted, found, strict=True)
        )
    return False


def _gained(field: Field, wanted: Value, found: Value) -> bool:
    """Whether all is there that is wanted, and the rest is what the service adds by itself."""
    if field.gains is None or not wanted or not found:
        return False
    rest = _unmatched(list(wanted), list(found))
    return rest is not None and all(field.gains(dict(item)) for item in rest)


def _unmatched(wanted: list[Value], found: list[Value]) -> list[Value] | None:
    """Give what is left when every wanted item has a partner of its own, if all have one."""
    rest = list(found)
    for item in sorted(wanted, key=lambda i: -len(i) if isinstance(i, tuple) else 0):
        partner = next((other for other in rest if _item_fits(item, other)), None)
        if partner is None:
            return None
        rest.remove(partner)
    return rest


def _item_fits(wanted: Value, found: Value) -> bool:
    if wanted == found:
        return True
    if _is_pairs(wanted) and _is_pairs(found):
        live = dict(found)
        return all(live.get(key) == value for key, value in wanted)
    return False


def _is_pairs(value: Value) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)  # noqa: PLR2004
        for pair in value
    )
