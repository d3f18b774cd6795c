"""From what kinds say of their listings to the requests that a look at the cloud may cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from reconciler.cloud.live import Live
from reconciler.cloud.reading import Wants
from reconciler.kinds.address import Address
from reconciler.kinds.calls import Listing
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Kinds

Held = Callable[[str, Address | None], int]
"""How many objects a list at this path shows; in this object, where there is one list for each."""


def expected(kinds: Kinds, live: Live, wants: Wants, held: Held) -> Counter[str]:
    """Count the pages of each collection, by the kind that is the first to ask for them.

    Every collection is read once, whatever the number of kinds in it. What lies in an object is
    asked for where the kind says so: of all its parents, or of those of which somebody stated it.
    """
    counts: Counter[str] = Counter()
    asked: set[object] = set()
    for kind in kinds.ordered():
        if kind.name not in live.counts:
            continue  # neither declared nor ever written: nobody looked
        unset = kind.unset if kind.name in live.defaults else None  # only for a stated null
        for listing in (kind.listing, *kind.more, unset):
            if listing is None or listing.embedded:
                continue
            if listing.each and not listing.by:
                for parent in _parents(kind, listing, live, wants):
                    counts[kind.name] += pages(held(listing.path, parent), listing.page)
                continue
            key = (kind.service, listing.path, kind.version, *sorted(listing.params.items()))
            if key not in asked:
                asked.add(key)
                counts[kind.name] += pages(held(listing.path, None), listing.page)
    return counts


def pages(objects: int, page: int) -> int:
    """Count the pages of a list: the services link to a next one after each that is full."""
    return objects // page + 1 if page else 1


def _parents(kind: Kind, listing: Listing, live: Live, wants: Wants) -> Iterator[Address]:
    for address, found in live.objects.items():
        if found.kind.name != listing.each or (listing.wanted and not listing.wanted(found.raw)):
            continue
        if listing.all_parents or wants(address, kind.name):
            yield address
