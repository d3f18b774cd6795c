"""From several creates of one kind to few requests: one look for all, one body if that is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.engine.bodies import Context
from reconciler.engine.fresh import there_by_now
from reconciler.engine.send import Sender
from reconciler.engine.steps import Done, Draft, draft, finish, perform
from reconciler.engine.values import Action, Change
from reconciler.errors import Conflict, Denied, Missing, Rejected, Transient
from reconciler.kinds.address import Address
from reconciler.kinds.calls import FIELDS, Call
from reconciler.kinds.kind import Kind
from reconciler.kinds.values import Json

MOST = 20
"""Objects in one request: a service answers within seconds, and a URL has room for their names."""
BROKEN = 500
"""What a service answers that failed on one of several: unlike 502 or 504, it is done with it."""


@dataclass(frozen=True, slots=True)
class Half:
    """A create that shared a request with others; ``rest`` does what is left of it, alone."""

    change: Change
    rest: Callable[[], Done]


Result = Done | Half | Exception


def shares_with(change: Change) -> tuple[str, Address] | None:
    """Name those that a create may share a request with; None: it goes alone."""
    kind = change.kind
    if change.action is not Action.CREATE or kind.in_turn or kind.prepare:
        return None
    if kind.create is None or kind.implicit(change.address):
        return None
    if kind.create.many:
        beside = kind.create.beside
        return kind.name, change.parent if beside else Address("", ())
    return (kind.name, Address("", ())) if kind.find and kind.find.repeats else None


def make_together(changes: Sequence[Change], context: Context) -> list[Result]:
    """Make several objects of one kind, or as much of that as can be shared; in their order.

    Where the service refuses them all for one that it does not like, each is made alone.
    """
    kind = changes[0].kind
    try:
        results: dict[Address, Result] = dict(there_by_now(changes, context))
        drafts = _drafts([c for c in changes if c.address not in results], context, results)
        if kind.create is None or not kind.create.many or len(drafts) == 1:
            for one in drafts:
                results[one.change.address] = _alone(one.change, context, looked=True)
        else:
            results |= _post(kind, kind.create, drafts, context)
    except Exception as error:  # noqa: BLE001 - it is the outcome of each of them
        return [error for _ in changes]
    return [results[change.address] for change in changes]


def _drafts(
    changes: Sequence[Change], context: Context, results: dict[Address, Result]
) -> list[Draft]:
    drafts = []
    for change in changes:
        try:
            drafts.append(draft(change, context))
        except Exception as error:  # noqa: BLE001 - what is wrong with one is no matter of others
            results[change.address] = error
    return drafts


def _alone(change: Change, context: Context, *, looked: bool) -> Half:
    return Half(change, lambda: perform(change, context, looked=looked))


def _post(
    kind: Kind, create: Call, drafts: Sequence[Draft], context: Context
) -> Mapping[Address, Result]:
    """Send one body for all.

    Raises:
        Transient: nobody knows what became of it; a later look will tell.

    """
    bulk = replace(create, body={create.many: FIELDS}, returns=create.many)
    sender = Sender(context.http, kind, drafts[0].values)
    try:
        found = sender.send(bulk, [one.body for one in drafts])
    except (Conflict, Denied, Missing, Rejected, Transient) as error:
        if isinstance(error, Transient) and error.status != BROKEN:
            raise
        # All or nothing, says Neutron; a look for each comes first all the same.
        return {one.change.address: _alone(one.change, context, looked=False) for one in drafts}
    raws = found.get("items") or ()
    if len(raws) != len(drafts) or not all(map(_answers, raws, drafts)):
        text = f"{kind.service}: what was made is not what was asked for; plan again"
        raise Transient(text, service=kind.service)
    return {
        one.change.address: Half(one.change, _finishing(one, raw, context))
        for one, raw in zip(drafts, raws, strict=True)
    }


def _answers(raw: Mapping[str, Json], made: Draft) -> bool:
    """Say whether an object in the answer is the one in its place in the request."""
    name = made.change.kind.name_wire
    return not isinstance(made.body, dict) or raw.get(name) == made.body.get(name, raw.get(name))


def _finishing(made: Draft, raw: Mapping[str, Json], context: Context) -> Callable[[], Done]:
    return lambda: finish(made, raw, context)
