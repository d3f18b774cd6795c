"""From what is live and not declared to what is a stranger to us and what is ours all the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.cloud.live import Live, LiveObject, owners
from reconciler.engine.memory import Memory
from reconciler.kinds.address import Address
from reconciler.kinds.fields import fields_of
from reconciler.kinds.references import references
from reconciler.state.values import Desired


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """What is live and that git does not declare."""

    strangers: tuple[LiveObject, ...]
    """What no mark, list or settled commit of ours speaks of."""
    ours: tuple[LiveObject, ...]
    """What is ours and declared no more, or lies in a list that git states whole."""


def part(
    found: Iterable[LiveObject], live: Live, desired: Desired, owner: str, memory: Memory | None
) -> Unmanaged:
    """Part what is not declared, in a steady order."""
    every = sorted(found, key=lambda one: (one.kind.name, one.address))
    mine = {one.address for one in every if _is_ours(one, live, desired, owner, memory)}
    return Unmanaged(
        tuple(one for one in every if one.address not in mine),
        tuple(one for one in every if one.address in mine),
    )


def declares(desired: Desired, address: Address) -> bool:
    """Say whether somebody declared an object, and did not only state what lies in it."""
    resource = desired.resources.get(address)
    return resource is not None and not resource.implied


def _is_ours(
    found: LiveObject, live: Live, desired: Desired, owner: str, memory: Memory | None
) -> bool:
    settled = memory.prior.settled if memory else {}
    if found.kind.mark is not None and not found.kind.edge:
        return bool(owner) and owner in owners(found.kind, found.raw)
    return found.address in settled or (
        found.kind.edge and _is_left_out(found, live, desired, owner)
    )


def _is_left_out(edge: LiveObject, live: Live, desired: Desired, owner: str) -> bool:
    """Say whether a list of ours that states all there shall be leaves it out."""
    claim = desired.claims.get((edge.parent, edge.kind.name))
    above = live.objects.get(edge.parent)
    marks = owners(above.kind, above.raw) if above else frozenset()
    if claim is None or not desired.resources[edge.parent].managed:
        return False
    if marks and owner not in marks:
        return False  # under another's object a list only adds
    fields = live.fields(edge)
    joined = {target for _, target in references(fields_of(edge.kind.spec), fields)}
    part_of = tuple(fields.get(name) for name in edge.kind.claim_scope)
    return (claim.scopes is None or part_of in claim.scopes) and not joined & live.own_hands()
