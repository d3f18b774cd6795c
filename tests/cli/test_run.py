"""How the controller begins, what it refuses before it does, and how ``run --once`` ends."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result as Ended

from reconciler.cli.codes import Code
from reconciler.cli.controller import code_of
from reconciler.cli.main import cli
from reconciler.controller.controller import Controller
from reconciler.controller.status import CloudStatus, Result, RunStatus, SourceStatus, Trigger
from reconciler.engine.values import Reason
from reconciler.settings import Mode
from tests.support.commits import commit, start_repository
from tests.support.fake_cloud import FakeCloud, Sent, refused
from tests.support.small_cloud import small_cloud, small_kinds

STATE = "domains: {campus: {description: The campus}}"
SETTINGS = "owner: us\nclouds: {north: {mode: enforce}, south: {}}\n"
RUN = RunStatus(1, Trigger.MANUAL, 0.0, 1.0)
ONE = CloudStatus(
    "north", "us", Mode.ENFORCE, "main", 60.0, apply_commits=True, heal=False,
    source=SourceStatus("", "main"),
)  # fmt: skip
Run = Callable[..., Ended]


@pytest.fixture
def cloud() -> FakeCloud:
    return small_cloud()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Controller]:
    """Give the controllers that a command makes."""
    found: list[Controller] = []

    class Noting(Controller):
        def once(self) -> None:
            found.append(self)
            super().once()

    monkeypatch.setattr("reconciler.cli.controller.Controller", Noting)
    return found


@pytest.fixture
def run(
    tmp_path: Path, cloud: FakeCloud, made: list[Controller], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Call ``reconciler run`` in a repository, for two clouds that are one in memory."""
    start_repository(tmp_path / "here")
    commit(tmp_path / "here", {"desired_state/all.yaml": STATE, "reconciler.yaml": SETTINGS})
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("RECONCILER_STATE_DIRECTORY", str(tmp_path / "told"))
    monkeypatch.setattr("reconciler.cli.controller.Cloud", lambda _name, **_more: cloud)
    monkeypatch.setattr("reconciler.cli.controller.load_kinds", small_kinds)
    assert made == []
    return lambda *words: CliRunner().invoke(cli, ["run", *words], prog_name="reconciler")


def status(result: Result | None, *reasons: Reason, error: str = "") -> CloudStatus:
    held = {("Network", reason): 1 for reason in reasons}
    return replace(ONE, run=replace(RUN, result=result, error=error), held=held)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (status(Result.NOOP), Code.DONE),
        (status(Result.APPLIED), Code.DONE),
        (status(Result.OBSERVED, Reason.BUDGET), Code.DONE),
        (status(Result.APPLIED, Reason.BUDGET), Code.HELD),
        (status(Result.BLOCKED, Reason.BUDGET), Code.HELD),
        (status(Result.BLOCKED, Reason.BUDGET, Reason.WINDOW), Code.LOCKED),
        (status(Result.BLOCKED, Reason.SUSPENDED), Code.LOCKED),
        (status(Result.BLOCKED, error="another run writes"), Code.LOCKED),
        (status(Result.BLOCKED, Reason.BUDGET, error="another run writes"), Code.LOCKED),
        (status(Result.PARTIAL), Code.FAILED),
        (status(Result.PARTIAL, Reason.BUDGET), Code.FAILED),
        (status(Result.FAILED), Code.NOTHING),
        (status(None), Code.NOTHING),
        (ONE, Code.NOTHING),
    ],
)
def test_a_run_ends_as_the_same_apply_would(found: CloudStatus, code: Code) -> None:
    assert code_of(found) is code


def test_every_cloud_that_is_well_is_a_run_that_is_well(run: Run) -> None:
    assert run("--once").exit_code == Code.DONE


def test_one_cloud_of_several_in_which_something_fails_is_no_run_that_is_well(
    run: Run, cloud: FakeCloud
) -> None:
    def refuse(sent: Sent) -> None:
        if sent.path == "/domains":
            raise refused(400, "no")

    cloud.before_write = refuse
    assert run("--once").exit_code == Code.FAILED


def test_a_cloud_that_the_settings_do_not_name_is_refused_by_those_that_they_do(
    run: Run, made: list[Controller]
) -> None:
    result = run("--once", "--cloud", "nroth")
    assert result.exit_code == 64
    assert "--cloud nroth: reconciler.yaml names north, south" in result.output
    assert made == []
    assert run("--once", "--cloud", "north").exit_code == 0
    assert set(made[0].loops) == {"north"}


def test_every_cloud_is_looked_after_whatever_the_environment_names(
    run: Run, made: list[Controller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_CLOUD", "north")
    assert run("--once").exit_code == 0
    assert set(made[0].loops) == {"north", "south"}
    assert "of run: all of them" in " ".join(run("--help").output.split())


def test_a_state_outside_of_the_repository_is_refused_with_the_way_out(
    run: Run, tmp_path: Path
) -> None:
    result = run("--once", "--state", str(tmp_path / "elsewhere"))
    assert result.exit_code == 1
    assert "lies outside of the repository" in result.output
    assert "source, in reconciler.yaml" in " ".join(result.output.split())
    assert "this is a bug" not in result.output


def test_a_state_beside_a_source_is_refused_with_the_way_out(run: Run, tmp_path: Path) -> None:
    text = f"{SETTINGS}source: {{url: {tmp_path}}}\n"
    Path("reconciler.yaml").write_text(text, encoding="utf-8")
    result = run("--once", "--state", "desired_state")
    assert result.exit_code == 64
    assert "its path says the folder" in result.output


def test_blanks_around_the_secrets_are_none_of_them(
    run: Run, made: list[Controller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_TOKEN", "let me in\n")
    monkeypatch.setenv("RECONCILER_WEBHOOK_SECRET", "shared\r\n")
    assert run("--once").exit_code == 0
    assert (made[0].plans.token, made[0].plans.hook_secret) == ("let me in", b"shared")


@pytest.mark.parametrize(
    "listen", [":", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:\u00b2", "127.0.0.1:-1"]
)
def test_what_is_no_address_is_refused_before_anything_begins(run: Run, listen: str) -> None:
    result = run("--listen", listen)
    assert result.exit_code == 64
    assert "takes HOST:PORT" in result.output


def test_an_address_that_cannot_be_had_ends_it_before_a_loop_begins(
    run: Run, cloud: FakeCloud
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--listen", f"127.0.0.1:{port}")
    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in result.output
    unknown = run("--listen", "nowhere.invalid:8080")
    assert unknown.exit_code == 1
    assert "cannot listen on nowhere.invalid:8080: Name or service not known" in unknown.output
    assert cloud.sent == []
