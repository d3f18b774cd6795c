"""From one change to the requests that make it, and to what the cloud then has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.cloud.live import LiveObject, owners, read_fields
from reconciler.cloud.observe import unpack
from reconciler.engine.amend import (
    await_ready,
    delete,
    detach,
    later_calls,
    update,
    values_to_delete,
    work_for,
)
from reconciler.engine.bodies import (
    Context,
    name_and_place,
    values_for,
    whole_body,
)
from reconciler.engine.compare import compare
from reconciler.engine.fresh import read_again, refuse_if_there
from reconciler.engine.marks import marks_in_body, tags_with_marks
from reconciler.engine.send import Sender
from reconciler.engine.values import Action, Change
from reconciler.errors import Exists, Missing, Stale
from reconciler.kinds.address import Address, Id
from reconciler.kinds.calls import MarkStyle, Retire
from reconciler.kinds.edges import edge_address
from reconciler.kinds.fields import fields_of
from reconciler.kinds.values import Json


@dataclass(frozen=True, slots=True)
class Done:
    """What a step left behind: the id, and children that came along by themselves."""

    id: str = ""
    children: frozenset[Address] = field(default_factory=frozenset)


def perform(change: Change, context: Context, *, looked: bool = False) -> Done:
    """Make one change; ``looked``: what is to be made was looked for right before.

    Raises:
        CloudError: it was not made, or not wholly; the class says whose move is next.

    """
    match change.action:
        case Action.CREATE:
            return _create(change, context, looked=looked)
        case Action.UPDATE | Action.ADOPT:
            (detach if change.detach else update)(change, context)
            return Done(change.live.id if change.live else "")
        case Action.REPLACE if change.kind.retire:
            return _succeed(change, context, change.kind.retire)
        case Action.REPLACE:
            delete(change, context)
            return _create(change, context)
        case Action.DELETE:
            _refuse_if_unlisted(change, context)
            delete(change, context)
            return Done()


def _create(change: Change, context: Context, *, looked: bool = False) -> Done:
    kind = change.kind
    if kind.implicit(change.address):
        return _take_implicit(change, context)
    if kind.find and change.action is Action.CREATE and not looked:
        refuse_if_there(change, Sender(context.http, kind, values_for(change, context, "")))
    made = draft(change, context)
    assert kind.create is not None  # what cannot be created is implicit
    try:
        raw = Sender(context.http, kind, made.values).send(kind.create, made.body)
    except Exists:
        if kind.edge:
            return Done()  # made by another hand meanwhile: just what was wanted
        raise
    return finish(made, raw, context)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is about to be made: the values that its requests name, and the fields to send."""

    change: Change
    values: Mapping[str, Json]
    body: Json


def draft(change: Change, context: Context) -> Draft:
    """Put together what a create sends."""
    kind, resource = change.kind, change.resource
    assert resource is not None  # only what is declared is created
    values = values_for(change, context, "")
    body = whole_body(kind, resource.fields, context)
    name_and_place(change, values, body)
    body |= marks_in_body(change, context.owner)
    if kind.mark and kind.mark.style is MarkStyle.TAG_IN_BODY:
        tags = tags_with_marks(change, context.owner, set(body.get("tags") or ()))
        body |= {"tags": tags} if tags else {}
    sent = kind.write(body, {}) if kind.write else body
    if kind.prepare:
        sender = Sender(context.http, kind, values)
        values = {**values, **kind.prepare(work_for(change, context, sender, {}))}
    return Draft(change, values, sent)


def finish(made: Draft, raw: Mapping[str, Json], context: Context) -> Done:
    """Send what follows the request that made an object, and wait until it can be used."""
    change, kind = made.change, made.change.kind
    assert change.resource is not None  # only what is declared is created
    object_id = str(raw.get(kind.id_wire) or "")
    after = Sender(context.http, kind, {**made.values, "id": object_id})
    stated = change.resource.fields
    sent_later = [f.name for f in fields_of(kind.spec) if f.name in stated and not f.later]
    later_calls(change, context, after, raw, sent_later)
    await_ready(kind, after, raw, context)
    return Done(object_id, _settle_children(change, context, object_id, raw))


def _succeed(change: Change, context: Context, retire: Retire) -> Done:
    """Make an object again so that one of its name is there all the time."""
    assert change.live is not None  # only what is there is replaced
    values = values_to_delete(change, context, change.live)
    sender = Sender(context.http, change.kind, values)
    read_again(change, sender, context)
    sender.send(retire.first)
    done = _create(change, context)
    sender.send(retire.then)
    delete(change, context, look=False)
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


def _take_implicit(change: Change, context: Context) -> Done:
    """Read what the service made by itself, and bring it to what is wanted."""
    kind = change.kind
    sender = Sender(context.http, kind, values_for(change, context, ""))
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
    rest = Change(
        change.address, kind, Action.UPDATE, change.parent, fields,
        resource=change.resource, live=live, mark=mark,
    )  # fmt: skip
    if fields or mark:
        update(rest, context)
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
                delete(gone, inner, look=False)
    return frozenset(there)
