"""From objects and what is stated of them to values that anybody may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.cloud.live import Live
from reconciler.engine.explain import Explanation
from reconciler.kinds.address import Address
from reconciler.kinds.edges import label
from reconciler.kinds.fields import Field, Shape, Value, fields_of
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.values import Json
from reconciler.report.words import SENSITIVE, bare, plain
from reconciler.state.values import Resource


@dataclass(frozen=True, slots=True)
class Background:
    """What an explanation is read with."""

    live: Live
    owner: str
    prunes: bool
    """Whether the plan looks at a whole commit: else it takes away nothing for not being in git."""
    folder: str = ""


def live_items(found: Explanation, live: Live) -> dict[str, list[Json]]:
    lists: dict[str, list[Json]] = {}
    for one in found.found_items:
        lists.setdefault(one.kind.collection, []).append(
            item(one.kind, one.parent, live.fields(one))
        )
    return {name: sorted(items) for name, items in lists.items()}


def item(kind: Kind, parent: Address, fields: Mapping[str, Value]) -> str:
    """Say an edge in a few words, with its value where it is one of a map."""
    words = label(kind, parent, fields)
    if kind.form is not Form.MAP:
        return words
    value = safe_fields(kind, fields, parent).get(kind.shorthand)
    return f"{words}={bare(value)}"


def stated_options(resource: Resource) -> dict[str, Json]:
    stated = resource.options.model_dump(mode="json", exclude_unset=True)
    return {} if resource.implied else {k: v for k, v in stated.items() if v != "managed"}


def safe_fields(kind: Kind, values: Mapping[str, Value], base: Address) -> dict[str, Json]:
    """Give fields as anybody may see them."""
    return _hidden(fields_of(kind.spec), values, base)


def _hidden(fields: Iterable[Field], values: Mapping[str, Value], base: Address) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for field in (field for field in fields if field.name in values):
        value = values[field.name]
        if field.secret:
            found[field.name] = None if value is None else SENSITIVE
        elif field.shape is Shape.MODEL and isinstance(value, Mapping):
            found[field.name] = _hidden(field.nested, value, base)
        else:
            found[field.name] = plain(value, base)
    return found
