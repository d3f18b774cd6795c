"""From changes to the order in which they can be made and unmade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.cloud.live import Live
from reconciler.engine.values import Action, Change
from reconciler.kinds.address import Address
from reconciler.kinds.fields import fields_of, references
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
            wanted += below.get((target, collection), ())
    for kind in change.kind.after:
        wanted += below.get((change.parent, kind), ())
    return [a for a in dict.fromkeys(wanted) if a != change.address and a in planned]


Below = Mapping[tuple[Address, str], list[Address]]


def order(changes: Iterable[Change], live: Live) -> tuple[Change, ...]:
    """Fill in what each change waits for.

    Make after what it needs; unmake after all that leans on it is gone or has let go; and a change
    that makes room (the delete of an edge) before one that may need the room.
    """
    planned = {change.address: change for change in changes}
    below: dict[tuple[Address, str], list[Address]] = {}
    for change in planned.values():
        if change.action is not Action.DELETE:
            below.setdefault((change.parent, change.kind.name), []).append(change.address)
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
    return tuple(
        replace(change, after=tuple(dict.fromkeys(after[change.address])))
        for change in planned.values()
    )


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
    gone: dict[tuple[Address, str], list[Address]] = {}
    for change in planned.values():
        if change.action is Action.DELETE:
            gone.setdefault((change.parent, change.kind.name), []).append(change.address)
    for change in planned.values():
        if change.action is Action.DELETE:
            for kind in change.kind.after:
                for earlier in gone.get((change.parent, kind), ()):
                    after[earlier].append(change.address)
        elif change.kind.edge and change.action is Action.CREATE:
            # A limit of one (a rule of this type, an interface on this subnet) frees up first.
            after[change.address] += gone.get((change.parent, change.kind.name), ())
