"""What `reconciler adopt` marks, what it refuses, and that it does nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

import git
import pytest

from reconciler.cli.codes import Code
from reconciler.cloud.record import Record, parse_record
from tests.cli.conftest import Call
from tests.cli.repository import Repository, actions, held
from tests.support.fake_cloud import FakeCloud

STATE = """
domains:
  campus:
    description: The campus
    projects:
      shop:
        description: The shop
        security_groups:
          web: {description: Web}
          db: {description: Databases}
"""
GROUPS = "SecurityGroup/campus/shop"


@pytest.fixture
def repository(folder: Path, call: Call) -> Repository:
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings("SecurityGroup")
    return found


@pytest.fixture
def project(repository: Repository, cloud: FakeCloud) -> str:
    """Give the id of a project of ours, in which nothing is."""
    repository.commit(STATE.partition("        security_groups")[0])
    repository.apply()
    return next(str(p["id"]) for p in cloud.rows["/projects"].values() if p["name"] == "shop")


def group(cloud: FakeCloud, project: str, name: str, **fields: Any) -> dict[str, Any]:
    """Have another hand make a group."""
    tags = fields.pop("tags", [])
    row = cloud.add("/security-groups", {"name": name, "project_id": project, **fields})
    row["tags"] = tags
    return row


def adopt(repository: Repository, *words: str, code: Code = Code.DONE) -> dict[str, Any]:
    result = repository.call("adopt", "--auto-approve", "-o", "json", *words)
    assert result.exit_code == code, result.output
    return dict(json.loads(result.stdout))


def test_what_is_there_and_nobodys_is_marked_and_nothing_else(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    web = group(cloud, project, "web", description="by hand", tags=["theirs"])
    stranger = group(cloud, project, "stranger")
    repository.commit(STATE)
    cloud.sent = []
    answer = adopt(repository, "SecurityGroup")
    assert actions(answer) == {f"{GROUPS}/web": "adopt"}
    assert [o["status"] for o in answer["outcomes"]] == ["applied"]
    assert sorted(web["tags"]) == ["reconciler:us", "theirs"]
    assert web["description"] == "by hand"  # an apply corrects it
    assert stranger["tags"] == []
    assert not list(cloud.where("/security-groups", name="db"))
    marks = [one.path for one in cloud.writes if one.service == "network"]
    assert marks == [f"/security-groups/{web['id']}/tags/reconciler%3Aus"]


def test_a_second_time_there_is_nothing_left_to_mark(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    group(cloud, project, "web", description="Web")
    repository.commit(STATE)
    adopt(repository, "SecurityGroup")
    cloud.sent = []
    result = repository.call("adopt", "--auto-approve", "SecurityGroup")
    assert result.exit_code == Code.DONE
    assert "1 carry the mark of us already" in result.stderr
    assert "1 are declared and not there" in result.stderr
    assert "0 to mark" in result.stdout
    assert cloud.writes == []


def test_only_what_a_selector_means_is_marked(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    web, base = group(cloud, project, "web"), group(cloud, project, "db")
    repository.commit(STATE)
    adopt(repository, f"{GROUPS}/w*")
    assert (web["tags"], base["tags"]) == (["reconciler:us"], [])


def test_what_a_marked_thing_needs_is_not_marked_along(
    repository: Repository, cloud: FakeCloud
) -> None:
    domain = cloud.add("/domains", {"name": "campus", "description": "The campus"})
    place = cloud.add("/projects", {"name": "shop", "domain_id": domain["id"]})
    web = group(cloud, place["id"], "web")
    repository.commit(STATE)
    adopt(repository, f"{GROUPS}/web")
    assert web["tags"] == ["reconciler:us"]
    assert "reconciler_owner" not in domain | place


def test_what_is_another_owners_is_refused_by_name_and_the_rest_marked(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    theirs = group(cloud, project, "web", tags=["reconciler:them"])
    base = group(cloud, project, "db")
    repository.commit(STATE)
    answer = adopt(repository, "SecurityGroup", code=Code.HELD)
    assert held(answer) == {f"{GROUPS}/web": "ownership"}
    assert theirs["tags"] == ["reconciler:them"]
    assert base["tags"] == ["reconciler:us"]
    text = repository.text("adopt", "--auto-approve", "SecurityGroup").stdout
    assert "it carries the mark of them" in text
    assert "1 refused" in text


def test_twins_are_refused_by_name(repository: Repository, cloud: FakeCloud, project: str) -> None:
    rows = [group(cloud, project, "web"), group(cloud, project, "web")]
    repository.commit(STATE)
    answer = adopt(repository, "SecurityGroup", code=Code.HELD)
    assert held(answer) == {f"{GROUPS}/web": "ambiguous"}
    assert [row["tags"] for row in rows] == [[], []]


def test_a_policy_that_refuses_adoption_is_kept(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    web = group(cloud, project, "web")
    repository.settings(more="adopt: refuse")
    repository.commit(STATE)
    assert set(held(adopt(repository, "SecurityGroup", code=Code.HELD)).values()) == {"ownership"}
    assert web["tags"] == []


def test_what_is_only_observed_is_not_marked(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    web = group(cloud, project, "web")
    repository.commit(STATE.replace("{description: Web}", "{reconcile: {mode: observe}}"))
    answer = adopt(repository, f"{GROUPS}/web", code=Code.HELD)
    assert set(held(answer).values()) == {"suspended"}
    assert web["tags"] == []


def test_protection_is_written_beside_the_mark(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    web = group(cloud, project, "web")
    repository.commit(STATE.replace("{description: Web}", "{reconcile: {protect: true}}"))
    adopt(repository, f"{GROUPS}/web")
    assert sorted(web["tags"]) == ["reconciler:us", "reconciler:us:protect"]


def test_the_record_learns_nothing_but_that_nobody_writes_any_more(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    """A mark releases no first meeting, settles no commit, and is no attempt to make anything.

    Only where there may be marks of ours is noted, and how many came to be ours today.
    """
    before = record_of(cloud)
    group(cloud, project, "web", description="by hand")
    repository.commit(STATE.partition("          db")[0])
    adopt(repository, "SecurityGroup")
    after = record_of(cloud)
    assert after.kinds == (before.kinds or frozenset()) | {"SecurityGroup"}
    assert after.made.keys() - before.made.keys() == {"SecurityGroup"}
    assert replace(after, kinds=before.kinds, made=before.made) == before
    answer = repository.apply(code=Code.HELD)
    assert held(answer) == {f"{GROUPS}/web": "first_meeting"}


def record_of(cloud: FakeCloud) -> Record:
    project = next(p for p in cloud.rows["/projects"].values() if p["name"] == "admin")
    return parse_record(project["reconciler_record_us"])


def test_another_run_that_writes_keeps_it_away(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    group(cloud, project, "web")
    repository.commit(STATE)
    admin = next(p for p in cloud.rows["/projects"].values() if p["name"] == "admin")
    text = json.loads(admin["reconciler_record_us"])
    admin["reconciler_record_us"] = json.dumps(
        {**text, "lease": ["elsewhere:1 b/n 1", time() + 60]}
    )
    result = repository.call("adopt", "--auto-approve", "SecurityGroup")
    assert result.exit_code == Code.LOCKED


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--auto-approve", "Network", "SecurityGroup"), "declares nothing that Network means"),
        (("SecurityGroup",), "nobody can be asked here"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    repository: Repository, words: tuple[str, ...], said: str
) -> None:
    repository.commit(STATE)
    repository.apply()
    result = repository.call("adopt", *words)
    assert result.exit_code == Code.USAGE
    assert said in result.stderr


def test_a_cloud_that_is_only_observed_is_not_written(repository: Repository) -> None:
    repository.commit(STATE)
    text = (repository.folder / "reconciler.yaml").read_text()
    (repository.folder / "reconciler.yaml").write_text(text.replace("enforce", "observe"))
    result = repository.call("adopt", "--auto-approve", "SecurityGroup")
    assert result.exit_code == Code.NOTHING
    assert "mode observe" in result.stderr


def test_somebody_at_a_terminal_is_asked(
    repository: Repository, cloud: FakeCloud, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = group(cloud, project, "web")
    repository.commit(STATE)
    monkeypatch.setattr("reconciler.cli.adopt.can_ask", lambda: True)
    result = repository.call("adopt", "SecurityGroup", stdin="no\n")
    assert (result.exit_code, web["tags"]) == (Code.NOTHING, [])
    result = repository.call("adopt", "SecurityGroup", stdin="yes\n")
    assert (result.exit_code, web["tags"]) == (Code.DONE, ["reconciler:us"])
    assert "Mark these as us's on cloud prod?" in result.output


def test_a_mark_that_came_meanwhile_is_not_overwritten(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    web = group(cloud, project, "web")
    domain = cloud.add("/domains", {"name": "other"})
    repository.commit(STATE + "  other: {description: Other}\n")

    def meddle(_sent: object) -> None:
        web["tags"] = ["reconciler:them"]
        domain["reconciler_owner"] = "them"

    cloud.before_write = meddle
    answer = adopt(repository, "SecurityGroup", "Domain/other", code=Code.HELD)
    assert [one["status"] for one in answer["outcomes"]] == ["skipped", "skipped"]
    assert "held stale" in str(answer["outcomes"])
    assert web["tags"] == ["reconciler:them"]
    assert domain["reconciler_owner"] == "them"


def test_a_mark_needs_nothing_of_what_else_is_stated(
    repository: Repository, cloud: FakeCloud, project: str
) -> None:
    assert project
    domain = next(d for d in cloud.rows["/domains"].values() if d["name"] == "campus")
    user = cloud.add("/users", {"name": "alice", "domain_id": domain["id"]})
    more = "    users: {alice: {default_project: lab}}\n"
    text = STATE.replace(
        "    projects:\n", f"{more}    projects:\n      lab: {{description: Lab}}\n"
    )
    repository.commit(text)
    adopt(repository, "User/campus/alice")
    assert user["reconciler_owner"] == "us"
    assert not user.get("default_project_id")
