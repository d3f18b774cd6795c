"""What people read of the history: what failed, with its request, and who did what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.controller.history import event_form, history_form, past_form
from reconciler.controller.status import (
    Deed,
    Event,
    Result,
    RunStatus,
    Scope,
    Written,
)
from reconciler.engine.apply import Status
from reconciler.engine.values import Action, Cause, Reason
from reconciler.kinds.values import Json
from reconciler.report.historytext import history_text, run_text
from tests.support.past import REFUSED, RUN

PAUSED = Event(1010.0, Deed.PAUSED, "ann", "a look", Scope.KIND, "Network", 1020.0)


def history(*runs: RunStatus, events: tuple[Event, ...] = ()) -> Json:
    return history_form("prod", [past_form(run) for run in runs], [event_form(e) for e in events])


def test_people_read_what_failed_with_its_request_and_who_did_what() -> None:
    resumed = Event(1030.0, Deed.RESUMED, "", scope=Scope.CLOUD)
    used = Event(1004.0, Deed.APPROVED, "ann", plan_id=RUN.plan_id)
    found = history(RUN, events=(used, PAUSED, resumed))
    assert history_text(found, 20, 80).plain.splitlines() == [
        "1970-01-01 00:17:10Z         somebody resumed the cloud",
        "1970-01-01 00:16:50Z         ann paused Network until 1970-01-01 00:17:00Z: a look",
        "1970-01-01 00:16:44Z         ann's approval let plan f43e25092d17ddb9 pass",
        "1970-01-01 00:16:40Z      7  partial   commit   4be21c7  1 failed",
        "    ✗ + SecurityGroup/campus/shop/a",
        "        fake: 409: over quota",
        "        request req-7",
    ]
    assert len(history_text(found, 1, 80).plain.splitlines()) == 1
    assert "f43e25092d17ddb9" in history_text(found, 20, 120).plain


def test_people_read_of_a_few_failures_and_how_to_see_the_others() -> None:
    found = history(replace(RUN, error="", tried=(REFUSED,) * 5))
    text = history_text(found, 20, 80).plain
    assert text.count("request req-7") == 3
    assert "2 more: reconciler history --run 7" in text


def test_people_read_what_ended_a_run_in_which_nothing_was_tried() -> None:
    failed = replace(RUN, result=Result.FAILED, error="identity: no right " * 9, tried=())
    lines = history_text(history(failed), 20, 80).plain.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "    request req-7"


def test_people_read_all_of_one_run() -> None:
    left = replace(
        REFUSED, status=Status.SKIPPED, action=Action.DELETE, cause=Cause.LIVE, part="rules x",
        reason="removed in 4be21c7 by alice", error="held stale: it changed", left=Reason.STALE,
        request_id="",
    )  # fmt: skip
    count = {Written("SecurityGroup", Action.CREATE, Cause.GIT, Status.FAILED): 1002}
    found = history(replace(RUN, tried=(REFUSED, left), written=count))
    assert run_text(found, 80).plain.splitlines() == [
        "run 7 of prod · partial · commit · 1970-01-01 00:16:40Z",
        "  commit   4be21c7 by alice",
        "  plan     f43e25092d17ddb9: 1 to create, 2 to delete · held: 2 Network budget",
        "  approved by ann",
        "  changes  1 002 failed",
        "",
        "    ✗ + SecurityGroup/campus/shop/a",
        "        fake: 409: over quota",
        "        request req-7",
        "    · - SecurityGroup/campus/shop/a  rules x",
        "        by hand  removed in 4be21c7 by alice  held stale",
        "        held stale: it changed",
        "  and 1 000 more that are not kept",
    ]


@pytest.mark.parametrize("show", [lambda f: history_text(f, 9, 80), lambda f: run_text(f, 80)])
def test_what_others_wrote_gives_a_terminal_no_orders(show: Callable[[Json], object]) -> None:
    evil = "\x1b[2J\u202e"
    run = replace(
        RUN, author=evil, approved_by=evil, error=evil, request_id=evil,
        tried=(replace(REFUSED, address=evil, part=evil, reason=evil, fields=(evil,), error=evil,
                       request_id=evil),),
    )  # fmt: skip
    paused = Event(1.0, Deed.PAUSED, evil, evil, Scope.KIND, evil)
    found = history(run, events=(paused,))
    assert "\x1b" not in str(show(found))
    assert "\u202e" not in str(show(found))


def test_people_read_of_runs_that_an_earlier_version_kept() -> None:
    kept = {
        "number": 3, "trigger": "commit", "started": "2026-01-01T00:00:00+00:00", "error": "",
        "finished": "2026-01-01T00:00:04+00:00", "result": "applied", "revision": "4be21c7",
        "plan_id": "f43e25092d17ddb9", "seconds": {"plan": 0.1}, "written": [],
    }  # fmt: skip
    found = {"cloud": "prod", "runs": [kept]}
    assert history_text(found, 9, 80).plain.split()[3:] == ["applied", "commit", "4be21c7"]
    assert "plan     f43e25092d17ddb9\n" in run_text(found, 80).plain
