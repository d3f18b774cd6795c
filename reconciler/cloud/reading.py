"""From listings to the requests under way for them: a queue for each service, none twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Self

from reconciler.cloud.pages import read_pages
from reconciler.cloud.session import Who
from reconciler.cloud.turns import Turns
from reconciler.errors import Missing
from reconciler.kinds.address import Address
from reconciler.kinds.calls import Http, Listing
from reconciler.kinds.kind import Kind
from reconciler.kinds.values import Json

Width = Callable[[str], int]
"""How many requests a service may have of us at once."""
Wants = Callable[[Address, str], bool]
"""Whether somebody declared the collection of this kind under this parent."""
_Coming = Future[list[Json]]


class Reading:
    """Guards the requests of one look: each service has a queue of its own, and waits for none."""

    def __init__(
        self,
        chosen: list[Kind],
        http: Http,
        who: Who,
        wants: Wants,
        nulls: Collection[str],
        width: Width,
    ) -> None:
        self._chosen = chosen
        self._nulls = nulls
        self._http = http
        self._wants = wants
        self._own_project = who.project_id
        self._turns = {
            service: Turns(partial(width, service)) for service in {kind.service for kind in chosen}
        }
        self._lists: dict[object, _Coming] = {}
        self._inside: dict[tuple[str, str], list[tuple[Address, _Coming]]] = {}

    def __enter__(self) -> Self:
        """Begin with every listing that waits for no other."""
        for kind in self._chosen:
            unset = kind.unset if self.asks_unset(kind) else None
            for listing in (kind.listing, *kind.more, unset):
                if listing is None or not listing.path or (listing.each and not listing.by):
                    continue  # what is asked for each parent waits for the parents
                self._once(kind, listing)
        return self

    def asks_unset(self, kind: Kind) -> bool:
        """Say whether anybody wants to know what the cloud gives where nothing is set."""
        return kind.unset is not None and kind.name in self._nulls

    def __exit__(self, *_: object) -> None:
        for turns in self._turns.values():
            turns.shutdown()

    def whole(self, kind: Kind, listing: Listing) -> list[Json]:
        """Give the items of a listing, as soon as it is there."""
        return self._once(kind, listing).result()

    def inside(self, kind: Kind, listing: Listing) -> list[tuple[Address, list[Json]]]:
        """Give what lies in each of the objects that were asked for it."""
        return [
            (at, found.result()) for at, found in self._inside.get((kind.name, listing.path), ())
        ]

    def go_on(self, above: Kind, raws: Iterable[tuple[Address, Mapping[str, Json]]]) -> None:
        """Ask what lies in objects that were just found, where somebody declared that."""
        for kind in self._chosen:
            for listing in (kind.listing, *kind.more) if kind.listing else ():
                if listing.each != above.name or listing.by:
                    continue
                self._inside[kind.name, listing.path] = [
                    (address, self._begin(kind, listing, _path_in(listing, raw)))
                    for address, raw in raws
                    if self.wants(kind, listing, address, raw)
                ]

    def wants(self, kind: Kind, listing: Listing, parent: Address, raw: Mapping[str, Json]) -> bool:
        """Say whether the objects of a kind in this parent are looked at."""
        declared = listing.all_parents or self._wants(parent, kind.name)
        return declared and (listing.wanted is None or listing.wanted(raw))

    def _once(self, kind: Kind, listing: Listing) -> _Coming:
        key = _key(kind, listing)
        if key not in self._lists:
            path = listing.path.replace("{own_project}", self._own_project)
            self._lists[key] = self._begin(kind, listing, path)
        return self._lists[key]

    def _begin(self, kind: Kind, listing: Listing, path: str) -> _Coming:
        read = _there if listing.each and not listing.by else read_pages
        return self._turns[kind.service].submit(
            read, self._http, kind.service, listing, path, kind.version
        )


def _key(kind: Kind, listing: Listing) -> object:
    params = tuple(sorted(listing.params.items()))
    return (kind.service, listing.path, listing.items, params, listing.page, kind.version)


def _path_in(listing: Listing, raw: Mapping[str, Json]) -> str:
    return listing.path.replace("{parent}", str(raw.get(id_in(raw))))


def look_inside(http: Http, kind: Kind, raw: Mapping[str, Json]) -> list[Json]:
    """Give what of a kind lies in one object.

    Raises:
        CloudError: it cannot be listed.

    """
    assert kind.listing is not None  # asked of kinds that lie in others
    path = _path_in(kind.listing, raw)
    return _there(http, kind.service, kind.listing, path, kind.version)


def _there(http: Http, service: str, listing: Listing, path: str, version: str) -> list[Json]:
    """Read what lies in an object; one that was deleted meanwhile holds nothing."""
    try:
        return read_pages(http, service, listing, path, version)
    except Missing:
        return []


def id_in(raw: Mapping[str, Json]) -> str:
    """Say which field holds an object's id."""
    return "id" if "id" in raw else "name"
