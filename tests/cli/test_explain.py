"""What `reconciler explain` tells of one address, and of what nobody knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import git
import pytest

from reconciler.cli.codes import Code
from reconciler.report.answers import answer_schemas
from tests.cli.conftest import Call
from tests.cli.repository import Repository
from tests.support.fake_cloud import FakeCloud
from tests.support.schemas import misfits

STATE = """
domains:
  campus:
    description: The campus
    users:
      alice: {email: a@b.c, password: {env: CANARY}}
    groups: {devs: {description: Developers, users: [alice]}}
    projects:
      shop:
        description: The shop
        members: [{user: alice, role: member}]
        networks:
          front:
            mtu: 1400
            reconcile: {protect: true, ignore: [description]}
            description: Front
            subnets: {v4: {cidr: 10.0.0.0/24}}
        security_groups:
          web: {description: Web, rules: [{direction: ingress, protocol: tcp, ports: 443}]}
          db: {description: Databases}
"""
SCHEMA = answer_schemas()["explain"]
GROUPS = "SecurityGroup/campus/shop"
SECRET = "canary-in-a-coal-mine"


@pytest.fixture
def repository(folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("CANARY", SECRET)
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings("Subnet")
    found.commit(STATE)
    found.apply()
    return found


def row(cloud: FakeCloud, path: str, name: str) -> dict[str, Any]:
    return next(r for r in cloud.rows[path].values() if r["name"] == name)


def explain(repository: Repository, address: str, *words: str) -> dict[str, Any]:
    result = repository.call("explain", "-o", "json", address, *words)
    assert result.exit_code == Code.DONE, result.output
    answer = dict(json.loads(result.stdout))
    assert misfits(answer, SCHEMA) == []
    return answer


def text(repository: Repository, address: str, *words: str) -> str:
    result = repository.call("explain", address, *words)
    assert result.exit_code == Code.DONE, result.output
    return result.stdout


def test_it_tells_what_git_says_and_where(repository: Repository) -> None:
    found = explain(repository, f"{GROUPS}/web")
    declared = found["declared"]
    line = next(at for at, text in enumerate(STATE.splitlines(), 1) if "web: {" in text)
    assert declared["source"] == {"file": "all.yaml", "line": line}
    assert declared["fields"] == {"description": "Web"}
    assert declared["lists"] == {"rules": ["ingress tcp 443 0.0.0.0/0"]}
    assert declared["claims"] == ["SecurityGroupRule"]
    assert f"in git  all.yaml:{line} · managed" in text(repository, f"{GROUPS}/web")
    assert "(these and no others)" in text(repository, f"{GROUPS}/web")


def test_it_tells_what_the_cloud_has_and_whose_it_is(
    repository: Repository, cloud: FakeCloud
) -> None:
    network = row(cloud, "/networks", "front")
    live = explain(repository, "Network/campus/shop/front")["live"]
    assert (live["id"], live["owners"], live["protected"]) == (network["id"], ["us"], True)
    assert live["fields"]["mtu"] == 1400
    words = text(repository, "Network/campus/shop/front")
    assert f"id {network['id']} · mark of us (ours), protected" in words
    assert "reconcile.protect" in words
    network["tags"] = ["reconciler:them"]
    assert "mark of them\n" in text(repository, "Network/campus/shop/front")


def test_it_tells_what_differs_and_why_it_is_held(repository: Repository, cloud: FakeCloud) -> None:
    row(cloud, "/security-groups", "db")["description"] = "by hand"
    found = explain(repository, f"{GROUPS}/db")
    change = found["changes"][0]
    assert change["action"] == "update"
    assert change["held"]["reason"] == "first_meeting"
    words = text(repository, f"{GROUPS}/db")
    assert 'description  "by hand" → Databases' in words
    assert "HELD first_meeting" in words
    assert "--allow-first-meeting" in words
    assert explain(repository, f"{GROUPS}/web")["changes"] == []
    assert "plan  nothing differs" in text(repository, f"{GROUPS}/web")


def test_differences_in_what_lies_in_it_are_its_own(
    repository: Repository, cloud: FakeCloud
) -> None:
    group = row(cloud, "/security-groups", "web")
    cloud.add("/security-group-rules", {
        "security_group_id": group["id"], "direction": "ingress", "ethertype": "IPv4",
        "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
    })  # fmt: skip
    found = explain(repository, f"{GROUPS}/web")
    assert [one["path"] for one in found["changes"][0]["fields"]] == ["rules"]
    assert found["live"]["lists"]["rules"] == [
        f"ingress tcp {port} 0.0.0.0/0" for port in (22, 443)
    ]


def test_what_is_ignored_is_told_apart(repository: Repository, cloud: FakeCloud) -> None:
    row(cloud, "/networks", "front")["description"] = "by hand"
    found = explain(repository, "Network/campus/shop/front")
    assert found["changes"] == []
    assert found["ignored"] == [{"path": "description", "before": "by hand", "after": "Front"}]
    assert "ignored, as git says" in text(repository, "Network/campus/shop/front")


def test_it_counts_what_hangs_on_it_in_git_and_in_the_cloud(
    repository: Repository, cloud: FakeCloud
) -> None:
    project = row(cloud, "/projects", "shop")
    cloud.add("/networks", {"name": "by-hand", "project_id": project["id"]})
    inside = explain(repository, "Project/campus/shop")["inside"]
    assert "Network/campus/shop/by-hand" in inside["live"]
    assert "Network/campus/shop/by-hand" not in inside["declared"]
    user = explain(repository, "User/campus/alice")["referring"]
    wanted = ["Group/campus/devs", "RoleAssignment/project/campus/shop/user/campus/alice/member"]
    assert user == {"declared": wanted, "live": wanted}
    assert "refers to it  2 in git, 2 in the cloud" in text(repository, "User/campus/alice")
    words = text(repository, "Project/campus/shop")
    assert "Network/campus/shop/by-hand   in the cloud only" in words


def test_of_what_left_git_it_tells_the_last_declaration_and_who_took_it_away(
    repository: Repository,
) -> None:
    repository.commit(STATE, author="bob")
    gone = repository.commit(
        STATE.replace("          db: {description: Databases}\n", ""), author="carol"
    )
    repository.commit(STATE.replace("          db: {description: Databases}\n", "# later\n"))
    found = explain(repository, f"{GROUPS}/db")
    assert found["declared"] is None
    assert found["last"]["fields"] == {"description": "Databases"}
    assert found["removed"] == {"revision": gone, "author": "carol"}
    assert found["changes"][0]["held"]["reason"] == "prune_off"
    words = text(repository, f"{GROUPS}/db")
    assert f"removed in {gone[:7]} by carol" in words
    assert "HELD prune_off: say prune: {SecurityGroup: true}" in words


def test_a_folder_says_that_it_takes_nothing_away(repository: Repository) -> None:
    repository.commit(STATE.replace("          db: {description: Databases}\n", ""))
    words = text(repository, f"{GROUPS}/db", "--state", "desired_state")
    assert "takes nothing away" in words
    assert "in git  not declared" in words


def test_strangers_are_explained_too(repository: Repository, cloud: FakeCloud) -> None:
    project = row(cloud, "/projects", "shop")
    cloud.add("/networks", {"name": "by-hand", "project_id": project["id"]})
    words = text(repository, "Network/campus/shop/by-hand")
    assert "no mark: nobody's" in words
    assert "neither declared nor ours is never touched" in words


def test_twins_are_named_by_their_ids(repository: Repository, cloud: FakeCloud) -> None:
    project = row(cloud, "/projects", "shop")
    ids = {
        cloud.add("/networks", {"name": "twin", "project_id": project["id"]})["id"]
        for _ in range(2)
    }
    found = explain(repository, "Network/campus/shop/twin")
    assert set(found["live"]["twins"]) == ids
    assert "2 objects have this name" in text(repository, "Network/campus/shop/twin")
    other = cloud.add("/networks", {"name": "front", "project_id": project["id"]})
    assert explain(repository, "Network/campus/shop/front")["live"]["strangers"] == [other["id"]]


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("Network/campus/shop/frnt", "Network/campus/shop/front"),
        ("Network/front", "Network/campus/shop/front"),
        ("front", "Network/campus/shop/front"),
        ("Netwrk/campus/shop/front", "Network/campus/shop/front"),
        ("", ""),
        ("//", ""),
    ],
)
def test_of_what_nobody_knows_the_nearest_is_named(
    repository: Repository, asked: str, near: str
) -> None:
    result = repository.call("explain", asked)
    assert result.exit_code == Code.NOTHING
    assert "is neither declared nor in the cloud" in result.stderr
    assert near in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_never_shown(repository: Repository, form: str) -> None:
    result = repository.call("-v", "explain", "-o", form, "User/campus/alice")
    assert "(sensitive)" in result.stdout
    assert SECRET not in result.output
    assert "CANARY" not in result.output


def test_nothing_is_written(repository: Repository, cloud: FakeCloud) -> None:
    before = cloud.snapshot()
    text(repository, "Network/campus/shop/front")
    assert cloud.snapshot() == before


def test_a_kind_that_was_not_read_whole_is_said_so(
    repository: Repository, cloud: FakeCloud
) -> None:
    cloud.unreadable = {"/networks"}
    words = text(repository, "Network/campus/shop/front")
    assert "in the cloud  nobody knows" in words


def test_what_lies_in_what_nobody_declared_is_read_for_it(
    repository: Repository, cloud: FakeCloud
) -> None:
    domain, user = row(cloud, "/domains", "campus"), row(cloud, "/users", "alice")
    group = cloud.add("/groups", {"name": "people", "domain_id": domain["id"]})
    cloud.edges["members"].add((group["id"], user["id"]))
    found = explain(repository, "Group/campus/people")
    assert found["live"]["lists"] == {"users": ["alice"]}
