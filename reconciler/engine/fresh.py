"""One more look right before a request: is it still as the plan saw it?"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.cloud.live import owners, protected, read_fields
from reconciler.engine.bodies import Context, top_names
from reconciler.engine.contents import what_is_in
from reconciler.engine.send import Sender
from reconciler.engine.values import Action, Change
from reconciler.errors import Exists, Missing, Stale
from reconciler.kinds.values import Json


def refuse_if_there(change: Change, sender: Sender) -> None:
    """Look once more: a list may have been short, and the name is not kept unique.

    Raises:
        Exists: an object of the name is there by now.

    """
    assert change.kind.find is not None  # asked by the caller
    found = sender.send(change.kind.find)
    called, name = change.kind.called, sender.values["name"]
    items = [one for one in found.get("items") or () if not called or called(one) == name]
    if items and (change.kind.listing is None or change.kind.listing.select is None):
        raise Exists(f"{change.address} is there by now ({items[0].get('id')}); plan again")


def read_again(change: Change, sender: Sender, context: Context) -> Mapping[str, Json]:
    """Read an object right before it is changed or deleted.

    Raises:
        Stale: another hand changed what the plan is about, or whose the object is.
        Missing: it is to be deleted, and is gone already.

    """
    kind, found = change.kind, change.live
    assert found is not None  # only what is there is changed
    if kind.get is None or (kind.edge and kind.mark is None):
        return found.raw  # what edges say is what they are: another one has another address
    try:
        raw = sender.send(kind.get)
    except Missing as error:
        if change.action is Action.DELETE:
            raise
        raise Stale(f"{change.address} was deleted by another hand") from error
    _same_hands(change, raw, context)
    before, now = context.live.fields(found), read_fields(kind, raw, context.live)
    going = change.action in (Action.DELETE, Action.REPLACE)
    for name in before.keys() & now.keys() if going else top_names(change):
        if before.get(name) != now.get(name):
            raise Stale(f"{change.address}: {name} was changed by another hand since it was read")
    return raw


def _same_hands(change: Change, raw: Mapping[str, Json], context: Context) -> None:
    kind, found = change.kind, change.live
    assert found is not None  # see above
    if kind.mark is None or kind.mark.field not in raw:
        return
    marks = [(owners(kind, one), protected(kind, one, context.owner)) for one in (found.raw, raw)]
    if marks[0] != marks[1]:
        raise Stale(f"{change.address}: its mark was changed by another hand since it was read")


def read_before_delete(change: Change, sender: Sender, context: Context) -> None:
    """Read an object once more, and look for what would be lost along: servers of a project.

    Raises:
        Stale: another hand changed it, or put something into it, since the plan.
        Missing: it is gone already.

    """
    read_again(change, sender, context)
    if change.kind.contents and change.live is not None:
        inside = what_is_in(change.kind, change.live.id, context.http, context.services, late=True)
        if inside:
            raise Stale(f"{change.address} holds {inside} by now")
