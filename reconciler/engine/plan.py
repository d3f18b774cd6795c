"""From what should be and what is, to what must change, in order."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from reconciler.cloud.live import Live, LiveObject
from reconciler.engine.changes import Policy, change_for, locked, removals
from reconciler.engine.compare import FieldChange
from reconciler.engine.graph import order
from reconciler.engine.values import Action, Change, Held, Observed, Plan, Reason
from reconciler.kinds.address import Address
from reconciler.kinds.fields import Field, Value, fields_of, references
from reconciler.kinds.registry import ROOT, Kinds
from reconciler.state.values import Desired, Lifecycle, Resource

MAKING = (Action.CREATE, Action.REPLACE)


def make_plan(
    desired: Desired,
    live: Live,
    kinds: Kinds,
    policy: Policy,
    *,
    cloud: str = "",
    targets: Collection[str] = (),
    excludes: Collection[str] = (),
) -> Plan:
    """Give the smallest change that brings the cloud to what is desired."""
    planned: dict[Address, Change] = {}
    for resource in desired.resources.values():
        change = change_for(resource, live, policy)
        if change:
            planned[change.address] = change
    for claim in desired.claims.values():
        for change in removals(claim, desired, live, kinds[claim.kind]):
            planned.setdefault(change.address, change)
    _follow_replacements(planned, desired, live)
    unchanged = _unchanged(desired, planned.values())
    changes = order(planned.values(), live)
    changes = _select(changes, targets, excludes)
    changes, warnings = _hold_what_cannot_work(changes, desired, live, kinds)
    changes = tuple(sorted(changes, key=lambda change: change.address))
    revision = desired.revision
    return Plan(
        cloud, revision.name, revision.subject, changes, _observed(live), unchanged,
        warnings, _plan_id(changes, live),
    )  # fmt: skip


def _observed(live: Live) -> dict[str, Observed]:
    counts = {kind: Observed(complete=True, count=count) for kind, count in live.counts.items()}
    failed = {
        kind: Observed(complete=False, count=0, why=why) for kind, why in live.incomplete.items()
    }
    return {**counts, **failed}


def _unchanged(desired: Desired, changes: Iterable[Change]) -> int:
    """Count what differs neither itself nor in what is folded into it."""
    touched = {c.parent if c.kind.folded else c.address for c in changes}
    return sum(
        r.managed and r.kind.listing is not None and not r.kind.folded
        for address, r in desired.resources.items()
        if address not in touched
    )


def _follow_replacements(planned: dict[Address, Change], desired: Desired, live: Live) -> None:
    """Make again what goes with an object that is made again, and point to the new one."""
    queue = [c for c in planned.values() if c.action is Action.REPLACE and not c.held]
    while queue:
        gone = queue.pop()
        for resource in desired.resources.values():
            found = live.objects.get(resource.address)
            if found is None or not resource.managed or resource.address in planned:
                continue
            hit = _fields_that_name(gone.address, resource)
            if resource.parent != gone.address and not hit:
                continue
            follow = _follow(gone, resource.parent == gone.address, found, hit)
            change = replace(follow, resource=resource, origin=resource.origin)
            planned[resource.address] = change
            if change.action is not Action.UPDATE:
                queue.append(change)


def _fields_that_name(address: Address, resource: Resource) -> list[Field]:
    said = resource.fields
    return [
        field
        for field in fields_of(resource.kind.spec)
        if field.name in said
        and any(t == address for _, t in references((field,), {field.name: said[field.name]}))
    ]


def _follow(gone: Change, child: bool, found: LiveObject, hit: list[Field]) -> Change:
    reason = f"{gone.address} is made again"
    again = tuple(FieldChange(f.name, gone.address, gone.address) for f in hit)
    action = Action.UPDATE
    if child:
        action = Action.CREATE
    elif found.kind.edge or any(f.immutable for f in hit):
        action = Action.REPLACE
    return Change(found.address, found.kind, action, found.parent, again, reason, live=found)


def _select(
    changes: tuple[Change, ...], targets: Collection[str], excludes: Collection[str]
) -> tuple[Change, ...]:
    """Keep to what was asked for and what it needs; selectors are addresses, kinds, globs."""
    by_address = {change.address: change for change in changes}
    if targets:
        keep: set[Address] = set()
        queue = [c.address for c in changes if _matches(c, targets)]
        while queue:
            address = queue.pop()
            if address not in keep:
                keep.add(address)
                queue += by_address[address].after
    else:
        keep = set(by_address)
    keep -= {c.address for c in changes if _matches(c, excludes)}
    return tuple(
        replace(change, after=tuple(a for a in change.after if a in keep or not targets))
        for change in changes
        if change.address in keep
    )


def _matches(change: Change, selectors: Iterable[str]) -> bool:
    names = (str(change.address), str(change.parent), change.kind.name)
    return any(fnmatchcase(name, selector) for selector in selectors for name in names)


def _hold_what_cannot_work(
    changes: tuple[Change, ...], desired: Desired, live: Live, kinds: Kinds
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Hold deletes of what is in use, and everything that waits for what will not be made."""
    by_address = {change.address: change for change in changes}
    missing = _missing(desired, live, by_address)
    for change in changes:
        lock = None if change.held else locked(change)
        if lock:
            by_address[change.address] = replace(change, held=lock)
        elif change.action is Action.DELETE and not change.held and not change.kind.edge:
            users = _users(change, by_address, live, kinds)
            if users:
                held = Held(Reason.DEPENDENCY, f"in use by {users}")
                by_address[change.address] = replace(change, held=held)
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
    warnings = tuple(f"{address} {why}" for address, why in missing.items())
    return tuple(by_address.values()), warnings


def _missing(desired: Desired, live: Live, planned: Mapping[Address, Change]) -> dict[Address, str]:
    """Give what must be there without us, and is not."""
    return {
        r.address: _why_missing(r)
        for r in desired.resources.values()
        if r.lifecycle is Lifecycle.EXTERNAL
        and r.kind.listing is not None
        and r.address not in live.objects
        and r.address not in planned
        and not (r.kind.implicit and r.kind.implicit(r.address))
        and r.kind.name not in live.incomplete
    }


def _why_missing(resource: Resource) -> str:
    if not resource.implied:
        return "is declared external, and is not in the cloud"
    if resource.origin.file:
        return (
            f"is not in the cloud, and {resource.origin} only states what lies in it; "
            "declare it with a field of its own, or with `reconcile: {}`"
        )
    return "is neither declared nor in the cloud"


def _waits_in_vain(
    change: Change,
    by_address: Mapping[Address, Change],
    missing: Mapping[Address, str],
    there: frozenset[Address],
) -> str:
    if change.action is Action.DELETE:
        for address in change.after:
            other = by_address.get(address)
            if other and other.held:
                return f"waits for {address}, which is held"
        return ""
    if change.resource is None:
        return ""
    leans = [change.parent]
    leans += [t for _, t in references(fields_of(change.kind.spec), change.resource.fields)]
    leans += change.kind.leans_on(change.resource.fields) if change.kind.leans_on else ()
    for address in leans:
        if address in missing:
            return f"{address} {missing[address]}"
        other = by_address.get(address)
        if other and other.held and other.action is Action.CREATE:
            return f"waits for {address}, which is held"
        if other is None and address not in there:
            return f"waits for {address}, which is not there and not in this plan"
    return ""


def _there(desired: Desired, live: Live) -> frozenset[Address]:
    """Give what need not be made first: it is there, or it comes by itself."""
    by_itself = {
        r.address
        for r in desired.resources.values()
        if r.kind.listing is None or (r.kind.implicit and r.kind.implicit(r.address))
    }
    return frozenset({ROOT, *live.objects, *live.twins, *by_itself})


def _users(change: Change, planned: Mapping[Address, Change], live: Live, kinds: Kinds) -> str:
    """Say what leans on an object and is not to go, or to let go, in the same plan."""
    counted: dict[str, int] = {}
    for kind in kinds:
        fields = fields_of(kind.spec)
        lies_in = change.kind.name in kind.within and not kind.edge
        blocking = [f for f in fields if _refers(f, change.kind.name)]
        if not lies_in and not blocking:
            continue
        for other in live.objects.values():
            if other.kind is not kind or other.address == change.address:
                continue
            leaning = lies_in and other.parent == change.address
            if leaning and kind.implicit and kind.implicit(other.address):
                leaning = False
            if not leaning and blocking:
                now = references(fields, live.fields(other))
                leaning = any(t == change.address and ref.blocks for ref, t in now)
            going = planned.get(other.address)
            if leaning and not (going and going.action is not Action.ADOPT and not going.held):
                counted[kind.name] = counted.get(kind.name, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))


def _refers(field: Field, kind: str) -> bool:
    ref = field.ref
    here = ref is not None and ref.kind == kind and ref.blocks
    return here or any(_refers(inner, kind) for inner in field.nested)


def _plan_id(changes: Iterable[Change], live: Live) -> str:
    """Hash the changes and what was seen of the objects they touch; never the commit."""
    digest = hashlib.sha256()
    for change in changes:
        seen: object = ""
        if change.live is not None:
            seen = (change.live.id, sorted(live.fields(change.live)))
        fields = [
            (f.path, "" if f.sensitive else (_steady(f.before), _steady(f.after)))
            for f in change.fields
        ]
        held = change.held.reason if change.held else ""
        parts = (str(change.address), change.action, fields, seen, held, change.mark)
        digest.update(repr(parts).encode())
    return digest.hexdigest()[:16]


def _steady(value: Value) -> str:
    """Write a value so that it is the same text in every process: a set has no order."""
    if isinstance(value, frozenset):
        return repr(sorted(_steady(item) for item in value))
    if isinstance(value, Mapping):
        return repr(sorted((str(key), _steady(inner)) for key, inner in value.items()))
    if isinstance(value, tuple):
        return repr([_steady(item) for item in value])
    return f"{type(value).__name__} {value}"


def wants_of(desired: Desired) -> frozenset[tuple[Address, str]]:
    """Give the collections that somebody declared: worth a request of their own."""
    declared = {(r.parent, r.kind.name) for r in desired.resources.values() if r.parent != ROOT}
    return frozenset(declared | set(desired.claims))
