"""What is: every object under the address that its names give it, and what could not be read."""

from __future__ import annotations

from collections import Counter

import pytest

from reconciler.cloud.live import Live
from reconciler.cloud.observe import observe
from reconciler.kinds.address import Address
from tests.support.fake_cloud import FakeCloud
from tests.support.runs import Runner, went_wrong
from tests.support.small_cloud import small_cloud, small_runner

STATE = """
domains:
  d:
    description: x
    users: {u: {}, "a/b %": {}}
    groups: {g: {users: [u]}, h: {users: [u]}}
    roles: {member: {}}
    projects:
      p:
        description: x
        members: [{user: u, role: reader}, {group: g, role: member, inherited: true}]
        networks: {n: {description: x, subnets: {s: {cidr: 10.0.0.0/24}}}}
        security_groups: {web: {rules: [{direction: ingress, protocol: tcp, ports: 443}]}}
"""


@pytest.fixture
def cloud() -> FakeCloud:
    return small_cloud()


@pytest.fixture
def runner(cloud: FakeCloud) -> Runner:
    runner = small_runner(cloud)
    assert went_wrong(runner.apply(runner.desired(STATE))) == []
    return runner


def look(runner: Runner, *wanted: str) -> Live:
    places = {Address.parse(word) for word in wanted}
    target = runner.target
    return observe(target.http, target.kinds, target.who, wants=lambda p, _kind: p in places)


def test_every_object_has_the_address_that_its_names_give_it(runner: Runner) -> None:
    found = {str(address) for address in look(runner, "Group/d/g").objects}
    assert {
        "Domain/d", "Domain/Default", "User/d/u", "User/d/a%2Fb %25", "Role/member",
        "Role/d/member", "Project/d/p", "Network/d/p/n", "Subnet/d/p/n/s",
        "SecurityGroup/d/p/web", "SecurityGroup/d/p/default",
        "SecurityGroupRule/d/p/web/ingress tcp 443 0.0.0.0%2F0", "GroupMember/d/g/u",
        "RoleAssignment/project/d/p/user/d/u/reader",
        "RoleAssignment/project/d/p/group/d/g/member@d+inherited",
        "RoleAssignment/system/user/Default/admin/admin",
    } <= found  # fmt: skip
    assert "GroupMember/d/h/u" not in found  # nobody declared who is in h


def test_each_collection_is_asked_for_once(cloud: FakeCloud, runner: Runner) -> None:
    cloud.break_at(None)
    look(runner, "Group/d/g")
    asked = Counter(sent.path for sent in cloud.sent)
    assert set(asked.values()) == {1}
    assert "/security-group-rules" not in asked
    domains = len(cloud.rows["/domains"])
    assert len([path for path in asked if path.startswith("/users?domain_id=")]) == domains


def test_the_number_of_requests_does_not_grow_with_the_objects(
    cloud: FakeCloud, runner: Runner
) -> None:
    cloud.break_at(None)
    look(runner)
    before = len(cloud.sent)
    project = next(cloud.where("/projects", name="p"))["id"]
    for number in range(50):
        cloud.add("/networks", {"name": f"n{number}", "project_id": project})
        cloud.add("/security-groups", {"name": f"g{number}", "project_id": project})
    cloud.break_at(None)
    look(runner)
    assert len(cloud.sent) == before


def test_more_than_a_page_is_read(cloud: FakeCloud, runner: Runner) -> None:
    project = next(cloud.where("/projects", name="p"))["id"]
    for number in range(1100):
        cloud.add("/networks", {"name": f"n{number}", "project_id": project})
    assert look(runner).counts["Network"] == 1101


def test_a_listing_that_failed_leaves_its_kinds_incomplete(
    cloud: FakeCloud, runner: Runner
) -> None:
    cloud.unreadable = {"/security-groups", "/users"}
    live = look(runner)
    assert set(live.incomplete) == {"SecurityGroup", "SecurityGroupRule", "User"}
    assert "unavailable" in live.incomplete["User"]
    assert "Network" in live.counts
    assert not [a for a in live.objects if a.kind in live.incomplete]


def test_what_several_answer_to_is_nobodys(cloud: FakeCloud, runner: Runner) -> None:
    project = next(cloud.where("/projects", name="p"))["id"]
    cloud.add("/networks", {"name": "n", "project_id": project})
    live = look(runner)
    address = Address.parse("Network/d/p/n")
    assert address not in live.objects
    assert len(live.twins[address]) == 2


def test_what_lies_in_nothing_known_is_only_counted(cloud: FakeCloud, runner: Runner) -> None:
    cloud.add("/networks", {"name": "lost", "project_id": "gone"})
    live = look(runner)
    assert live.counts["Network"] == 2
    assert [a for a in live.objects if a.name == "lost"] == []


def test_reading_writes_nothing(cloud: FakeCloud, runner: Runner) -> None:
    before = cloud.snapshot()
    cloud.break_at(None)
    look(runner)
    assert cloud.writes == []
    kept = {key: row for key, row in cloud.snapshot().items() if key in before}
    assert kept == before


def test_a_short_list_that_others_give_away_is_read_again(cloud: FakeCloud, runner: Runner) -> None:
    whole = look(runner).objects.keys()
    cloud.blind["/projects"] = 1
    assert look(runner).objects.keys() == whole


def test_what_is_really_gone_costs_one_more_look(cloud: FakeCloud, runner: Runner) -> None:
    project = next(p for p in cloud.rows["/projects"].values() if p["name"] == "p")
    del cloud.rows["/projects"][project["id"]]  # Keystone deletes projects that hold networks
    cloud.sent.clear()
    assert Address.parse("Network/d/p/n") not in look(runner).objects
    asked = Counter(one.path for one in cloud.sent)
    assert asked["/projects"] == 2
    assert asked["/networks"] == 1


def test_twins_are_nothing_that_was_lost(cloud: FakeCloud, runner: Runner) -> None:
    project = next(cloud.where("/projects", name="p"))["id"]
    twin = cloud.add("/networks", {"name": "n", "project_id": project})
    cloud.add("/subnets", {
        "name": "s", "project_id": project, "network_id": twin["id"], "cidr": "10.9.0.0/24",
        "ip_version": 4,
    })  # fmt: skip
    cloud.sent.clear()
    assert Address.parse("Network/d/p/n") in look(runner).twins
    assert Counter(one.path for one in cloud.sent)["/networks"] == 1
