"""From what is ours and declared no more, to what goes with its entry, and why some of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from reconciler.cloud.live import Live, LiveObject, owners, protected
from reconciler.engine.compare import FieldChange
from reconciler.engine.memory import Memory
from reconciler.engine.policy import Policy
from reconciler.engine.values import Action, Change, Held, Reason
from reconciler.kinds.address import Address
from reconciler.state.values import Desired, Lifecycle, OnRemove, Resource


def pruned(desired: Desired, live: Live, policy: Policy, memory: Memory) -> Iterator[Change]:
    """Give the delete, or the detaching, of every object of ours that nothing declares any more."""
    if not memory.prunes:
        return
    earlier = cache(lambda: _earlier(desired))  # seldom asked for
    lying_in = cache(lambda: {r.parent for r in desired.resources.values() if r.managed})
    for found in live.objects.values():
        if found.kind.edge:
            continue  # most of what there is; a list that is stated whole takes edges away
        declared = desired.resources.get(found.address)
        if _is_given_up(found, declared, policy):
            yield _detached(found, policy, "declared external")
        if (declared is not None and not declared.implied) or not _prunable(found):
            continue
        why = _ours(found, policy, memory)
        if why is None:
            continue
        change = _change(found, policy, memory, why)
        if change.held is None and _has_no_successor(found, desired, live, policy):
            held = Held(Reason.DEPENDENCY, "what shall stand in its place is not there yet")
            change = replace(change, held=held)
        if found.address in earlier() and not change.detach:
            new = earlier()[found.address]
            held = Held(
                Reason.AMBIGUOUS, f"{new} was {found.address.name} previously, and both are there",
                "take previously out in a commit, or the other object out of the way",
            )  # fmt: skip
            change = replace(change, held=held)
        if change.held is None and not change.detach and found.address in lying_in():
            held = Held(
                Reason.DEPENDENCY, "something is declared that lies in it",
                f"declare it, or take away what is stated in {found.address}",
            )  # fmt: skip
            change = replace(change, held=held)
        yield change


def _is_given_up(found: LiveObject, declared: Resource | None, policy: Policy) -> bool:
    """Say whether an object is ours still, and declared to be somebody else's matter now."""
    if declared is None or declared.implied or declared.lifecycle is not Lifecycle.EXTERNAL:
        return False
    return policy.owner in owners(found.kind, found.raw)


def _detached(found: LiveObject, policy: Policy, reason: str) -> Change:
    gone = FieldChange("owner", policy.owner, None)
    return Change(
        found.address, found.kind, Action.UPDATE, found.parent, (gone,), reason, live=found,
        detach=True,
    )  # fmt: skip


def _earlier(desired: Desired) -> dict[Address, Address]:
    """Give what is declared by the addresses that it is said to have had before."""
    return {
        Address(r.address.kind, (*r.address.names[:-1], name)): r.address
        for r in desired.resources.values()
        for name in r.options.previously
    }


def _prunable(found: LiveObject) -> bool:
    """Say whether an object comes and goes by an entry of its own."""
    kind = found.kind
    return kind.delete is not None and not kind.implicit(found.address)


def _ours(found: LiveObject, policy: Policy, memory: Memory) -> Held | str | None:
    """Say that an object is ours ('' ), that it may be (held), or that it is not (None)."""
    if found.kind.mark is not None:
        marks = owners(found.kind, found.raw)
        others = ", ".join(sorted(marks - {policy.owner}))
        if policy.owner in marks and others:
            return Held(Reason.OWNERSHIP, f"it carries the mark of {others}, too")
        return "" if policy.owner in marks else None
    if found.address in memory.prior.settled:
        return ""
    if found.address in memory.prior.attempted:
        detail = "only a revision declared it whose apply did not end; it may be another's"
        return Held(Reason.UNSETTLED, detail, "--allow-unsettled, or approve the plan")
    return None


def _change(found: LiveObject, policy: Policy, memory: Memory, why: Held | str) -> Change:
    last, commit = memory.prior.last(found.address)
    reason = f"removed in {commit.words}" if commit else "not in git"
    retired = found.kind.retire is not None and _is_retired(found, policy.owner)
    if last is not None and last.options.on_remove is OnRemove.DETACH:
        return _detached(found, policy, f"{reason}, with on_remove: detach")
    held = why if isinstance(why, Held) else None
    if retired:
        reason = "made again; this is the earlier one"
    elif protected(found.kind, found.raw, policy.owner) or (last and last.options.protect):
        release = "declare it again with protect: false, apply that, then remove it"
        held = Held(Reason.PROTECTED, "it was declared with protect: true", release)
    elif found.kind.name not in policy.prune:
        detail = f"{found.kind.name} is not pruned"
        held = Held(Reason.PRUNE_OFF, detail, f"say prune: {{{found.kind.name}: true}}")
    elif held is not None and held.reason is Reason.UNSETTLED:
        released = policy.releases.unsettled or policy.releases.approved
        held = None if released else held
    return Change(
        found.address, found.kind, Action.DELETE, found.parent, (), reason, held=held, live=found
    )


def _has_no_successor(found: LiveObject, desired: Desired, live: Live, policy: Policy) -> bool:
    """Say whether an object made room for one that is declared, and was not made since."""
    if found.kind.retire is None or not _is_retired(found, policy.owner):
        return False
    address = Address(found.address.kind, (*found.address.names[:-1], found.name))
    return address in desired.resources and address not in live.objects


def _is_retired(found: LiveObject, owner: str) -> bool:
    """Say whether it made room for a successor: it answers to no address, and its time is over."""
    mark = found.kind.mark
    return mark is not None and f"reconciler:{owner}:retired" in (found.raw.get(mark.field) or ())
