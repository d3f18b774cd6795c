"""From what somebody asks to be paused to a pause, or to why there can be none."""

from __future__ import annotations

from collections.abc import Mapping

import falcon

from reconciler.controller.gate import covers
from reconciler.controller.status import Pause, Scope
from reconciler.kinds.values import Json
from reconciler.state.values import Desired

LONGEST_PAUSE = 10 * 366 * 86400.0


def read_pause(said: Mapping[str, Json], kinds: frozenset[str], now: float) -> Pause:
    """Give the pause that is asked for.

    Raises:
        falcon.HTTPBadRequest: it makes no sense, or says no reason.

    """
    pause = Pause(
        read_scope(said), read_text(said, "name"), read_text(said, "reason"), read_text(said, "by"),
        now, _until(said, now),
    )  # fmt: skip
    _check_name(pause, kinds)
    if not pause.reason:
        raise falcon.HTTPBadRequest(description="say a reason")
    return pause


def read_scope(said: Mapping[str, Json]) -> Scope:
    """Give what a pause is about.

    Raises:
        falcon.HTTPBadRequest: it is none that we know.

    """
    try:
        return Scope(said.get("scope") or "cloud")
    except ValueError:
        words = ", ".join(scope.value for scope in Scope)
        raise falcon.HTTPBadRequest(description=f"scope: one of {words}") from None


def warning_of(pause: Pause, declared: Desired | None) -> dict[str, str]:
    """Say so where a pause covers nothing yet: a name may be misspelt, or declared next."""
    named = pause.scope in (Scope.PROJECT, Scope.OBJECT)
    if not named or declared is None:
        return {}
    if any(covers(pause, one) for one in declared.resources.values()):
        return {}
    return {"warning": f"nothing that is declared is {pause.name}, or lies in it: is it misspelt?"}


def _until(said: Mapping[str, Json], now: float) -> float | None:
    found = said.get("until")
    if found is None:
        return None
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if not number or not now < found < now + LONGEST_PAUSE:  # what is no number is in no order
        text = "until: seconds since the epoch, in the future, within ten years; or null"
        raise falcon.HTTPBadRequest(description=text)
    return float(found)


def _check_name(pause: Pause, kinds: frozenset[str]) -> None:
    """Refuse a pause that can never cover anything: whoever asked for it would rely on it."""
    kind, _, rest = pause.name.partition("/")
    match pause.scope:
        case Scope.CLOUD:
            fits = not pause.name
        case Scope.KIND:
            fits = pause.name in kinds
        case Scope.PROJECT:
            fits = bool(kind and rest) and "/" not in rest
        case Scope.OBJECT:
            fits = kind in kinds and bool(rest)
    if not fits:
        text = f"name: {pause.name or 'nothing'} is no {pause.scope.value} that can be paused"
        raise falcon.HTTPBadRequest(description=text)


def read_text(said: Mapping[str, Json], name: str) -> str:
    """Give a text that somebody says, or nothing.

    Raises:
        falcon.HTTPBadRequest: it is no text, or a long one.

    """
    found = said.get(name) or ""
    if not isinstance(found, str) or len(found) > 500:  # noqa: PLR2004 - a few lines
        raise falcon.HTTPBadRequest(description=f"{name}: takes a text of 500 characters at most")
    return found
