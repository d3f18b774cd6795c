"""What an export says of a cloud in memory, and what it leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import dedent

import pytest
from hypothesis import given, settings

from reconciler.engine.values import Plan
from reconciler.errors import UsageError
from reconciler.export.cloud import Export, export_cloud
from reconciler.state.model import make_desired
from reconciler.yamlio import load_all
from reconciler.yamlout import dump
from tests.support.fake_cloud import FakeCloud, Json
from tests.support.runs import in_memory, shown, went_wrong
from tests.support.small_cloud import small_cloud, small_runner
from tests.support.states import State, worlds

SHOP = """
    domains:
      campus: {description: The campus}
    ---
    domain: campus
    users:
      alice: {email: alice@campus.example}
      bob: {}
    groups:
      devs: {users: [alice, bob]}
    roles:
      desk: {}
    projects:
      shop:
        description: The shop
        members:
          - {user: alice, roles: [member, reader]}
          - {group: devs, role: desk, inherited: true}
        networks:
          front:
            reconcile: {}
            subnets:
              front-v4: {cidr: 10.0.0.0/24, dns_nameservers: [9.9.9.9, 1.1.1.1]}
        security_groups:
          web:
            rules:
              - {direction: ingress, protocol: tcp, ports: 443}
              - {direction: ingress, protocol: tcp, ports: 8000-8080, remote: {group: web}}
              - {direction: egress}
"""


@pytest.fixture
def cloud() -> FakeCloud:
    return small_cloud()


def build(cloud: FakeCloud, *texts: str) -> None:
    runner = small_runner(cloud)
    report = runner.apply(runner.desired(*texts))
    assert not went_wrong(report)


def export(cloud: FakeCloud, projects: Sequence[str] = (), only: Sequence[str] = ()) -> Export:
    return export_cloud(small_runner(cloud).target, projects=projects, only=only)


def plan_of(cloud: FakeCloud, found: Export) -> Plan:
    runner = small_runner(cloud)
    desired, _ = make_desired(in_memory(files=found.files), runner.target.kinds)
    return runner.plan(desired)[0]


def assert_round_trip(cloud: FakeCloud, found: Export) -> None:
    plan = plan_of(cloud, found)
    assert plan.empty, shown(plan)
    assert not [change for change in plan.changes if change.held], shown(plan)


def project(cloud: FakeCloud, name: str) -> str:
    return next(str(p["id"]) for p in cloud.rows["/projects"].values() if p["name"] == name)


def read(text: str) -> Json:
    return load_all(text)[0]


def test_names_stand_for_ids_and_defaults_are_left_out(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    found = export(cloud)
    assert sorted(found.files) == ["campus.yaml", "campus/shop.yaml", "domains.yaml"]
    assert found.files["campus/shop.yaml"] == dedent("""\
        domain: campus
        projects:
          shop:
            description: The shop
            members:
            - {user: alice, roles: [member, reader]}
            - {group: devs, role: desk, inherited: true}
            networks:
              front:
                reconcile: {}
                subnets:
                  front-v4:
                    cidr: 10.0.0.0/24
                    dns_nameservers: [9.9.9.9, 1.1.1.1]
            security_groups:
              web:
                rules:
                - {direction: egress}
                - {direction: ingress, protocol: tcp, ports: 443}
                - {direction: ingress, protocol: tcp, ports: 8000-8080, remote: {group: web}}
        """)
    assert_round_trip(cloud, found)


def test_what_the_cloud_was_born_with_is_left_out(cloud: FakeCloud) -> None:
    assert export(cloud).files == {}


def test_what_was_added_to_the_born_is_stated_and_claims_nothing(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    admin = project(cloud, "admin")
    build(
        cloud,
        """
        domain: campus
        users: {alice: {reconcile: {lifecycle: external}}}
        ---
        {domain: Default, project: admin, members: [{user: campus/alice, role: reader}]}
        """,
    )
    cloud.add("/networks", {"name": "raw", "project_id": admin})
    found = export(cloud)
    assert read(found.files["Default/admin.yaml"]) == {
        "domain": "Default",
        "projects": {
            "admin": {
                "members": [{"user": "campus/alice", "role": "reader"}],
                "networks": {"raw": {}},
            }
        },
    }
    assert_round_trip(cloud, found)


def test_an_untouched_default_group_is_left_out_and_an_emptied_one_is_not(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    assert "default" not in export(cloud).files["campus/shop.yaml"]
    build(cloud, "{domain: campus, project: shop, security_groups: {default: {rules: []}}}")
    found = export(cloud)
    groups = read(found.files["campus/shop.yaml"])["projects"]["shop"]["security_groups"]
    assert groups["default"]["rules"] == []
    assert_round_trip(cloud, found)


def test_a_mark_is_nobodys_business(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    assert "reconciler" not in "".join(export(cloud).files.values())


def test_a_password_is_told_of_and_never_written(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    found = export(cloud)
    assert "password" not in "".join(found.files.values())
    assert found.notes == ("users: of 2 nobody can read password: not stated",)


def test_twins_get_keys_of_their_own(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    shop = project(cloud, "shop")
    twin = cloud.add("/networks", {"name": "front", "project_id": shop, "mtu": 1400})
    subnet = {"name": "front-v4", "network_id": twin["id"], "cidr": "10.7.0.0/24", "ip_version": 4}
    cloud.add("/subnets", {**subnet, "project_id": shop})
    found = export(cloud)
    networks = read(found.files["campus/shop.yaml"])["projects"]["shop"]["networks"]
    key = f"front-{twin['id']}"  # the ids of this cloud begin alike; eight characters do else
    assert networks[key]["name"] == "front"
    assert networks[key]["reconcile"] == {"id": twin["id"]}
    assert networks[key]["subnets"]["front-v4"] == {"cidr": "10.7.0.0/24"}
    assert len(networks) == 2
    assert_round_trip(cloud, found)


def test_what_has_no_name_has_a_key(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    subnet = next(iter(cloud.rows["/subnets"].values()))
    subnet["name"] = ""
    found = export(cloud)
    front = read(found.files["campus/shop.yaml"])["projects"]["shop"]["networks"]["front"]
    [(key, fields)] = front["subnets"].items()
    assert key == f"subnet-{subnet['id'][:8]}"
    assert fields["reconcile"] == {"id": subnet["id"]}
    assert_round_trip(cloud, found)


def test_what_is_not_in_scope_is_said_exactly(cloud: FakeCloud) -> None:
    build(
        cloud,
        SHOP,
        """
        domain: campus
        projects:
          other:
            reconcile: {}
            security_groups:
              web:
                rules:
                  - {direction: ingress, remote: {group: {name: web, project: shop}}}
                  - {direction: ingress, remote: {group: web}}
        """,
    )
    found = export(cloud)
    groups = read(found.files["campus/other.yaml"])["projects"]["other"]["security_groups"]
    assert [rule["remote"] for rule in groups["web"]["rules"]] == [
        {"group": "web"},
        {"group": {"name": "web", "project": "shop"}},
    ]
    assert_round_trip(cloud, found)


def test_a_role_of_the_whole_cloud_is_told_from_one_of_the_domain(cloud: FakeCloud) -> None:
    build(
        cloud,
        """
        domain: campus
        users: {alice: {}}
        roles: {reader: {}}
        members:
          - {user: alice, role: reader}
          - {user: alice, role: {name: reader, domain: null}}
        ---
        domains: {campus: {}}
        """,
    )
    found = export(cloud)
    assert read(found.files["campus.yaml"])["members"] == [
        {"user": "alice", "roles": ["reader", {"name": "reader", "domain": None}]}
    ]
    assert_round_trip(cloud, found)


def test_one_project_refers_to_the_rest_as_external(cloud: FakeCloud) -> None:
    build(cloud, SHOP, "{domain: campus, projects: {other: {description: Another}}}")
    for word in ("shop", "campus/shop"):
        found = export(cloud, projects=(word,))
        assert sorted(found.files) == ["campus.yaml", "campus/shop.yaml"]
        assert read(found.files["campus.yaml"]) == {
            "domain": "campus",
            "groups": {"devs": {"reconcile": {"lifecycle": "external"}}},
            "roles": {"desk": {"reconcile": {"lifecycle": "external"}}},
            "users": {"alice": {"reconcile": {"lifecycle": "external"}}},
        }
        assert_round_trip(cloud, found)


def test_a_project_that_is_not_there_is_refused(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    with pytest.raises(UsageError, match="no project campus/shoop"):
        export(cloud, projects=("shop", "campus/shoop"))


def test_one_kind_comes_with_its_lists(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    found = export(cloud, only=("SecurityGroup",))
    assert list(found.files) == ["campus/shop.yaml"]
    shop = read(found.files["campus/shop.yaml"])["projects"]["shop"]
    assert list(shop) == ["security_groups"]
    assert len(shop["security_groups"]["web"]["rules"]) == 3
    assert_round_trip(cloud, found)


@pytest.mark.parametrize(
    "odd", ["../../etc", "a/b", ".hidden", "domains", "Ä", "a b", "x" * 64, "con:", "-", "no"]
)
def test_odd_names_have_safe_files(cloud: FakeCloud, odd: str) -> None:
    build(
        cloud, dump({"domains": {odd: {"reconcile": {}, "projects": {odd: {"description": "x"}}}}})
    )
    found = export(cloud)
    assert len(found.files) == 2
    for path in found.files:
        parts = path.split("/")
        assert not any(part.startswith(".") or len(part) > 70 for part in parts), path
        assert len(parts) <= 2
    assert_round_trip(cloud, found)


def test_names_that_differ_only_by_case_have_files_of_their_own(cloud: FakeCloud) -> None:
    build(
        cloud,
        """
        domains:
          one: {reconcile: {}, projects: {a: {}, A: {}, a-2: {}, a/2: {}}}
          domains: {reconcile: {}, users: {u: {}}}
        """,
    )
    found = export(cloud)
    assert len({path.casefold() for path in found.files}) == len(found.files) == 6
    assert_round_trip(cloud, found)


def test_what_the_state_does_not_take_is_left_out_and_told(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    alice = next(u for u in cloud.rows["/users"].values() if u["name"] == "alice")
    alice["email"] = 5
    found = export(cloud)
    assert any("User/campus/alice: email" in note for note in found.notes)
    assert_round_trip(cloud, found)


def test_a_list_that_cannot_be_said_whole_is_left_out(cloud: FakeCloud) -> None:
    build(cloud, SHOP)
    rule = next(
        r for r in cloud.rows["/security-group-rules"].values() if r.get("remote_group_id")
        and r.get("port_range_min")
    )  # fmt: skip
    rule["remote_group_id"] = "f" * 32
    found = export(cloud)
    shop = read(found.files["campus/shop.yaml"])["projects"]["shop"]
    assert "rules" not in shop["security_groups"]["web"]
    assert any("SecurityGroup/campus/shop/web: rules" in note for note in found.notes)
    assert_round_trip(cloud, found)


@settings(max_examples=15)
@given(state=worlds("campus"))
def test_the_plan_of_an_export_is_empty(state: State) -> None:
    cloud = small_cloud()
    build(cloud, dump(state))
    assert_round_trip(cloud, export(cloud))
