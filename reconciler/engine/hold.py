"""From changes to the same with what cannot work held: in use, in vain, or not to be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.cloud.live import Live, LiveObject
from reconciler.engine.changes import locked
from reconciler.engine.values import Action, Change, Held, Reason
from reconciler.kinds.address import Address
from reconciler.kinds.fields import Field, fields_of
from reconciler.kinds.kind import Kind
from reconciler.kinds.references import references
from reconciler.kinds.registry import ROOT, Kinds
from reconciler.state.values import Desired, Lifecycle, Resource


def hold_in_use(changes: tuple[Change, ...], live: Live, kinds: Kinds) -> tuple[Change, ...]:
    """Hold what the service would refuse, and what would take along what nobody spoke of."""
    planned = {change.address: change for change in changes}
    doomed = [
        c for c in changes
        if c.action in (Action.DELETE, Action.REPLACE) and not c.held and not c.kind.edge
    ]  # fmt: skip
    leaning = _leaning(doomed, live, kinds)
    for change in changes:
        held = None if change.held else locked(change)
        if held is None and change in doomed:
            held = _in_use(change, leaning.get(change.address, []), planned, live, kinds)
        if held:
            planned[change.address] = replace(change, held=held)
    return tuple(planned.values())


def leaners(kinds: Kinds, target: str) -> Iterator[tuple[Kind, bool]]:
    """Give the kinds that lie in objects of a kind (True), or refer to them and block."""
    for kind in kinds:
        if (target in kind.within or target in kind.ancestors.values()) and not kind.edge:
            yield kind, True
        elif any(_refers(field, target) for field in fields_of(kind.spec)):
            yield kind, False


def _leaning(doomed: list[Change], live: Live, kinds: Kinds) -> dict[Address, list[LiveObject]]:
    """Find what leans on objects that are to go, in one walk over all that was listed."""
    if not doomed:
        return {}
    targets = {change.kind.name for change in doomed}
    interesting = {kind.name for target in targets for kind, _ in leaners(kinds, target)}
    found: dict[Address, list[LiveObject]] = {change.address: [] for change in doomed}
    twins = (one for found_there in live.twins.values() for one in found_there)
    for other in (*live.objects.values(), *twins, *live.unplaced):
        kind = other.kind
        if kind.name not in interesting or kind.implicit(other.address):
            continue
        now = references(fields_of(kind.spec), live.fields(other))
        on = {target for ref, target in now if ref.blocks}
        if not kind.edge:
            on.add(other.parent)
            on |= _owned_by(other, live)
        if kind.edge:
            on.discard(other.parent)  # it goes with what it lies in
        for address in on & found.keys() - {other.address}:
            found[address].append(other)
    return found


def _owned_by(other: LiveObject, live: Live) -> set[Address]:
    """Give all that an object belongs to: a port lies in a network, and is a project's, too."""
    said = ((above, str(other.raw.get(wire))) for wire, above in other.kind.ancestors.items())
    return {live.ids[key] for key in said if key in live.ids}


def _in_use(
    change: Change,
    leaning: list[LiveObject],
    planned: Mapping[Address, Change],
    live: Live,
    kinds: Kinds,
) -> Held | None:
    for kind, _ in leaners(kinds, change.kind.name):
        if kind.name in live.incomplete and not live.lacks(kind.service):
            why = f"{kind.name} was not read whole, so nobody knows what leans on it"
            return Held(Reason.INCOMPLETE, f"{why}: {live.incomplete[kind.name]}")
    counted: dict[str, int] = {}
    for other in leaning:
        if not _goes(other, change, planned.get(other.address)):
            counted[other.kind.name] = counted.get(other.kind.name, 0) + 1
    if not counted:
        return None
    users = ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))
    return Held(Reason.DEPENDENCY, f"in use by {users}")


def _goes(other: LiveObject, change: Change, planned: Change | None) -> bool:
    """Whether what leans on an object goes, or lets go, in the same plan."""
    if planned is None or planned.held:
        return False
    if planned.action is Action.DELETE:
        return True
    if planned.action is not Action.UPDATE or planned.resource is None:
        return False
    if other.parent == change.address:
        return False
    fields = fields_of(planned.kind.spec)
    still = {target for _, target in references(fields, planned.resource.fields)}
    said = any(
        _refers(field, change.kind.name) and field.name in planned.resource.fields
        for field in fields
    )
    return said and change.address not in still


def hold_waiting(
    changes: tuple[Change, ...], desired: Desired, live: Live
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Hold everything that waits for what will not be made; the second value are warnings."""
    by_address = {change.address: change for change in changes}
    missing = _missing(desired, live, by_address)
    there = _there(desired, live)
    settled = False
    while not settled:
        settled = True
        for address, change in by_address.items():
            if change.held:
                continue
            why = _waits_in_vain(change, by_address, missing, there)
            if why:
                by_address[address] = replace(change, held=Held(Reason.DEPENDENCY, why))
                settled = False
    warnings = [f"{address} {why}" for address, why in missing.items()]
    warnings += [
        f"{address}: {len(ids)} more of this name, not ours ({', '.join(ids)})"
        for address, ids in live.strangers.items()
    ]
    warnings += [
        f"{claim.parent}: its {kind} were not read whole, so nothing is taken away"
        for (_, kind), claim in desired.claims.items()
        if kind in live.incomplete
    ]
    return tuple(by_address.values()), tuple(warnings)


def _missing(desired: Desired, live: Live, planned: Mapping[Address, Change]) -> dict[Address, str]:
    """Give what must be there without us, and is not."""
    return {
        r.address: _why_missing(r, len(live.twins.get(r.address, ())))
        for r in desired.resources.values()
        if r.lifecycle is Lifecycle.EXTERNAL
        and r.kind.listing is not None
        and r.address not in live.objects
        and r.address not in planned
        and not r.kind.implicit(r.address)
        and r.kind.name not in live.incomplete
    }


def _why_missing(resource: Resource, twins: int) -> str:
    if twins:
        return f"cannot be told: {twins} objects have this name"
    if not resource.implied:
        return "is declared external, and is not in the cloud"
    if resource.origin.file:
        return (
            f"is not in the cloud, and {resource.origin} only states what lies in it; "
            "declare it with a field of its own, or with `reconcile: {}`"
        )
    return "is neither declared nor in the cloud"


def leans(change: Change) -> list[Address]:
    """Give what must be there for a change that makes something: its parent and references."""
    if change.resource is None:
        return [change.parent]
    resource = change.resource
    found = [change.parent]
    found += [t for _, t in references(fields_of(change.kind.spec), resource.fields)]
    found += change.kind.leans_on(resource.fields) if change.kind.leans_on else ()
    return found


def _waits_in_vain(
    change: Change,
    by_address: Mapping[Address, Change],
    missing: Mapping[Address, str],
    there: frozenset[Address],
) -> str:
    if change.action is Action.DELETE:
        above = by_address.get(change.parent)
        if change.kind.edge and above and above.action is Action.DELETE and above.held:
            return f"goes with {change.parent}, which is held"
        held = (a for a in change.after if a in by_address and by_address[a].held)
        return next((f"waits for {address}, which is held" for address in held), "")
    if change.resource is None:
        return ""
    for address in leans(change):
        if address in missing:
            return f"{address} {missing[address]}"
        other = by_address.get(address)
        if other and other.held and (other.action is Action.CREATE or other.live is None):
            return f"waits for {address}, which is held"
        if other is None and address not in there:
            return f"waits for {address}, which is not there and not in this plan"
    return ""


def _there(desired: Desired, live: Live) -> frozenset[Address]:
    """Give what need not be made first: it is there, or it comes by itself."""
    by_itself = {
        r.address
        for r in desired.resources.values()
        if r.kind.listing is None or r.kind.implicit(r.address)
    }
    return frozenset({ROOT, *live.objects, *by_itself})


def _refers(field: Field, kind: str) -> bool:
    ref = field.ref
    here = ref is not None and ref.kind == kind and ref.blocks
    return here or any(_refers(inner, kind) for inner in field.nested)
