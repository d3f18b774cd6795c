"""From a plan to the same with those changes held that may not be made now, or not by a machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from reconciler.controller.status import Pause, Scope
from reconciler.engine.values import Action, Cause, Change, Held, Reason
from reconciler.settings import CloudSettings, Window
from reconciler.state.values import Resource

PROJECT = "Project"


@dataclass(frozen=True, slots=True)
class Gate:
    """What the settings and the operators let a machine do at one moment."""

    apply_commits: bool
    heal: bool
    closed: str = ""
    """When the next window opens, if none is open now."""
    pauses: tuple[Pause, ...] = ()

    @property
    def shut(self) -> bool:
        """Whether nothing is to be written now, not even that a commit asks for no change.

        With healing on that is noted: else what a hand changes later in what the commit names would
        pass for the commit's own, and not be healed.
        """
        paused = any(pause.scope is Scope.CLOUD for pause in self.pauses)
        return paused or bool(self.closed) or not (self.apply_commits or self.heal)


def make_gate(settings: CloudSettings, pauses: Iterable[Pause], now: float) -> Gate:
    """Look at the switches, the windows and the pauses."""
    current = tuple(p for p in pauses if p.until is None or p.until > now)
    return Gate(settings.apply_commits, settings.heal, opens(settings.windows, now), current)


def hold_back(changes: tuple[Change, ...], gate: Gate) -> tuple[Change, ...]:
    """Hold what is not to be done now; what is held already keeps its reason."""
    return tuple(c if c.held else replace(c, held=_held(c, gate)) for c in changes)


def _held(change: Change, gate: Gate) -> Held | None:
    for pause in gate.pauses:
        if covers(pause, change):
            what = pause.name or "the cloud"
            detail = f"{what} is paused by {pause.by}: {pause.reason}"
            return Held(Reason.SUSPENDED, detail, "`reconciler resume`")
    if change.cause is Cause.GIT and not gate.apply_commits and change.action is not Action.ADOPT:
        return Held(Reason.SUSPENDED, "apply_commits: false", "`reconciler apply`")
    if change.cause is Cause.LIVE and not gate.heal and change.action is not Action.ADOPT:
        return Held(Reason.SUSPENDED, "heal: false", "`reconciler apply`")
    if gate.closed:
        return Held(Reason.WINDOW, "no window is open", f"the next one opens {gate.closed}")
    return None


def covers(pause: Pause, change: Change | Resource) -> bool:
    """Say whether a pause is about a change, or about what is declared."""
    match pause.scope:
        case Scope.CLOUD:
            return True
        case Scope.KIND:
            return pause.name == change.kind.name
        case Scope.PROJECT:
            itself = change.address.kind == PROJECT
            names = change.address.names if itself else change.parent.names
            # What identity keeps lies in a domain or a group, which may be called like a project.
            inside = itself or change.parent.kind == PROJECT or change.kind.service != "identity"
            return inside and "/".join(names[:2]) == pause.name
        case Scope.OBJECT:
            return pause.name in (str(change.address), str(change.parent))


def opens(windows: Iterable[Window], now: float) -> str:
    """Give when the next window opens, or nothing where one is open or there are none."""
    every = tuple(windows)
    starts = [_first(window, now) for window in every]
    if not every or any(is_open(window, now) for window in every):
        return ""
    known = [start for start in starts if start is not None]
    first = min(known, key=datetime.timestamp, default=None)
    return first.isoformat(timespec="minutes") if first else "never"


def is_open(window: Window, now: float) -> bool:
    """Say whether a window is open: it began no longer ago than it lasts."""
    start = _first(window, now - window.duration)
    return start is not None and start.timestamp() <= now


def _first(window: Window, after: float) -> datetime | None:
    """Give the first start of a window after a moment."""
    here = datetime.fromtimestamp(after, ZoneInfo(window.time_zone))
    try:
        # Where an hour is there twice cronsim begins in the first, also when told of the second;
        # and Python compares two times of one zone by what its clock shows.
        starts = CronSim(window.allow, here)
        return next((start for start in starts if start.timestamp() > after), None)
    except CronSimError:
        return None
