"""The one straight line: source → parse → model → observe → plan → apply → observe again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from reconciler.cloud.last import Last
from reconciler.cloud.live import Live
from reconciler.cloud.observe import observe
from reconciler.cloud.session import Who
from reconciler.engine.adopt import marks_only
from reconciler.engine.apply import Listener, Outcome, apply_plan, failures
from reconciler.engine.bodies import Context
from reconciler.engine.contents import Around, hold_full
from reconciler.engine.hold import hold_waiting
from reconciler.engine.memory import Memory
from reconciler.engine.plan import MAKING, make_plan, wants_of
from reconciler.engine.policy import Policy
from reconciler.engine.scope import scope_of, takes_away
from reconciler.engine.usage import hold_below_use
from reconciler.engine.values import Action, Change, Plan
from reconciler.errors import CloudError
from reconciler.kinds.address import Address
from reconciler.kinds.calls import Http
from reconciler.kinds.fields import Value
from reconciler.kinds.kind import Form
from reconciler.kinds.registry import Kinds
from reconciler.state.values import Desired

DESTROYING = (Action.DELETE, Action.REPLACE)
PASSES = 3
"""Passes after which a cloud that still differs is called unsettled."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which changes are looked at."""

    targets: Collection[str] = ()
    excludes: Collection[str] = ()
    marks_only: bool = False
    """Of the targets, only the marks on what is there already and nobody's."""


@dataclass(frozen=True, slots=True)
class Target:
    """The cloud that a line ends in."""

    http: Http
    who: Who
    name: str
    kinds: Kinds
    allowed_hosts: frozenset[str] = frozenset()
    """Hosts that data may be fetched from although they are on the loopback or link-local."""
    width: Callable[[str], int] = lambda _service: 4
    """How many requests a service may have of us at once."""
    last: Last | None = None
    """What the last look saw, for who looks again and again."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did: the plan, what became of it, and whether anything is left."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    left: Plan | None = None
    seconds: float = 0.0
    interrupted: bool = False
    later: tuple[Outcome, ...] = field(default=())
    live: Live | None = None
    """What the last look saw."""
    unseen: str = ""
    """Why the cloud could not be looked at again after the changes."""

    @property
    def settled(self) -> bool:
        """Whether the last look found nothing that is not held."""
        if self.unseen:
            return False
        return self.left is None or not self.unexpected

    @property
    def unexpected(self) -> list[Change]:
        """Give what a last look found although it was neither held nor left for somebody's word.

        What was held when the plan was made may pass by now (a wipe, when something new is there
        to survive it): nobody saw it pass, so it waits for the next run.
        """
        held = {change.address for change in self.plan.changes if change.held}
        left = self.left.changes if self.left else ()
        return [c for c in left if not c.held and c.address not in held]


def look(
    target: Target,
    desired: Desired,
    owner: str,
    progress: Callable[[str, int], None],
    also: Collection[tuple[str, ...]] = (),
    only: Collection[str] | None = None,
    memory: Memory | None = None,
) -> Live:
    """Observe what the state is about, and all that lies in objects of the names in ``also``.

    ``only`` keeps to these kinds.
    """
    wanted = wants_of(desired)
    return observe(
        target.http, target.kinds, target.who,
        wants=lambda parent, kind: (parent, kind) in wanted or parent.names in also,
        keys=ids_of(desired), renames=renames_of(desired), owner=owner, progress=progress,
        only=only, expected=_settled(memory), nulls=_with_nulls(desired),
        last=target.last, width=target.width,
    )  # fmt: skip


def _with_nulls(desired: Desired) -> frozenset[str]:
    """Name the kinds of which somebody stated a null that only the cloud knows the meaning of."""
    return frozenset(
        resource.kind.name
        for resource in desired.resources.values()
        if resource.kind.unset is not None
        and any(_has_null(value) for value in resource.fields.values())
    )


def _has_null(value: Value) -> bool:
    return value is None or (isinstance(value, Mapping) and None in value.values())


def _settled(memory: Memory | None) -> dict[Address, str]:
    """Give what was there when last all was done, with its name."""
    settled = memory.prior.settled.values() if memory else ()
    return {r.address: r.name or r.address.name for r in settled if r.kind.form is Form.NAMED}


@lru_cache(maxsize=2)
def ids_of(desired: Desired) -> Mapping[tuple[str, str], str]:
    """Give the names of what is declared by its id, by kind and id."""
    return {
        (resource.kind.name, resource.options.id): resource.address.name
        for resource in desired.resources.values()
        if resource.options.id
    }


@lru_cache(maxsize=2)
def renames_of(desired: Desired) -> Mapping[Address, Address]:
    """Give the other names under which the cloud may have what is declared."""
    other: dict[Address, Address] = {}
    for resource in desired.resources.values():
        address = resource.address
        names = [resource.name] if resource.name not in ("", address.name) else []
        for name in (*names, *resource.options.previously):
            other[Address(address.kind, (*address.names[:-1], name))] = address
    return other


def plan_for(
    target: Target,
    desired: Desired,
    policy: Policy,
    selection: Selection,
    progress: Callable[[str, int], None] = lambda _kind, _count: None,
    memory: Memory | None = None,
) -> tuple[Plan, Live]:
    """Observe and compare.

    What is far from all that is declared is not listed, unless something is to be taken away:
    then whatever leans on it, and whoever depends on it, has a say.
    """
    scope = scope_of(desired, target.kinds, policy, memory)
    live = look(target, desired, policy.owner, progress, only=scope, memory=memory)
    plan = compare_with(live, target, desired, policy, selection, memory)
    if scope is not None and takes_away(plan.changes):
        live = look(target, desired, policy.owner, progress, memory=memory)
        plan = compare_with(live, target, desired, policy, selection, memory)
    return plan, live


def compare_with(
    live: Live,
    target: Target,
    desired: Desired,
    policy: Policy,
    selection: Selection,
    memory: Memory | None = None,
) -> Plan:
    """Plan from what was observed before."""
    plan = make_plan(
        desired, live, target.kinds, policy, memory=memory, cloud=target.name,
        targets=selection.targets, excludes=selection.excludes,
    )  # fmt: skip
    if selection.marks_only:
        return marks_only(plan, selection.targets, policy)
    known = memory.record.services if memory else frozenset()
    around = Around(target.http, target.who, target.kinds, known)
    changes = hold_full(plan.changes, around, policy.releases)
    changes = hold_below_use(changes, live, target.http)
    if changes != plan.changes:
        changes, _ = hold_waiting(changes, desired, live)  # a domain takes its projects along
    return replace(plan, changes=tuple(sorted(changes, key=lambda change: change.address)))


Progress = Callable[[Address, int, int], None]
"""Told how much of an object's data was sent: bytes, and of how many (0: nobody knows)."""


def make_context(
    target: Target,
    desired: Desired,
    live: Live,
    owner: str,
    progress: Progress = lambda _address, _done, _all: None,
) -> Context:
    """Gather what the steps of an apply may look at."""
    parents: Mapping[Address, Address] = {
        **{a: o.parent for a, o in live.objects.items()},
        **{a: r.parent for a, r in desired.resources.items()},
    }
    return Context(
        target.http, target.kinds, live, owner, {}, parents, frozenset(desired.claims),
        frozenset(desired.resources), desired.revision, target.allowed_hosts,
        services=target.who.services, progress=progress, width=target.width,
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
    progress: Progress = lambda _address, _done, _all: None,
    memory: Memory | None = None,
) -> Report:
    """Apply a plan, and look again until nothing is left or it does not get less."""
    plan, live = first
    outcomes = apply_plan(
        plan, make_context(target, desired, live, policy.owner, progress),
        listen=listen, stopped=stopped,
    )  # fmt: skip
    if stopped():
        return Report(plan, outcomes, interrupted=True)
    later: list[Outcome] = []
    try:
        left, live = plan_for(target, desired, policy, selection, memory=memory)
    except CloudError as error:
        return Report(plan, outcomes, unseen=str(error))
    for _ in range(PASSES - 1):
        more = _continues(plan, outcomes, left)
        if not more.changes or failures((*outcomes, *later)) or stopped():
            break
        context = make_context(target, desired, live, policy.owner, progress)
        later += apply_plan(more, context, listen=listen, stopped=stopped)
        try:
            left, live = plan_for(target, desired, policy, selection, memory=memory)
        except CloudError as error:
            return Report(plan, outcomes, later=tuple(later), unseen=str(error))
    return Report(plan, outcomes, left, interrupted=stopped(), later=tuple(later), live=live)


def _was_seen(change: Change, before: Change | None, made: Collection[Address]) -> bool:
    """Say whether a change is of what was planned; edges of what is new are no loss."""
    if before is None:
        return change.kind.edge and change.parent in made
    if before.held:
        return False
    if change.action in DESTROYING:
        return change.kind.edge or before.action in DESTROYING
    if change.action is Action.UPDATE and before.action in (Action.UPDATE, Action.ADOPT):
        return {f.path for f in change.fields} <= {f.path for f in before.fields}
    return True


def _continues(plan: Plan, outcomes: tuple[Outcome, ...], left: Plan) -> Plan:
    """Keep of a later plan what the approved one was about; what else came up, nobody has seen.

    Nor is anything made twice: a list that does not show yet what was just made is not believed;
    nor deleted twice: what is there by now is another's.
    """
    planned = {c.address: c for c in plan.changes}
    made = {o.change.address for o in outcomes if o.change.action in MAKING}
    gone = {o.change.address for o in outcomes if o.change.action in DESTROYING}
    changes = tuple(
        change
        for change in left.changes
        if _was_seen(change, planned.get(change.address), made)
        and not (change.action in DESTROYING and change.address in gone)
        and not (change.action is Action.CREATE and change.address in made and not change.kind.edge)
    )
    return replace(left, changes=changes)
