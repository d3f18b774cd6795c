"""From one look at a cloud to the next: what was listed just as before keeps its addresses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reconciler.cloud.index import Gathering, Item, Keys, Renames, index
from reconciler.cloud.live import Quiet
from reconciler.kinds.fields import fields_of
from reconciler.kinds.kind import Kind
from reconciler.kinds.references import referred

_Parts = Mapping[str, Gathering]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a kind's listing gave, and what its addresses were told by."""

    items: list[Item]
    part: Gathering
    by: _Parts


class Last:
    """Guards what the last look saw; a kind of which nothing changed is taken over as it was.

    Services answer a loop that looks every minute with next to nothing new, but with all of it.
    Who looks once needs none of this.
    """

    def __init__(self) -> None:
        self._how: object = None
        self._kept: dict[str, _Kept] = {}
        self._now: dict[str, Gathering] = {}
        self._around: dict[str, _Parts] = {}
        self.quiet: Quiet = {}

    def begin(self, keys: Keys, renames: Renames, owner: str) -> None:
        """Forget all, if addresses are told in another way than last time."""
        how = (keys, renames, owner)
        if how != self._how:
            self._how, self._kept, self._around = how, {}, {}
            self.quiet.clear()
        self._now = {}

    def take(self, kind: Kind, items: list[Item], gathering: Gathering) -> None:
        """Index a kind, or take over what it was, if nothing that it is told by has changed."""
        by = self._parts(kind)
        kept = self._kept.get(kind.name)
        if kept is None or not _same(kept.by, by) or kept.items != items:
            kept = self._kept[kind.name] = _Kept(items, index(kind, items, gathering), by)
            _cut_loose(kind, kept.part)
        else:
            gathering.ids.update(kept.part.ids)
            gathering.homeless |= kept.part.homeless
        gathering.add(kept.part)
        self._now[kind.name] = kept.part

    def end(self, chosen: Collection[Kind]) -> None:
        """Have all compared anew that may bear other names now in its fields."""
        for kind in chosen:
            around = self._parts(kind)  # by now with what was listed later
            moved = not _same(self._around.get(kind.name, {}), around)
            if moved or self._holds_the_dead(kind):
                self.quiet.pop(kind.name, None)
            self._around[kind.name] = around

    def _holds_the_dead(self, kind: Kind) -> bool:
        """Say whether more is remembered of a kind than there is: else it would add up for ever."""
        there = self._now[kind.name].objects if kind.name in self._now else ()
        return len(self.quiet.get(kind.name, ())) > len(there)

    def _parts(self, kind: Kind) -> _Parts:
        return {name: self._now[name] for name in _told_by(kind) if name in self._now}


def _cut_loose(kind: Kind, part: Gathering) -> None:
    """Keep of what is shared by the whole look only what is this kind's."""
    part.ids = {(kind.name, o.id): address for address, o in part.objects.items() if o.id}
    part.homeless = {one for one in part.homeless if one[0] == kind.name}


def _same(before: _Parts, now: _Parts) -> bool:
    return before.keys() == now.keys() and all(before[name] is now[name] for name in now)


def _told_by(kind: Kind) -> set[str]:
    """Name the kinds that an object's address comes from, and the names in its fields."""
    listings = [one for one in (kind.listing, *kind.more) if one]
    sources = {name for one in listings for name in (one.embedded, one.each) if name}
    return {*kind.within, *sources, *referred(fields_of(kind.spec))} - {kind.name, ""}
