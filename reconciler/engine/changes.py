"""From one resource, or one claimed list, and what is live of it, to the change that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from reconciler.cloud.live import Live, LiveObject, owners, protected
from reconciler.engine.compare import FieldChange, compare
from reconciler.engine.memory import Memory
from reconciler.engine.policy import ALL, Policy
from reconciler.engine.usage import below_use
from reconciler.engine.values import Action, Change, Held, Reason
from reconciler.kinds.address import Address
from reconciler.kinds.fields import fields_of, leading
from reconciler.kinds.kind import Kind
from reconciler.kinds.references import references, referred
from reconciler.kinds.registry import Kinds
from reconciler.state.values import Claim, Desired, Lifecycle, Mode, Replace, Resource


def change_for(resource: Resource, live: Live, policy: Policy) -> Change | None:
    """Give what one declared object needs, or None."""
    kind = resource.kind
    if kind.listing is None or resource.lifecycle is Lifecycle.EXTERNAL:
        return None
    unread = _unread(resource, live) if live.incomplete else None
    if unread:
        return _change(resource, None, Action.CREATE, held=unread)
    found, held = find(resource, live)
    if held:
        return _change(resource, None, Action.UPDATE, held=held)
    if resource.lifecycle is Lifecycle.ABSENT:
        return _delete_declared(resource, found, policy) if found else None
    if found is None:
        return _create(resource, policy)
    quiet = _quiet(resource, live)
    before = quiet.get(resource.address) if quiet else None
    if before and before[0] is resource and before[1] is found:
        return None  # not just equal: an object that was read anew may refer to other names
    change = _update(resource, found, live, policy)
    if change is None and quiet is not None:
        quiet[resource.address] = (resource, found)
    return change


def _quiet(resource: Resource, live: Live) -> dict[Address, tuple[object, LiveObject]] | None:
    """Give what of a kind did not differ last time, where only what is compared tells it."""
    name = resource.kind.name
    if live.quiet is None or name in live.defaults:
        return None
    return live.quiet.setdefault(name, {})


def only_told(change: Change, desired: Desired) -> Change:
    """Hold every change of an entry that shall only be observed, and of its lists."""
    above = desired.resources.get(change.parent) if change.kind.edge else None
    modes = {one.options.mode for one in (change.resource, above) if one is not None}
    if change.held or Mode.OBSERVE not in modes:
        return change
    held = Held(Reason.SUSPENDED, "mode: observe", "say mode: enforce in a commit")
    return replace(change, held=held)


def _unread(resource: Resource, live: Live) -> Held | None:
    """Hold what cannot be told from a listing that did not finish, its own or one it refers to."""
    targets = references(leading(resource.kind.spec), resource.fields)
    for name in (resource.kind.name, resource.parent.kind, *(t.kind for _, t in targets)):
        if name in live.incomplete:
            return Held(Reason.INCOMPLETE, f"{name} was not read whole: {live.incomplete[name]}")
    return None


def find(resource: Resource, live: Live) -> tuple[LiveObject | None, Held | None]:
    """Give the live object that answers to an address, or why nobody can tell which one does."""
    address = resource.address
    candidates = live.twins.get(address, ())
    if resource.options.id:
        return _by_id(resource, live)
    if not candidates and address not in live.objects:
        candidates = _of_earlier_names(resource, live)
    if not candidates:
        return live.objects.get(address), None
    ids = ", ".join(sorted(o.id for o in candidates))
    return None, Held(
        Reason.AMBIGUOUS,
        f"{len(candidates)} objects have this name ({ids})",
        "delete all but one" if resource.kind.edge else "say which with `reconcile: {id: …}`",
    )


def _of_earlier_names(resource: Resource, live: Live) -> tuple[LiveObject, ...]:
    """Give the objects of which nobody can tell which one is to have a new name."""
    kind, above = resource.address.kind, resource.address.names[:-1]
    earlier = (Address(kind, (*above, name)) for name in resource.options.previously)
    return tuple(one for address in earlier for one in live.twins.get(address, ()))


def _by_id(resource: Resource, live: Live) -> tuple[LiveObject | None, Held | None]:
    """Give the very object that was named by id, if it lies where it is declared."""
    kind, wanted = resource.kind.name, resource.options.id or ""
    found = live.objects.get(live.ids.get((kind, wanted), resource.address))
    if found is None or found.id != wanted:
        return None, Held(Reason.AMBIGUOUS, f"no {kind} with an address has the id {wanted}")
    if found.parent != resource.parent:
        return None, Held(Reason.AMBIGUOUS, f"the {kind} with the id {wanted} is {found.address}")
    return found, None


def _change(
    resource: Resource,
    found: LiveObject | None,
    action: Action,
    fields: tuple[FieldChange, ...] = (),
    *,
    held: Held | None = None,
    reason: str = "",
    mark: bool = False,
    protect: bool | None = None,
) -> Change:
    return Change(
        resource.address, resource.kind, action, resource.parent, fields, reason,
        held=held, resource=resource, live=found, mark=mark, protect=protect,
        origin=resource.origin,
    )  # fmt: skip


def _create(resource: Resource, policy: Policy) -> Change:
    fields = compare(fields_of(resource.kind.spec), resource.fields, {})
    mark = bool(policy.owner and resource.kind.mark)
    protect = True if mark and resource.options.protect else None
    return _change(resource, None, Action.CREATE, fields, mark=mark, protect=protect)


def _update(resource: Resource, found: LiveObject, live: Live, policy: Policy) -> Change | None:
    kind = resource.kind
    fields = compare(
        fields_of(kind.spec), resource.fields, live.fields(found, resource.fields),
        resource.options.ignore, live.defaults.get(kind.name),
    )  # fmt: skip
    if not kind.edge and resource.name and resource.name != found.name and found.name:
        renamed = FieldChange("name", found.name, resource.name, forces_replace=not kind.renameable)
        fields = (renamed, *fields)
    marks = owners(kind, found.raw)
    others = sorted(marks - {policy.owner})
    if others and policy.owner not in marks and (fields or policy.owner):
        held = Held(Reason.OWNERSHIP, f"it carries the mark of {', '.join(others)}")
        return _change(
            resource, found, Action.UPDATE if fields else Action.ADOPT, fields, held=held
        )
    mark = bool(policy.owner and kind.mark and policy.owner not in marks)
    protect = _protection(resource, found, policy)
    if protect is not None and found is not None:
        fields = (*fields, FieldChange("protect", not protect, protect))
    forced = next((f.path for f in fields if f.forces_replace), "")
    if forced:
        return _replace(resource, found, fields, forced, policy)
    if fields:
        low = below_use(kind, found.raw, fields)
        return _change(resource, found, Action.UPDATE, fields, held=low, mark=mark, protect=protect)
    return _change(resource, found, Action.ADOPT, mark=True) if mark else None


def _protection(resource: Resource, found: LiveObject, policy: Policy) -> bool | None:
    """Say whether protection is to be noted or taken away; only a commit that says so does."""
    said = resource.options.protect if "protect" in resource.options.model_fields_set else None
    if said is None or not policy.owner or resource.kind.mark is None:
        return None
    return said if said is not protected(resource.kind, found.raw, policy.owner) else None


def _replace(
    resource: Resource,
    found: LiveObject,
    fields: tuple[FieldChange, ...],
    forced: str,
    policy: Policy,
) -> Change:
    address, kind, options = resource.address, resource.kind, resource.options
    allowed = (
        kind.edge
        or options.replace is Replace.ALLOW
        or policy.releases.approved
        or bool({ALL, str(address)} & policy.releases.replace)
    )
    unprotected = "protect" in options.model_fields_set and not options.protect
    held = None
    others = sorted(owners(kind, found.raw) - {policy.owner})
    if others:
        held = Held(Reason.OWNERSHIP, f"it carries the mark of {', '.join(others)}, too")
    elif options.protect or (protected(kind, found.raw, policy.owner) and not unprotected):
        held = Held(Reason.PROTECTED, "protect: true", "say protect: false in a commit of its own")
    elif not kind.replaceable:
        held = Held(Reason.REPLACE, f"{forced} cannot change, and it cannot be made again")
    elif not allowed:
        held = Held(
            Reason.REPLACE,
            f"{forced} cannot change in place",
            f"--allow-replace={address}, or `reconcile: {{replace: allow}}`",
        )
    mark = bool(policy.owner and kind.mark)
    return _change(
        resource, found, Action.REPLACE, fields, held=held,
        reason=f"{forced} cannot change in place", mark=mark,
        protect=True if mark and options.protect else None,
    )  # fmt: skip


def locked(change: Change) -> Held | None:
    """Hold what the service would refuse because of a lock that nobody said should come off."""
    lock = change.kind.lock
    if lock is None or change.live is None or not lock.on(change.live.raw):
        return None
    opened = any(f.path in (lock.field, lock.field.split(".")[0]) for f in change.fields)
    absent = change.resource is not None and change.resource.lifecycle is Lifecycle.ABSENT
    refused = change.action in (Action.DELETE, Action.REPLACE) or lock.updates
    if opened or absent or not refused:
        return None
    return Held(
        Reason.PROTECTED, f"the service lets nobody touch it: it is {lock.field.split('.')[-1]}",
        f"take {lock.field} away in a commit",
    )  # fmt: skip


def _delete_declared(resource: Resource, found: LiveObject, policy: Policy) -> Change:
    others = owners(found.kind, found.raw) - {policy.owner}
    held = None
    if protected(found.kind, found.raw, policy.owner):
        release = "say lifecycle: managed and protect: false in a commit, then absent"
        held = Held(Reason.PROTECTED, "it was declared with protect: true", release)
    elif others:
        held = Held(Reason.OWNERSHIP, f"it carries the mark of {', '.join(sorted(others))}")
    return _change(resource, found, Action.DELETE, held=held, reason="declared absent")


def removals(
    claim: Claim,
    desired: Desired,
    live: Live,
    kind: Kind,
    policy: Policy,
    own: Callable[[], frozenset[Address]],
    memory: Memory | None = None,
) -> Iterator[Change]:
    """Give the deletes of what a list, stated whole, does not name.

    Where its parent is not ours, only what an earlier revision of ours had added is taken away.
    """
    there = live.child_addresses(claim.parent, kind.name)
    unnamed = [address for address in there if address not in desired.resources]
    parent, above = desired.resources.get(claim.parent), live.objects.get(claim.parent)
    if not unnamed or parent is None or kind.name in live.incomplete:
        return
    if any(ref in live.incomplete for ref in referred(fields_of(kind.spec))):
        return
    marks = owners(above.kind, above.raw) if above else frozenset()
    foreign = not parent.managed or bool(marks and policy.owner not in marks)
    added = memory.prior.settled if memory else {}
    for address in unnamed:
        found = live.objects.get(address)
        if found is None or (foreign and address not in added):
            continue
        fields = live.fields(found)
        part = tuple(fields.get(name) for name in kind.claim_scope)
        if claim.scopes is not None and part not in claim.scopes:
            continue
        if any(target in own() for _, target in references(leading(kind.spec), fields)):
            continue  # the controller never takes its own rights away
        lost = tuple(FieldChange(name, value, None) for name, value in fields.items())
        yield Change(
            address, kind, Action.DELETE, claim.parent, lost, "not in git", live=found,
            origin=claim.origin,
        )  # fmt: skip


def letting_go(changes: Iterable[Change], live: Live, kinds: Kinds) -> Iterator[Change]:
    """Give the deletes of edges that lie in what goes and lean on something else that goes.

    Objects that lean on one another so (groups that admit each other) can go in any order then.
    """
    gone = {c.address: c for c in changes if c.action is Action.DELETE and not c.held}
    for parent in gone.values():
        for kind in kinds.below(parent.kind.name):
            if not kind.edge or kind.delete is None:
                continue
            for address in live.child_addresses(parent.address, kind.name):
                found = live.objects[address]
                now = references(fields_of(kind.spec), live.fields(found))
                others = {t for ref, t in now if ref.blocks and t != parent.address}
                if others & gone.keys():
                    reason = f"goes with {parent.address}"
                    yield Change(
                        address, kind, Action.DELETE, parent.address, reason=reason, live=found,
                        origin=parent.origin,
                    )  # fmt: skip
