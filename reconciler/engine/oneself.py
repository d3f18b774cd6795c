"""What the controller itself depends on: never deleted, disabled, renamed or cut off by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.cloud.live import Live, read_fields
from reconciler.engine.values import Action, Change, Held, Reason
from reconciler.errors import CloudError
from reconciler.kinds.address import Address
from reconciler.kinds.bootstrap import ADMIN, BOOTSTRAP
from reconciler.kinds.fields import Value, fields_of
from reconciler.kinds.kind import Kind
from reconciler.kinds.references import referred
from reconciler.kinds.registry import Kinds


def oneself(live: Live) -> frozenset[Address]:
    """Give the own user, project, roles and endpoints, and what every cloud is born with."""
    own = {*BOOTSTRAP, *live.oneself(), *live.own_hands()}
    own |= {a for a in live.objects if a.kind == ADMIN.kind and a.names in _own_roles(live)}
    for found in live.objects.values():
        if found.kind.reaches and live.self_region:
            region = live.fields(found).get(found.kind.reaches)
            if isinstance(region, Address) and region.name == live.self_region:
                own |= {found.address, found.parent, region}
    return frozenset(own)


def _own_roles(live: Live) -> frozenset[tuple[str, ...]]:
    return frozenset((name,) for name in live.self_roles)


def hold_oneself(changes: tuple[Change, ...], live: Live) -> tuple[Change, ...]:
    """Hold what would cut the branch that the controller sits on."""
    if not changes:
        return changes
    own = oneself(live)
    return tuple(c if c.held else replace(c, held=_hold(c, own)) for c in changes)


def _hold(change: Change, own: frozenset[Address]) -> Held | None:
    if change.address not in own:
        return None
    if change.action in (Action.DELETE, Action.REPLACE):
        return Held(Reason.SELF, "the controller itself, or every cloud, depends on it")
    vital = [
        f.path for f in change.fields
        if f.path.split(".")[0] in change.kind.vital and f.after is not True
    ]  # fmt: skip
    if vital and change.action is Action.UPDATE:
        detail = f"the controller itself depends on its {', '.join(vital)}"
        return Held(Reason.SELF, detail, "change it by hand, then state it")
    return None


@dataclass(frozen=True, slots=True)
class _Way:
    """An edge on a way to be admin: a role that somebody holds, or a membership in a group."""

    address: Address
    parent: Address
    holders: frozenset[Address]
    passes_on: bool
    """Whether it gives what its parent has, and not the role itself."""


def keep_admins(
    changes: tuple[Change, ...], live: Live, kinds: Kinds, least: int
) -> tuple[Change, ...]:
    """Hold every change that takes a way to be admin, where too few enabled users would be left."""
    going = [c for c in changes if not c.held and takes_access(c)]
    if not going:
        return changes
    giving = [kind for kind in kinds if kind.grants is not None]
    unread = next((kind.name for kind in giving if kind.name in live.incomplete), "")
    if unread:
        why = (
            f"{unread} was not read whole, so nobody knows who is admin: {live.incomplete[unread]}"
        )
        return _hold_all(changes, going, giving, Held(Reason.INCOMPLETE, why))
    ways, doors = _ways(live), _doors(giving)
    try:
        ways += _unread_ways(ways, doors, live)
    except CloudError as error:
        why = f"nobody knows who is admin: {error}"
        return _hold_all(changes, going, giving, Held(Reason.INCOMPLETE, why))
    before = _admins(ways, doors, live, frozenset())
    after = _admins(ways, doors, live, frozenset(c.address for c in going))
    if len(after) >= min(least, len(before)):
        return changes
    why = f"{len(after)} of {len(before)} enabled users would still be admin, {least} must be"
    held = Held(Reason.SELF, why, "limits: {min_admins: …}")
    touched = {w.address for w in ways} | {w.parent for w in ways} | before
    touched |= {holder for way in ways for holder in way.holders}
    harmful = {c.address for c in going if c.address in touched}
    return tuple(replace(c, held=held) if c.address in harmful else c for c in changes)


def _hold_all(
    changes: tuple[Change, ...], going: list[Change], giving: list[Kind], held: Held
) -> tuple[Change, ...]:
    """Hold what may take access from anybody, whoever that is."""
    names = {name for kind in giving for name in (kind.name, *kind.within)}
    names |= {name for kind in giving for name in referred(fields_of(kind.spec))}
    doubtful = {change.address for change in going if change.kind.name in names}
    return tuple(replace(c, held=held) if c.address in doubtful else c for c in changes)


def takes_access(change: Change) -> bool:
    """Say whether a change may take something away from somebody."""
    if change.action is Action.UPDATE:
        return any(f.path == "enabled" and f.after is False for f in change.fields)
    return change.action in (Action.DELETE, Action.REPLACE)


def _ways(live: Live) -> list[_Way]:
    ways = []
    for found in live.objects.values():
        grants = found.kind.grants
        if grants is None:
            continue
        fields = live.fields(found)
        if grants.role and fields.get(grants.role) != ADMIN:
            continue
        who = _holders(found.kind, fields)
        ways.append(_Way(found.address, found.parent, who, not grants.role))
    return ways


def _doors(giving: Iterable[Kind]) -> dict[str, Kind]:
    """Give the kinds of objects that people are in, with that of being in them."""
    doors = ((kind, kind.grants) for kind in giving)
    return {name: kind for kind, grants in doors if grants and not grants.role
            for name in kind.within}  # fmt: skip


def _unread_ways(ways: Iterable[_Way], doors: Mapping[str, Kind], live: Live) -> list[_Way]:
    """Ask who is in those groups with the admin role whose members nobody declared.

    Raises:
        CloudError: it cannot be told.

    """
    known = {way.parent for way in ways if way.passes_on}
    holders = {holder for way in ways if not way.passes_on for holder in way.holders}
    found: list[_Way] = []
    for holder in sorted(holders - known):
        if holder.kind not in doors or holder not in live.objects:
            continue
        kind = doors[holder.kind]
        for raw in live.inside(kind, live.objects[holder]):
            who = _holders(kind, read_fields(kind, raw, live))
            found.append(_Way(holder, holder, who, passes_on=True))
    return found


def _holders(kind: Kind, fields: Mapping[str, Value]) -> frozenset[Address]:
    said = (fields.get(name) for name in kind.grants.holders) if kind.grants else ()
    return frozenset(one for one in said if isinstance(one, Address))


def _admins(
    ways: Iterable[_Way], doors: Mapping[str, Kind], live: Live, gone: frozenset[Address]
) -> frozenset[Address]:
    """Give the enabled users that have the admin role anywhere, by themselves or by a group."""
    holders: set[Address] = set()
    members: dict[Address, set[Address]] = {}
    for way in ways:
        if way.address in gone or way.parent in gone:
            continue
        if way.passes_on:
            members.setdefault(way.parent, set()).update(way.holders)
        else:
            holders |= way.holders
    people = {holder for holder in holders if holder.kind not in doors}
    people |= {user for holder in holders for user in members.get(holder, ())}
    return frozenset(
        user for user in people
        if user in live.objects and user not in gone
        and live.objects[user].parent not in gone
        and live.objects[user].raw.get("enabled", True)
    )  # fmt: skip
