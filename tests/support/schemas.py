"""From a value and a JSON Schema to what does not fit: as much of the standard as ours use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = Any
TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,),
    "null": (type(None),), "integer": (int,), "number": (int, float),
}  # fmt: skip


def misfits(value: Json, schema: Json, root: Json = None, at: str = "$") -> list[str]:
    """Give every place where the value is not what the schema says."""
    root = schema if root is None else root
    if schema in (True, {}):
        return []
    if schema is False:
        return [f"{at}: nothing may stand here"]
    return list(_misfits(value, schema, root, at))


def _misfits(value: Json, schema: Json, root: Json, at: str) -> Iterator[str]:
    if "$ref" in schema:
        target = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        yield from misfits(value, target, root, at)
    if "anyOf" in schema and all(misfits(value, arm, root, at) for arm in schema["anyOf"]):
        yield f"{at}: {value!r} fits none of {schema['anyOf']}"
    if "if" in schema:
        branch = "else" if misfits(value, schema["if"], root, at) else "then"
        yield from misfits(value, schema.get(branch, True), root, at)
    yield from _plain(value, schema, at)
    if isinstance(value, dict):
        yield from _table(value, schema, root, at)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from misfits(item, schema["items"], root, f"{at}[{number}]")


def _plain(value: Json, schema: Json, at: str) -> Iterator[str]:
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    words = schema.get("type", [])
    allowed = [words] if isinstance(words, str) else words
    if allowed and not any(_is(value, word) for word in allowed):
        yield f"{at}: {value!r} is no {' or '.join(allowed)}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{at}: {value!r} is not like {schema['pattern']}"


def _table(value: dict[str, Json], schema: Json, root: Json, at: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    yield from (f"{at}: {key} is missing" for key in schema.get("required", ()) if key not in value)
    for key, inner in value.items():
        patterns = schema.get("patternProperties", {})
        rule = next((rule for words, rule in patterns.items() if re.search(words, key)), None)
        if key in properties or rule is None:
            rule = properties.get(key, schema.get("additionalProperties", True))
        if rule is False:
            yield f"{at}: {key} is not known"
        else:
            yield from misfits(inner, rule, root, f"{at}.{key}")


def _is(value: Json, word: str) -> bool:
    if isinstance(value, bool):
        return word == "boolean"
    return isinstance(value, TYPES[word])
