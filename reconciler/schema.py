"""From the kinds to JSON Schemas, with which editors complete and check what is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.controller.forms import schemas as api_schemas
from reconciler.errors import SourceError
from reconciler.kinds.fields import fields_of
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.registry import Kinds
from reconciler.kinds.values import Json
from reconciler.report.answers import answer_schemas
from reconciler.report.jsonform import plan_schema
from reconciler.report.modelschema import docs_of, schema_of
from reconciler.settings import Settings
from reconciler.state.entries import OPTIONS
from reconciler.state.values import Options

DIALECT = "http://json-schema.org/draft-07/schema#"
ALSO = "also"
"""In a spec's ``json_schema_extra``: further words that authors may write, with their schemas."""
Schema = dict[str, Json]


def schemas(kinds: Kinds) -> dict[str, Schema]:
    """Give every schema by the name of its file."""
    return {
        "state.json": state_schema(kinds),
        "settings.json": settings_schema(),
        "plan.json": plan_schema(),
        **{f"{name}.json": found for name, found in {**answer_schemas(), **api_schemas()}.items()},
    }


def write_schemas(folder: Path, kinds: Kinds) -> list[Path]:
    """Write every schema into a folder.

    Raises:
        SourceError: it cannot be written.

    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, schema in schemas(kinds).items():
            (folder / name).write_text(as_text(schema), encoding="utf-8")
            written.append(folder / name)
    except OSError as error:
        raise SourceError(f"{folder}: {error.strerror}") from error
    return written


def as_text(schema: Mapping[str, Json]) -> str:
    """Write a schema in the form in which it is committed."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def settings_schema() -> Schema:
    """Give the schema of reconciler.yaml."""
    found = _tidy(schema_of(Settings))
    return {"$schema": DIALECT, **found, "title": "reconciler.yaml"}


def state_schema(kinds: Kinds) -> Schema:
    """Give the schema of one file of a state."""
    parts = _Parts(kinds)
    for kind in kinds:
        parts.entry(kind)
    options = _tidy(schema_of(Options))
    parts.definitions |= options.pop("$defs", {})
    parts.definitions[OPTIONS] = options
    header = {"type": "string", "minLength": 1}
    domain = {"domain": {**header, "description": "The domain that this file is about."}}
    project = {"project": {**header, "description": "The project that this file is about."}}
    return {
        "$schema": DIALECT,
        "title": "The desired state of an OpenStack cloud",
        "type": ["object", "null"],
        "if": {"required": ["project"]},
        "then": _closed({**domain, **project, **parts.below("Project")}, ("domain",)),
        "else": {
            "if": {"required": ["domain"]},
            "then": _closed({**domain, **project, **parts.below("Domain")}),
            "else": _closed({**domain, **parts.below("")}),
        },
        "$defs": dict(sorted(parts.definitions.items())),
    }


def _closed(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    closed: Schema = {"properties": properties, "additionalProperties": False}
    return {**closed, "required": list(required)} if required else closed


class _Parts:
    """Gathers the definitions that a schema is made of."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self.definitions: Schema = {}
        self.models: Schema = {}

    def below(self, place: str) -> Schema:
        """Give the collections that can stand in an object of this kind."""
        found = sorted(self.kinds.below(place), key=lambda kind: kind.collection)
        return {kind.collection: self.collection(kind) for kind in found}

    def collection(self, kind: Kind) -> Schema:
        one = {"$ref": f"#/$defs/{kind.name}"}
        match kind.form:
            case Form.ONE:
                return {**one}
            case Form.LIST:
                return {"description": kind.doc, "type": "array", "items": self.item(kind)}
            case Form.MAP:
                value = self.definitions.get(kind.name) or self.entry(kind)
                inner = value["properties"].get(kind.shorthand, {})
                return {
                    "description": kind.doc,
                    "type": "object",
                    "additionalProperties": inner,
                }
        return {"description": kind.doc, "type": "object", "additionalProperties": one}

    def item(self, kind: Kind) -> Schema:
        one: Schema = {"$ref": f"#/$defs/{kind.name}"}
        if not kind.shorthand:
            return one
        entry = self.definitions.get(kind.name) or self.entry(kind)
        word = entry["properties"][kind.shorthand]
        return {"anyOf": [*word.get("anyOf", [word]), one]}

    def entry(self, kind: Kind) -> Schema:
        """Define what one object, or one item, of a kind takes."""
        if kind.name in self.definitions:
            found: Schema = self.definitions[kind.name]
            return found
        schema = self._model(kind)
        properties = schema["properties"]
        if not kind.edge:
            properties |= {k: v for k, v in self.below(kind.name).items() if k not in properties}
            properties[OPTIONS] = {"$ref": f"#/$defs/{OPTIONS}"}
            if kind.form is Form.NAMED:
                properties.setdefault(
                    "name", {"type": "string", "description": "Where the key is not the name."}
                )
            schema["type"] = ["object", "null"]
            # An external or absent object states nothing, nor does one that is only a scope.
            schema.pop("required", None)
        if kind.expand:
            schema.pop("required", None)
        schema["description"] = kind.doc
        self.definitions[kind.name] = schema
        return schema

    def _model(self, kind: Kind) -> Schema:
        schema = schema_of(kind.spec)
        own = schema.pop("$defs", {})
        renamed = {}
        for name, inner in own.items():
            known = self.models.setdefault(name, inner)
            renamed[name] = name if known == inner else f"{kind.name}.{name}"
        for name, inner in own.items():
            self.definitions[renamed[name]] = _nullable(_point(_tidy(inner), renamed))
        schema = _nullable(_point(_tidy(schema), renamed))
        properties: Schema = schema.setdefault("properties", {})
        for name in kind.spec.model_fields:
            if name not in docs_of(kind.spec) and name not in (kind.key, kind.shorthand):
                del properties[name]  # a field without words is written in other ones
        for field in fields_of(kind.spec):
            if field.beside:  # its keys stand among the fields themselves
                value = schema_of(kind.spec)["properties"][field.name]
                schema["patternProperties"] = {field.beside: value["additionalProperties"]}
                properties.pop(field.name, None)
        properties |= schema.pop(ALSO, {})
        return schema


def _tidy(schema: Any) -> Any:
    """Leave out what pydantic adds for programs, and bring texts into one line."""
    if isinstance(schema, list):
        return [_tidy(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    found: Schema = {}
    for key, inner in schema.items():
        if key == "title" and isinstance(inner, str):
            continue
        if key == "description" and isinstance(inner, str):
            found[key] = " ".join(inner.split())
        elif key in ("properties", "$defs") and isinstance(inner, dict):
            found[key] = {name: _tidy(value) for name, value in inner.items()}
        else:
            found[key] = _tidy(inner)
    return found


def _point(schema: Any, renamed: Mapping[str, str]) -> Any:
    """Let references to definitions follow their new names."""
    if isinstance(schema, list):
        return [_point(inner, renamed) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _point(inner, renamed) for key, inner in schema.items()}
    if isinstance(found.get("$ref"), str):
        name = found["$ref"].rsplit("/", 1)[-1]
        found["$ref"] = f"#/$defs/{renamed.get(name, name)}"
    return found


def _nullable(schema: Schema) -> Schema:
    """Let ``null`` stand wherever it reverts a field to its default."""
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        if name in required or {"type": "null"} in inner.get("anyOf", ()):
            continue
        words = {k: inner.pop(k) for k in ("description", "default") if k in inner}
        arms = inner.get("anyOf") if set(inner) == {"anyOf"} else [inner]
        schema["properties"][name] = {"anyOf": [*arms, {"type": "null"}], **words}
    return schema
