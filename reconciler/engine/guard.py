"""From changes to the same with those held that nobody let through: each guard for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.cloud.live import Live, LiveObject, created_at, owners
from reconciler.engine.memory import Memory
from reconciler.engine.policy import Policy
from reconciler.engine.values import Action, Change, Held, Reason
from reconciler.kinds.address import Address
from reconciler.kinds.kind import Form
from reconciler.settings import Adopt
from reconciler.state.values import Desired

CLOCK_SKEW = 120.0
"""Seconds by which a service's clock may be behind ours."""
YES = "a yes at the prompt, `apply FILE` or --plan-id"


@dataclass(frozen=True, slots=True)
class Guarding:
    """What the guards look at."""

    desired: Desired
    live: Live
    policy: Policy
    memory: Memory
    planned: Mapping[Address, Change]
    lost: str
    """Why nobody can tell what was declared before, if so."""


def guard(
    changes: tuple[Change, ...], desired: Desired, live: Live, policy: Policy, memory: Memory
) -> tuple[Change, ...]:
    """Hold what must not be done, or not without somebody's word."""
    planned = {change.address: change for change in changes}
    lost = _lost(desired, live, policy, memory)
    at = Guarding(desired, live, policy, memory, planned, lost)
    guarded = {c.address: c if c.held else replace(c, held=_held(c, at)) for c in changes}
    return tuple(
        c if c.held else replace(c, held=_in_a_stranger(c, at, guarded)) for c in guarded.values()
    )


def _in_a_stranger(change: Change, at: Guarding, guarded: Mapping[Address, Change]) -> Held | None:
    """Hold what would change what belongs to an object that nobody has let us take over yet."""
    found = _belongs_to(change, at.live)
    declared = at.desired.resources.get(found.address) if found else None
    if found is None or declared is None or not declared.managed:
        return None
    above = guarded.get(found.address)
    if above is not None:
        return above.held if above.held and _is_nobodys(found, at) else None
    if found.kind.mark is None or owners(found.kind, found.raw):
        return None
    return Held(Reason.APPROVAL, f"{found.address} is nobody's", "adopt it in the same plan")


def _belongs_to(change: Change, live: Live) -> LiveObject | None:
    """Give the object that a list belongs to, or that something came with, such as a quota."""
    if not change.kind.edge and not change.kind.implicit(change.address):
        return None
    found = live.objects.get(change.parent)
    while found is not None and found.kind.implicit(found.address):
        found = live.objects.get(found.parent)
    return found


def _held(change: Change, at: Guarding) -> Held | None:
    return (
        _adoption(change, at)
        or _history(change, at)
        or _first_meeting(change, at)
        or _flap(change, at)
    )


def _lost(desired: Desired, live: Live, policy: Policy, memory: Memory) -> str:
    """Say why the record cannot be relied on: it is gone, or what it speaks of is.

    One that was begun anew knows only what was attempted since: it is no better than none as long
    as something carries our mark of which it does not know.
    """
    if memory.problem:
        return memory.problem
    anew = memory.prior.known and not memory.record.settled
    if memory.fresh or anew:
        known = () if memory.fresh else {*memory.prior.attempted, *desired.resources}
        for found in live.objects.values():
            if found.address not in known and policy.owner in owners(found.kind, found.raw):
                return f"the record is gone, and {found.address} carries our mark"
    return memory.prior.missing


def _history(change: Change, at: Guarding) -> Held | None:
    """Without a history nothing is deleted or replaced."""
    released = at.policy.releases.history or at.policy.releases.approved
    if not at.lost or released or change.action not in (Action.DELETE, Action.REPLACE):
        return None
    return Held(Reason.HISTORY, at.lost, "--allow-history, or approve the plan")


def _first_meeting(change: Change, at: Guarding) -> Held | None:
    """Hold what changes objects of a kind that no plan has touched yet which somebody saw."""
    releases = at.policy.releases
    if change.kind.name in at.memory.record.met or releases.first_meeting or releases.seen:
        return None
    if change.action in (Action.CREATE, Action.ADOPT) or comes_with_the_new(change, at.planned):
        return None
    if change.detach or _half_made(change, at):
        return None
    what = f"the first time that {change.kind.name} is changed here"
    return Held(Reason.FIRST_MEETING, what, f"{YES}, or --allow-first-meeting")


def _half_made(change: Change, at: Guarding) -> bool:
    """Say whether an apply of ours made the object, and did not live to finish it."""
    found = at.live.objects.get(change.parent) if change.kind.edge else change.live
    if found is None or (change.action is not Action.UPDATE and not change.kind.edge):
        return False
    prior, record = at.memory.prior, at.memory.record
    tried = found.address in prior.attempted or record.began(at.memory.attempt) is not None
    ours = at.policy.owner in owners(found.kind, found.raw)
    return ours and tried and found.address not in prior.settled


def _flap(change: Change, at: Guarding) -> Held | None:
    """Stop correcting what comes back again and again: somebody else wants it so."""
    released = at.policy.releases.flap or at.policy.releases.approved
    if released or not at.memory.prior.known or not at.memory.flapping(change):
        return None
    detail = "corrected three times in six hours, and it always comes back"
    return Held(Reason.FLAP, detail, "find out who changes it; then --allow-flap")


def comes_with_the_new(change: Change, planned: Mapping[Address, Change]) -> bool:
    """Say whether a removal only clears what the service adds to what this plan makes."""
    above = planned.get(change.parent)
    if above is None or above.held:
        return False
    if above.action is Action.CREATE and change.kind.edge:
        return True
    born_with, found = change.kind.born_with, change.live
    if not above.kind.implicit(above.address) or not above.mark:
        return False
    return born_with is not None and found is not None and born_with(found.raw)


def _adoption(change: Change, at: Guarding) -> Held | None:
    """Hold the taking over of what is there already and nobody's, unless somebody said so."""
    if not is_adoption(change, at) or _own_interrupted_create(change, at):
        return None
    releases, adopt = at.policy.releases, at.policy.adopt
    if adopt is Adopt.REFUSE:
        detail = "there already, and nobody's; adopt: refuse"
        return Held(Reason.OWNERSHIP, detail, "declare it external, or say adopt: ask")
    if adopt is Adopt.ALLOW or releases.adopt or releases.seen:
        return None
    return Held(Reason.APPROVAL, "there already, and nobody's", f"{YES}, or --allow-adopt")


def is_adoption(change: Change, at: Guarding) -> bool:
    """Say whether a change takes over what was not ours before."""
    kind, found = change.kind, change.live
    if found is None or change.resource is None or kind.edge or change.action is Action.DELETE:
        return False
    if kind.implicit(change.address):
        return False  # it came with what it lies in
    return _is_nobodys(found, at)


def _is_nobodys(found: LiveObject, at: Guarding) -> bool:
    """Say whether an object is not ours yet: by its mark, or, without one, by what was settled."""
    kind, prior = found.kind, at.memory.prior
    if kind.mark is not None:
        return not owners(kind, found.raw)
    if not prior.known or kind.form is not Form.NAMED:
        return False
    taken = at.memory.record.taken
    return found.address not in prior.settled and str(found.address) not in taken


def _own_interrupted_create(change: Change, at: Guarding) -> bool:
    """Say whether an object was made by an apply of ours that did not live to mark it."""
    began = at.memory.prior.attempted.get(change.address)
    here = at.memory.record.began(at.memory.attempt)
    if str(change.address) in at.memory.record.making:
        return True
    first = min((t for t in (began, here) if t is not None), default=None)
    if first is None or change.live is None:
        return False
    made = created_at(change.live.raw)
    return made is not None and made >= first - CLOCK_SKEW
