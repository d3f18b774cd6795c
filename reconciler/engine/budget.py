"""From changes to the same with those held that are too many, or that would leave nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.cloud.live import Live, LiveObject, owners
from reconciler.engine.guard import comes_with_the_new
from reconciler.engine.memory import Memory
from reconciler.engine.policy import IN_A_PLAN, UPDATES, Policy, room_for
from reconciler.engine.values import Action, Change, Held, Reason
from reconciler.kinds.address import Address
from reconciler.kinds.kind import Kind
from reconciler.state.values import Desired

GOING = (Action.DELETE, Action.REPLACE)
APPROVE = "approve the plan"


@dataclass(frozen=True, slots=True)
class _Books:
    """What is counted for each kind: what is ours, what goes, what changes."""

    ours: Mapping[str, list[LiveObject]]
    going: Mapping[str, list[Change]]
    updated: Mapping[str, list[Change]]


def keep_within(
    changes: tuple[Change, ...], desired: Desired, live: Live, policy: Policy, memory: Memory
) -> tuple[Change, ...]:
    """Hold all deletes, or all updates, of a kind that go beyond what one day, or plan, allows."""
    if policy.releases.approved:
        return changes
    books = _count(changes, live, policy, memory)
    held: dict[Address, Held] = {}
    for name, going in books.going.items():
        kind = going[0].kind
        ours = books.ours.get(name, [])
        why = _wipe(kind, going, ours, desired, policy) or _budget(
            kind, going, ours, policy, memory
        )
        if why:
            held |= {change.address: why for change in going}
        if kind.grants is not None:
            held |= _wiped_lists(going, live, policy)
    for name, updated in books.updated.items():
        room = UPDATES.of(len(books.ours.get(name, [])))
        allowed = max(room, policy.releases.update)
        if len(updated) > allowed:
            detail = f"{len(updated)} updates of {name}, {allowed} are allowed at once"
            why = Held(Reason.BUDGET, detail, f"--allow-update {len(updated)}, or {APPROVE}")
            held |= {change.address: why for change in updated}
    held |= _whole_plan(books, held, policy)
    return tuple(replace(c, held=held[c.address]) if c.address in held else c for c in changes)


def spent_by(changes: Iterable[Change]) -> dict[str, int]:
    """Count the deletes of each kind that the budgets count."""
    every = tuple(changes)
    planned = {change.address: change for change in every}
    counts: dict[str, int] = {}
    for change in every:
        if _counts_as_delete(change, planned):
            counts[change.kind.name] = counts.get(change.kind.name, 0) + 1
    return counts


def grown_by(changes: Iterable[Change]) -> dict[str, int]:
    """Count what becomes ours of each kind that the budgets count: made, or taken over."""
    counts: dict[str, int] = {}
    for change in changes:
        new = change.action in (Action.CREATE, Action.ADOPT, Action.REPLACE) or change.mark
        counted = not change.kind.edge or change.kind.grants is not None
        if new and counted and not change.held:
            counts[change.kind.name] = counts.get(change.kind.name, 0) + 1
    return counts


def _counts_as_delete(change: Change, planned: Mapping[Address, Change]) -> bool:
    if change.held or change.action not in GOING or _follows(change, planned):
        return False
    return not change.kind.edge or change.kind.grants is not None


def _follows(change: Change, planned: Mapping[Address, Change]) -> bool:
    """Say whether an edge goes only because of what becomes of its parent."""
    above = planned.get(change.parent)
    goes = above is not None and above.action in GOING and not above.held
    return (change.kind.edge and goes) or comes_with_the_new(change, planned)


def _count(changes: tuple[Change, ...], live: Live, policy: Policy, memory: Memory) -> _Books:
    planned = {change.address: change for change in changes}
    going: dict[str, list[Change]] = {}
    updated: dict[str, list[Change]] = {}
    for change in changes:
        if _counts_as_delete(change, planned):
            going.setdefault(change.kind.name, []).append(change)
        elif not change.held and _counts_as_update(change, planned):
            updated.setdefault(change.kind.name, []).append(change)
    wanted = going.keys() | updated.keys()
    ours: dict[str, list[LiveObject]] = {}
    for found in live.objects.values() if wanted else ():
        if found.kind.name in wanted and _is_ours(found, policy, memory):
            ours.setdefault(found.kind.name, []).append(found)
    return _Books(ours, going, updated)


def _counts_as_update(change: Change, planned: Mapping[Address, Change]) -> bool:
    if _follows(change, planned):
        return False
    if change.action is Action.UPDATE:
        return bool(change.fields) and not change.detach
    return change.kind.edge and change.action in GOING


def _is_ours(found: LiveObject, policy: Policy, memory: Memory) -> bool:
    if found.kind.edge:
        return True  # edges are counted as they are: those in lists that nobody states, too
    if found.kind.mark is not None:
        return policy.owner in owners(found.kind, found.raw)
    return not memory.prior.known or found.address in memory.prior.settled


def _wipe(
    kind: Kind, going: list[Change], ours: list[LiveObject], desired: Desired, policy: Policy
) -> Held | None:
    """Hold what would leave no object of a kind, told by identity: a rename is no survivor."""
    if kind.edge or len(ours) <= 1 or {kind.name, "*"} & policy.releases.wipe:
        return None
    gone = {change.live.id for change in going if change.live is not None}
    kept = [found for found in ours if found.id not in gone and found.address in desired.resources]
    if kept:
        return None
    detail = f"none of {len(ours)} {kind.name} that are ours would be left"
    return Held(Reason.WIPE, detail, f"--allow-wipe {kind.name}, or {APPROVE}")


def _budget(
    kind: Kind, going: list[Change], ours: list[LiveObject], policy: Policy, memory: Memory
) -> Held | None:
    spent = memory.record.spent(kind.name, memory.now)
    before = memory.record.a_day_ago(kind.name, len(ours), memory.now)
    room = room_for(kind.name, grave=kind.grave, limits=policy.limits).of(before)
    left = max(room - spent, policy.releases.delete, 0)
    if len(going) <= left:
        return None
    detail = f"{len(going)} deletes of {kind.name}, {left} of {room} in 24 h are left"
    return Held(Reason.BUDGET, detail, f"--allow-delete {len(going)}, or {APPROVE}")


def _wiped_lists(going: list[Change], live: Live, policy: Policy) -> dict[Address, Held]:
    """Hold what takes everybody's access to one object away, or everybody out of one group."""
    kind = going[0].kind
    if {kind.name, "*"} & policy.releases.wipe:
        return {}
    gone = {change.address for change in going}
    held: dict[Address, Held] = {}
    for parent in {change.parent for change in going}:
        there = live.child_addresses(parent, kind.name)
        if len(there) > 1 and gone.issuperset(there):
            detail = f"all {len(there)} {kind.collection} of {parent} would go"
            why = Held(Reason.WIPE, detail, f"--allow-wipe {kind.name}, or {APPROVE}")
            held |= dict.fromkeys(there, why)
    return held


def _whole_plan(books: _Books, held: Mapping[Address, Held], policy: Policy) -> dict[Address, Held]:
    """Hold every delete of a plan that has too many of them, whatever their kinds."""
    rest = [c for going in books.going.values() for c in going if c.address not in held]
    most = IN_A_PLAN if policy.limits.plan is None else policy.limits.plan
    allowed = max(most, policy.releases.delete)
    if len(rest) <= allowed:
        return {}
    detail = f"{len(rest)} deletes in one plan, {allowed} are allowed"
    why = Held(Reason.BUDGET, detail, f"--allow-delete {len(rest)}, or {APPROVE}")
    return {change.address: why for change in rest}
