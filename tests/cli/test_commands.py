"""Words in, answers on stdout, the story on stderr, and the exit codes that programs know."""

from __future__ import annotations

import json
import re
from pathlib import Path

import git
import pytest

from reconciler.cli.codes import Code
from reconciler.cli.outcome import code_of
from reconciler.engine.apply import Outcome, Status
from reconciler.line import Report
from reconciler.report.jsonform import plan_schema
from tests.cli.conftest import CAMPUS, Call, write
from tests.support.fake_cloud import FakeCloud
from tests.support.runs import Runner
from tests.support.schemas import misfits
from tests.support.small_cloud import small_runner

HERE = ("--cloud", "prod", "--state", "state")
OURS = (*HERE, "--owner", "us")


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("plan", "--nonsense"),
        ("plan", "-o", "yaml", *HERE),
        ("plan", "--state", "state"),
        ("plan", "--cloud", "prod"),
        ("plan", *HERE, "--at", "HEAD"),
        ("plan", *HERE, "--owner", "Not An Owner"),
        ("apply", *OURS),
        ("apply", *HERE, "--auto-approve"),
        ("validate", "nowhere"),
        ("export",),
    ],
)
def test_wrong_usage_is_64_and_never_2(call: Call, words: tuple[str, ...]) -> None:
    result = call(*words)
    assert result.exit_code == Code.USAGE
    assert result.stdout == ""
    assert result.stderr


@pytest.mark.usefixtures("state")
def test_a_plan_tells_and_changes_nothing(call: Call, cloud: FakeCloud) -> None:
    result = call("plan", *HERE)
    assert result.exit_code == Code.DONE
    assert "cloud prod · state as it lies, committed or not · " in result.stdout
    assert "  + Network/campus/shop/front" in result.stdout
    assert "6 to create" not in result.stdout  # the member is a field of its group
    assert "5 to create" in result.stdout
    assert cloud.writes == []


@pytest.mark.usefixtures("state")
def test_a_plan_as_json_is_nothing_but_json(call: Call) -> None:
    result = call("plan", *HERE, "-o", "json")
    form = json.loads(result.stdout)
    assert misfits(form, plan_schema()) == []
    assert form["summary"]["create"] == 5


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("form", ["markdown", "html"])
def test_other_forms(call: Call, form: str) -> None:
    result = call("plan", *HERE, "-o", form)
    assert "Network/campus/shop/front" in result.stdout
    assert result.exit_code == Code.DONE


def test_details_in_the_exit_code(call: Call, state: Path) -> None:
    details = ("plan", *OURS, "--detailed-exitcode")
    assert call(*details).exit_code == Code.DIFFERS
    assert call("apply", *OURS, "--auto-approve").exit_code == Code.DONE
    assert call(*details).exit_code == Code.DONE
    (state / "campus.yaml").write_text(
        CAMPUS.replace("mtu: 1400", "provider: {network_type: vlan}")
    )
    assert call(*details).exit_code == Code.HELD
    assert call("plan", *OURS).exit_code == Code.DONE


@pytest.mark.usefixtures("state")
def test_adoptions_are_no_difference(call: Call) -> None:
    call("apply", *OURS, "--auto-approve")
    assert call("plan", *HERE, "--detailed-exitcode").exit_code == Code.DONE


@pytest.mark.usefixtures("state")
def test_an_apply_makes_it_so_and_says_so(call: Call, cloud: FakeCloud) -> None:
    result = call("apply", *OURS, "--auto-approve", "-o", "json")
    assert result.exit_code == Code.DONE
    form = json.loads(result.stdout)
    assert misfits(form, plan_schema()) == []
    assert {outcome["status"] for outcome in form["outcomes"]} == {"applied"}
    assert len(form["outcomes"]) == 5
    assert "nothing left to do" in result.stderr
    assert [n["name"] for n in cloud.rows["/networks"].values()] == ["front"]
    again = call("apply", *OURS, "--auto-approve")
    assert again.exit_code == Code.DONE
    assert "nothing differs" in again.stdout


def test_what_is_held_is_not_made_and_ends_with_3(call: Call, state: Path) -> None:
    call("apply", *OURS, "--auto-approve")
    (state / "campus.yaml").write_text(
        CAMPUS.replace("mtu: 1400", "provider: {network_type: vlan}")
    )
    result = call("apply", *OURS, "--auto-approve")
    assert result.exit_code == Code.HELD
    assert "HELD replace: --allow-replace=Network/campus/shop/front" in result.stdout


def test_allow_replace_takes_no_next_word(call: Call, state: Path) -> None:
    call("apply", *OURS, "--auto-approve")
    (state / "campus.yaml").write_text(
        CAMPUS.replace("mtu: 1400", "provider: {network_type: vlan}")
    )
    address = "--allow-replace=Network/campus/shop/front"
    other = "--allow-replace=Network/campus/shop/back"
    rest = ("--allow-first-meeting", "--allow-delete", "1", *OURS, "--detailed-exitcode")
    result = call("plan", "--allow-replace", *rest)
    assert result.exit_code == Code.DIFFERS, result.output
    assert call("plan", address, *rest).exit_code == Code.DIFFERS
    assert call("plan", other, *rest).exit_code == Code.HELD


def test_a_failure_ends_with_5_and_is_told(call: Call, state: Path) -> None:
    text = CAMPUS.replace("alice: {}", "alice: {password: {env: NOT_SET_ANYWHERE}}")
    (state / "campus.yaml").write_text(text)
    result = call("apply", *OURS, "--auto-approve")
    assert result.exit_code == Code.FAILED
    assert "User/campus/alice  failed" in result.stdout
    assert "the environment variable NOT_SET_ANYWHERE is not set" in result.stdout
    assert "users alice: waits for User/campus/alice" in result.stdout


def test_the_codes_of_an_apply_in_their_order(cloud: FakeCloud) -> None:
    runner: Runner = small_runner(cloud)
    plan, _ = runner.plan(runner.desired(CAMPUS))
    good = Outcome(plan.changes[0], Status.APPLIED)
    bad = Outcome(plan.changes[0], Status.FAILED, "no")
    runner.apply(runner.desired(CAMPUS))
    empty, _ = runner.plan(runner.desired(CAMPUS))
    assert code_of(Report(plan, (good,), empty)) is Code.DONE
    assert code_of(Report(plan, (good, bad), empty)) is Code.FAILED
    assert code_of(Report(plan, (good,), empty, interrupted=True)) is Code.FAILED
    assert code_of(Report(plan, (good,), plan)) is Code.FAILED  # it did not settle


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("reply", "code"), [("yes\n", Code.DONE), ("y\n", Code.NOTHING), ("\n", Code.NOTHING)]
)
def test_only_yes_is_taken(
    call: Call, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch,
    reply: str, code: Code,
) -> None:  # fmt: skip
    monkeypatch.setattr("reconciler.cli.apply.can_ask", lambda: True)
    result = call("apply", *OURS, stdin=reply)
    assert result.exit_code == code
    assert bool(cloud.writes) is (code is Code.DONE)


@pytest.mark.usefixtures("state")
def test_a_saved_plan_is_applied(call: Call, cloud: FakeCloud) -> None:
    assert call("plan", *OURS, "--out", "my.plan").exit_code == Code.DONE
    assert Path("my.plan").stat().st_mode & 0o077 == 0
    assert cloud.writes == []
    assert call("apply", "my.plan").exit_code == Code.DONE
    assert cloud.writes


@pytest.mark.usefixtures("state")
def test_a_stale_plan_touches_nothing(call: Call, cloud: FakeCloud) -> None:
    call("plan", *OURS, "--out", "my.plan")
    runner = small_runner(cloud)
    runner.apply(runner.desired("domains: {campus: {description: Another}}"))
    before = len(cloud.writes)
    result = call("apply", "my.plan")
    assert result.exit_code == Code.STALE
    assert "Domain/campus: was to create, is now to update" in result.stderr
    assert len(cloud.writes) == before


def test_changed_files_make_a_plan_stale(call: Call, state: Path, cloud: FakeCloud) -> None:
    call("plan", *OURS, "--out", "my.plan")
    (state / "more.yaml").write_text("{}")
    assert call("apply", "my.plan").exit_code == Code.STALE
    assert cloud.writes == []


@pytest.mark.usefixtures("state")
def test_a_plan_is_for_its_own_cloud_and_owner(call: Call) -> None:
    call("plan", *OURS, "--out", "my.plan")
    assert call("apply", "my.plan", "--cloud", "other").exit_code == Code.USAGE
    assert call("apply", "my.plan", "--owner", "other").exit_code == Code.USAGE
    assert call("apply", "my.plan", "--target", "Network").exit_code == Code.USAGE


def test_what_is_no_plan_is_refused(call: Call, folder: Path) -> None:
    (folder / "x.plan").write_text('{"plan_id": "x"}')
    assert call("apply", "x.plan").exit_code == Code.NOTHING


@pytest.mark.usefixtures("state")
def test_a_plan_id_must_fit(call: Call, cloud: FakeCloud) -> None:
    found = json.loads(call("plan", *OURS, "-o", "json").stdout)["plan_id"]
    assert call("apply", *OURS, "--plan-id", "0" * 16).exit_code == Code.STALE
    assert cloud.writes == []
    assert call("apply", *OURS, "--plan-id", found).exit_code == Code.DONE


@pytest.mark.usefixtures("state")
def test_targets_and_excludes(call: Call) -> None:
    result = call("plan", *OURS, "--target", "Network/campus/*", "-o", "json")
    found = [c["address"] for c in json.loads(result.stdout)["changes"]]
    assert found == ["Domain/campus", "Network/campus/shop/front", "Project/campus/shop"]
    result = call("plan", *OURS, "--exclude", "Network", "-o", "json")
    assert "Network" not in {c["kind"] for c in json.loads(result.stdout)["changes"]}


SETTINGS = """
owner: us
state: state
clouds: {prod: {mode: enforce}}
"""


@pytest.fixture
def repository(folder: Path, state: Path) -> git.Repo:
    """Give a repository with one commit of settings and a state."""
    assert list(state.iterdir())
    write(folder, {"reconciler.yaml": SETTINGS})
    repository = git.Repo.init(folder)
    repository.index.add(["reconciler.yaml", "state/campus.yaml"])
    who = git.Actor("A", "a@example.org")
    repository.index.commit("Add the campus", author=who, committer=who)
    return repository


def test_a_repository_is_read_by_its_commit(call: Call, repository: git.Repo, state: Path) -> None:
    result = call("plan")
    assert f'cloud prod · {repository.head.commit.hexsha[:7]} "Add the campus"' in result.stdout
    (state / "campus.yaml").write_text("nonsense: [")
    assert call("plan").exit_code == Code.DONE
    assert "state holds what is not committed" in call("plan").stderr
    assert call("plan", "--state", "state").exit_code == Code.NOTHING
    form = json.loads(call("plan", "-o", "json").stdout)
    assert form["revision"] == repository.head.commit.hexsha


def test_a_saved_plan_of_a_commit_is_of_that_commit(
    call: Call, repository: git.Repo, state: Path, cloud: FakeCloud
) -> None:
    call("plan", "--out", "my.plan")
    (state / "campus.yaml").write_text(CAMPUS.replace("1400", "1300"))
    repository.index.add(["state/campus.yaml"])
    who = git.Actor("A", "a@example.org")
    repository.index.commit("Lower the mtu", author=who, committer=who)
    assert call("apply", "my.plan").exit_code == Code.DONE
    assert [n["mtu"] for n in cloud.rows["/networks"].values()] == [1400]
    assert call("plan", "--at", "HEAD~1", "--detailed-exitcode").exit_code == Code.DONE
    assert call("plan", "--detailed-exitcode").exit_code == Code.DIFFERS
    assert call("plan", "--at", "nowhere").exit_code == Code.NOTHING


@pytest.mark.usefixtures("repository")
def test_nothing_is_written_in_mode_observe(call: Call, folder: Path, cloud: FakeCloud) -> None:
    write(folder, {"reconciler.yaml": SETTINGS.replace("enforce", "observe")})
    result = call("apply", "--auto-approve")
    assert result.exit_code == Code.NOTHING
    assert "mode observe" in result.stderr
    assert cloud.writes == []


def test_all_errors_of_a_state_at_once(call: Call, folder: Path) -> None:
    write(folder, {"state/a.yaml": """
        domains:
          campus:
            descripton: typo
            groups: {devs: {users: [nobody]}}
        """, "state/b.yaml": "nonsense: {}\n"})  # fmt: skip
    result = call("validate", "state")
    assert result.exit_code == Code.NOTHING
    assert "a.yaml:4: Domain/campus: descripton is no field of it" in result.stdout
    assert "did you mean description?" in result.stdout
    assert "a.yaml:5: " in result.stdout
    assert "b.yaml:1: nonsense is no collection" in result.stdout
    assert "3 errors" in result.stderr
    form = json.loads(call("validate", "state", "-o", "json").stdout)
    assert form["valid"] is False
    assert [(p["file"], p["line"]) for p in form["problems"]] == [
        ("a.yaml", 4), ("a.yaml", 5), ("b.yaml", 1),
    ]  # fmt: skip
    sarif = json.loads(call("validate", "state", "-o", "sarif").stdout)
    places = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in sarif["runs"][0]["results"]
    ]
    assert places == ["state/a.yaml", "state/a.yaml", "state/b.yaml"]


@pytest.mark.usefixtures("state")
def test_a_good_state_is_valid_offline(call: Call, cloud: FakeCloud) -> None:
    assert call("validate", "state").stdout == "1 file, 5 objects: valid\n"
    assert call("validate", "state/campus.yaml").exit_code == Code.DONE
    assert call("validate", "--state", "state").exit_code == Code.DONE
    assert cloud.sent == []


def test_warnings_count_when_strict(call: Call, folder: Path) -> None:
    write(folder, {"state/a.yaml": "roles: {auditor: {}, Auditor: {}}\n"})
    assert call("validate", "state").exit_code == Code.DONE
    assert call("validate", "state", "--strict").exit_code == Code.NOTHING


def test_bad_settings_are_told_beside_a_bad_state(call: Call, folder: Path) -> None:
    write(folder, {"reconciler.yaml": "ownr: us\n", "desired_state/a.yaml": "nonsense: {}\n"})
    result = call("validate")
    assert result.exit_code == Code.NOTHING
    assert "reconciler.yaml:1: ownr is no setting; did you mean owner?" in result.stdout
    assert "a.yaml:1: nonsense" in result.stdout


def test_a_name_gives_no_orders_in_an_error(call: Call, folder: Path) -> None:
    write(folder, {"state/a.yaml": 'domains: {"a\\e[31mb": {oops: 1}}\n'})
    result = call("plan", *HERE)
    assert result.exit_code == Code.NOTHING
    assert "\x1b" not in result.output
    assert "Domain/a\\x1b[31mb: oops is no field of it" in result.stderr


@pytest.mark.usefixtures("state")
def test_the_graph_asks_no_cloud(call: Call, cloud: FakeCloud) -> None:
    result = call("graph", "--state", "state")
    assert '  "Network/campus/shop/front" -> "Project/campus/shop";' in result.stdout
    assert '  "Group/campus/devs" -> "User/campus/alice";' in result.stdout
    assert call("graph", "--state", "state", "-o", "mermaid").stdout.startswith("flowchart RL\n")
    assert cloud.sent == []


def test_completion_and_version(call: Call) -> None:
    assert "_RECONCILER_COMPLETE" in call("completion", "bash").stdout
    assert call("--version").stdout.startswith("reconciler ")


@pytest.mark.parametrize(
    "command",
    ["validate", "plan", "apply", "export", "graph", "schema", "doctor", "devcloud", "completion"],
)
def test_every_command_has_help_with_an_example(call: Call, command: str) -> None:
    result = call(command, "--help")
    assert result.exit_code == Code.DONE
    words = r"(eval .\$\()?reconciler " + command
    assert re.search(rf"(?m)^ {{6}}{words}", result.stdout), "an example stands on its own line"
