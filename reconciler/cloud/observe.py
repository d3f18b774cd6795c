"""From the kinds' listings to what is: each collection once, concurrent, complete or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from reconciler.cloud.live import Live, LiveObject, owners, read_fields
from reconciler.cloud.pages import read_pages
from reconciler.cloud.session import Who
from reconciler.errors import CloudError, Missing
from reconciler.kinds.address import Address, Id
from reconciler.kinds.edges import edge_address
from reconciler.kinds.fields import Value
from reconciler.kinds.kind import Form, Http, Kind, Listing
from reconciler.kinds.registry import ROOT, Kinds, child_address
from reconciler.kinds.values import Json

WORKERS = 12

Wants = Callable[[Address, str], bool]
"""Whether somebody declared the collection of this kind under this parent."""
Keys = Mapping[tuple[str, str], str]
"""From a kind and an id to the key under which the state names that very object."""
NO_KEYS: Keys = {}
Renames = Mapping[Address, Address]
"""From the address that an object has by its name to the one under which the state wants it."""
NO_RENAMES: Renames = {}


@dataclass(slots=True)
class _Gathering:
    """Live in the making; only the caller's thread writes it."""

    keys: Keys
    renames: Renames
    owner: str
    objects: dict[Address, LiveObject] = field(default_factory=dict)
    twins: dict[Address, list[LiveObject]] = field(default_factory=lambda: defaultdict(list))
    ids: dict[tuple[str, str], Address] = field(default_factory=dict)
    children: dict[tuple[Address, str], list[Address]] = field(
        default_factory=lambda: defaultdict(list)
    )
    strangers: dict[Address, list[str]] = field(default_factory=dict)
    nameless: list[tuple[str, str]] = field(default_factory=list)
    incomplete: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Mapping[str, Value]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    raws: dict[str, list[tuple[Address, Mapping[str, Json]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Objects of a kind with their addresses: where embedded children are found."""


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
    progress: Callable[[str, int], None] = lambda _kind, _count: None,
) -> Live:
    """List every collection that the kinds name; ``only`` keeps to these kinds.

    A service that is not in the catalogue has none of its kinds; a listing that failed leaves its
    kinds ``incomplete``, and the rest goes on.
    """
    chosen = [kind for kind in kinds.ordered() if only is None or kind.name in only]
    gathering = _Gathering(keys, renames, owner)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="observe") as pool:
        futures: dict[object, Future[list[Json]]] = {}
        for kind in chosen:
            for listing in (kind.listing, *kind.more, kind.unset):
                if listing is None or not listing.path or listing.each:
                    continue  # what is asked for each parent waits for the parents
                key = _key(kind, listing, listing.path)
                if key not in futures:
                    path = listing.path.replace("{own_project}", who.project_id)
                    futures[key] = pool.submit(
                        read_pages, http, kind.service, listing, path, kind.version
                    )
        reading = _Reading(futures, http, pool, wants)
        for kind in chosen:
            try:
                _take(kind, gathering, reading)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                # A service answered what no service should: its kind is not read, the rest is.
                why = f"an answer that makes no sense: {type(error).__name__} {error}"
                gathering.incomplete[kind.name] = why
            progress(kind.name, gathering.counts.get(kind.name, 0))
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
        {address: tuple(ids) for address, ids in gathering.strangers.items()},
        tuple(gathering.nameless),
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the items of a kind are read with."""

    futures: Mapping[object, Future[list[Json]]]
    http: Http
    pool: ThreadPoolExecutor
    wants: Wants


def _take(kind: Kind, gathering: _Gathering, reading: _Reading) -> None:
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
        _index(kind, items, gathering)
        _note_unset(kind, gathering, reading.futures)


def _key(kind: Kind, listing: Listing, path: str) -> object:
    params = tuple(sorted(listing.params.items()))
    return (kind.service, path, listing.items, params, listing.page, kind.version)


Item = tuple[Address | None, Mapping[str, Json]]
"""An object, with its parent where the listing tells it."""


def _items(
    kind: Kind,
    listing: Listing,
    gathering: _Gathering,
    reading: _Reading,
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
        if listing.each:
            return _each(kind, listing, gathering, reading)
        found = _split(listing, reading.futures[_key(kind, listing, listing.path)].result())
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


def _each(
    kind: Kind,
    listing: Listing,
    gathering: _Gathering,
    reading: _Reading,
) -> list[Item]:
    """Ask once for each parent whose collection somebody declared."""
    asked: list[tuple[Address, Future[list[Json]]]] = []
    for parent, raw in gathering.raws[listing.each]:
        if not listing.all_parents and not reading.wants(parent, kind.name):
            continue
        if listing.wanted and not listing.wanted(raw):
            continue
        path = listing.path.replace("{parent}", str(raw.get(gathering_id(raw))))
        asked.append(
            (
                parent,
                reading.pool.submit(
                    _there, reading.http, kind.service, listing, path, kind.version
                ),
            )
        )
    return [
        (parent, item)
        for parent, future in asked
        for item in unpack(future.result())
        if listing.select is None or listing.select(item)
    ]


def _there(http: Http, service: str, listing: Listing, path: str, version: str) -> list[Json]:
    """Read what lies in an object; one that was deleted meanwhile holds nothing."""
    try:
        return read_pages(http, service, listing, path, version)
    except Missing:
        return []


def _note_unset(
    kind: Kind, gathering: _Gathering, futures: Mapping[object, Future[list[Json]]]
) -> None:
    """Read what an object has on which nothing was set: a stated ``null`` means that."""
    if kind.unset is None:
        return
    try:
        for raw in futures[_key(kind, kind.unset, kind.unset.path)].result():
            gathering.defaults[kind.name] = read_fields(kind, raw, Live({}))
    except CloudError as error:
        gathering.incomplete[kind.name] = str(error)


def gathering_id(raw: Mapping[str, Json]) -> str:
    """Say which field holds an object's id."""
    return "id" if "id" in raw else "name"


def _index(kind: Kind, items: list[Item], gathering: _Gathering) -> None:
    """Give every object its address; what has none (no name, unknown parent) is only counted."""
    live = Live({}, ids=gathering.ids)
    waiting = items
    gathering.counts[kind.name] = len(items)
    while waiting:
        later: list[Item] = []
        for parent, raw in waiting:
            place = parent if parent is not None else parent_in(kind, raw, gathering.ids)
            if place is None and kind.name in kind.within:
                later.append((parent, raw))
            elif place is not None and not (kind.server_made and kind.server_made(raw)):
                _add(kind, place, raw, live, gathering)
        if len(later) == len(waiting):
            break
        waiting = later
    _rename(kind, gathering)
    _settle_twins(kind, gathering)


def parent_in(
    kind: Kind, raw: Mapping[str, Json], ids: Mapping[tuple[str, str], Address]
) -> Address | None:
    """Give the address of what an object lies in, if that has one."""
    if kind.parent:
        place = kind.parent(raw)
        if place is None:
            return None
        return Address(place[0], ()) if not place[1] else ids.get(place)
    for wire, above in kind.ancestors.items():
        if above in kind.within and raw.get(wire):
            return ids.get((above, str(raw[wire])))
    return ROOT if "" in kind.within else None


def _add(
    kind: Kind, parent: Address, raw: Mapping[str, Json], live: Live, gathering: _Gathering
) -> None:
    if kind.edge:
        fields = read_fields(kind, raw, live)
        if kind.dangling and any(isinstance(value, Id) for value in fields.values()):
            return  # an edge to something that is gone (Keystone keeps such assignments)
        address = edge_address(kind, parent, fields)
    else:
        key = gathering.keys.get((kind.name, str(raw.get(kind.id_wire))))
        name = key or (kind.called(raw) if kind.called else raw.get(kind.name_wire))
        if not name and kind.form is not Form.ONE:
            gathering.nameless.append((kind.name, str(raw.get(kind.id_wire) or "")))
            return
        address = child_address(kind, parent, str(name))
    found = LiveObject(address, kind, parent, str(raw.get(kind.id_wire) or ""), raw)
    if address in gathering.objects:
        if (kind.edge and not kind.mark) or found.id == gathering.objects[address].id:
            return  # two spellings of one edge; or one object on two pages
        gathering.twins[address].append(found)
    else:
        gathering.objects[address] = found
        gathering.children[parent, kind.name].append(address)
    if found.id:
        gathering.ids[kind.name, found.id] = address
    gathering.raws[kind.name].append((address, raw))


def _rename(kind: Kind, gathering: _Gathering) -> None:
    """Move what bears an earlier name to its present address, unless that is taken."""
    for old, new in gathering.renames.items():
        found = gathering.objects.get(old)
        taken = new in gathering.objects or old in gathering.twins or new in gathering.twins
        if old.kind != kind.name or found is None or taken:
            continue
        del gathering.objects[old]
        moved = replace(found, address=new)
        gathering.objects[new] = moved
        gathering.ids[kind.name, found.id] = new
        beside = gathering.children[found.parent, kind.name]
        beside[beside.index(old)] = new
        gathering.raws[kind.name] = [
            (new if address == old else address, raw) for address, raw in gathering.raws[kind.name]
        ]


def _settle_twins(kind: Kind, gathering: _Gathering) -> None:
    """Tell which of several objects of one name is ours, before anything is found inside of them.

    The one whose id the state names is the object, else the only one with our mark, and the others
    are strangers; else nobody can tell, and none of them has an address: what lies in one must
    never be taken for another's.
    """
    for address in [a for a in gathering.twins if a.kind == kind.name]:
        everyone = [gathering.objects.pop(address), *gathering.twins[address]]
        ours = [o for o in everyone if gathering.owner and gathering.owner in owners(kind, o.raw)]
        meant = [o for o in everyone if (kind.name, o.id) in gathering.keys] or ours
        keep = meant[0] if len(meant) == 1 else None
        strangers = [o for o in everyone if o is not keep]
        for other in strangers:
            gathering.ids.pop((kind.name, other.id), None)
        lost = {id(other.raw) for other in strangers}
        gathering.raws[kind.name] = [
            (a, raw) for a, raw in gathering.raws[kind.name] if id(raw) not in lost
        ]
        if keep is None:
            gathering.twins[address] = everyone
            gathering.children[everyone[0].parent, kind.name].remove(address)
        else:
            gathering.objects[address] = keep
            gathering.strangers[address] = [other.id for other in strangers]
            del gathering.twins[address]
