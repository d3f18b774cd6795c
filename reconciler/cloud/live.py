"""What is: every object that was listed, under the address that its names give it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reconciler.kinds.address import Address, Id
from reconciler.kinds.calls import MarkStyle
from reconciler.kinds.fields import Value, fields_of
from reconciler.kinds.kind import Kind
from reconciler.kinds.values import Json, is_reserved
from reconciler.kinds.wire import from_wire

Read = tuple[Mapping[str, Json], Mapping[str, Value]]
"""A raw object and its fields in the vocabulary of its spec."""
_UNREAD: Read = ({}, {})
Quiet = dict[str, dict[Address, tuple[object, "LiveObject"]]]
"""By kind: what was declared and what was found when they last did not differ."""


@dataclass(frozen=True, slots=True)
class LiveObject:
    """One object as the cloud has it."""

    address: Address
    kind: Kind
    parent: Address
    id: str
    raw: Mapping[str, Json]

    @property
    def name(self) -> str:
        return str(self.raw.get(self.kind.name_wire) or "")


@dataclass(frozen=True, slots=True)
class Live:
    """What was observed. An address that several objects have is in ``twins`` only."""

    objects: Mapping[Address, LiveObject]
    twins: Mapping[Address, tuple[LiveObject, ...]] = field(default_factory=dict)
    ids: Mapping[tuple[str, str], Address] = field(default_factory=dict)
    children: Mapping[tuple[Address, str], tuple[Address, ...]] = field(default_factory=dict)
    incomplete: Mapping[str, str] = field(default_factory=dict)
    """Kinds of which a listing did not finish, and why."""
    defaults: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """What the cloud gives where nothing is set (quotas), a kind."""
    counts: Mapping[str, int] = field(default_factory=dict)
    self_user: str = ""
    self_project: str = ""
    self_roles: frozenset[str] = frozenset()
    """Names of the roles that the controller's token carries."""
    self_region: str = ""
    """The region whose endpoints the controller talks to."""
    strangers: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    """Ids of objects that have the name of one that is ours."""
    nameless: tuple[tuple[str, str], ...] = ()
    """Kinds and ids of objects without a name: only a key of the state gives them an address."""
    unplaced: tuple[LiveObject, ...] = ()
    """Those without a name, and strangers: they lie somewhere although no address finds them."""
    self_groups: Callable[[], frozenset[str]] = frozenset
    """Asks for the ids of the groups that the controller's own user is in."""
    read: Mapping[Address, Read] = field(default_factory=dict)
    """Edges with their fields, which had to be read to tell their addresses."""
    services: frozenset[str] = frozenset()
    """Service types that the catalogue has in our region; none: nobody asked."""
    quiet: Quiet | None = None
    """What need not be compared once more; written while a plan is made, if anybody looks again."""
    inside: Callable[[Kind, LiveObject], Iterable[Mapping[str, Json]]] = lambda _kind, _found: ()
    """Asks for the objects of a kind in another one, where nobody declared them."""

    def lacks(self, service: str) -> bool:
        """Say whether there is no such service: then there is nothing of it, as far as we see."""
        return bool(self.services) and service not in self.services

    def name_of(self, kind: str, object_id: str) -> Address | Id:
        """Give the address of an id, or the id where nobody listed it."""
        return self.ids.get((kind, object_id)) or Id(kind, object_id)

    def oneself(self) -> frozenset[Address]:
        """Give the controller's own user and project, and the domains that these lie in."""
        own = [self.ids.get(("User", self.self_user)), self.ids.get(("Project", self.self_project))]
        here = [address for address in own if address is not None]
        above = [self.objects[address].parent for address in here]
        return frozenset((*here, *above))

    def own_hands(self) -> frozenset[Address]:
        """Give the controller's own user and the groups that it is known to be in."""
        user = self.ids.get(("User", self.self_user))
        groups = {
            found.parent
            for found in self.objects.values()
            if user is not None and found.raw.get("id") == self.self_user and found.kind.edge
        }
        known = (self.ids.get(("Group", group)) for group in self.self_groups())
        groups |= {group for group in known if group is not None}
        return frozenset({user, *groups}) if user is not None else frozenset(groups)

    def fields(self, found: LiveObject, only: Container[str] | None = None) -> Mapping[str, Value]:
        """Read an object in the vocabulary of its spec; of its fields ``only`` these."""
        raw, fields = self.read.get(found.address, _UNREAD)
        return fields if raw is found.raw else read_fields(found.kind, found.raw, self, only)

    def child_addresses(self, parent: Address, kind: str) -> tuple[Address, ...]:
        return self.children.get((parent, kind), ())


def read_fields(
    kind: Kind, raw: Mapping[str, Json], live: Live, only: Container[str] | None = None
) -> dict[str, Value]:
    """Read a raw object in the vocabulary of its kind's spec, reserved keys left out."""
    shaped = kind.read(dict(raw)) if kind.read else raw
    fields = fields_of(kind.spec)
    if only is not None:
        fields = tuple(field for field in fields if field.name in only)
    values = from_wire(fields, shaped, live.name_of)
    for name, value in values.items():
        if value.__class__ is dict and any(is_reserved(key) for key in value):
            values[name] = {key: inner for key, inner in value.items() if not is_reserved(key)}
    return values


def owners(kind: Kind, raw: Mapping[str, Json]) -> frozenset[str]:
    """Give the owners whose marks an object carries."""
    if kind.mark is None:
        return frozenset()
    found = raw.get(kind.mark.field)
    if kind.mark.style is MarkStyle.ATTRIBUTE:
        return frozenset({found}) if isinstance(found, str) and found else frozenset()
    if kind.mark.style is MarkStyle.MAP:
        owner = (found or {}).get(kind.mark.key)
        return frozenset({owner}) if owner else frozenset()
    marks = (tag.split(":") for tag in found or () if tag.startswith("reconciler:"))
    return frozenset(words[1] for words in marks if len(words) > 1)


def protected(kind: Kind, raw: Mapping[str, Json], owner: str) -> bool:
    """Say whether the owner's mark on an object is one that protects it."""
    if kind.mark is None or not owner:
        return False
    found = raw.get(kind.mark.field)
    match kind.mark.style:
        case MarkStyle.ATTRIBUTE:
            return found == owner and bool(raw.get(kind.mark.guard))
        case MarkStyle.MAP:
            words = found or {}
            return words.get(kind.mark.key) == owner and kind.mark.guard in words
        case _:
            return f"reconciler:{owner}:protect" in (found or ())


def created_at(raw: Mapping[str, Json]) -> float | None:
    """Give when an object was made, in seconds since the epoch, where the service says it."""
    text = raw.get("created_at")
    if not isinstance(text, str):
        return None
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Nova and Cinder write UTC without saying so.
    return (made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()
