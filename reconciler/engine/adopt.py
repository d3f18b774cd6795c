"""From a plan to the marks alone that it would write on what is there already and nobody's."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.cloud.live import Live, owners
from reconciler.engine.changes import locked
from reconciler.engine.plan import matches
from reconciler.engine.policy import Policy
from reconciler.engine.values import Action, Change, Held, Plan, Reason
from reconciler.settings import Adopt
from reconciler.state.values import Desired, Mode, Resource

KEPT = frozenset({Reason.OWNERSHIP, Reason.AMBIGUOUS, Reason.INCOMPLETE})
"""What holds a mark as well as any other change: nobody can tell, or it is another's."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with what some selectors mean, as the state declares it."""

    unknown: tuple[str, ...] = ()
    """Selectors that mean nothing which the state declares."""
    ours: int = 0
    """What carries our mark."""
    absent: int = 0
    """What is not there."""
    unmarked: Mapping[str, int] = field(default_factory=dict)
    """What is there and of a kind that takes no marks, by kind."""


def marks_only(plan: Plan, selectors: Collection[str], policy: Policy) -> Plan:
    """Keep of a plan the marks on what is declared, there already and nobody's; nothing else.

    What is another owner's, or cannot be told from its twins, stays in it, held.
    """
    found = (_mark(c, policy) for c in plan.changes if matches(c, selectors))
    changes = tuple(change for change in found if change is not None)
    digest = hashlib.sha256(b"adopt")
    for change in changes:
        seen = change.live.id if change.live else ""
        words = (str(change.address), seen, change.protect, str(change.held))
        digest.update(repr(words).encode())
    return replace(plan, changes=changes, warnings=(), id=digest.hexdigest()[:16])


def _mark(change: Change, policy: Policy) -> Change | None:
    """Give the change that only marks, if there is something to mark or to say no to."""
    kind, resource, found = change.kind, change.resource, change.live
    if kind.edge or kind.mark is None or resource is None or not resource.managed:
        return None
    kept = change.held if change.held and change.held.reason in KEPT else None
    if found is None and kept is None:
        return None  # it is not there
    marks = owners(kind, found.raw) if found else frozenset()
    if policy.owner in marks:
        return None
    # What is stated of it may lean on what is not there yet: a mark needs none of that.
    bare = replace(resource, fields={})
    marked = replace(
        change, action=Action.ADOPT, fields=(), reason="", held=None, after=(), resource=bare,
        mark=True, protect=True if resource.options.protect else None,
    )  # fmt: skip
    return replace(marked, held=_refusal(marks, kept, policy) or _untouchable(marked))


def _refusal(marks: Collection[str], kept: Held | None, policy: Policy) -> Held | None:
    """Say no to what is another's."""
    if marks:
        return Held(Reason.OWNERSHIP, f"it carries the mark of {', '.join(sorted(marks))}")
    if kept is not None and kept.reason is not Reason.OWNERSHIP:
        return kept
    if policy.adopt is Adopt.REFUSE:
        return Held(Reason.OWNERSHIP, "adopt: refuse", "say adopt: ask in reconciler.yaml")
    return None


def _untouchable(change: Change) -> Held | None:
    """Say no to what the state, or the service, lets nobody touch."""
    if change.resource is not None and change.resource.options.mode is Mode.OBSERVE:
        return Held(Reason.SUSPENDED, "mode: observe", "say mode: enforce in a commit")
    return locked(change)


def standing(desired: Desired, live: Live, selectors: Collection[str], owner: str) -> Standing:
    """Count what the selectors mean: what is ours, what is not there, what takes no mark."""
    declared = list(_declarable(desired))
    every = [one.address for one in declared if matches(one, selectors)]
    there = [live.objects[address] for address in every if address in live.objects]
    return Standing(
        tuple(word for word in selectors if not any(matches(one, (word,)) for one in declared)),
        sum(owner in owners(one.kind, one.raw) for one in there),
        sum(a not in live.objects and a not in live.twins for a in every),
        Counter(one.kind.name for one in there if one.kind.mark is None),
    )


def _declarable(desired: Desired) -> Iterator[Resource]:
    """Give what has an entry and a life of its own."""
    for resource in desired.resources.values():
        if resource.managed and not resource.kind.edge and resource.kind.delete is not None:
            yield resource
