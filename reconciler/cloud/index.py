"""From raw objects to addresses: where each lies, what it is called, which of several is meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.cloud.live import Live, LiveObject, Read, owners, read_fields
from reconciler.kinds.address import Address, Id
from reconciler.kinds.edges import edge_address
from reconciler.kinds.fields import Value
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.registry import ROOT, child_address
from reconciler.kinds.values import Json

Keys = Mapping[tuple[str, str], str]
"""From a kind and an id to the key under which the state names that very object."""
NO_KEYS: Keys = {}
Renames = Mapping[Address, Address]
"""From the address that an object has by its name to the one under which the state wants it."""
NO_RENAMES: Renames = {}


Item = tuple[Address | None, Mapping[str, Json]]
"""An object, with its parent where the listing tells it."""


@dataclass(slots=True)
class Gathering:
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
    unplaced: list[LiveObject] = field(default_factory=list)
    incomplete: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Mapping[str, Value]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    orphans: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Ids, a kind, of what something says it lies in, and no listing showed."""
    homeless: set[tuple[str, str]] = field(default_factory=set)
    """Kinds and ids of what was listed, and lies in what was not."""
    read: dict[Address, Read] = field(default_factory=dict)
    raws: dict[str, list[tuple[Address, Mapping[str, Json]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Objects of a kind with their addresses: where embedded children are found."""

    def add(self, part: Gathering) -> None:
        """Take in what the listing of one kind gave."""
        self.objects.update(part.objects)
        self.twins.update(part.twins)
        self.children.update(part.children)
        self.strangers.update(part.strangers)
        self.nameless += part.nameless
        self.unplaced += part.unplaced
        self.counts.update(part.counts)
        self.read.update(part.read)
        self.raws.update(part.raws)
        for kind, ids in part.orphans.items():
            self.orphans[kind] |= ids


def index(kind: Kind, items: list[Item], above: Gathering) -> Gathering:
    """Give every object its address; what has none (no name, unknown parent) is only counted.

    What is given back holds this kind alone, but for ids and the homeless: those are all's.
    """
    gathering = Gathering(
        above.keys, above.renames, above.owner, ids=above.ids, homeless=above.homeless
    )
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
            elif place is None:
                _note_orphan(kind, raw, gathering)
        if len(later) == len(waiting):
            break
        waiting = later
    _settle_twins(kind, gathering)  # first: it is the one of several that is ours which moves
    _rename(kind, gathering)
    return gathering


def _note_orphan(kind: Kind, raw: Mapping[str, Json], gathering: Gathering) -> None:
    gathering.homeless.add((kind.name, str(raw.get(kind.id_wire))))
    for wire, above in kind.ancestors.items():
        said = str(raw.get(wire) or "")
        if above in kind.within and said and (above, said) not in gathering.homeless:
            gathering.orphans[above].add(said)


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
    kind: Kind, parent: Address, raw: Mapping[str, Json], live: Live, gathering: Gathering
) -> None:
    if kind.edge:
        fields = read_fields(kind, raw, live)
        if kind.dangling and any(isinstance(value, Id) for value in fields.values()):
            return  # an edge to something that is gone (Keystone keeps such assignments)
        address = edge_address(kind, parent, fields)
    else:
        keys = gathering.keys  # most states name no ids
        key = keys.get((kind.name, str(raw.get(kind.id_wire)))) if keys else None
        name = key or (kind.called(raw) if kind.called else raw.get(kind.name_wire))
        if not name and kind.form is not Form.ONE:
            _add_nameless(kind, parent, raw, gathering)
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
        if kind.edge:
            gathering.read[address] = (raw, fields)
    if found.id:
        gathering.ids[kind.name, found.id] = address
    gathering.raws[kind.name].append((address, raw))


def _add_nameless(
    kind: Kind, parent: Address, raw: Mapping[str, Json], gathering: Gathering
) -> None:
    object_id = str(raw.get(kind.id_wire) or "")
    gathering.nameless.append((kind.name, object_id))
    address = Address(kind.name, (*parent.names, object_id))
    gathering.unplaced.append(LiveObject(address, kind, parent, object_id, raw))


def _rename(kind: Kind, gathering: Gathering) -> None:
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


def _settle_twins(kind: Kind, gathering: Gathering) -> None:
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
            gathering.homeless.add((kind.name, other.id))
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
            gathering.unplaced += [
                replace(other, address=Address(kind.name, (*other.parent.names, other.id)))
                for other in strangers
            ]
            del gathering.twins[address]
