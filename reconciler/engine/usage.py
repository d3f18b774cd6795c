"""From limits that become lower to the same with those held that are below what is used now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.cloud.live import Live
from reconciler.engine.compare import FieldChange
from reconciler.engine.send import Sender
from reconciler.engine.values import Action, Change, Held, Reason
from reconciler.errors import CloudError
from reconciler.kinds.calls import Http
from reconciler.kinds.kind import Kind
from reconciler.kinds.values import Json


def hold_below_use(changes: tuple[Change, ...], live: Live, http: Http) -> tuple[Change, ...]:
    """Ask what is used of each limit that would become lower, where no listing tells it.

    One request for each project of which a limit would.
    """
    return tuple(replace(c, held=_held(c, live, http)) if _asks(c) else c for c in changes)


def below_use(kind: Kind, raw: Mapping[str, Json], fields: tuple[FieldChange, ...]) -> Held | None:
    """Hold a limit that is below what is used now, instead of sending it to fail."""
    if not kind.usage:
        return None
    used = kind.usage(raw)
    low = [
        f"{f.path} {f.after} is below the {used[f.path]} in use"
        for f in fields
        if isinstance(f.after, int) and 0 <= f.after < used.get(f.path, 0)
    ]
    return Held(Reason.DEPENDENCY, "; ".join(low), "free some, or raise the limit") if low else None


def _asks(change: Change) -> bool:
    kind = change.kind
    told = kind.usage is None or kind.listing is None or not kind.listing.by
    if told or change.held or change.action is not Action.UPDATE:
        return False
    return any(map(_is_lower, change.fields))


def _is_lower(field: FieldChange) -> bool:
    before, after = field.before, field.after
    if not isinstance(before, int) or not isinstance(after, int):
        return True  # the default of the cloud may be lower
    return 0 <= after < before or before < 0 <= after


def _held(change: Change, live: Live, http: Http) -> Held | None:
    kind, above = change.kind, live.objects.get(change.parent)
    assert kind.find is not None  # what has limits can be asked for them
    if above is None:
        return None
    try:
        raw = Sender(http, kind, {"Project": above.id}).send(kind.find)
    except CloudError as error:
        return Held(Reason.INCOMPLETE, f"what is used now cannot be read: {error}")
    return below_use(kind, raw, change.fields)
