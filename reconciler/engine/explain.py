"""From all that is known to what there is to say of one address."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.cloud.live import Live, LiveObject
from reconciler.engine.compare import FieldChange, compare
from reconciler.engine.memory import Memory
from reconciler.engine.values import Plan
from reconciler.kinds.address import Address
from reconciler.kinds.fields import fields_of
from reconciler.kinds.kind import Kind
from reconciler.kinds.references import references, referred
from reconciler.kinds.registry import Kinds
from reconciler.state.source import Commit
from reconciler.state.values import Claim, Desired, Resource

GUESSES = 5
CUTOFF = 0.85
"""How alike an address must be to be guessed: 1 is the same."""


@dataclass(frozen=True, slots=True)
class Around:
    """What has to do with an object, as git says it or as the cloud has it."""

    inside: tuple[Address, ...] = ()
    """What lies in it and has an address of its own."""
    referring: tuple[Address, ...] = ()
    """What refers to it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say of one address."""

    address: Address
    kind: Kind
    resource: Resource | None
    """What git says; None: nothing."""
    items: tuple[Resource, ...]
    """What git says to lie in it without an address of its own: rules, members."""
    claims: tuple[Claim, ...]
    """The lists of it that are stated whole."""
    found: LiveObject | None
    found_items: tuple[LiveObject, ...]
    twins: tuple[LiveObject, ...]
    """Objects of this name among which nobody can tell."""
    strangers: tuple[str, ...]
    """Ids of objects that have the name of this one, which is ours."""
    ignored: tuple[FieldChange, ...]
    """What differs and nobody wants to hear of."""
    plan: Plan
    """The part of the plan that is about it."""
    declared: Around
    live: Around
    last: Resource | None
    """What was declared last, where nothing is any more."""
    removed: Commit | None
    """The commit that took it away."""

    @property
    def claims_of(self) -> frozenset[str]:
        """Give the kinds of which git says these and no others."""
        return frozenset(claim.kind for claim in self.claims)


def explain(
    address: Address, desired: Desired, live: Live, kinds: Kinds, plan: Plan, memory: Memory | None
) -> Explanation | None:
    """Gather what is known of an address; None: nothing is, nobody ever spoke of it."""
    kind = kinds.of(address)
    resource = _stated(desired.resources.get(address))
    found, twins = live.objects.get(address), live.twins.get(address, ())
    last, removed = (None, None)
    if resource is None and memory is not None:
        last, removed = memory.prior.last(address)
    if kind is None or not (resource or found or twins or last):
        return None
    inner = [inner for inner in kinds.below(kind.name) if inner.folded]
    here = [live.child_addresses(address, one.name) for one in inner]
    return Explanation(
        address,
        kind,
        resource,
        tuple(r for r in desired.resources.values() if r.kind.folded and r.parent == address),
        tuple(claim for (parent, _), claim in desired.claims.items() if parent == address),
        found,
        tuple(live.objects[a] for part in here for a in part if a in live.objects),
        tuple(twins),
        tuple(live.strangers.get(address, ())),
        _ignored(resource, found, live),
        _about(plan, address),
        _in_git(address, desired),
        _in_cloud(address, live),
        last,
        removed,
    )


def _stated(resource: Resource | None) -> Resource | None:
    """Give what somebody wrote down, at least as the place that something else lies in."""
    return resource if resource and (resource.origin.file or not resource.implied) else None


def _ignored(
    resource: Resource | None, found: LiveObject | None, live: Live
) -> tuple[FieldChange, ...]:
    if resource is None or found is None or not resource.options.ignore:
        return ()
    fields, now = fields_of(resource.kind.spec), live.fields(found)
    defaults = live.defaults.get(resource.kind.name)
    told = compare(fields, resource.fields, now, resource.options.ignore, defaults)
    every = compare(fields, resource.fields, now, (), defaults)
    return tuple(one for one in every if one not in told)


def _about(plan: Plan, address: Address) -> Plan:
    changes = tuple(
        c for c in plan.changes if address in (c.address, c.parent if c.kind.folded else c.address)
    )
    return Plan(
        plan.cloud, plan.revision, plan.subject, changes, plan.observed, 0, (), plan.id,
        plan.settled,
    )  # fmt: skip


def _in_git(address: Address, desired: Desired) -> Around:
    inside, referring = set(), set()
    for resource in desired.resources.values():
        if resource.implied:
            continue
        shown = resource.parent if resource.kind.folded else resource.address
        if resource.parent == address and not resource.kind.folded:
            inside.add(shown)
        if address in {t for _, t in references(fields_of(resource.kind.spec), resource.fields)}:
            referring.add(shown)
    return Around(tuple(sorted(inside)), tuple(sorted(referring - {address})))


def _in_cloud(address: Address, live: Live) -> Around:
    inside, referring = set(), set()
    for found in live.objects.values():
        shown = found.parent if found.kind.folded else found.address
        fields = fields_of(found.kind.spec)
        if found.parent == address and not found.kind.folded:
            inside.add(shown)
        if address.kind not in referred(fields):
            continue
        if address in {target for _, target in references(fields, live.fields(found))}:
            referring.add(shown)
    return Around(tuple(sorted(inside)), tuple(sorted(referring - {address})))


def nearest(text: str, desired: Desired, live: Live, memory: Memory | None) -> list[str]:
    """Give the known addresses that somebody may have meant: of this name first, then alike."""
    settled: Iterable[Address] = memory.prior.settled if memory else ()
    every = {*desired.resources, *live.objects, *live.twins, *settled}
    name = text.rsplit("/", 1)[-1]
    known = sorted(str(address) for address in every if address.names)
    same = [word for word in known if word.rsplit("/", 1)[-1] == name]
    alike = difflib.get_close_matches(text, known, n=GUESSES, cutoff=CUTOFF)
    close = difflib.get_close_matches(text, same, n=GUESSES, cutoff=0.0)
    return list(dict.fromkeys((*(w for w in close if name), *alike)))[:GUESSES]
