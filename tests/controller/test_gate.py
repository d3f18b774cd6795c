"""What may be written now: switches, pauses and windows."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from reconciler.controller.gate import covers, hold_back, is_open, make_gate, opens
from reconciler.controller.status import Pause, Scope
from reconciler.engine.values import Action, Cause, Change, Reason
from reconciler.kinds.address import Address
from reconciler.kinds.registry import ROOT, load_kinds
from reconciler.settings import CloudSettings, Window

KINDS = load_kinds()
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Window(allow="0 8 * * 1-5", duration="9h", time_zone="Europe/Berlin")


def change(address: str, cause: Cause = Cause.LIVE, action: Action = Action.UPDATE) -> Change:
    where = Address.parse(address)
    kind = KINDS[where.kind]
    parent = Address("Project", where.names[:2]) if len(where.names) > 2 else ROOT
    return Change(where, kind, action, parent, cause=cause)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-20T08:00:00", True),  # a Friday
        ("2026-11-20T07:59:59", False),
        ("2026-11-20T16:59:59", True),
        ("2026-11-20T17:00:01", False),
        ("2026-11-21T10:00:00", False),  # a Saturday
        ("2026-03-30T08:30:00", True),  # the Monday after the clocks went forward
        ("2026-10-26T16:30:00", True),  # and after they went back
    ],
)
def test_a_window_is_open_as_its_own_clock_says(moment: str, *, is_open: bool) -> None:
    assert (opens([OFFICE], at(moment)) == "") is is_open


EARLY = Window(allow="30 2 * * *", duration="1h", time_zone="Europe/Berlin")
NIGHT = Window(allow="0 22 * * *", duration="8h", time_zone="Europe/Berlin")
SHIFTS = {
    "begins in the hour that is there twice": (EARLY, "2026-10-25T00:00Z", 30, 60),
    "begins in the hour that is not there": (EARLY, "2026-03-29T00:00Z", 60, 60),
    "holds the hour that is there twice": (NIGHT, "2026-10-24T18:00Z", 120, 480),
    "holds the hour that is not there": (NIGHT, "2026-03-28T18:00Z", 180, 480),
}


@pytest.mark.parametrize(("window", "since", "start", "minutes"), SHIFTS.values(), ids=SHIFTS)
def test_a_window_lasts_as_long_whatever_the_clocks_do(
    window: Window, since: str, start: int, minutes: int
) -> None:
    begin = datetime.fromisoformat(since).timestamp()
    found = [at for at in range(16 * 60) if is_open(window, begin + at * 60)]
    assert found == list(range(start, start + minutes))


def test_a_closed_window_says_when_it_opens() -> None:
    assert opens([OFFICE], at("2026-11-21T10:00:00")) == "2026-11-23T08:00+01:00"
    assert opens([], 0.0) == ""


def test_one_of_several_windows_is_enough() -> None:
    night = Window(allow="0 22 * * *", duration="2h", time_zone="Europe/Berlin")
    assert opens([OFFICE, night], at("2026-11-21T23:00:00")) == ""
    assert opens([OFFICE, night], at("2026-11-22T01:00:00")) == "2026-11-22T22:00+01:00"


@pytest.mark.parametrize(
    ("scope", "name", "covered"),
    [
        (Scope.CLOUD, "", True),
        (Scope.KIND, "Network", True),
        (Scope.KIND, "Subnet", False),
        (Scope.PROJECT, "campus/shop", True),
        (Scope.PROJECT, "campus/other", False),
        (Scope.OBJECT, "Network/campus/shop/front", True),
        (Scope.OBJECT, "Network/campus/shop/back", False),
    ],
)
def test_a_pause_is_about_what_it_names(scope: Scope, name: str, *, covered: bool) -> None:
    pause = Pause(scope, name, "why", "ann", 0.0, None)
    assert covers(pause, change("Network/campus/shop/front")) is covered


def test_a_project_itself_is_in_its_pause() -> None:
    pause = Pause(Scope.PROJECT, "campus/shop", "why", "ann", 0.0, None)
    assert covers(pause, change("Project/campus/shop"))
    assert not covers(pause, change("Role/auditor"))


@pytest.mark.parametrize(
    ("commits", "heal", "cause", "reason"),
    [
        (True, True, Cause.GIT, None),
        (True, True, Cause.LIVE, None),
        (False, True, Cause.GIT, Reason.SUSPENDED),
        (False, True, Cause.LIVE, None),
        (True, False, Cause.GIT, None),
        (True, False, Cause.LIVE, Reason.SUSPENDED),
    ],
)
def test_commits_and_healing_are_two_switches(
    cause: Cause, reason: Reason | None, *, commits: bool, heal: bool
) -> None:
    gate = make_gate(CloudSettings(apply_commits=commits, heal=heal), (), 0.0)
    held = hold_back((change("Network/campus/shop/front", cause),), gate)[0].held
    assert (held.reason if held else None) is reason


def test_a_pause_that_is_over_holds_nothing() -> None:
    pause = Pause(Scope.CLOUD, "", "a look", "ann", 0.0, until=10.0)
    settings = CloudSettings(heal=True)
    front = (change("Network/campus/shop/front"),)
    held = hold_back(front, make_gate(settings, [pause], 5.0))[0].held
    assert held is not None
    assert held.reason is Reason.SUSPENDED
    assert "ann: a look" in held.detail
    assert hold_back(front, make_gate(settings, [pause], 11.0))[0].held is None


def test_outside_of_its_windows_nothing_is_written() -> None:
    settings = CloudSettings(heal=True, windows=(OFFICE,))
    gate = make_gate(settings, (), at("2026-11-21T10:00:00"))
    held = hold_back((change("Network/campus/shop/front"),), gate)[0].held
    assert held is not None
    assert held.reason is Reason.WINDOW
    assert "2026-11-23T08:00+01:00" in held.release
