"""From the kinds' listings to what is: each collection once, concurrent, complete or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.cloud.index import NO_KEYS, NO_RENAMES, Gathering, Item, Keys, Renames
from reconciler.cloud.last import Last
from reconciler.cloud.live import Live, read_fields
from reconciler.cloud.pace import START
from reconciler.cloud.pages import read_pages
from reconciler.cloud.reading import Reading, Wants, Width, id_in, look_inside
from reconciler.cloud.session import Who
from reconciler.errors import CloudError
from reconciler.kinds.address import Address
from reconciler.kinds.calls import Http, Listing
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Kinds
from reconciler.kinds.values import Json

NOTHING: Mapping[Address, str] = {}


def observe(
    http: Http,
    kinds: Kinds,
    who: Who,
    *,
    wants: Wants,
    only: Collection[str] | None = None,
    keys: Keys = NO_KEYS,
    renames: Renames = NO_RENAMES,
    owner: str = "",
    expected: Mapping[Address, str] = NOTHING,
    nulls: Collection[str] | None = None,
    last: Last | None = None,
    progress: Callable[[str, int], None] = lambda _kind, _count: None,
    width: Width = lambda _service: START,
) -> Live:
    """List every collection that the kinds name; ``only`` keeps to these kinds.

    A service that is not in the catalogue has none of its kinds; a listing that failed leaves its
    kinds ``incomplete``, and the rest goes on. A list that lacked what others lie in, or what was
    there when last all was done (``expected``, with its name), is read once more, and where it was
    short, everything is. What the cloud gives where nothing is set is asked for kinds in ``nulls``.
    Who looks again gives what remembers the ``last`` look.
    """
    chosen = [kind for kind in kinds.ordered() if only is None or kind.name in only]
    asked = frozenset(kind.name for kind in chosen) if nulls is None else nulls
    remembered = last or Last()

    def gather() -> Gathering:
        gathering = Gathering(keys, renames, owner)
        remembered.begin(keys, renames, owner)
        with Reading(chosen, http, who, wants, asked, width) as reading:
            _read_all(chosen, gathering, reading, remembered, progress)
        return gathering

    found = gather()
    if any(_was_short(kinds[name], lost, http) for name, lost in _lost(found, chosen, expected)):
        # A freshly started Neutron worker answers 200 with a list that is short, or empty.
        found = gather()
    remembered.end(chosen)
    return replace(
        _live(found, who),
        quiet=last.quiet if last else None,
        inside=lambda kind, above: unpack(look_inside(http, kind, above.raw)),
    )


def _read_all(
    chosen: list[Kind],
    gathering: Gathering,
    reading: Reading,
    last: Last,
    progress: Callable[[str, int], None],
) -> None:
    for kind in chosen:
        try:
            _take(kind, gathering, reading, last)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # A service answered what no service should: its kind is not read, the rest is.
            why = f"an answer that makes no sense: {type(error).__name__} {error}"
            gathering.incomplete[kind.name] = why
        progress(kind.name, gathering.counts.get(kind.name, 0))


@dataclass(frozen=True, slots=True)
class _Lost:
    """What a list lacked."""

    ids: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    """Ids of what it did show, whatever its name."""


def _lost(
    found: Gathering, chosen: list[Kind], expected: Mapping[Address, str]
) -> Iterator[tuple[str, _Lost]]:
    """Give kinds with lists that lack something, and what tells it."""
    for kind, ids in found.orphans.items():
        yield kind, _Lost(frozenset(ids))
    names: dict[str, set[str]] = {}
    for address, name in expected.items():
        if address not in found.objects and address not in found.twins:
            names.setdefault(address.kind, set()).add(name)
    for one in chosen:
        if one.name in names and not one.edge and one.name not in found.incomplete:
            seen = frozenset(key for kind, key in found.ids if kind == one.name)
            yield one.name, _Lost(names=frozenset(names[one.name]), seen=seen)


def _was_short(kind: Kind, lost: _Lost, http: Http) -> bool:
    """Say whether a list shows by now what it lacked: then it lied before."""
    listing = kind.listing
    if listing is None or not listing.path or listing.each:
        return False
    try:
        again = read_pages(http, kind.service, listing, listing.path, kind.version)
    except CloudError:
        return False  # it was read whole before; what it cannot tell now changes nothing
    return any(_is_lost(kind, raw, lost) for raw in again)


def _is_lost(kind: Kind, raw: Mapping[str, Json], lost: _Lost) -> bool:
    key = str(raw.get(kind.id_wire))
    name = kind.called(raw) if kind.called else raw.get(kind.name_wire)
    return key in lost.ids or (name in lost.names and key not in lost.seen)


def _live(gathering: Gathering, who: Who) -> Live:
    return Live(
        gathering.objects,
        {address: tuple(found) for address, found in gathering.twins.items()},
        gathering.ids,
        {place: tuple(found) for place, found in gathering.children.items()},
        gathering.incomplete,
        gathering.defaults,
        gathering.counts,
        who.user_id,
        who.project_id,
        who.roles,
        who.region,
        {address: tuple(ids) for address, ids in gathering.strangers.items()},
        tuple(gathering.nameless),
        tuple(gathering.unplaced),
        who.groups,
        gathering.read,
        services=who.services,
    )


def _take(kind: Kind, gathering: Gathering, reading: Reading, last: Last) -> None:
    """Read and index one kind, or note why it is incomplete."""
    items: list[Item] | None = []
    for listing in (kind.listing, *kind.more) if kind.listing else ():
        part = _items(kind, listing, gathering, reading)
        items = None if items is None or part is None else items + part
    lost = next((p for p in kind.within if p in gathering.incomplete), None)
    if lost and items is not None:
        # Without their parents objects have no address: they would look as if not there.
        gathering.incomplete[kind.name] = f"{lost}: {gathering.incomplete[lost]}"
    elif items is not None:
        last.take(kind, items, gathering)
        reading.go_on(kind, gathering.raws[kind.name])
        _note_unset(kind, gathering, reading)


def _items(
    kind: Kind,
    listing: Listing,
    gathering: Gathering,
    reading: Reading,
) -> list[Item] | None:
    """Give a kind's objects, or None (and why, in ``incomplete``) where they cannot be read."""
    source = listing.embedded or listing.each
    if source and source in gathering.incomplete:
        gathering.incomplete[kind.name] = gathering.incomplete[source]
        return None
    try:
        if listing.embedded:
            return [
                (parent, item)
                for parent, raw in gathering.raws[listing.embedded]
                for item in unpack(raw.get(listing.items))
                if listing.select is None or listing.select(item)
            ]
        if listing.by:
            return _by_parent(kind, listing, gathering, reading)
        if listing.each:
            return _each(kind, listing, reading)
        found = _split(listing, reading.whole(kind, listing))
        return [(None, raw) for raw in found if listing.select is None or listing.select(raw)]
    except CloudError as error:
        gathering.incomplete[kind.name] = str(error)
        return None


def _split(listing: Listing, found: list[Json]) -> list[Json]:
    """Give one item for each of those in the list that each item holds, if it holds one."""
    if not listing.split:
        return found
    return [{**raw, listing.split: one} for raw in found for one in raw[listing.split]]


def unpack(found: Json) -> Iterable[Mapping[str, Json]]:
    """Give the objects that lie in another one, whatever form they lie there in."""
    if isinstance(found, Mapping):
        return ({"key": key, "value": value} for key, value in found.items())
    return (item if isinstance(item, Mapping) else {"value": item} for item in found or ())


def _each(kind: Kind, listing: Listing, reading: Reading) -> list[Item]:
    """Give what was asked for once for each parent."""
    return [
        (parent, item)
        for parent, found in reading.inside(kind, listing)
        for item in unpack(found)
        if listing.select is None or listing.select(item)
    ]


def _by_parent(kind: Kind, listing: Listing, gathering: Gathering, reading: Reading) -> list[Item]:
    """Give one item for each parent whose collection somebody declared, from one listing."""
    assert kind.unset is not None  # what is in no list has what is given to all
    found = {str(raw.get(listing.by)): raw for raw in reading.whole(kind, listing)}
    wanted: list[tuple[Address, str]] = [
        (parent, str(raw.get(id_in(raw))))
        for parent, raw in gathering.raws[listing.each]
        if reading.wants(kind, listing, parent, raw)
    ]
    if all(key in found for _, key in wanted):
        return [(parent, found[key]) for parent, key in wanted]
    [blank] = reading.whole(kind, kind.unset)
    default: Mapping[str, Json] = blank
    return [(parent, found.get(key, default)) for parent, key in wanted]


def _note_unset(kind: Kind, gathering: Gathering, reading: Reading) -> None:
    """Read what an object has on which nothing was set: a stated ``null`` means that."""
    if kind.unset is None or not reading.asks_unset(kind):
        return
    try:
        for raw in reading.whole(kind, kind.unset):
            gathering.defaults[kind.name] = read_fields(kind, raw, Live({}))
    except CloudError as error:
        gathering.incomplete[kind.name] = str(error)
