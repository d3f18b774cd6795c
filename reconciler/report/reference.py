"""From the kinds to the reference page of the state: what can be written, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kinds.calls import MarkStyle
from reconciler.kinds.fields import Field, Shape, fields_of
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.registry import Kinds
from reconciler.kinds.values import Json
from reconciler.report.modelschema import schema_of

HEAD = """# The state, kind by kind

Generated from the kinds by `make docs`; do not edit. A field that is left out is not managed; a
value is enforced; `null` reverts it to its default. What cannot change in place is marked: changing
it makes the object again, which is held until somebody allows it.
"""

MARKS = {
    MarkStyle.TAG: "the tag `reconciler:OWNER`",
    MarkStyle.TAG_IN_BODY: "the tag `reconciler:OWNER`",
    MarkStyle.ATTRIBUTE: "the attribute `reconciler_owner`",
    MarkStyle.MAP: "an entry `{key}` of its `{field}`",
}


def reference(kinds: Kinds) -> str:
    """Give the whole page as Markdown."""
    shown = sorted((k for k in kinds if not k.folded), key=lambda kind: kind.name)
    index = "\n".join(f"- [{kind.name}](#{kind.name.lower()})" for kind in shown)
    pages = "\n".join(kind_page(kind, kinds) for kind in shown)
    return f"{HEAD}\n{index}\n\n{pages}"


def kind_page(kind: Kind, kinds: Kinds) -> str:
    """Give the section of one kind, with the lists and maps that belong to it."""
    return "\n".join([f"## {kind.name}", "", *_about(kind), "", *_table(kind, kinds)]) + "\n"


def _about(kind: Kind) -> Iterator[str]:
    yield kind.doc
    places = ", ".join(f"`{p.lower()}`" if p else "the top level" for p in kind.within)
    form = {
        Form.NAMED: "maps names to fields",
        Form.LIST: "is a list",
        Form.MAP: "maps keys to values",
        Form.ONE: "holds the fields of the only one",
    }[kind.form]
    yield ""
    yield f"Written under `{kind.collection}`, which {form}, in {places}."
    if kind.mark:
        mark = MARKS[kind.mark.style].format(key=kind.mark.key, field=kind.mark.field)
        yield f"Marked as ours by {mark}."
    if kind.claims:
        yield "A stated list is the whole list: what is not in it is taken away."


def _table(kind: Kind, kinds: Kinds) -> Iterator[str]:
    yield "| field | takes | default | |"
    yield "|---|---|---|---|"
    schema = schema_of(kind.spec)
    yield from _rows(fields_of(kind.spec), schema, schema.get("$defs", {}), "")
    for child in sorted(kinds.below(kind.name), key=lambda k: k.collection):
        if child.folded:
            yield from _folded(child)
        else:
            form = "list" if child.form is Form.LIST else "map"
            yield f"| `{child.collection}` | {form} of [{child.name}](#{child.name.lower()}) | | |"


def _folded(child: Kind) -> Iterator[str]:
    what = {Form.MAP: "map of keys to values"}.get(child.form, "list")
    short = f"; a plain word is its `{child.shorthand}`" if child.shorthand else ""
    text = _cell(child.doc)
    yield f"| `{child.collection}` | {what}, stated whole{short} | not managed | {text} |"
    if child.form is not Form.MAP:
        schema = schema_of(child.spec)
        defs = schema.get("$defs", {})
        yield from _rows(fields_of(child.spec), schema, defs, f"{child.collection}[].")


def _rows(
    fields: tuple[Field, ...], schema: Mapping[str, Json], defs: Mapping[str, Json], above: str
) -> Iterator[str]:
    for field in fields:
        own = schema.get("properties", {}).get(field.name, {})
        notes = [own.get("description", "")]
        if field.immutable:
            notes.append("Cannot change in place.")
        if field.create_only:
            notes.append("Sent on create only.")
        yield (
            f"| `{above}{field.name}` | {_takes(field, own, defs)} | {_default(field)} "
            f"| {_cell(' '.join(notes))} |"
        )
        if field.shape is not Shape.ONE and field.nested:
            inner = _inner(own, defs)
            dots = "." if field.shape is Shape.MODEL else "[]."
            yield from _rows(field.nested, inner, defs, f"{above}{field.name}{dots}")


def _inner(schema: Mapping[str, Json], defs: Mapping[str, Json]) -> Mapping[str, Json]:
    """Find the schema of a nested model through references, unions and lists."""
    if "$ref" in schema:
        found: Mapping[str, Json] = defs[schema["$ref"].rsplit("/", 1)[-1]]
        return found
    for part in (*schema.get("anyOf", ()), *schema.get("allOf", ()), schema.get("items") or {}):
        inner = _inner(part, defs)
        if inner:
            return inner
    return {}


def _takes(field: Field, schema: Mapping[str, Json], defs: Mapping[str, Json]) -> str:
    many = {Shape.SET: "set of ", Shape.SEQUENCE: "list, in order, of "}.get(field.shape, "")
    if field.ref:
        return f"{many}name of a {field.ref.kind}"
    if field.nested:
        return f"{many}fields" if many else "fields below"
    return many + (_type(schema.get("items", schema) if many else schema, defs) or "value")


def _type(schema: Mapping[str, Json], defs: Mapping[str, Json]) -> str:
    if "anyOf" in schema:
        words = [_type(part, defs) for part in schema["anyOf"]]
        if "items" in str(schema["anyOf"]):
            words = [_type(p.get("items", p), defs) for p in schema["anyOf"]]
        return " or ".join(word for word in dict.fromkeys(words) if word and word != "null")
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "$ref" in schema:
        return _type(defs[schema["$ref"].rsplit("/", 1)[-1]], defs)
    return {"object": "map"}.get(str(schema.get("type", "")), str(schema.get("type", "")))


def _default(field: Field) -> str:
    if field.required:
        return "**required**"
    if field.server_default:
        return "the server's"
    value: Any = field.default
    if value in (None, "", frozenset(), ()) or field.shape in (Shape.MODEL, Shape.MAP):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
