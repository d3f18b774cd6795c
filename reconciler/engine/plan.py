"""From what should be and what is, to what must change, in order."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from reconciler.cloud.live import Live, owners
from reconciler.engine.budget import keep_within
from reconciler.engine.cause import with_cause
from reconciler.engine.changes import change_for, letting_go, only_told, removals
from reconciler.engine.compare import FieldChange
from reconciler.engine.graph import order
from reconciler.engine.guard import guard
from reconciler.engine.hold import hold_in_use, hold_waiting, leans
from reconciler.engine.memory import Memory
from reconciler.engine.oneself import hold_oneself, keep_admins
from reconciler.engine.policy import Policy
from reconciler.engine.prune import pruned
from reconciler.engine.unmarked import unmarked_adoptions
from reconciler.engine.values import Action, Change, Observed, Plan
from reconciler.kinds.address import Address
from reconciler.kinds.fields import Value
from reconciler.kinds.registry import ROOT, Kinds
from reconciler.state.values import Desired, Resource

MAKING = (Action.CREATE, Action.REPLACE)


def make_plan(
    desired: Desired,
    live: Live,
    kinds: Kinds,
    policy: Policy,
    *,
    memory: Memory | None = None,
    cloud: str = "",
    targets: Collection[str] = (),
    excludes: Collection[str] = (),
) -> Plan:
    """Give the smallest change that brings the cloud to what is desired.

    Without a memory nothing is pruned, and only the guards hold that need none: tests and those
    who look at a cloud without an owner have none.
    """
    planned = _differences(desired, live, kinds, policy, memory)
    unchanged = _unchanged(desired, planned.values())
    changes = _select(order(planned.values(), live), targets, excludes)
    changes = hold_oneself(changes, live)
    if memory is not None:
        changes = tuple(with_cause(change, desired, memory) for change in changes)
        changes = guard(changes, desired, live, policy, memory)
    changes = _with_followers(hold_in_use(changes, live, kinds), desired, live)
    if memory is not None:
        changes = keep_within(changes, desired, live, policy, memory)
        changes = keep_admins(changes, live, kinds, policy.limits.min_admins)
    changes, warnings = hold_waiting(changes, desired, live)
    changes = tuple(sorted(changes, key=lambda change: change.address))
    revision = desired.revision
    return Plan(
        cloud,
        revision.name,
        revision.subject,
        changes,
        _observed(live),
        unchanged,
        warnings,
        plan_id(changes, live),
        memory.record.settled if memory else "",
    )


def _differences(
    desired: Desired, live: Live, kinds: Kinds, policy: Policy, memory: Memory | None
) -> dict[Address, Change]:
    """Give every change that what is stated, claimed and ours asks for."""
    planned: dict[Address, Change] = {}
    for resource in desired.resources.values():
        change = change_for(resource, live, policy)
        if change:
            planned[change.address] = change
    for change in unmarked_adoptions(desired, live, memory) if memory is not None else ():
        planned.setdefault(change.address, change)
    own = cache(live.own_hands)  # who needs it, waits for it: most plans take nothing away
    for claim in desired.claims.values():
        for change in removals(claim, desired, live, kinds[claim.kind], policy, own, memory):
            planned.setdefault(change.address, change)
    if memory is not None:
        for change in pruned(desired, live, policy, memory):
            planned.setdefault(change.address, change)
    for change in letting_go(tuple(planned.values()), live, kinds):
        planned.setdefault(change.address, change)
    return {address: only_told(change, desired) for address, change in planned.items()}


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


def _with_followers(
    changes: tuple[Change, ...], desired: Desired, live: Live
) -> tuple[Change, ...]:
    """Make again the edges that go with an object that is made again (its rules, extra specs).

    What has a name of its own holds the replacement instead: nothing is taken along unseen.
    """
    gone = {c.address for c in changes if c.action is Action.REPLACE and not c.held}
    if not gone:
        return changes
    kept = [c for c in changes if not (c.kind.edge and c.parent in gone)]
    for resource in desired.resources.values():
        if resource.parent in gone and resource.kind.edge and resource.managed:
            known = (
                {}
                if resource.address not in live.objects
                else live.fields(live.objects[resource.address])
            )
            again = tuple(FieldChange(name, None, known.get(name)) for name in known)
            kept.append(
                Change(
                    resource.address,
                    resource.kind,
                    Action.CREATE,
                    resource.parent,
                    again,
                    f"{resource.parent} is made again",
                    resource=resource,
                    origin=resource.origin,
                )
            )
    return order(kept, live)


def _select(
    changes: tuple[Change, ...], targets: Collection[str], excludes: Collection[str]
) -> tuple[Change, ...]:
    """Keep to what was asked for and what it needs; selectors are addresses, kinds, globs."""
    by_address = {change.address: change for change in changes}
    if targets:
        keep: set[Address] = set()
        queue = [c.address for c in changes if matches(c, targets)]
        while queue:
            address = queue.pop()
            if address in keep:
                continue
            keep.add(address)
            takes = by_address[address].action in (Action.DELETE, Action.REPLACE)
            queue += [
                other
                for other in by_address[address].after
                if takes or by_address[other].action is not Action.DELETE
            ]
    else:
        keep = set(by_address)
    keep -= {c.address for c in changes if matches(c, excludes)}
    return tuple(
        replace(change, after=tuple(a for a in change.after if a in keep or not targets))
        for change in changes
        if change.address in keep
    )


def matches(one: Change | Resource, selectors: Iterable[str]) -> bool:
    """Say whether a selector (an address, a kind, or a pattern) means this one."""
    names = (str(one.address), str(one.parent), one.kind.name)
    return any(fnmatchcase(name, selector) for selector in selectors for name in names)


def plan_id(changes: Iterable[Change], live: Live) -> str:
    """Hash changes and what was seen of the objects they touch; never the commit."""
    digest = hashlib.sha256()
    for change in changes:
        seen: object = ""
        if change.live is not None:
            owned = sorted(owners(change.kind, change.live.raw))
            seen = (change.live.id, owned, _steady(live.fields(change.live)))
        fields = [
            (f.path, "" if f.sensitive else (_steady(f.before), _steady(f.after)))
            for f in change.fields
        ]
        held = change.held.reason if change.held else ""
        around = [
            (str(address), live.objects[address].id if address in live.objects else "")
            for address in leans(change)
        ]
        marks = (change.mark, change.protect, change.detach)
        parts = (str(change.address), change.action, fields, seen, held, marks, around)
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


@lru_cache(maxsize=2)
def wants_of(desired: Desired) -> frozenset[tuple[Address, str]]:
    """Give the collections that somebody declared: worth a request of their own."""
    declared = {(r.parent, r.kind.name) for r in desired.resources.values() if r.parent != ROOT}
    return frozenset(declared | set(desired.claims))
