"""From a change to what is there already, to the requests that make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.cloud.live import LiveObject
from reconciler.engine.bodies import Context, changed_body, top_names, values_for
from reconciler.engine.fresh import read_again, read_before_delete
from reconciler.engine.marks import marks_in_body, send_marks, tags_with_marks
from reconciler.engine.send import Sender
from reconciler.engine.values import Action, Change
from reconciler.errors import Conflict, Missing, Stale, Transient
from reconciler.kinds.calls import Call, MarkStyle, Work
from reconciler.kinds.fields import fields_of
from reconciler.kinds.kind import Kind
from reconciler.kinds.values import Json, is_reserved

PATIENCE = 300.0
"""Seconds that an object may take until it is ready."""
TICK = 0.5


def detach(change: Change, context: Context) -> None:
    """Take the owner's mark off: from now on the object is nobody's."""
    assert change.live is not None  # only what is there can be let go of
    sender = Sender(context.http, change.kind, values_to_delete(change, context, change.live))
    read_again(change, sender, context)
    body = marks_in_body(change, context.owner)
    if body:
        assert change.kind.update is not None  # marks of this style lie in the body
        sender.send(change.kind.update, body)
    send_marks(change, sender, context.owner)


def update(change: Change, context: Context) -> None:
    """Change an object in place, and write what has calls of its own: tags, the mark."""
    try:
        _update_once(change, context)
    except Stale:
        # A tag or a rule of our own bumps the revision, too: read once more, and compare.
        _update_once(change, context)


def _update_once(change: Change, context: Context) -> None:
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
    later_calls(change, context, sender, raw, top_names(change))
    await_ready(kind, sender, raw, context)


def later_calls(
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
            kind.steps[via](work_for(change, context, sender, raw))
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


def work_for(change: Change, context: Context, sender: Sender, raw: Mapping[str, Json]) -> Work:
    def progress(done: int, whole: int) -> None:
        context.progress(change.address, done, whole)

    return Work(
        sender.http, sender.values["id"], raw, sender.values, progress,
        context.revision.open, context.sleep, context.allowed_hosts,
    )  # fmt: skip


def await_ready(kind: Kind, sender: Sender, raw: Mapping[str, Json], context: Context) -> None:
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


def delete(change: Change, context: Context, *, look: bool = True) -> None:
    kind, found = change.kind, change.live
    if kind.delete is None or found is None:
        return
    sender = Sender(context.http, kind, values_to_delete(change, context, found))
    try:
        if look:
            read_before_delete(change, sender, context)
        if kind.lock and kind.lock.on(found.raw):
            sender.send(kind.lock.opens)
        if isinstance(kind.before_delete, Call):
            sender.send(kind.before_delete)
        elif kind.before_delete:
            kind.before_delete(work_for(change, context, sender, found.raw))
        sender.send(kind.delete)
    except Missing:
        return  # already gone: just what was wanted


def values_to_delete(change: Change, context: Context, found: LiveObject) -> dict[str, Json]:
    return values_for(replace(change, resource=None), context, found.id)
