"""The controller as a process sees it: it listens, wakes, answers, and ends in good order."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reconciler.chronicle import Chronicle
from reconciler.cli.ask import ask
from reconciler.cli.main import cli
from reconciler.cli.talk import scope_of
from reconciler.cloud.record import Approval, approve, read_record
from reconciler.controller.controller import Controller, Plans
from reconciler.controller.course import Course
from reconciler.controller.local import LocalSource
from reconciler.controller.loop import Requests
from reconciler.controller.status import Trigger
from reconciler.controller.store import Store
from reconciler.kinds.registry import load_kinds
from reconciler.kinds.values import Json
from reconciler.line import Target
from reconciler.schema import schemas
from reconciler.settings import CloudSettings, Mode
from tests.support.commits import commit, start_repository
from tests.support.fake_cloud import FakeCloud, Sent, refused
from tests.support.schemas import misfits
from tests.support.small_cloud import small_cloud, small_kinds

STATE = "domains: {campus: {description: The campus, users: {ann: {}}}}"
PATIENCE = 20.0


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def serve(
    controller: Controller, meanwhile: Callable[[str], None], host: str = "127.0.0.1"
) -> None:
    """Serve in this thread, as signals want it, and end after ``meanwhile`` is done."""
    errors: list[BaseException] = []

    def act(port: int) -> None:
        try:
            meanwhile(f"http://127.0.0.1:{port}")
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
            errors.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def ready(port: int) -> None:
        threading.Thread(target=act, args=(port,), daemon=True).start()

    controller.serve(host, 0, ready)
    if errors:
        raise errors[0]


@pytest.fixture
def cloud() -> FakeCloud:
    return small_cloud()


@pytest.fixture
def controller(tmp_path: Path, cloud: FakeCloud) -> Controller:
    start_repository(tmp_path)
    commit(tmp_path, {"desired_state/all.yaml": STATE})
    kinds = small_kinds()
    course = Course(
        "prod", "us", CloudSettings(mode=Mode.ENFORCE), kinds,
        LocalSource(tmp_path, "desired_state"),
        lambda: Target(cloud, cloud.who(), "prod", kinds), Chronicle(tmp_path / "told.sqlite3"),
    )  # fmt: skip
    return Controller(
        Plans(
            {"prod": course}, {"prod": Requests()}, "HEAD", 3600.0,
            Store(tmp_path / "store.sqlite3"), "token", b"secret", str(tmp_path),
        )
    )  # fmt: skip


def users(cloud: FakeCloud) -> set[str]:
    return {str(user["name"]) for user in cloud.rows["/users"].values()}


def test_a_commit_is_applied_without_being_asked_for(
    controller: Controller, cloud: FakeCloud, tmp_path: Path
) -> None:
    def meanwhile(_url: str) -> None:
        until(lambda: "ann" in users(cloud))
        commit(tmp_path, {"desired_state/all.yaml": STATE.replace("ann: {}", "ann: {}, bob: {}")})
        until(lambda: "bob" in users(cloud))

    serve(controller, meanwhile)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_it_is_asked_and_told_at_a_terminal(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_TOKEN", "token")
    answers: dict[str, str] = {}

    def call(name: str, *words: str) -> None:
        result = CliRunner().invoke(cli, [name, *words])
        answers[name] = f"{result.exit_code} {result.output}"

    def meanwhile(url: str) -> None:
        until(lambda: controller.status.clouds["prod"].last_run is not None)
        call("suspend", "--url", url, "--reason", "a look", "--expires", "1h", "campus/shop")
        until(lambda: bool(controller.status.clouds["prod"].pauses))
        call("status", "--url", url)
        call("resume", "--url", url, "campus/shop")
        call("history", "--url", url)

    serve(controller, meanwhile)
    assert answers["suspend"].startswith("0 ")
    assert "campus/shop is paused for 1h" in answers["suspend"]
    assert "warning: nothing that is declared is campus/shop" in answers["suspend"]
    assert "prod · enforce · as git says" in answers["status"]
    assert "campus/shop is paused by" in answers["status"]
    assert answers["resume"].startswith("0 ")
    assert "applied" in answers["history"]
    assert "resumed campus/shop" in answers["history"]


def test_what_programs_are_answered_fits_the_schemas(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_TOKEN", "token")
    answers: dict[str, Json] = {}

    def meanwhile(url: str) -> None:
        until(lambda: controller.status.clouds["prod"].last_run is not None)
        suspended = CliRunner().invoke(cli, ["suspend", "--url", url, "--reason", "a", "Network"])
        assert suspended.exit_code == 0
        until(lambda: bool(controller.status.clouds["prod"].pauses))
        for name in ("status", "history"):
            answers[name] = json.loads(
                CliRunner().invoke(cli, [name, "-o", "json", "--url", url]).stdout
            )
        answers["plan"] = ask(url, "GET", "/api/v1/plan")

    serve(controller, meanwhile)
    found = schemas(load_kinds())
    for name, answer in answers.items():
        assert misfits(answer, found[f"{name}.json"]) == [], name
    assert answers["status"]["clouds"][0]["pauses"][0]["name"] == "Network"
    assert answers["history"]["runs"][-1]["written"]
    assert misfits({**answers["status"], "more": 1}, found["status.json"]) != []


def test_a_failed_change_is_found_in_the_history_with_its_request(
    controller: Controller, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(sent: Sent) -> None:
        if sent.path == "/users":
            raise refused(403, "policy says no", "req-4b1d")

    monkeypatch.setenv("RECONCILER_TOKEN", "token")
    cloud.before_write = refuse
    answers: list[Json] = []
    texts: list[str] = []

    def meanwhile(url: str) -> None:
        until(lambda: controller.plans.store.counted("prod") > 0)
        answers.append(ask(url, "GET", "/api/v1/history"))
        texts.extend(
            CliRunner().invoke(cli, ["history", "--url", url, *words]).output
            for words in (["--run", "1"], [])
        )

    serve(controller, meanwhile)
    run = answers[0]["runs"][-1]
    assert (run["result"], run["troubles"]) == ("partial", ["denied"])
    failed = [one for one in run["outcomes"] if one["status"] == "failed"]
    assert [(one["address"], one["request_id"]) for one in failed] == [
        ("User/campus/ann", "req-4b1d")
    ]
    assert "policy says no" in failed[0]["error"]
    for text in texts:
        assert "User/campus/ann" in text
        assert "request req-4b1d" in text


def test_history_tells_whose_approval_a_run_made_use_of(
    controller: Controller, cloud: FakeCloud
) -> None:
    controller.once()
    domain = next(cloud.where("/domains", name="campus"))
    cloud.rows["/domains"][domain["id"]]["description"] = "by hand"
    controller = Controller(healing(controller.plans))
    controller.once()
    held = controller.status.clouds["prod"]
    assert held.approvals_pending == 1
    assert held.table is not None
    approval = Approval(held.table.plan_id, time.time() + 60, "bob")
    approve(cloud, cloud.who().project_id, "us", approval, time.time())
    controller.once()
    store = controller.plans.store
    (event,) = store.events("prod", 9)
    assert (event["event"], event["by"], event["plan_id"]) == ("approved", "bob", approval.plan_id)
    assert [run["approved_by"] for run in store.runs("prod", 9)] == ["bob", "", ""]
    assert [run["number"] for run in store.runs("prod", 9)] == [3, 2, 1]


def healing(plans: Plans) -> Plans:
    course = plans.courses["prod"]
    settings = course.settings.model_copy(update={"heal": True})
    return replace(plans, courses={"prod": replace(course, settings=settings)})


def test_a_signal_in_the_middle_of_an_apply_ends_it_in_good_order(
    controller: Controller, cloud: FakeCloud
) -> None:
    def stop(sent: Sent) -> None:
        if sent.path == "/domains":
            os.kill(os.getpid(), signal.SIGTERM)
            until(lambda: controller.wakeups.stopped)

    cloud.before_write = stop
    controller.serve("127.0.0.1", 0, lambda _port: None)
    assert list(cloud.where("/domains", name="campus"))  # what was in flight
    assert "ann" not in users(cloud)
    record = read_record(cloud, cloud.who().project_id, "us")
    assert record is not None
    assert (record.lease, record.applied) == (None, "")
    cloud.before_write = lambda _sent: None
    Controller(controller.plans).once()
    assert "ann" in users(cloud)


def test_a_hangup_has_every_loop_look(controller: Controller) -> None:
    def runs() -> int:
        run = controller.status.clouds["prod"].run
        return run.number if run else 0

    def meanwhile(_url: str) -> None:
        until(lambda: runs() == 1)
        os.kill(os.getpid(), signal.SIGHUP)
        until(lambda: runs() == 2)

    serve(controller, meanwhile)
    (event,) = controller.plans.store.events("prod", 9)
    assert (event["event"], event["reason"]) == ("woken", "SIGHUP")


@pytest.mark.parametrize("names", [False, True])
def test_objects_are_named_where_the_settings_ask_for_it(
    tmp_path: Path, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch, names: bool
) -> None:
    start_repository(tmp_path)
    text = f"owner: us\nmetrics: {{names: {str(names).lower()}}}\nclouds: {{prod: {{}}}}\n"
    commit(tmp_path, {"desired_state/all.yaml": STATE, "reconciler.yaml": text})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECONCILER_STATE_DIRECTORY", str(tmp_path / "told"))
    made: list[Controller] = []

    class Noting(Controller):
        def once(self) -> None:
            super().once()
            made.append(self)

    def connect(_name: str, **_more: object) -> FakeCloud:
        return cloud

    monkeypatch.setattr("reconciler.cli.controller.Controller", Noting)
    monkeypatch.setattr("reconciler.cli.controller.Cloud", connect)
    monkeypatch.setattr("reconciler.cli.controller.load_kinds", small_kinds)
    result = CliRunner().invoke(cli, ["run", "--once"])
    assert result.exit_code == 0, result.output
    assert (b"drift_object_info{" in made[0].metrics.exposition()[0]) is names


@pytest.mark.parametrize(
    ("what", "scope"),
    [
        ("", "cloud"), ("Network", "kind"), ("Netwrok", "kind"), ("campus/shop", "project"),
        ("Campus/Shop", "project"), ("Network/campus/shop/front", "object"),
        ("Domain/campus", "object"), ("Flavor/m1.large", "object"),
    ],
)  # fmt: skip
def test_what_is_to_be_paused_is_known_by_its_form(what: str, scope: str) -> None:
    assert scope_of(what) == scope


def test_what_waits_is_told_as_it_is(controller: Controller) -> None:
    controller.once()
    depth = b"reconciler_queue_depth 1.0"
    assert depth not in controller.metrics.exposition()[0]
    controller.wakeups.add("prod", Trigger.WEBHOOK)
    assert depth in controller.metrics.exposition()[0]
    controller.wakeups.wait("prod", 0)
    assert depth not in controller.metrics.exposition()[0]


def test_it_answers_on_every_address_that_a_name_has(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = socket.getaddrinfo

    def both(host: str, *more: Any, **named: Any) -> list[Any]:
        hosts = ("127.0.0.1", "127.0.0.2") if host == "localhost" else (host,)
        return [found for one in hosts for found in known(one, *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    monkeypatch.setenv("RECONCILER_TOKEN", "token")
    answers: list[Json] = []
    serve(controller, lambda url: answers.append(ask(url, "GET", "/api/v1/status")), "localhost")
    assert answers[0]["clouds"]


def test_without_a_controller_commands_say_so() -> None:
    result = CliRunner().invoke(cli, ["status", "--url", "http://127.0.0.1:9"])
    assert result.exit_code == 1
    assert "no controller answers at http://127.0.0.1:9" in result.output


def test_it_leaves_no_thread_behind(controller: Controller) -> None:
    before = threading.active_count()
    serve(controller, lambda _url: until(lambda: bool(controller.status.clouds["prod"].run)))
    until(lambda: threading.active_count() <= before + 1)


def test_whoever_has_no_name_here_is_told_by_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown() -> str:
        raise KeyError("uid not found")

    said: list[Mapping[str, str]] = []
    monkeypatch.setattr("getpass.getuser", unknown)

    def heard(*words: Mapping[str, str]) -> Mapping[str, str]:
        said.append(words[3])
        return {"resumed": "prod"}

    monkeypatch.setattr("reconciler.cli.talk.ask", heard)
    assert CliRunner().invoke(cli, ["resume", "Network"]).exit_code == 0
    assert said[0]["by"] == f"uid {os.getuid()}"
