"""One more look right before a request: is it still as the plan saw it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode

from reconciler.cloud.live import owners, protected, read_fields
from reconciler.cloud.pages import read_pages
from reconciler.engine.bodies import Context, top_names, values_for
from reconciler.engine.contents import what_is_in
from reconciler.engine.send import Sender
from reconciler.engine.values import Action, Change
from reconciler.errors import Exists, Missing, Stale
from reconciler.kinds.address import Address
from reconciler.kinds.calls import Listing
from reconciler.kinds.kind import Kind
from reconciler.kinds.values import Json

LONGEST = 4_000
"""Characters of a URL that every server takes."""


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


def there_by_now(changes: Sequence[Change], context: Context) -> dict[Address, Exists]:
    """Look once more for several objects of one kind; give those that are there by now.

    One filtered listing serves them all, where the service takes a filter several times.
    """
    kind, found = changes[0].kind, {}
    if kind.find is None:
        return {}
    senders = {c.address: Sender(context.http, kind, values_for(c, context, "")) for c in changes}
    items = _any_of(kind, [sender.values for sender in senders.values()], context)
    for change in changes:
        try:
            if items is None or any(_is_meant(one, kind, senders[change.address]) for one in items):
                refuse_if_there(change, senders[change.address])
        except Exists as error:
            found[change.address] = error
    return found


def _any_of(
    kind: Kind, wanted: Sequence[Mapping[str, Json]], context: Context
) -> list[Json] | None:
    """List what has any of the wanted values in each filter; None: each must be asked for alone."""
    find = kind.find
    if find is None or not isinstance(find.path, str) or not find.repeats:
        return None
    path, _, query = find.path.partition("?")
    pairs = {
        (key, str(values.get(template.strip("{}")) or ""))
        for key, template in parse_qsl(query)
        for values in wanted
    }
    asked = f"{path}?{urlencode(sorted(pairs))}"
    if len(asked) > LONGEST or any(not value for _, value in pairs):
        return None
    return read_pages(context.http, kind.service, Listing(items=find.returns), asked, kind.version)


def _is_meant(item: Mapping[str, Json], kind: Kind, sender: Sender) -> bool:
    """Say whether a single look may find this one, too: then that has the word."""
    assert kind.find is not None and isinstance(kind.find.path, str)  # noqa: PT018 - asked before
    query = parse_qsl(kind.find.path.partition("?")[2])
    wanted = ((key, sender.values.get(form.strip("{}"))) for key, form in query)
    return all(item.get(key, value) == value for key, value in wanted)


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
    names = before.keys() & now.keys()
    if change.action not in (Action.DELETE, Action.REPLACE):
        names = {*top_names(change), *(names & _stated(change))}
    for name in sorted(names):
        if before.get(name) != now.get(name):
            raise Stale(f"{change.address}: {name} was changed by another hand since it was read")
    return raw


def _stated(change: Change) -> set[str]:
    """Name what is stated of an object: another pass would put that right unseen."""
    if change.resource is None:
        return set()
    return change.resource.fields.keys() - set(change.resource.options.ignore)


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
        inside = _inside(change, change.live.id, context)
        if inside:
            raise Stale(f"{change.address} holds {inside} by now")


def _inside(change: Change, object_id: str, context: Context) -> str:
    """Say what would be lost along; a list that is not there does not say that nothing is."""
    try:
        return what_is_in(change.kind, object_id, context.http, context.services, late=True)
    except Missing as error:
        raise Stale(f"{change.address}: what it holds cannot be told: {error}") from error
