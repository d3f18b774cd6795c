"""From one change to the requests that make it, and to what the cloud then has."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.cloud.live import Live, LiveObject, owners, read_fields
from reconciler.cloud.observe import unpack
from reconciler.engine.compare import compare
from reconciler.engine.send import Sender
from reconciler.engine.values import Action, Change
from reconciler.errors import Conflict, Exists, Missing, Rejected, Stale, Transient
from reconciler.kinds.address import Address
from reconciler.kinds.fields import Field, Shape, Value, fields_of, to_wire
from reconciler.kinds.kind import Http, Kind, MarkStyle, Work
from reconciler.kinds.registry import Kinds
from reconciler.kinds.values import Json, is_reserved
from reconciler.state.model import edge_address
from reconciler.state.source import Revision

PATIENCE = 300.0
"""Seconds that an object may take until it is ready."""
TICK = 0.5


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
    progress: Callable[[Address, int, int], None] = lambda _address, _done, _all: None
    sleep: Callable[[float], None] = time.sleep

    def id_of(self, address: Address) -> str:
        """Give the id of an object that is there by now.

        Raises:
            Rejected: it is not.

        """
        try:
            return self.ids[address]
        except KeyError:
            raise Rejected(f"{address} is not there") from None


@dataclass(frozen=True, slots=True)
class Done:
    """What a step left behind: the id, and children that came along by themselves."""

    id: str = ""
    children: frozenset[Address] = field(default_factory=frozenset)


def perform(change: Change, context: Context) -> Done:
    """Make one change.

    Raises:
        CloudError: it was not made, or not wholly; the class says whose move is next.

    """
    match change.action:
        case Action.CREATE:
            return _create(change, context)
        case Action.UPDATE | Action.ADOPT:
            return _update(change, context)
        case Action.REPLACE:
            _delete(change, context)
            return _create(change, context)
        case Action.DELETE:
            _delete(change, context)
            return Done()


def _values(change: Change, context: Context, object_id: str) -> dict[str, Json]:
    """Give everything that a path or a body may name."""
    kind = change.kind
    fields: Mapping[str, Value] = {}
    if change.live is not None:
        fields = context.live.fields(change.live)
    if change.resource is not None:
        fields = {**fields, **change.resource.fields}
    values = to_wire(fields_of(kind.spec), fields, context.id_of)
    if change.live is not None and kind.edge:
        values = {**change.live.raw, **values}
    above, first = change.parent, True
    while above.kind:
        values[above.kind] = context.ids.get(above, "")
        if first:
            values["parent"], first = values[above.kind], False
        above = context.parents.get(above, Address("", ()))
    name = change.resource.name if change.resource else change.address.name
    return {**values, "id": object_id, "name": name, "mark": f"reconciler:{context.owner}",
            "owner": context.owner, "parent_kind": change.parent.kind}  # fmt: skip


def _create(change: Change, context: Context) -> Done:
    kind, resource = change.kind, change.resource
    assert resource is not None  # only what is declared is created
    values = _values(change, context, "")
    sender = Sender(context.http, kind, values)
    if kind.implicit and kind.implicit(change.address):
        return _take_implicit(change, context, sender)
    if kind.find and change.action is Action.CREATE:
        _refuse_if_there(change, sender)
    body = _body(kind, resource.fields, context)
    _name_and_place(change, values, body)
    if change.mark and kind.mark:
        if kind.mark.style is MarkStyle.ATTRIBUTE:
            body[kind.mark.field] = context.owner
        elif kind.mark.style is MarkStyle.TAG_IN_BODY:
            body["tags"] = sorted({*body.get("tags", ()), f"reconciler:{context.owner}"})
    sent = kind.write(body, {}) if kind.write else body
    assert kind.create is not None  # what cannot be created is implicit
    try:
        raw = sender.send(kind.create, sent)
    except Exists:
        if kind.edge:
            return Done()  # made by another hand meanwhile: just what was wanted
        raise
    object_id = str(raw.get(kind.id_wire) or "")
    after = Sender(context.http, kind, {**values, "id": object_id})
    _later_calls(change, context, after, raw, list(resource.fields))
    _await_ready(kind, after, raw, context)
    return Done(object_id, _settle_children(change, context, object_id, raw))


def _refuse_if_there(change: Change, sender: Sender) -> None:
    """Look once more: a list may have been short, and the name is not kept unique."""
    assert change.kind.find is not None  # asked by the caller
    found = sender.send(change.kind.find)
    items = found.get("items") or ()
    if items and (change.kind.listing is None or change.kind.listing.select is None):
        raise Exists(f"{change.address} is there by now ({items[0].get('id')}); plan again")


def _name_and_place(change: Change, values: Mapping[str, Json], body: dict[str, Json]) -> None:
    kind = change.kind
    if not kind.edge and values["name"] and kind.name_wire and kind.form != "one":
        body.setdefault(kind.name_wire, values["name"])
    for wire, above in kind.ancestors.items():
        if values.get(above):
            body[wire] = values[above]


def _body(kind: Kind, fields: Mapping[str, Value], context: Context) -> dict[str, Json]:
    main = [f for f in fields_of(kind.spec) if not f.via]
    chosen = {
        f.name: fields[f.name] for f in main if f.name in fields and not _unsendable(f, fields)
    }
    return to_wire(main, chosen, context.id_of)


def _unsendable(one: Field, fields: Mapping[str, Value]) -> bool:
    return fields[one.name] is None and one.server_default


def _take_implicit(change: Change, context: Context, sender: Sender) -> Done:
    """Read what the service made by itself, and bring it to what is wanted."""
    kind = change.kind
    assert kind.find is not None and change.resource is not None  # noqa: PT018 - a kind's contract
    found = sender.send(kind.find)
    items = found.get("items")
    raw = (items[0] if items else None) if items is not None else found
    if raw is None:
        raise Missing(f"{change.address} did not come with {change.parent}")
    live = LiveObject(change.address, kind, change.parent, str(raw.get(kind.id_wire) or ""), raw)
    fields = compare(
        fields_of(kind.spec), change.resource.fields, context.live.fields(live),
        defaults=context.live.defaults.get(kind.name),
    )  # fmt: skip
    mark = bool(context.owner and kind.mark and context.owner not in owners(kind, raw))
    update = Change(
        change.address, kind, Action.UPDATE, change.parent, fields,
        resource=change.resource, live=live, mark=mark,
    )  # fmt: skip
    if fields or mark:
        _update(update, context)
    return Done(live.id, _settle_children(change, context, live.id, raw))


def _settle_children(
    change: Change, context: Context, object_id: str, raw: Mapping[str, Json]
) -> frozenset[Address]:
    """Take away claimed children that came with the object and are not wanted; name the others."""
    there: set[Address] = set()
    for kind in context.kinds.below(change.kind.name):
        if kind.listing is None or kind.listing.embedded != change.kind.name:
            continue
        for item in unpack(raw.get(kind.listing.items)):
            if kind.listing.select and not kind.listing.select(item):
                continue
            fields = read_fields(kind, item, context.live)
            address = edge_address(kind, change.address, fields)
            child = LiveObject(
                address, kind, change.address, str(item.get(kind.id_wire) or ""), item
            )
            if address in context.wanted:
                there.add(address)
            elif (change.address, kind.name) in context.claims:
                within = {**context.ids, change.address: object_id}
                inner = replace(context, ids=within)
                _delete(Change(address, kind, Action.DELETE, change.address, live=child), inner)
    return frozenset(there)


def _update(change: Change, context: Context) -> Done:
    kind, found, resource = change.kind, change.live, change.resource
    assert found is not None and resource is not None  # noqa: PT018 - only declared, living objects
    values = _values(change, context, found.id)
    sender = Sender(context.http, kind, values)
    raw, headers = found.raw, {}
    if kind.revision and change.fields:
        raw = _read_again(change, sender, context)
        headers = {"If-Match": f"revision_number={raw['revision_number']}"}
    body = _changed_body(change, context, raw)
    if change.mark and kind.mark and kind.mark.style is MarkStyle.ATTRIBUTE:
        body[kind.mark.field] = context.owner
    if body:
        sent = kind.write(body, raw) if kind.write else body
        assert kind.update is not None  # edges without one are made again
        if sent:
            raw = sender.send(kind.update, sent, headers) or raw
    _later_calls(change, context, sender, raw, _top_names(change))
    _await_ready(kind, sender, raw, context)
    return Done(found.id)


def _read_again(change: Change, sender: Sender, context: Context) -> Mapping[str, Json]:
    """Read the object once more right before it is changed, and refuse if somebody else changed it."""
    kind = change.kind
    assert kind.get is not None and change.live is not None  # noqa: PT018 - a kind's contract
    raw = sender.send(kind.get)
    before, now = context.live.fields(change.live), read_fields(kind, raw, context.live)
    for name in _top_names(change):
        if before.get(name) != now.get(name):
            raise Stale(f"{change.address}: {name} was changed by another hand since it was read")
    return raw


def _top_names(change: Change) -> list[str]:
    return list(dict.fromkeys(f.path.split(".")[0] for f in change.fields))


def _changed_body(change: Change, context: Context, raw: Mapping[str, Json]) -> dict[str, Json]:
    """Give only what changed; what the API replaces as a whole is sent whole."""
    assert change.resource is not None and change.live is not None  # noqa: PT018 - see _update
    wanted = {f.path: f.after for f in change.fields}
    now = read_fields(change.kind, raw, context.live)
    chosen: dict[str, Value] = {}
    for one in fields_of(change.kind.spec):
        paths = [p for p in wanted if p == one.name or p.startswith(f"{one.name}.")]
        if one.via or not paths:
            continue
        if one.shape is Shape.MODEL and wanted.get(one.name, paths) is not None:
            part = change.resource.fields[one.name]
            kept = {} if one.lifted else dict(now.get(one.name) or {})
            touched = {p.split(".")[1] for p in paths}
            chosen[one.name] = kept | {
                k: v for k, v in part.items() if not one.lifted or k in touched
            }
        elif one.shape is Shape.MAP and one.keyed:
            chosen[one.name] = {p.split(".", 1)[1]: wanted[p] for p in paths}
        else:
            chosen[one.name] = wanted.get(one.name, change.resource.fields[one.name])
    body = to_wire(fields_of(change.kind.spec), chosen, context.id_of)
    for wire in body.keys() & raw.keys():
        kept = [t for t in raw[wire] if is_reserved(str(t))] if isinstance(raw[wire], list) else []
        if kept:  # marks are in no claim, whoever's they are
            body[wire] = sorted({*body[wire], *kept})
    if "name" in wanted and change.kind.name_wire and "name" not in chosen:
        body[change.kind.name_wire] = wanted["name"]
    return body


def _later_calls(
    change: Change, context: Context, sender: Sender, raw: Mapping[str, Json], names: list[str]
) -> None:
    """Send what has calls of its own: tags, the mark, the data of an image."""
    kind, resource = change.kind, change.resource
    assert resource is not None  # asked by the callers
    vias = {f.via: f for f in fields_of(kind.spec) if f.via and f.name in names}
    mark = f"reconciler:{context.owner}"
    tagged = change.mark and kind.mark and kind.mark.style in (MarkStyle.TAG, MarkStyle.TAG_IN_BODY)
    created = change.action in (Action.CREATE, Action.REPLACE) and change.live is not raw
    if created and kind.mark and kind.mark.style is MarkStyle.TAG_IN_BODY:
        tagged = False
    for via, one in vias.items():
        if via in kind.steps:
            kind.steps[via](_work(change, context, sender, raw))
            continue
        values = dict(sender.values)
        if via == "tags":
            kept = {t for t in raw.get("tags") or () if is_reserved(t)}
            own = {mark} if tagged else set()
            values["tags"] = sorted({*(resource.fields[one.name] or ()), *kept, *own})
            tagged = False
        Sender(sender.http, kind, values).send(kind.calls[via])
    if tagged:
        sender.send(kind.calls["mark"])
    elif change.mark and kind.mark and kind.mark.style is MarkStyle.MAP:
        sender.send(kind.calls["mark"])


def _work(change: Change, context: Context, sender: Sender, raw: Mapping[str, Json]) -> Work:
    def progress(done: int, whole: int) -> None:
        context.progress(change.address, done, whole)

    return Work(sender.http, sender.values["id"], raw, sender.values, progress)


def _await_ready(kind: Kind, sender: Sender, raw: Mapping[str, Json], context: Context) -> None:
    """Wait until an object can be used.

    Raises:
        Conflict: it went bad instead.
        Transient: it took too long.

    """
    if kind.ready is None or kind.get is None:
        return
    waited = 0.0
    state = str(raw.get(kind.ready.field, ""))
    while state not in kind.ready.good:
        if state in kind.ready.bad:
            raise Conflict(f"{kind.ready.field} is {state}")
        if waited >= PATIENCE:
            raise Transient(f"{kind.ready.field} is still {state} after {PATIENCE:.0f} s")
        context.sleep(TICK)
        waited += TICK
        state = str(sender.send(kind.get).get(kind.ready.field, ""))


def _delete(change: Change, context: Context) -> None:
    kind, found = change.kind, change.live
    if kind.delete is None or found is None:
        return
    sender = Sender(context.http, kind, _values_to_delete(change, context, found))
    try:
        if kind.before_delete:
            sender.send(kind.before_delete)
        sender.send(kind.delete)
    except Missing:
        return  # already gone: just what was wanted


def _values_to_delete(change: Change, context: Context, found: LiveObject) -> dict[str, Json]:
    return _values(replace(change, resource=None), context, found.id)
