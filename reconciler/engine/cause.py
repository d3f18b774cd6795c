"""From a change to where its difference comes from: a commit, or a hand on the cloud."""

from __future__ import annotations

from dataclasses import replace

from reconciler.engine.memory import Memory
from reconciler.engine.values import Action, Cause, Change
from reconciler.kinds.address import Address
from reconciler.state.values import Desired, Resource


def with_cause(change: Change, desired: Desired, memory: Memory) -> Change:
    """Say that a commit is the cause where the entry differs from what was applied last."""
    if not memory.prior.known:
        return change
    return replace(change, cause=_cause(change, desired, memory))


def _cause(change: Change, desired: Desired, memory: Memory) -> Cause:
    applied = memory.prior.applied
    if applied is None or str(change.address) in memory.record.behind:
        return Cause.GIT
    before, now = applied.resources.get(change.address), desired.resources.get(change.address)
    if change.action is Action.DELETE and now is None:
        claim = (change.parent, change.kind.name)
        new_list = claim in desired.claims and claim not in applied.claims
        return Cause.GIT if new_list or (before is not None and before.managed) else Cause.LIVE
    return Cause.LIVE if _says(before) == _says(now) else Cause.GIT


def said_otherwise(before: Desired, now: Desired) -> frozenset[Address]:
    """Give what one revision says otherwise than another; a folded edge by what it lies in."""
    changed: set[Address] = set()
    for address in before.resources.keys() | now.resources.keys():
        old, new = before.resources.get(address), now.resources.get(address)
        if _says(old) != _says(new):
            one = new or old
            assert one is not None  # it is in one of them
            changed.add(one.parent if one.kind.folded else address)
    claims = before.claims.keys() ^ now.claims.keys()
    return frozenset(changed | {parent for parent, _ in claims})


def _says(resource: Resource | None) -> object:
    if resource is None or resource.implied:
        return None
    return dict(resource.fields), resource.options, resource.name
