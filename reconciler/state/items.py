"""From an item of a list to its fields; one that was written just so before is not read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.kinds.fields import Value, stated
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import Spec

MOST = 10_000
"""Items that are remembered: half a kilobyte each."""

_READ: dict[object, Mapping[str, Value]] = {}
"""A thousand projects that let the same five things in say so in five thousand items."""


def fields_of_item(
    kind: Kind, item: Mapping[str, Any], read: Callable[[], Spec | None]
) -> Mapping[str, Value] | None:
    """Give what was stated, and what tells it apart; nothing where ``read`` cannot read it."""
    key = (kind.spec, kind.identity, _exactly(item))
    fields = _READ.get(key)
    if fields is None:
        spec = read()
        if spec is None:
            return None
        told = spec.model_fields_set.union(kind.identity)
        fields = {k: v for k, v in stated(spec, whole=True).items() if k in told}
        if len(_READ) >= MOST:
            _READ.clear()
        _READ[key] = fields
    return fields


def _exactly(value: Any) -> object:
    """Give something that is equal for what was written alike only: true is not 1."""
    if isinstance(value, Mapping):
        return tuple([(word, _exactly(inner)) for word, inner in value.items()])
    if isinstance(value, list):
        return (list, *map(_exactly, value))
    return (value.__class__, value)
