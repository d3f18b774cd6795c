"""The one straight line: source → parse → model → observe → plan → apply → observe again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from reconciler.cloud.live import Live
from reconciler.cloud.observe import observe
from reconciler.cloud.session import Who
from reconciler.engine.apply import Listener, Outcome, apply_plan, failures
from reconciler.engine.bodies import Context
from reconciler.engine.changes import Policy
from reconciler.engine.plan import make_plan, wants_of
from reconciler.engine.values import Plan
from reconciler.kinds.address import Address
from reconciler.kinds.kind import Http
from reconciler.kinds.registry import Kinds
from reconciler.state.values import Desired

PASSES = 3
"""Passes after which a cloud that still differs is called unsettled."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which changes are looked at."""

    targets: Collection[str] = ()
    excludes: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """The cloud that a line ends in."""

    http: Http
    who: Who
    name: str
    kinds: Kinds


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did: the plan, what became of it, and whether anything is left."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    left: Plan | None = None
    seconds: float = 0.0
    interrupted: bool = False
    later: tuple[Outcome, ...] = field(default=())

    @property
    def settled(self) -> bool:
        """Whether the last look found nothing that is not held."""
        return self.left is None or not [c for c in self.left.changes if not c.held]


def look(target: Target, desired: Desired, progress: Callable[[str, int], None]) -> Live:
    """Observe what the state is about."""
    wanted = wants_of(desired)
    keys = {
        (resource.kind.name, resource.options.id): resource.address.name
        for resource in desired.resources.values()
        if resource.options.id
    }
    return observe(
        target.http, target.kinds, target.who,
        wants=lambda parent, kind: (parent, kind) in wanted, keys=keys, progress=progress,
    )  # fmt: skip


def plan_for(
    target: Target,
    desired: Desired,
    policy: Policy,
    selection: Selection,
    progress: Callable[[str, int], None] = lambda _kind, _count: None,
) -> tuple[Plan, Live]:
    """Observe and compare."""
    live = look(target, desired, progress)
    plan = make_plan(
        desired, live, target.kinds, policy, cloud=target.name,
        targets=selection.targets, excludes=selection.excludes,
    )  # fmt: skip
    return plan, live


def make_context(target: Target, desired: Desired, live: Live, owner: str) -> Context:
    """Gather what the steps of an apply may look at."""
    parents: Mapping[Address, Address] = {
        **{a: o.parent for a, o in live.objects.items()},
        **{a: r.parent for a, r in desired.resources.items()},
    }
    return Context(
        target.http, target.kinds, live, owner, {}, parents, frozenset(desired.claims),
        frozenset(desired.resources), desired.revision,
    )  # fmt: skip


def carry_out(
    target: Target,
    desired: Desired,
    policy: Policy,
    first: tuple[Plan, Live],
    selection: Selection,
    *,
    listen: Listener = lambda _change, _status: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Report:
    """Apply a plan, and look again until nothing is left or it does not get less."""
    plan, live = first
    outcomes = apply_plan(
        plan, make_context(target, desired, live, policy.owner), listen=listen, stopped=stopped
    )
    if stopped():
        return Report(plan, outcomes, interrupted=True)
    later: list[Outcome] = []
    left, live = plan_for(target, desired, policy, selection)
    for _ in range(PASSES - 1):
        if not [c for c in left.changes if not c.held] or failures(outcomes) or stopped():
            break
        context = make_context(target, desired, live, policy.owner)
        later += apply_plan(left, context, listen=listen, stopped=stopped)
        left, live = plan_for(target, desired, policy, selection)
    return Report(plan, outcomes, left, interrupted=stopped(), later=tuple(later))
