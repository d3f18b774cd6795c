"""From all that is live to what is worth stating, and what is only referred to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.cloud.live import Live, LiveObject
from reconciler.errors import UsageError
from reconciler.kinds.address import Address
from reconciler.kinds.bootstrap import BOOTSTRAP
from reconciler.kinds.fields import Value, fields_of
from reconciler.kinds.kind import Kind
from reconciler.kinds.references import references
from reconciler.kinds.registry import Kinds
from reconciler.kinds.spec import Named
from reconciler.state.entries import Entries, Entry
from reconciler.state.model import parent_of
from reconciler.state.parse import NOWHERE
from reconciler.state.resolve import Scope, make_scope
from reconciler.state.values import Desired, Options

BORN = frozenset(BOOTSTRAP)
DEPTH = 2
"""Names down to a project: domain, project."""
Place = tuple[Address, str]
"""A parent and the kind of the collection that lies in it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What an export states."""

    objects: Mapping[Address, LiveObject]
    lists: Mapping[Place, tuple[LiveObject, ...]]
    external: tuple[Address, ...]
    """What is referred to and not stated: it has to be there."""


def choose(
    live: Live, kinds: Kinds, *, projects: Collection[str] = (), only: Collection[str] = ()
) -> Choice:
    """Leave out the bootstrap's own, what services make by themselves, and what nobody asked for.

    ``projects`` are names, or ``domain/name``; ``only`` are names of kinds.

    Raises:
        UsageError: there is no such project.

    """
    there = {
        word for a in live.objects if a.kind == "Project" for word in (a.name, "/".join(a.names))
    }
    unknown = [word for word in projects if word not in there]
    if unknown:
        raise UsageError(f"the cloud has no project {', '.join(unknown)}")
    asked = [found for found in live.objects.values() if _in_projects(found, projects)]
    objects = {
        found.address: found
        for found in asked
        if not found.kind.edge
        and (not only or found.kind.name in only)
        and found.address not in BORN
        and not _made_by_itself(found)
    }
    edges = [
        found
        for found in asked
        if found.kind.edge and (not only or found.kind.name in only or found.parent in objects)
    ]
    lists = _lists(edges, objects, live, kinds)
    stated = [*objects.values(), *(item for items in lists.values() for item in items)]
    return Choice(objects, lists, tuple(referred_to(stated, objects, live, kinds)))


def _in_projects(found: LiveObject, projects: Collection[str]) -> bool:
    """Whether the object is, or lies in, one of the projects."""
    if not projects:
        return True
    place = found.parent if found.kind.edge else found.address
    names = place.names[:DEPTH]
    below = place.kind == "Project" or len(place.names) > DEPTH
    return below and (names[-1] in projects or "/".join(names) in projects)


def _made_by_itself(found: LiveObject) -> bool:
    kind = found.kind
    if not kind.untouched or not kind.implicit(found.address):
        return False
    return kind.untouched(found.raw)


def _lists(
    edges: Iterable[LiveObject], objects: Mapping[Address, LiveObject], live: Live, kinds: Kinds
) -> dict[Place, tuple[LiveObject, ...]]:
    """Gather edges by what they lie in; an object that must say so has an empty list, too."""
    found: dict[Place, list[LiveObject]] = {
        (address, kind.name): []
        for address, parent in objects.items()
        if parent.kind.untouched
        for kind in kinds.below(parent.kind.name)
        if kind.edge and kind.listing and kind.listing.embedded
    }
    for edge in edges:
        parent = live.objects.get(edge.parent)
        made = parent is not None and _made_by_itself(parent)
        if not made and not _born_with(edge, live):
            found.setdefault((edge.parent, edge.kind.name), []).append(edge)
    return {place: tuple(items) for place, items in found.items()}


def _born_with(edge: LiveObject, live: Live) -> bool:
    """Whether an edge lies in, and joins, only what the cloud was born with."""
    if edge.parent.names and edge.parent not in BORN:
        return False
    joined = references(fields_of(edge.kind.spec), live.fields(edge))
    return all(target in BORN for _, target in joined)


def referred_to(
    stated: Iterable[LiveObject], objects: Mapping[Address, LiveObject], live: Live, kinds: Kinds
) -> Iterator[Address]:
    """Give what is referred to, and neither stated nor there without saying so."""
    seen: set[Address] = set()
    for one in stated:
        for _, target in references(fields_of(one.kind.spec), live.fields(one)):
            itself = target in BORN or kinds[target.kind].implicit(target)
            if target not in seen and target not in objects and not itself:
                seen.add(target)
                yield target


def filled_for(found: LiveObject, live: Live) -> Mapping[str, Value]:
    """Give what an object would have without anybody saying it."""
    kind, fields = found.kind, live.fields(found)
    filled = dict(live.defaults.get(kind.name, {}))

    def look(address: Address) -> Mapping[str, Value]:
        other = live.objects.get(address)
        return live.fields(other) if other else {}

    if kind.defaults:
        filled |= kind.defaults(fields)
    if kind.defaults_among:
        filled |= kind.defaults_among(fields, look)
    return filled


def scope_of(choice: Choice, live: Live, kinds: Kinds, beside: Desired | None = None) -> Scope:
    """Give everything that a name can mean in the files of this export, and of those beside it."""
    entries = Entries()
    for resource in beside.resources.values() if beside else ():
        if resource.implied:
            entries.scopes.setdefault(resource.address, NOWHERE)
        elif not resource.kind.edge:
            entries.found.append(
                _entry(resource.address, resource.kind, resource.parent, resource.fields)
            )
    for address, found in choice.objects.items():
        entries.found.append(_entry(address, found.kind, found.parent, live.fields(found)))
    for address in choice.external:
        kind = kinds[address.kind]
        entries.found.append(_entry(address, kind, parent_of(kind, address, kinds), {}))
    for (parent, name), items in choice.lists.items():
        entries.found += [
            _entry(None, kinds[name], parent, live.fields(item))
            for item in items
            if any(field.shares for field in fields_of(item.kind.spec))
        ]
        if parent.names:
            entries.scopes.setdefault(parent, NOWHERE)
    return make_scope(entries, kinds)


def _entry(
    address: Address | None, kind: Kind, parent: Address, fields: Mapping[str, Value]
) -> Entry:
    """Give as much of an entry as names depend on: with whom it shares its object."""
    shares = {
        field.name: _exactly(fields[field.name])
        for field in fields_of(kind.spec)
        if field.shares and field.name in fields
    }
    name = address.name if address else ""
    return Entry(kind, parent, address, name, shares, Options(), NOWHERE, declares=True)


def _exactly(value: Value) -> Value:
    if isinstance(value, Address):
        return Named(name=value.name, domain=value.names[0])
    return value
