"""From a change to the values, names and bodies that its requests are made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.cloud.live import Live, read_fields
from reconciler.engine.send import Sender
from reconciler.engine.values import Change
from reconciler.errors import Rejected
from reconciler.kinds.address import Address
from reconciler.kinds.calls import Http
from reconciler.kinds.fields import Field, Shape, Value, fields_of
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Kinds
from reconciler.kinds.values import Json, is_reserved
from reconciler.kinds.wire import to_wire
from reconciler.state.source import Revision


@dataclass(frozen=True, slots=True)
class Context:
    """What every step may look at. ``ids`` is written by the one who calls the steps only."""

    http: Http
    kinds: Kinds
    live: Live
    owner: str
    ids: Mapping[Address, str]
    parents: Mapping[Address, Address]
    claims: frozenset[tuple[Address, str]]
    wanted: frozenset[Address]
    revision: Revision
    allowed_hosts: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    """Service types that the catalogue holds."""
    progress: Callable[[Address, int, int], None] = lambda _address, _done, _all: None
    sleep: Callable[[float], None] = time.sleep
    width: Callable[[str], int] = lambda _service: 4
    """How many requests a service may have of us at once."""

    def id_of(self, address: Address) -> str:
        """Give the id of an object that is there by now.

        Raises:
            Rejected: it is not.

        """
        found = self.ids.get(address) or self._implicit_id(address)
        if not found:
            raise Rejected(f"{address} is not there")
        return found

    def _implicit_id(self, address: Address) -> str:
        """Ask for the id of what the service has made by itself (a project's `default` group)."""
        kind = self.kinds[address.kind]
        parent = Address(kind.within[0], address.names[:-1])
        if not (kind.implicit(address) and kind.find and parent in self.ids):
            return ""
        values = {parent.kind: self.ids[parent], "parent": self.ids[parent], "name": address.name}
        found = Sender(self.http, kind, values).send(kind.find).get("items")
        return str(found[0].get(kind.id_wire, "")) if found else ""


def values_for(change: Change, context: Context, object_id: str) -> dict[str, Json]:
    """Give everything that a path or a body may name."""
    kind = change.kind
    fields: Mapping[str, Value] = {}
    if change.live is not None:
        fields = context.live.fields(change.live)
    if change.resource is not None:
        fields = {**fields, **change.resource.fields}
    values = to_wire(fields_of(kind.spec), fields, context.id_of)
    if change.live is not None and kind.edge:
        raw = change.live.raw
        # What is to go is named as the service itself spells it.
        values = {**raw, **values} if change.resource else {**values, **raw}
    above, first = change.parent, True
    while above.kind:
        values[above.kind] = context.ids.get(above, "")
        if first:
            values["parent"], first = values[above.kind], False
        above = context.parents.get(above, Address("", ()))
    name = change.resource.name if change.resource else change.address.name
    return {**values, "id": object_id, "name": name, "mark": f"reconciler:{context.owner}",
            "owner": context.owner, "parent_kind": change.parent.kind}  # fmt: skip


def name_and_place(change: Change, values: Mapping[str, Json], body: dict[str, Json]) -> None:
    kind = change.kind
    if not kind.edge and values["name"] and kind.name_wire and kind.form != "one":
        body.setdefault(kind.name_wire, values["name"])
    for wire, above in kind.ancestors.items():
        if above not in values:
            continue
        if not values[above]:
            # Without it the service would put the object into the caller's own project.
            raise Rejected(f"the {above} that it lies in is not there")
        body[wire] = values[above]


def whole_body(kind: Kind, fields: Mapping[str, Value], context: Context) -> dict[str, Json]:
    main = [f for f in fields_of(kind.spec) if not f.via or f.later]
    chosen = {
        f.name: fields[f.name] for f in main if f.name in fields and not _unsendable(f, fields)
    }
    return to_wire(main, chosen, context.id_of)


def _unsendable(one: Field, fields: Mapping[str, Value]) -> bool:
    return fields[one.name] is None and one.server_default


def top_names(change: Change) -> list[str]:
    return list(dict.fromkeys(f.path.split(".")[0] for f in change.fields))


def changed_body(change: Change, context: Context, raw: Mapping[str, Json]) -> dict[str, Json]:
    """Give only what changed; what the API replaces as a whole is sent whole."""
    assert change.resource is not None and change.live is not None  # noqa: PT018 - see _update
    wanted = {f.path: f.after for f in change.fields}
    now = read_fields(change.kind, raw, context.live)
    chosen: dict[str, Value] = {}
    for one in fields_of(change.kind.spec):
        paths = [p for p in wanted if one.owns(p)]
        if one.via or not paths:
            continue
        if one.shape is Shape.MODEL and wanted.get(one.name, paths) is not None:
            part = change.resource.fields[one.name]
            # What belongs to the old target (its addresses) does not fit the new one.
            moved = any(f.ref and f"{one.name}.{f.name}" in wanted for f in one.nested)
            kept = {} if one.lifted or moved else dict(now.get(one.name) or {})
            touched = {p.split(".")[1] for p in paths}
            chosen[one.name] = kept | {
                k: v for k, v in part.items() if not one.lifted or k in touched
            }
        elif one.shape is Shape.MAP and one.keyed:
            chosen[one.name] = {p.removeprefix(f"{one.name}."): wanted[p] for p in paths}
        else:
            chosen[one.name] = wanted.get(one.name, change.resource.fields[one.name])
    body = to_wire(fields_of(change.kind.spec), chosen, context.id_of)
    for wire in body.keys() & raw.keys():
        there = raw[wire] if isinstance(raw[wire], list) else []
        marks = [t for t in there if isinstance(t, str) and is_reserved(t)]
        if marks:  # they are in no claim, whoever's they are
            body[wire] = sorted({*body[wire], *marks})
    if "name" in wanted and change.kind.name_wire and "name" not in chosen:
        body[change.kind.name_wire] = wanted["name"]
    return body
