"""A list is no way around what holds the object it belongs to: through ``reconciler apply``."""

from __future__ import annotations

import re
from pathlib import Path

import git
import pytest

from reconciler.cli.codes import Code
from reconciler.kinds.registry import Kinds, load_kinds
from tests.cli.conftest import Call
from tests.cli.repository import Repository, held
from tests.cli.test_guards import SEEN, shop
from tests.support.fake_cloud import FakeCloud, Route, Row
from tests.support.fake_identity import ASSIGNMENTS
from tests.support.small_cloud import NAMES

PEOPLE = """
domains:
  campus:
    description: The campus
    users: {a: {email: a@b.c}, b: {email: b@b.c}, c: {email: c@b.c}}
    projects:
      top: {description: top}
"""
EXTERNAL = "networks: {ext: {external: true}}"


@pytest.fixture
def repository(folder: Path, call: Call) -> Repository:
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings("Project")
    return found


def row(cloud: FakeCloud, path: str, name: str) -> Row:
    return next(one for one in cloud.rows[path].values() if one["name"] == name)


@pytest.fixture
def routers(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    """Give the cloud routers, whose static routes are a list that can be claimed."""

    def take_away(of: FakeCloud, words: tuple[str, ...], body: Row) -> Row:
        router = of.find("/routers", words[0])
        router["routes"] = [one for one in router["routes"] if one not in body["router"]["routes"]]
        return {"router": router}

    chosen = NAMES | {"Router", "RouterRoute", "RouterInterface"}
    kinds = Kinds(kind for kind in load_kinds() if kind.name in chosen)
    monkeypatch.setattr("reconciler.cli.run.load_kinds", lambda: kinds)
    path = re.compile(r"/routers/([^/]+)/remove_extraroutes")
    cloud.routes = (*cloud.routes, Route("network", "PUT", path, take_away))
    return cloud


def another_project(repository: Repository, cloud: FakeCloud) -> Row:
    """Have a hand make a project beside those of the state."""
    repository.commit(PEOPLE)
    repository.apply(SEEN)
    home = row(cloud, "/domains", "campus")["id"]
    return cloud.add("/projects", {"name": "theirs", "domain_id": home, "parent_id": home})


def routes(count: int) -> list[Row]:
    return [{"destination": f"10.{at}.0.0/16", "nexthop": "10.0.0.9"} for at in range(count)]


@pytest.mark.parametrize("adopt", ["ask", "refuse"])
def test_the_members_of_a_stranger_stay_whatever_holds_it(
    repository: Repository, cloud: FakeCloud, adopt: str
) -> None:
    repository.settings("Project", more=f"adopt: {adopt}")
    theirs = another_project(repository, cloud)
    role = row(cloud, "/roles", "member")["id"]
    for name in "ab":
        user = row(cloud, "/users", name)["id"]
        cloud.edges[ASSIGNMENTS].add(("projects", theirs["id"], "users", user, role, ""))
    before = set(cloud.edges[ASSIGNMENTS])
    members = "[{user: b, role: member}, {user: c, role: member}]"
    repository.commit(f"{PEOPLE}      theirs: {{parent: top, members: {members}}}\n")
    answer = repository.apply(SEEN, code=Code.HELD)
    assert held(answer)["Project/campus/theirs"] == "replace"
    assert cloud.edges[ASSIGNMENTS] == before


def test_the_routes_of_a_stranger_stay_where_a_list_cannot_be_read(
    repository: Repository, routers: FakeCloud
) -> None:
    repository.commit(shop(EXTERNAL, "routers: {r0: {description: x, routes: []}}"))
    repository.apply(SEEN)
    project = row(routers, "/projects", "shop")["id"]
    theirs = routers.add("/routers", {"name": "r", "project_id": project})
    theirs["routes"] = routes(1)
    both = "{r0: {description: x, routes: []}, r: {gateway: {network: ext}, routes: []}}"
    repository.commit(shop(EXTERNAL, f"routers: {both}"))
    routers.unreadable.add("/networks")
    repository.apply(SEEN, code=Code.HELD)
    assert theirs["routes"] == routes(1)


def test_a_list_is_no_less_in_danger_because_its_object_is_held(
    repository: Repository, cloud: FakeCloud
) -> None:
    three = "[{user: a, role: member}, {user: b, role: member}, {user: c, role: member}]"
    repository.commit(f"{PEOPLE}      mine: {{description: x, members: {three}}}\n")
    repository.apply(SEEN)
    before = set(cloud.edges[ASSIGNMENTS])
    repository.commit(f"{PEOPLE}      mine: {{description: x, parent: top, members: []}}\n")
    answer = repository.apply(SEEN, code=Code.HELD)
    assert sorted(held(answer).values()) == ["replace", "wipe", "wipe", "wipe"]
    assert cloud.edges[ASSIGNMENTS] == before


def test_a_list_that_cannot_be_read_opens_no_other(
    repository: Repository, routers: FakeCloud
) -> None:
    text = shop(EXTERNAL, "routers: {r: {description: x, gateway: {network: ext}}}")
    repository.commit(text)
    repository.apply(SEEN)
    ours = row(routers, "/routers", "r")
    ours["routes"] = routes(30)
    repository.commit(text.replace("description: x,", "description: x, routes: [],"))
    routers.unreadable.add("/networks")
    repository.apply(code=Code.HELD)
    assert ours["routes"] == routes(30)


def test_what_is_only_observed_keeps_its_lists(repository: Repository, cloud: FakeCloud) -> None:
    rule = "{direction: ingress, ports: 80, protocol: tcp}"
    repository.commit(shop(f"security_groups: {{web: {{rules: [{rule}]}}}}"))
    repository.apply(SEEN)
    repository.commit(shop("security_groups: {web: {reconcile: {mode: observe}, rules: []}}"))
    answer = repository.apply(SEEN, code=Code.HELD)
    assert set(held(answer).values()) == {"suspended"}
    group = row(cloud, "/security-groups", "web")["id"]
    found = cloud.rows["/security-group-rules"].values()
    assert [one["port_range_min"] for one in found if one["security_group_id"] == group] == [80]


def test_what_is_only_observed_is_not_deleted_either(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop("security_groups: {web: {description: x}}"))
    repository.apply(SEEN)
    options = "{lifecycle: absent, mode: observe}"
    repository.commit(shop(f"security_groups: {{web: {{reconcile: {options}}}}}"))
    answer = repository.apply(SEEN, code=Code.HELD)
    assert set(held(answer).values()) == {"suspended"}
    assert row(cloud, "/security-groups", "web")


@pytest.mark.parametrize("adopt", ["ask", "refuse"])
def test_what_every_project_has_is_left_alone_in_one_that_is_not_ours(
    repository: Repository, cloud: FakeCloud, adopt: str
) -> None:
    repository.settings("Project", more=f"adopt: {adopt}")
    theirs = another_project(repository, cloud)
    cloud.add("/security-groups", {"name": "other", "project_id": theirs["id"]})
    group = next(
        one for one in cloud.rows["/security-groups"].values()
        if (one["name"], one["project_id"]) == ("default", theirs["id"])
    )  # fmt: skip
    cloud.add("/security-group-rules", {
        "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
        "security_group_id": group["id"], "project_id": theirs["id"],
    })  # fmt: skip
    before = len(cloud.rows["/security-group-rules"])
    inside = "security_groups: {default: {rules: []}}"
    repository.commit(f"{PEOPLE}      theirs: {{description: y, {inside}}}\n")
    repository.apply("--allow-first-meeting", code=Code.HELD)
    assert len(cloud.rows["/security-group-rules"]) == before
