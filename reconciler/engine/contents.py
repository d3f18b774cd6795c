"""From deletes to the same with those held that would take along what is no kind of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.engine.values import Action, Change, Held, Reason
from reconciler.errors import CloudError
from reconciler.kinds.calls import Http
from reconciler.kinds.kind import Contents


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
    found = []
    for contents in change.kind.contents:
        if contents.service not in services:
            continue  # there is no such service in this cloud
        try:
            count = sum(1 for _ in _inside(contents, change.live.id, http))
        except CloudError as error:
            return Held(Reason.INCOMPLETE, f"its {contents.word} cannot be listed: {error}")
        if count:
            found.append(f"{count} {contents.word}")
    if not found:
        return None
    return Held(Reason.DEPENDENCY, f"holds {', '.join(found)}", "delete or move them first")


def _inside(contents: Contents, object_id: str, http: Http) -> Iterator[object]:
    path = contents.path.replace("{id}", object_id)
    yield from http.request(contents.service, "GET", path)[contents.items]
