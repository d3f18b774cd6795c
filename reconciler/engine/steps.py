"""From one change to the requests that make it, and to what the cloud then has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.cloud.live import LiveObject, owners, read_fields
from reconciler.cloud.observe import unpack
from reconciler.engine.bodies import (
    Context,
    changed_body,
    name_and_place,
    top_names,
    values_for,
    whole_body,
)
from reconciler.engine.compare import compare
from reconciler.engine.fresh import read_again, read_before_delete, refuse_if_there
from reconciler.engine.marks import marks_in_body, send_marks, tags_with_marks
from reconciler.engine.send import Sender
from reconciler.engine.values import Action, Change
from reconciler.errors import Conflict, Exists, Missing, Stale, Transient
from reconciler.kinds.address import Address, Id
from reconciler.kinds.calls import Call, MarkStyle, Retire, Work
from reconciler.kinds.edges import edge_address
from reconciler.kinds.fields import fields_of
from reconciler.kinds.kind import Kind
from reconciler.kinds.values import Json, is_reserved

PATIENCE = 300.0
"""Seconds that an object may take until it is ready."""
TICK = 0.5


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
        case Action.UPDATE if change.detach:
            return _detach(change, context)
        case Action.UPDATE | Action.ADOPT:
            return _update(change, context)
        case Action.REPLACE if change.kind.retire:
            return _succeed(change, context, change.kind.retire)
        case Action.REPLACE:
            _delete(change, context)
            return _create(change, context)
        case Action.DELETE:
            _refuse_if_unlisted(change, context)
            _delete(change, context)
            return Done()


def _create(change: Change, context: Context) -> Done:
    kind, resource = change.kind, change.resource
    assert resource is not None  # only what is declared is created
    values = values_for(change, context, "")
    sender = Sender(context.http, kind, values)
    if kind.implicit and kind.implicit(change.address):
        return _take_implicit(change, context, sender)
    if kind.find and change.action is Action.CREATE:
        refuse_if_there(change, sender)
    body = whole_body(kind, resource.fields, context)
    name_and_place(change, values, body)
    body |= marks_in_body(change, context.owner)
    if kind.mark and kind.mark.style is MarkStyle.TAG_IN_BODY:
        tags = tags_with_marks(change, context.owner, set(body.get("tags") or ()))
        body |= {"tags": tags} if tags else {}
    sent = kind.write(body, {}) if kind.write else body
    if kind.prepare:
        values = {**values, **kind.prepare(_work(change, context, sender, {}))}
        sender = Sender(context.http, kind, values)
    assert kind.create is not None  # what cannot be created is implicit
    try:
        raw = sender.send(kind.create, sent)
    except Exists:
        if kind.edge:
            return Done()  # made by another hand meanwhile: just what was wanted
        raise
    object_id = str(raw.get(kind.id_wire) or "")
    after = Sender(context.http, kind, {**values, "id": object_id})
    sent_later = [f.name for f in fields_of(kind.spec) if f.name in resource.fields and not f.later]
    _later_calls(change, context, after, raw, sent_later)
    _await_ready(kind, after, raw, context)
    return Done(object_id, _settle_children(change, context, object_id, raw))


def _succeed(change: Change, context: Context, retire: Retire) -> Done:
    """Make an object again so that one of its name is there all the time."""
    assert change.live is not None  # only what is there is replaced
    values = _values_to_delete(change, context, change.live)
    sender = Sender(context.http, change.kind, values)
    read_again(change, sender, context)
    sender.send(retire.first)
    done = _create(change, context)
    sender.send(retire.then)
    _delete(change, context, look=False)
    return done


def _refuse_if_unlisted(change: Change, context: Context) -> None:
    """Look at what an edge joins and no list has: that list was not whole, or it is really gone."""
    fields = context.live.fields(change.live) if change.kind.edge and change.live else {}
    for end in (value for value in fields.values() if isinstance(value, Id)):
        kind = context.kinds[end.kind]
        assert kind.get is not None  # what is referred to can be read
        try:
            Sender(context.http, kind, {"id": end.id}).send(kind.get)
        except Missing:
            continue
        raise Stale(f"{end} is there, although no list has it; plan again")


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
                gone = Change(address, kind, Action.DELETE, change.address, live=child)
                _delete(gone, inner, look=False)
    return frozenset(there)


def _detach(change: Change, context: Context) -> Done:
    """Take the owner's mark off: from now on the object is nobody's."""
    assert change.live is not None  # only what is there can be let go of
    sender = Sender(context.http, change.kind, _values_to_delete(change, context, change.live))
    read_again(change, sender, context)
    body = marks_in_body(change, context.owner)
    if body:
        assert change.kind.update is not None  # marks of this style lie in the body
        sender.send(change.kind.update, body)
    send_marks(change, sender, context.owner)
    return Done(change.live.id)


def _update(change: Change, context: Context) -> Done:
    try:
        return _update_once(change, context)
    except Stale:
        # A tag or a rule of our own bumps the revision, too: read once more, and compare.
        return _update_once(change, context)


def _update_once(change: Change, context: Context) -> Done:
    kind, found, resource = change.kind, change.live, change.resource
    assert found is not None and resource is not None  # noqa: PT018 - only declared, living objects
    values = values_for(change, context, found.id)
    sender = Sender(context.http, kind, values)
    raw, headers = found.raw, {}
    if (change.fields or change.mark) and kind.get:
        raw = read_again(change, sender, context)
    if change.fields and kind.revision:
        headers = {"If-Match": f"revision_number={raw['revision_number']}"}
    if kind.lock and kind.lock.updates and kind.lock.on(raw):
        sender.send(kind.lock.opens)  # the service takes this alone, and nothing before it
    body = changed_body(change, context, raw)
    body |= marks_in_body(change, context.owner)
    if body:
        sent = kind.write(body, raw) if kind.write else body
        assert kind.update is not None  # edges without one are made again
        if sent:
            raw = sender.send(kind.update, sent, headers) or raw
    _later_calls(change, context, sender, raw, top_names(change))
    _await_ready(kind, sender, raw, context)
    return Done(found.id)


def _later_calls(
    change: Change, context: Context, sender: Sender, raw: Mapping[str, Json], names: list[str]
) -> None:
    """Send what has calls of its own: tags, the mark, the data of an image."""
    kind, resource = change.kind, change.resource
    assert resource is not None  # asked by the callers
    vias = {f.via: f for f in fields_of(kind.spec) if f.via and f.name in names}
    created = change.action in (Action.CREATE, Action.REPLACE)
    marked = created and kind.mark is not None and kind.mark.style is MarkStyle.TAG_IN_BODY
    for via, one in vias.items():
        if via in kind.steps:
            kind.steps[via](_work(change, context, sender, raw))
            continue
        values = dict(sender.values)
        if via == "tags":
            kept = {t for t in raw.get("tags") or () if is_reserved(t)}
            stated = set(resource.fields[one.name] or ())
            values["tags"] = tags_with_marks(change, context.owner, stated | kept)
            marked = True
        Sender(sender.http, kind, values).send(kind.calls[via])
    if not marked:
        send_marks(change, sender, context.owner)


def _work(change: Change, context: Context, sender: Sender, raw: Mapping[str, Json]) -> Work:
    def progress(done: int, whole: int) -> None:
        context.progress(change.address, done, whole)

    return Work(
        sender.http, sender.values["id"], raw, sender.values, progress,
        context.revision.open, context.sleep, context.allowed_hosts,
    )  # fmt: skip


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


def _delete(change: Change, context: Context, *, look: bool = True) -> None:
    kind, found = change.kind, change.live
    if kind.delete is None or found is None:
        return
    sender = Sender(context.http, kind, _values_to_delete(change, context, found))
    try:
        if look:
            read_before_delete(change, sender, context)
        if kind.lock and kind.lock.on(found.raw):
            sender.send(kind.lock.opens)
        if isinstance(kind.before_delete, Call):
            sender.send(kind.before_delete)
        elif kind.before_delete:
            kind.before_delete(_work(change, context, sender, found.raw))
        sender.send(kind.delete)
    except Missing:
        return  # already gone: just what was wanted


def _values_to_delete(change: Change, context: Context, found: LiveObject) -> dict[str, Json]:
    return values_for(replace(change, resource=None), context, found.id)
