"""From deletes to the same with those held that would take along what is no kind of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.engine.values import Action, Change, Held, Reason
from reconciler.errors import CloudError
from reconciler.kinds.calls import Http
from reconciler.kinds.kind import Contents, Kind


def hold_full(
    changes: tuple[Change, ...], http: Http, services: frozenset[str]
) -> tuple[Change, ...]:
    """Ask what lies in each object that is to go (servers in a project), and hold those with any.

    One request for each of these objects and each thing that may lie in it, and only for them.
    """
    return tuple(
        replace(c, held=_full(c, http, services)) if _may_be_full(c) else c for c in changes
    )


def _may_be_full(change: Change) -> bool:
    going = change.action is Action.DELETE and not change.held
    return going and bool(change.kind.contents) and change.live is not None


def _full(change: Change, http: Http, services: frozenset[str]) -> Held | None:
    assert change.live is not None  # asked by the caller
    try:
        found = what_is_in(change.kind, change.live.id, http, services)
    except CloudError as error:
        return Held(Reason.INCOMPLETE, f"what lies in it cannot be listed: {error}")
    return Held(Reason.DEPENDENCY, f"holds {found}", "delete or move them first") if found else None


def what_is_in(kind: Kind, object_id: str, http: Http, services: frozenset[str]) -> str:
    """Count what lies in an object without being a kind of ours: ``2 servers, 1 volumes``.

    Raises:
        CloudError: one of the listings failed.

    """
    counts = {
        contents.word: sum(1 for _ in _inside(contents, object_id, http))
        for contents in kind.contents
        if contents.service in services  # else there is no such service in this cloud
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def _inside(contents: Contents, object_id: str, http: Http) -> Iterator[object]:
    path = contents.path.replace("{id}", object_id)
    yield from http.request(contents.service, "GET", path)[contents.items]
