"""What `reconciler unmanaged` finds, what it leaves out, and that its YAML can be pasted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import git
import pytest

from reconciler.cli.codes import Code
from reconciler.report.answers import answer_schemas
from tests.cli.conftest import Call, write
from tests.cli.repository import Repository, actions
from tests.support.fake_cloud import FakeCloud
from tests.support.schemas import misfits

STATE = """
domains:
  campus:
    description: The campus
    users: {alice: {}}
    groups: {devs: {description: Developers}}
    projects:
      shop:
        description: The shop
        security_groups:
          web: {description: Web, rules: []}
          db: {description: Databases}
"""
SHOP = "campus/shop"
SCHEMA = answer_schemas()["unmanaged"]


@pytest.fixture
def repository(folder: Path, call: Call) -> Repository:
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings("SecurityGroup")
    found.commit(STATE)
    found.apply()
    return found


def row(cloud: FakeCloud, path: str, name: str) -> dict[str, Any]:
    return next(r for r in cloud.rows[path].values() if r["name"] == name)


def add(cloud: FakeCloud, path: str, name: str, *tags: str, **fields: Any) -> dict[str, Any]:
    """Have another hand make something in the shop."""
    place = row(cloud, "/projects", "shop")["id"]
    made = cloud.add(path, {"name": name, "project_id": place, **fields})
    made["tags"] = list(tags)
    return made


def found(repository: Repository, *words: str) -> dict[str, Any]:
    result = repository.call("unmanaged", "-o", "json", *words)
    assert result.exit_code == Code.DONE, result.output
    answer = dict(json.loads(result.stdout))
    assert misfits(answer, SCHEMA) == []
    return answer


def listed(answer: dict[str, Any], part: str = "unmanaged") -> list[str]:
    """Give addresses, or what lies in them for what has none."""
    return [f"{one['parent']} {one['item']}" if one["item"] else one["address"]
            for one in answer[part]]  # fmt: skip


def named(answer: dict[str, Any]) -> list[str]:
    return [one["address"] for one in answer["unmanaged"] if one["item"] is None]


def test_what_another_hand_made_is_found(repository: Repository, cloud: FakeCloud) -> None:
    assert named(found(repository)) == []  # neither bootstrap nor default groups
    network = add(cloud, "/networks", "by-hand")
    place = row(cloud, "/domains", "campus")["id"]
    cloud.add("/projects", {"name": "lab", "domain_id": place})
    answer = found(repository)
    assert named(answer) == [f"Network/{SHOP}/by-hand", "Project/campus/lab"]
    first = next(one for one in answer["unmanaged"] if one["kind"] == "Network")
    assert first == {
        "address": f"Network/{SHOP}/by-hand", "kind": "Network", "id": network["id"],
        "owners": [], "parent": f"Project/{SHOP}", "item": None,
    }  # fmt: skip
    assert answer["summary"]["Project"] == 1


def test_nothing_is_written(repository: Repository, cloud: FakeCloud) -> None:
    add(cloud, "/networks", "by-hand")
    before = cloud.snapshot()
    for form in ("text", "yaml", "json"):
        assert repository.call("unmanaged", "-o", form).exit_code == Code.DONE
    assert cloud.snapshot() == before


def test_edges_are_found_in_what_is_declared_only(repository: Repository, cloud: FakeCloud) -> None:
    add(cloud, "/security-groups", "stranger")
    user, group = row(cloud, "/users", "alice"), row(cloud, "/groups", "devs")
    cloud.edges.setdefault("members", set()).add((group["id"], user["id"]))
    answer = found(repository)
    assert "Group/campus/devs alice" in listed(answer)
    rules = [one for one in answer["unmanaged"] if one["kind"] == "SecurityGroupRule"]
    assert {one["parent"] for one in rules} == {f"SecurityGroup/{SHOP}/db"}


def test_what_a_list_of_ours_leaves_out_is_for_the_plan(
    repository: Repository, cloud: FakeCloud
) -> None:
    group = row(cloud, "/security-groups", "web")
    cloud.add("/security-group-rules", {
        "security_group_id": group["id"], "direction": "ingress", "ethertype": "IPv4",
        "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
    })  # fmt: skip
    answer = found(repository)
    assert [one["parent"] for one in answer["ours"]] == [f"SecurityGroup/{SHOP}/web"]
    assert "ingress tcp 22" in answer["ours"][0]["item"]
    text = repository.call("unmanaged").stdout
    assert "left out of a list that git states whole: plan shows what becomes of it" in text
    assert "no longer declared" not in text


def test_another_owners_mark_is_shown(repository: Repository, cloud: FakeCloud) -> None:
    add(cloud, "/networks", "theirs", "reconciler:them")
    text = repository.call("unmanaged").stdout
    assert f"Network/{SHOP}/theirs" in text
    assert "mark of them" in text
    assert "1 of them another owner's" in text
    only = found(repository, "--kind", "Network")
    assert [one["owners"] for one in only["unmanaged"]] == [["them"]]


def test_what_is_ours_and_declared_no_more_stands_apart(
    repository: Repository, cloud: FakeCloud
) -> None:
    add(cloud, "/networks", "by-hand")
    repository.commit(STATE.replace("          db: {description: Databases}\n", ""))
    answer = found(repository)
    assert listed(answer, "ours") == [f"SecurityGroup/{SHOP}/db"]
    assert listed(answer) == [f"Network/{SHOP}/by-hand"]
    text = repository.call("unmanaged").stdout
    assert "ours, no longer declared: plan shows what becomes of it" in text
    assert text.index("by-hand") < text.index("ours, no longer") < text.index(f"{SHOP}/db")
    assert "1 not in git: 1 Network · 1 ours, no longer declared" in text


def test_twins_are_told_apart_by_a_key_of_their_own(
    repository: Repository, cloud: FakeCloud
) -> None:
    other = add(cloud, "/security-groups", "web")
    answer = found(repository, "--kind", "SecurityGroup")
    assert [(one["id"]) for one in answer["unmanaged"]] == [other["id"]]
    assert answer["unmanaged"][0]["address"].startswith(f"SecurityGroup/{SHOP}/web-")
    assert "named web, id" in repository.call("unmanaged").stdout


def test_kinds_and_projects_narrow_it_down(repository: Repository, cloud: FakeCloud) -> None:
    add(cloud, "/networks", "by-hand")
    add(cloud, "/security-groups", "stranger")
    place = row(cloud, "/domains", "campus")["id"]
    lab = cloud.add("/projects", {"name": "lab", "domain_id": place})
    cloud.add("/networks", {"name": "other", "project_id": lab["id"]})
    assert listed(found(repository, "--kind", "Network")) == [
        "Network/campus/lab/other", f"Network/{SHOP}/by-hand",
    ]  # fmt: skip
    assert listed(found(repository, "--kind", "Network", "--project", "shop")) == [
        f"Network/{SHOP}/by-hand"
    ]
    assert named(found(repository, "--project", "campus/lab")) == [
        "Network/campus/lab/other", "Project/campus/lab",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--kind", "Nonsense"), "there is no kind Nonsense"),
        (("--project", "nowhere"), "no project nowhere"),
    ],
)
def test_what_is_not_there_to_narrow_to_is_wrong_usage(
    repository: Repository, words: tuple[str, ...], said: str
) -> None:
    result = repository.call("unmanaged", *words)
    assert result.exit_code == Code.USAGE
    assert said in result.stderr


def test_the_yaml_can_be_laid_beside_the_state(repository: Repository, cloud: FakeCloud) -> None:
    net = add(cloud, "/networks", "by-hand", mtu=1400)
    cloud.add("/subnets", {
        "name": "v4", "project_id": net["project_id"], "network_id": net["id"],
        "cidr": "10.1.0.0/24", "ip_version": 4,
    })  # fmt: skip
    add(cloud, "/security-groups", "web")  # a twin of one of ours
    add(cloud, "/networks", "theirs", "reconciler:them")
    place = row(cloud, "/domains", "campus")["id"]
    lab = cloud.add("/projects", {"name": "lab", "domain_id": place, "description": "Lab"})
    cloud.add("/networks", {"name": "bench", "project_id": lab["id"]})
    result = repository.call("unmanaged", "-o", "yaml")
    assert "theirs" not in result.stdout
    assert "1 left out, because another owner marked it" in result.stderr
    write(repository.folder, {"desired_state/found.yaml": result.stdout})
    repository.commit(STATE)
    answer = repository.plan()
    assert set(actions(answer).values()) == {"adopt"}
    assert f"Network/{SHOP}/by-hand" in actions(answer)
    assert "Network/campus/lab/bench" in actions(answer)
    assert named(found(repository)) == [f"Network/{SHOP}/theirs"]


@pytest.mark.usefixtures("repository")
def test_of_nothing_the_yaml_is_a_state_that_says_nothing(call: Call) -> None:
    result = call("unmanaged", "-o", "yaml", "--kind", "Network")
    assert result.exit_code == Code.DONE
    assert result.stdout.strip() == ""


def test_a_listing_that_failed_is_told(repository: Repository, cloud: FakeCloud) -> None:
    cloud.unreadable = {"/networks"}
    result = repository.call("unmanaged", "-o", "json")
    assert "Network" in json.loads(result.stdout)["incomplete"]
    assert "Network: left out" in result.stderr


def test_what_git_only_names_as_a_place_is_not_declared(
    repository: Repository, cloud: FakeCloud
) -> None:
    assert "shop" in {one["name"] for one in cloud.rows["/projects"].values()}
    repository.commit("domain: campus\nproject: shop\nsecurity_groups: {web: {rules: []}}\n")
    assert "Project/campus/shop" in listed(found(repository), "ours")


def test_a_list_in_what_is_another_owners_only_adds(
    repository: Repository, cloud: FakeCloud
) -> None:
    group = row(cloud, "/security-groups", "web")
    group["tags"] = ["reconciler:them"]
    cloud.add("/security-group-rules", {
        "security_group_id": group["id"], "direction": "ingress", "ethertype": "IPv4",
        "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
    })  # fmt: skip
    answer = found(repository)
    assert answer["ours"] == []
    assert f"SecurityGroup/{SHOP}/web ingress tcp 22 0.0.0.0/0" in listed(answer)


def test_the_yaml_names_what_is_declared_as_the_state_does(
    repository: Repository, cloud: FakeCloud
) -> None:
    stranger = add(cloud, "/security-groups", "stranger")
    cloud.add("/security-group-rules", {
        "security_group_id": stranger["id"], "direction": "ingress", "ethertype": "IPv4",
        "remote_group_id": row(cloud, "/security-groups", "db")["id"],
    })  # fmt: skip
    text = repository.call("unmanaged", "-o", "yaml", "--kind", "SecurityGroup").stdout
    assert "remote: {group: db}" in text
    assert "external" not in text
