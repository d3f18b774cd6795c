"""From deletes to the same with those held that would take along what is no kind of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.cloud.session import Who
from reconciler.engine.hold import leaners
from reconciler.engine.policy import Releases
from reconciler.engine.values import Action, Change, Held, Reason
from reconciler.errors import CloudError
from reconciler.kinds.calls import Http
from reconciler.kinds.kind import Contents, Kind
from reconciler.kinds.registry import Kinds


@dataclass(frozen=True, slots=True)
class Around:
    """Where things may lie that go with an object."""

    http: Http
    who: Who
    kinds: Kinds
    known: frozenset[str]
    """Services that the catalogue once had."""


def hold_full(
    changes: tuple[Change, ...], around: Around, releases: Releases
) -> tuple[Change, ...]:
    """Ask what lies in each object that is to go (servers in a project), and hold those with any.

    One request for each of these objects and each thing that may lie in it, and only for them.
    Where something may lie that nobody can ask for, somebody has to say that they looked.
    """
    return tuple(
        replace(c, held=_full(c, around) or _unasked(c, around, releases)) if _is_going(c) else c
        for c in changes
    )


def _is_going(change: Change) -> bool:
    return change.action is Action.DELETE and not change.held and change.live is not None


def _full(change: Change, around: Around) -> Held | None:
    assert change.live is not None  # asked by the caller
    try:
        found = what_is_in(change.kind, change.live.id, around.http, around.who.services)
    except CloudError as error:
        return Held(Reason.INCOMPLETE, f"what lies in it cannot be listed: {error}")
    return Held(Reason.DEPENDENCY, f"holds {found}", "delete or move them first") if found else None


def what_is_in(
    kind: Kind, object_id: str, http: Http, services: frozenset[str], *, late: bool = False
) -> str:
    """Count what lies in an object without being a kind of ours: ``2 servers, 1 volumes``.

    ``late`` is right before the delete: then nothing of ours may lie in it any more, either.

    Raises:
        CloudError: one of the listings failed.

    """
    counts = {
        contents.word: sum(1 for _ in _inside(contents, object_id, http))
        for contents in kind.contents
        if contents.path and contents.service in services and late >= contents.late
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def _inside(contents: Contents, object_id: str, http: Http) -> Iterator[object]:
    path = contents.path.replace("{id}", object_id)
    yield from http.request(contents.service, "GET", path)[contents.items]


def _unasked(change: Change, around: Around, releases: Releases) -> Held | None:
    """Hold what may have more in it than anybody was asked for."""
    unseen = [*_unseen(change.kind, around)]
    if not unseen or releases.unlisted or releases.approved:
        return None
    detail = f"may hold more: nobody looked into {', '.join(unseen)}"
    return Held(Reason.INCOMPLETE, detail, "look there, then --allow-unlisted, or approve the plan")


def _unseen(kind: Kind, around: Around) -> Iterator[str]:
    """Name the services that may keep something of an object, and were not asked for it."""
    who = around.who
    keeping = {contents.service for contents in kind.contents}
    keeping |= {other.service for other, _ in leaners(around.kinds, kind.name)} - {kind.service}
    for service in sorted((keeping & around.known) - who.services):
        yield f"{service}, which the catalogue lacks"
    for contents in kind.contents:
        if not contents.path and contents.service in who.services:
            yield f"{contents.service} ({contents.word})"
    if kind.contents:  # what only leans on something is its own region's
        yield from sorted(
            f"{service} in {place}" for service, place in who.elsewhere if service in keeping
        )
