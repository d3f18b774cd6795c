"""From what is declared and what was written before to the kinds that a plan must look at."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.engine.memory import Memory
from reconciler.engine.oneself import takes_access
from reconciler.engine.policy import Policy
from reconciler.engine.values import Change
from reconciler.kinds.fields import fields_of
from reconciler.kinds.kind import Kind
from reconciler.kinds.references import referred
from reconciler.kinds.registry import Kinds
from reconciler.state.values import Desired


def scope_of(
    desired: Desired, kinds: Kinds, policy: Policy, memory: Memory | None
) -> frozenset[str] | None:
    """Name the kinds that a plan depends on which takes nothing away; None: all of them.

    Those are what is declared and referred to, or was when last all was done; what was ever written
    under this owner, what is pruned, and whoever has access: with all that is needed to give these
    their addresses.
    """
    if memory is not None and _knows_too_little(memory):
        return None
    named = _declared(desired) | policy.prune
    if memory is not None and memory.record.kinds is not None:
        named |= memory.record.kinds
        named |= {resource.kind.name for resource in memory.prior.settled.values()}
    named |= {kind.name for kind in kinds if kind.grants is not None}
    found = _with_needs({name for name in named if name in kinds}, kinds)
    reaching = {kind.name for kind in kinds if kind.reaches}
    around = {name for one in reaching for name in _needs(kinds[one])}
    if found & (reaching | around):  # what the controller reaches the cloud by is known by these
        found = _with_needs(found | reaching | around, kinds)
    return frozenset(found)


def takes_away(changes: Iterable[Change]) -> bool:
    """Say whether a plan takes anything away, held or not: then all that there is counts."""
    return any(takes_access(change) or change.detach for change in changes)


def _knows_too_little(memory: Memory) -> bool:
    """Say whether the record cannot tell of which kinds there may be objects of ours."""
    record = memory.record
    lost = memory.problem or memory.fresh or memory.prior.missing
    return bool(lost) or record.kinds is None or not record.settled


def _declared(desired: Desired) -> set[str]:
    named = {kind for _, kind in desired.claims}
    stated: dict[str, tuple[Kind, set[str]]] = {}
    for resource in desired.resources.values():
        kind = resource.kind
        named.add(resource.parent.kind)
        stated.setdefault(kind.name, (kind, set()))[1].update(resource.fields)
        if kind.leans_on:
            named |= {address.kind for address in kind.leans_on(resource.fields)}
    for kind, names in stated.values():
        # A stated null, too: what the object refers to now is shown by its name.
        named |= {kind.name, *referred(f for f in fields_of(kind.spec) if f.name in names)}
    return named


def _needs(kind: Kind) -> set[str]:
    """Name what must be known before an object of a kind has its address and fields."""
    listings = (kind.listing, *kind.more)
    sources = {name for one in listings if one for name in (one.embedded, one.each)}
    refs = referred(fields_of(kind.spec)) if kind.edge or kind.reaches else set()
    return {*kind.within, *sources, *refs}


def _with_needs(named: set[str], kinds: Kinds) -> set[str]:
    found: set[str] = set()
    queue = list(named)
    while queue:
        name = queue.pop()
        if name in found or name not in kinds:
            continue
        found.add(name)
        queue += _needs(kinds[name])
    return found
