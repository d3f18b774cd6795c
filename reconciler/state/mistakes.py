"""From what pydantic found in a value to the line it stands in, and the author's own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from reconciler.kinds.fields import fields_of
from reconciler.state.parse import nearest
from reconciler.yamlio import Series, Table

_ARMS = frozenset({"str", "int", "bool", "Named"})
Loc = tuple[int | str, ...]


def mistakes(
    error: ValidationError, model: type[BaseModel], value: Any, line: int, above: tuple[str, ...]
) -> Iterator[tuple[int, str]]:
    """Give each mistake in a value with its line."""
    hidden = {f.name for f in fields_of(model) if f.beside}
    for one in error.errors(include_url=False, include_input=False):
        loc = one["loc"]
        path = [*above, *(word for word in _written(loc, value) if word not in hidden)]
        known = sorted(_names(model, loc[:-1]))
        yield _line(value, loc, line), _message(path, dict(one), known)


def _written(loc: Loc, value: Any) -> Iterator[str]:
    """Leave out what pydantic adds to a path for the arms of a union; authors may use any word."""
    for part in loc:
        text = str(part)
        inside = range(len(value)) if isinstance(value, list) else value
        if isinstance(inside, dict | range) and part in inside:
            value = value[part]
            yield text
        elif text not in _ARMS and not any(mark in text for mark in ("[", "(", "function-")):
            yield text


def _names(model: type[BaseModel], loc: Loc) -> set[str]:
    here = fields_of(model)
    for part in loc:
        inner = next((f.nested for f in here if f.name == part), None)
        here = inner if inner is not None else here
    return {f.name for f in here}


def _line(value: Any, loc: Loc, line: int) -> int:
    for part in loc:
        if isinstance(value, Table) and part in value:
            line, value = value.lines[str(part)], value[str(part)]
        elif isinstance(value, Series) and isinstance(part, int) and part < len(value):
            line, value = value.lines[part], value[part]
        elif isinstance(value, dict) and part in value:
            value = value[part]
    return line


def _message(path: list[str], error: dict[str, Any], known: list[str]) -> str:
    """Say what pydantic found in the words of the person who wrote the file."""
    field_name = ".".join(path) or "this"
    match error["type"]:
        case "extra_forbidden":
            return f"{field_name} is not known here{nearest(path[-1], known) if path else ''}"
        case "missing":
            return f"{field_name} is missing"
        case "string_type":
            return f"{field_name} takes a string; put the value in quotes"
        case "bool_type":
            return f"{field_name} takes true or false"
        case "int_type":
            return f"{field_name} takes a whole number, written plainly (no 1_000, 0777 or 1:30)"
        case "value_error":
            return f"{field_name}: {error['ctx']['error']}" if path else str(error["ctx"]["error"])
        case _:
            return f"{field_name}: {error['msg'][:1].lower()}{error['msg'][1:]}"
