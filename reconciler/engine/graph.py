"""From changes to the order in which they can be made and unmade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.cloud.live import Live
from reconciler.engine.values import Action, Change
from reconciler.kinds.address import Address
from reconciler.kinds.fields import fields_of
from reconciler.kinds.references import references
from reconciler.kinds.registry import ROOT

MAKES = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.ADOPT)


def needs(change: Change, planned: Mapping[Address, Change], below: Below) -> list[Address]:
    """Give the planned changes that must be done before a change that makes something."""
    resource = change.resource
    if resource is None:
        return []
    wanted = [change.parent]
    for ref, target in references(fields_of(change.kind.spec), resource.fields):
        wanted.append(target)
        for collection in ref.and_its:
            wanted += below.get((target.names, collection), ())
    if change.kind.leans_on:
        wanted += change.kind.leans_on(resource.fields)
    for kind in change.kind.after:
        wanted += below.get((change.parent.names, kind), ())
    return [a for a in dict.fromkeys(wanted) if a != change.address and a in planned]


Below = Mapping[tuple[tuple[str, ...], str], list[Address]]
"""What lies, at any depth, in the object of these names; a kind."""


def order(changes: Iterable[Change], live: Live) -> tuple[Change, ...]:
    """Fill in what each change waits for.

    Make after what it needs; unmake after all that leans on it is gone or has let go; and a change
    that makes room (the delete of an edge) before one that may need the room.
    """
    planned = {change.address: change for change in changes}
    below = _below(change for change in planned.values() if change.action is not Action.DELETE)
    after: dict[Address, list[Address]] = {address: [] for address in planned}
    for change in planned.values():
        if change.action in MAKES:
            after[change.address] += [
                a for a in needs(change, planned, below) if planned[a].action in MAKES
            ]
    for change in planned.values():
        if change.live is not None and change.action is not Action.ADOPT:
            _let_go_first(change, planned, live, after)
    _siblings(planned, after)
    _exclusive(planned, live, after)
    _limits_first(planned, after)
    return tuple(
        replace(change, after=tuple(dict.fromkeys(after[change.address])))
        for change in planned.values()
    )


def _below(changes: Iterable[Change]) -> Below:
    below: dict[tuple[tuple[str, ...], str], list[Address]] = {}
    for change in changes:
        for depth in range(len(change.parent.names) + 1):
            place = (change.parent.names[:depth], change.kind.name)
            below.setdefault(place, []).append(change.address)
    return below


def _let_go_first(
    change: Change,
    planned: Mapping[Address, Change],
    live: Live,
    after: Mapping[Address, list[Address]],
) -> None:
    """Have what ``change`` leans on now wait for it, where that is to be deleted."""
    assert change.live is not None  # asked by the caller
    leans_on = [change.live.parent]
    now = live.fields(change.live)
    leans_on += [t for _, t in references(fields_of(change.kind.spec), now)]
    for target in leans_on:
        other = planned.get(target)
        if target not in (ROOT, change.address) and other and other.action is Action.DELETE:
            after[target].append(change.address)


def _siblings(planned: Mapping[Address, Change], after: Mapping[Address, list[Address]]) -> None:
    """Unmake siblings in the reverse of the order in which they are made (routes, interfaces)."""
    gone = _below(change for change in planned.values() if change.action is Action.DELETE)
    for change in planned.values():
        if change.action is Action.DELETE:
            above = planned.get(change.parent)
            if change.kind.edge and above and above.action is Action.UPDATE:
                # It would change the parent's revision under the parent's own update.
                after[change.address].append(change.parent)
            for kind in change.kind.after:
                for earlier in gone.get((change.parent.names, kind), ()):
                    after[earlier].append(change.address)
        elif change.kind.edge and change.action is Action.CREATE:
            # A limit of one (a rule of this type, an interface on this subnet) frees up first.
            leaving = gone.get((change.parent.names, change.kind.name), ())
            after[change.address] += [a for a in leaving if planned[a].parent == change.parent]


def _exclusive(
    planned: Mapping[Address, Change], live: Live, after: Mapping[Address, list[Address]]
) -> None:
    """Have an edge to what only one can have wait until the other one has let go of it."""
    leaving: dict[tuple[object, ...], list[Address]] = {}
    for change in planned.values():
        if change.kind.exclusive and change.action is Action.DELETE and change.live is not None:
            now = live.fields(change.live)
            had = (change.kind.name, *(now.get(name) for name in change.kind.exclusive))
            leaving.setdefault(had, []).append(change.address)
    for change in planned.values():
        if change.kind.exclusive and change.action is Action.CREATE and change.resource is not None:
            said = change.resource.fields
            wants = (change.kind.name, *(said.get(name) for name in change.kind.exclusive))
            after[change.address] += leaving.get(wants, ())


def _limits_first(
    planned: Mapping[Address, Change], after: Mapping[Address, list[Address]]
) -> None:
    """Have what is new wait for the limits of what it lies in: they were stated with it in mind."""
    limits: dict[tuple[str, ...], list[Address]] = {}
    for change in planned.values():
        if change.kind.usage is not None and change.action in MAKES:
            limits.setdefault(change.parent.names, []).append(change.address)
    for change in planned.values():
        if change.action is Action.CREATE and change.kind.usage is None:
            for depth in range(1, len(change.parent.names) + 1):
                after[change.address] += limits.get(change.parent.names[:depth], ())
