"""From the kinds' listings to what is: each collection once, concurrent, complete or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from reconciler.cloud.live import Live, LiveObject, read_fields
from reconciler.cloud.pages import read_pages
from reconciler.cloud.session import Who
from reconciler.errors import CloudError
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


@dataclass(slots=True)
class _Gathering:
    """Live in the making; only the caller's thread writes it."""

    keys: Keys
    objects: dict[Address, LiveObject] = field(default_factory=dict)
    twins: dict[Address, list[LiveObject]] = field(default_factory=lambda: defaultdict(list))
    ids: dict[tuple[str, str], Address] = field(default_factory=dict)
    children: dict[tuple[Address, str], list[Address]] = field(
        default_factory=lambda: defaultdict(list)
    )
    incomplete: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    raws: dict[str, list[tuple[Address, Mapping[str, Json]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Objects of a kind with their addresses: where embedded children are found."""

    defaults: dict[str, Mapping[str, Value]] = field(default_factory=dict)

def observe(
    http: Http,
    kinds: Kinds,
    who: Who,
    *,
    wants: Wants,
    only: Collection[str] | None = None,
    keys: Keys = NO_KEYS,
    progress: Callable[[str, int], None] = lambda _kind, _count: None,
) -> Live:
    """List every collection that the kinds name; ``only`` keeps to these kinds.

    A service that is not in the catalogue has none of its kinds; a listing that failed leaves its
    kinds ``incomplete``, and the rest goes on.
    """
    chosen = [kind for kind in kinds.ordered() if only is None or kind.name in only]
    gathering = _Gathering(keys)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="observe") as pool:
        futures: dict[object, Future[list[Json]]] = {}
        for kind in chosen:
            for listing in (kind.listing, kind.unset):
                if listing is None or not listing.path or listing.each:
                    continue  # what is asked for each parent waits for the parents
                key = _key(kind, listing, listing.path)
                if key not in futures:
                    futures[key] = pool.submit(
                        read_pages, http, kind.service, listing, path, kind.version
                    )
        for kind in chosen:
            items: list[Item] | None = []
            for listing in (kind.listing, *kind.more) if kind.listing else ():
                part = _items(kind, listing, gathering, futures, http, pool, wants)
                items = None if items is None or part is None else items + part
                    path = listing.path.replace("{own_project}", who.project_id)
            lost = next((p for p in kind.within if p in gathering.incomplete), None)
            if lost and items is not None:
                # Without their parents objects have no address: they would look as if not there.
                gathering.incomplete[kind.name] = f"{lost}: {gathering.incomplete[lost]}"
                continue
            if items is None:
                continue
            _index(kind, items, gathering)
            progress(kind.name, gathering.counts.get(kind.name, 0))
    _drop_twins(gathering)
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
    )


def _key(kind: Kind, listing: Listing, path: str) -> object:
    return (kind.service, path, tuple(sorted(listing.params.items())), listing.page, kind.version)


Item = tuple[Address | None, Mapping[str, Json]]
"""An object, with its parent where the listing tells it."""


def _items(
    kind: Kind,
    listing: Listing,
    gathering: _Gathering,
    futures: Mapping[object, Future[list[Json]]],
    http: Http,
    pool: ThreadPoolExecutor,
    wants: Wants,
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
            return _each(kind, listing, gathering, http, pool, wants)
        found = _split(listing, futures[_key(kind, listing, listing.path)].result())
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
    http: Http,
    pool: ThreadPoolExecutor,
    wants: Wants,
) -> list[Item]:
    """Ask once for each parent whose collection somebody declared."""
    asked: list[tuple[Address, Future[list[Json]]]] = []
    for parent, raw in gathering.raws[listing.each]:
        if not listing.all_parents and not wants(parent, kind.name):
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
            return
        waiting = later


def parent_in(
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
        if any(isinstance(v, Id) for v in fields.values()) and kind.names:
            return  # an edge to something that is gone (Keystone keeps such assignments)
        address = edge_address(kind, parent, fields)
    else:
        key = gathering.keys.get((kind.name, str(raw.get(kind.id_wire))))
        name = key or raw.get(kind.name_wire)
        if not name and kind.form is not Form.ONE:
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


def _drop_twins(gathering: _Gathering) -> None:
    """Keep what several objects answer to apart from what is one."""
    for address, others in gathering.twins.items():
        others.insert(0, gathering.objects.pop(address))
