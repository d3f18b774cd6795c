"""What history tells: runs with all that was tried in them, and what people did by hand."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.controller import store as store_module
from reconciler.controller.forms import schemas
from reconciler.controller.history import history_form, past_form
from reconciler.controller.status import (
    Deed,
    Event,
    RunStatus,
)
from reconciler.controller.store import Store
from reconciler.controller.tried import KEPT, LONGEST, tried
from reconciler.engine.apply import Outcome, Status
from reconciler.engine.compare import FieldChange
from reconciler.engine.values import Action, Change
from reconciler.kinds.address import Address
from reconciler.kinds.kind import Kind
from tests.support.past import REFUSED, RUN
from tests.support.schemas import misfits
from tests.support.small_cloud import small_kinds

GROUP: Kind = small_kinds()["SecurityGroup"]
PROJECT = Address("Project", ("campus", "shop"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.sqlite3")


def keep(store: Store, run: RunStatus) -> None:
    store.keep("prod", run.number, run.started, json.loads(json.dumps(past_form(run))))


def outcome(name: str, status: Status, error: str = "", action: Action = Action.CREATE) -> Outcome:
    change = Change(
        Address("SecurityGroup", ("campus", "shop", name)), GROUP, action, PROJECT,
        (FieldChange("description", "before-it", "after-it"),), "removed in 4be21c7 by alice",
    )  # fmt: skip
    return Outcome(change, status, error, request_id="req-1" if error else "")


def test_what_failed_stands_first_and_is_never_what_is_left_out() -> None:
    good = [outcome(f"good-{number}", Status.APPLIED) for number in range(KEPT + 5)]
    found = tried([*good, outcome("waits", Status.SKIPPED, "waits"),
                   outcome("bad", Status.FAILED, "no")])  # fmt: skip
    assert len(found) == KEPT
    assert [one.address.rpartition("/")[2] for one in found[:3]] == ["bad", "waits", "good-0"]
    assert (found[0].error, found[0].request_id) == ("no", "req-1")


def test_no_value_of_a_field_is_told_and_no_endless_error() -> None:
    (found,) = tried([outcome("a", Status.FAILED, "x" * 9000, Action.UPDATE)])
    assert found.fields == ("description",)
    assert found.reason == "removed in 4be21c7 by alice"
    assert len(found.error) == LONGEST + 1
    assert "-it" not in repr(found)
    (made,) = tried([outcome("a", Status.APPLIED)])
    assert made.fields == ()  # all of it is new


def test_a_run_is_told_with_its_plan_its_people_and_its_requests(store: Store) -> None:
    keep(store, RUN)
    answer = history_form("prod", store.runs("prod", 9), [])
    assert misfits(answer, schemas()["history"]) == []
    (run,) = answer["runs"]
    assert (run["author"], run["approved_by"], run["request_id"]) == ("alice", "ann", "req-7")
    assert run["plan"] is not None
    assert run["plan"]["summary"]["create"] == 1
    assert run["plan"]["held"] == [{"kind": "Network", "reason": "budget", "count": 2}]
    (one,) = run["outcomes"]
    assert (one["status"], one["request_id"]) == ("failed", "req-7")


OLD = {
    "number": 3, "trigger": "commit", "started": "2026-01-01T00:00:00+00:00", "error": "",
    "finished": "2026-01-01T00:00:04+00:00", "result": "applied", "revision": "4be21c7",
    "plan_id": "f43e25092d17ddb9", "seconds": {"plan": 0.1}, "written": [],
}  # fmt: skip


def test_a_file_of_an_earlier_version_goes_on(store: Store) -> None:
    with closing(sqlite3.connect(store.path)) as database, database:
        database.execute(
            "CREATE TABLE runs (cloud TEXT NOT NULL, number INTEGER NOT NULL, "
            "started REAL NOT NULL, told TEXT NOT NULL)"
        )
        row = ("prod", 3, 900.0, json.dumps(OLD))
        database.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", row)
    assert store.counted("prod") == 3
    keep(store, RUN)
    store.note("prod", Event(1.0, Deed.WOKEN, "ann"))
    answer = history_form("prod", store.runs("prod", 9), store.events("prod", 9))
    assert [run["number"] for run in answer["runs"]] == [7, 3]
    assert misfits(answer, schemas()["history"]) == []


def test_no_more_is_kept_than_has_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "KEPT", 3)
    for number in range(1, 6):
        keep(store, replace(RUN, number=number, started=float(number)))
        store.note("prod", Event(float(number), Deed.WOKEN, f"ann {number}"))
    store.keep("test", 1, 0.5, OLD)
    assert [run["number"] for run in store.runs("prod", 9)] == [5, 4, 3]
    assert [one["by"] for one in store.events("prod", 9)] == ["ann 5", "ann 4", "ann 3"]
    monkeypatch.setattr(store_module, "LARGEST", 5000)
    keep(store, replace(RUN, number=6, started=6.0, tried=(replace(REFUSED, error="x" * 3800),)))
    assert [run["number"] for run in store.runs("prod", 9)] == [6]
    assert len(store.runs("test", 9)) == 1


def test_one_run_is_found_by_its_number_and_the_newest_where_there_are_two(store: Store) -> None:
    keep(store, replace(RUN, started=1.0, author="bob"))
    keep(store, RUN)
    keep(store, replace(RUN, number=8, started=2000.0))
    assert [run["author"] for run in store.run("prod", 7)] == ["alice"]
    assert store.run("prod", 9) == []
    assert store.counted("prod") == 8
    assert store.counted("test") == 0
