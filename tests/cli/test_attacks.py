"""What an attacker, a bad day or another hand could do, each time through ``reconciler apply``."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from time import time

import git
import pytest

from reconciler.cli.codes import Code
from reconciler.cloud.lease import Tenure
from reconciler.cloud.record import Lease, Record, attribute
from reconciler.kinds.registry import Kinds, load_kinds
from tests.cli.conftest import Call
from tests.cli.repository import Repository, actions, held
from tests.cli.test_guards import SEEN, groups, keep_record, named, nets, record_of, shop
from tests.support.fake_cloud import FakeCloud, Route, Row, Sent, Table, refused
from tests.support.fake_identity import MEMBERS
from tests.support.small_cloud import small_kinds

PRUNED = ("Domain", "Project", "User", "Network", "Subnet", "SecurityGroup", "Group", "Role")


@pytest.fixture
def repository(folder: Path, call: Call) -> Repository:
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings(*PRUNED)
    return found


def project_of(cloud: FakeCloud, name: str) -> Row:
    return next(p for p in cloud.rows["/projects"].values() if p["name"] == name)


def by_hand(cloud: FakeCloud, path: str, name: str, project: str = "shop", **more: object) -> Row:
    """Make what no apply made."""
    return cloud.add(path, {"name": name, "project_id": project_of(cloud, project)["id"], **more})


def rules(cloud: FakeCloud, group: Row) -> int:
    found = cloud.rows["/security-group-rules"].values()
    return sum(rule["security_group_id"] == group["id"] for rule in found)


@pytest.mark.parametrize("name", ["", "n"])
def test_a_project_is_in_use_by_what_has_no_address(
    repository: Repository, cloud: FakeCloud, name: str
) -> None:
    repository.commit(shop(nets("n")))
    repository.apply(SEEN)
    by_hand(cloud, "/networks", name)
    repository.commit("domains: {campus: {description: The campus}}")
    answer = repository.apply("--allow-delete", "5", code=Code.HELD)
    assert held(answer)["Project/campus/shop"] == "dependency"
    assert "shop" in named(cloud, "/projects")


@pytest.mark.parametrize("adopt", ["ask", "refuse"])
def test_what_lies_in_a_stranger_is_left_alone_until_it_is_adopted(
    repository: Repository, cloud: FakeCloud, adopt: str
) -> None:
    repository.settings(*PRUNED, more=f"adopt: {adopt}")
    repository.commit(shop())
    repository.apply()
    group = by_hand(cloud, "/security-groups", "web")
    cloud.add("/security-group-rules", {
        "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
        "security_group_id": group["id"], "project_id": group["project_id"],
    })  # fmt: skip
    repository.commit(
        shop("security_groups: {web: {rules: [{direction: ingress, ports: 80, protocol: tcp}]}}")
    )
    repository.apply("--allow-first-meeting", code=Code.HELD)
    assert rules(cloud, group) == 3
    assert group["tags"] == []


def test_a_target_is_no_way_around_adoption(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop())
    repository.apply()
    group = by_hand(cloud, "/security-groups", "web")
    repository.commit(shop("security_groups: {web: {rules: []}}"))
    words = ("--target", "SecurityGroupRule", "--allow-first-meeting")
    repository.apply(*words, code=Code.HELD)
    assert rules(cloud, group) == 2


def test_a_rename_to_a_name_that_a_stranger_has_deletes_nothing(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b", "d")))
    repository.apply(SEEN)
    by_hand(cloud, "/security-groups", "c")
    repository.commit(shop(
        "security_groups: {c: {description: a, reconcile: {previously: [a]}}, "
        "b: {description: b}, d: {description: d}}"
    ))  # fmt: skip
    repository.apply(SEEN, "--allow-adopt", code=Code.HELD)
    assert "a" in named(cloud, "/security-groups")


def test_a_rename_from_a_name_that_a_stranger_has_too_deletes_nothing(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b", "d")))
    repository.apply(SEEN)
    ours = next(r for r in cloud.rows["/security-groups"].values() if r["name"] == "a")
    by_hand(cloud, "/security-groups", "a")
    repository.commit(shop(
        "security_groups: {c: {description: a, reconcile: {previously: [a]}}, "
        "b: {description: b}, d: {description: d}}"
    ))  # fmt: skip
    repository.apply(SEEN)
    assert ours["name"] == "c"
    assert named(cloud, "/security-groups") == ["a", "b", "c", "d"]


def test_what_was_to_be_detached_is_not_deleted_later(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.settings(*PRUNED, more="limits: {kinds: {Network: {free: 5}}}")
    subnets = "subnets: {s: {cidr: 10.0.0.0/24}}"
    entry = f"n: {{mtu: 1400, reconcile: {{on_remove: detach}}, {subnets}}}"
    repository.commit(shop(f"networks: {{{entry}, m: {{mtu: 1400}}}}"))
    repository.apply(SEEN)
    repository.commit(shop(f"networks: {{n: {{{subnets}}}, m: {{mtu: 1400}}}}"))
    repository.apply(SEEN)
    repository.commit(shop("networks: {m: {mtu: 1400}}"))
    repository.apply(SEEN)
    assert "n" in named(cloud, "/networks")


def test_a_lost_record_is_not_forgotten_by_the_next_run(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b"), nets("n")))
    repository.apply(SEEN)
    del project_of(cloud, "admin")[attribute("us")]
    repository.commit(shop(groups("a", "c"), nets("n")))
    for _ in range(3):
        answer = repository.apply(SEEN, code=Code.HELD)
        assert held(answer) == {"SecurityGroup/campus/shop/b": "history"}
    assert named(cloud, "/security-groups") == ["a", "b", "c"]
    repository.apply(SEEN, "--allow-history")
    assert named(cloud, "/security-groups") == ["a", "c"]


def test_both_owners_marks_delete_nothing(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    row = next(r for r in cloud.rows["/security-groups"].values() if r["name"] == "a")
    row["tags"] = ["reconciler:them", "reconciler:us"]
    repository.commit(shop(groups("b")))
    answer = repository.apply(SEEN, code=Code.HELD)
    assert held(answer) == {"SecurityGroup/campus/shop/a": "ownership"}


def test_what_was_made_external_is_not_deleted_when_its_entry_goes(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    repository.commit(shop("security_groups: {a: {reconcile: {lifecycle: external}}, b: {}}"))
    repository.apply(SEEN)
    repository.commit(shop("security_groups: {b: {}}"))

    repository.call("apply", "--auto-approve", SEEN)
    assert named(cloud, "/security-groups") == ["a", "b"]


def test_the_group_that_makes_the_controller_admin_stays(repository: Repository) -> None:
    text = """
domains:
  Default:
    groups:
      admins: {description: x, users: [admin, ann]}
      other: {description: y}
      third: {description: z}
    users: {ann: {}, bob: {}}
    projects:
      lab: {description: lab, members: [{user: ann, role: admin}, {user: bob, role: admin}]}
      admin: {members: [{group: admins, role: admin}]}
"""
    repository.commit(text)
    repository.apply(SEEN)
    kept = (line for line in text.splitlines() if "admins" not in line)
    repository.commit("\n".join(kept))
    answer = repository.apply(SEEN, code=Code.HELD)
    assert held(answer)["Group/Default/admins"] == "self"


ADMINS = """
domains:
  Default:
    users: {{ann: {{email: a@b.c}}, bea: {{email: b@b.c}}, cyd: {{email: c@b.c}}}}
    groups: {{g1: {{description: x{users}}}, g2: {{description: y{users}}}}}
    projects:
      lab:
        description: lab
        members:
          - {{user: ann, role: admin}}
          - {{user: bea, role: admin}}
          - {{group: g1, role: admin}}
          - {{group: g2, role: admin}}
"""


@pytest.mark.parametrize("users", ["", ", users: []"])
def test_a_group_without_people_is_no_admin(repository: Repository, users: str) -> None:
    text = ADMINS.format(users=users)
    repository.commit(text)
    repository.apply(SEEN)
    for name in "ab":
        text = text.replace(f"{{email: {name}@b.c}}", "{enabled: false}")
    repository.commit(text)
    answer = repository.apply(SEEN, code=Code.HELD)
    assert set(held(answer).values()) == {"self"}


def test_who_is_in_a_group_of_admins_is_asked_where_nobody_declared_it(
    repository: Repository, cloud: FakeCloud
) -> None:
    text = ADMINS.format(users="")
    repository.commit(text)
    repository.apply(SEEN)
    ids = {row["name"]: row["id"] for path in ("/users", "/groups")
           for row in cloud.rows[path].values()}  # fmt: skip
    cloud.edges[MEMBERS].add((ids["g1"], ids["cyd"]))
    repository.commit(text.replace("{email: a@b.c}", "{enabled: false}"))
    repository.apply(SEEN)
    cloud.unreadable.add(f"/groups/{ids['g1']}/users")
    repository.commit(text.replace("{email: b@b.c}", "{enabled: false}"))
    answer = repository.apply(SEEN, code=Code.HELD)
    assert set(held(answer).values()) == {"incomplete"}
    assert [u["name"] for u in cloud.rows["/users"].values() if not u["enabled"]] == ["ann"]


def test_without_a_whole_list_of_assignments_nobody_loses_access(
    repository: Repository, cloud: FakeCloud
) -> None:
    text = """
domains:
  Default:
    users: {ann: {email: a@b.c}, bea: {email: b@b.c}}
    projects:
      lab:
        description: lab
        members: [{user: ann, role: admin}, {user: bea, role: admin}]
"""
    repository.settings(*PRUNED, more="limits: {min_admins: 3}")
    repository.commit(text)
    repository.apply(SEEN)
    cloud.unreadable.add("/role_assignments")
    repository.commit(text.replace("email: a@b.c", "enabled: false"))
    repository.apply(SEEN, code=Code.HELD)
    assert all(user["enabled"] for user in cloud.rows["/users"].values())


def test_a_domain_waits_for_a_project_that_is_not_empty(
    repository: Repository, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keystone takes the projects of a domain along, whatever another service keeps in them."""
    repository.commit(f"{shop()}  other: {{description: y}}\n")
    repository.apply(SEEN)
    one = {"servers": [{"id": "1"}]}
    servers = Route("compute", "GET", re.compile("/servers"), lambda *_: one)
    monkeypatch.setattr(cloud, "routes", (*cloud.routes, servers))
    services = frozenset({"identity", "network", "compute"})
    who = replace(cloud.who(), services=services)
    monkeypatch.setattr(cloud, "who", lambda: who)
    repository.commit("domains: {other: {description: y}}")
    answer = repository.apply("--allow-delete", "5", code=Code.HELD)
    assert held(answer) == {"Project/campus/shop": "dependency", "Domain/campus": "dependency"}
    assert "shop" in named(cloud, "/projects")
    assert all(domain["enabled"] for domain in cloud.rows["/domains"].values())


def test_a_server_that_came_after_the_plan_saves_its_project(
    repository: Repository, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit(f"{shop()}  other: {{description: y}}\n")
    repository.apply(SEEN)
    one: dict[str, list[dict[str, str]]] = {"servers": []}
    servers = Route("compute", "GET", re.compile("/servers"), lambda *_: one)
    monkeypatch.setattr(cloud, "routes", (*cloud.routes, servers))
    who = replace(cloud.who(), services=frozenset({"identity", "network", "compute"}))
    monkeypatch.setattr(cloud, "who", lambda: who)
    repository.commit("domains: {campus: {description: x}, other: {description: y}}")
    # The first write is that of the record: somebody is quicker than the delete.
    cloud.before_write = lambda _sent: one["servers"].append({"id": "1"})
    answer = repository.apply("--allow-delete", "5", code=Code.HELD)
    assert "by now" in str(answer["outcomes"])
    assert "shop" in named(cloud, "/projects")


@pytest.fixture
def scopes(cloud: FakeCloud, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    """Give a cloud with a kind of objects, address scopes, that takes no mark."""
    names = {kind.name for kind in small_kinds()} | {"AddressScope"}
    kinds = Kinds(kind for kind in load_kinds() if kind.name in names)
    monkeypatch.setattr("reconciler.cli.run.load_kinds", lambda: kinds)
    blank = {"name": "", "project_id": None, "ip_version": 4, "shared": False}
    table = Table("network", "/address-scopes", "address_scope", "address_scopes", blank)
    cloud.tables[table.path], cloud.rows[table.path] = table, {}
    repository.settings(*PRUNED, "AddressScope")
    return cloud


def test_the_default_group_keeps_what_hands_added_until_somebody_saw_it(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop())
    repository.apply(SEEN)
    by_hand(cloud, "/networks", "n")
    group = next(
        g for g in cloud.rows["/security-groups"].values()
        if g["project_id"] == project_of(cloud, "shop")["id"]
    )  # fmt: skip
    for port in (22, 80, 443):
        cloud.add("/security-group-rules", {
            "direction": "ingress", "protocol": "tcp", "port_range_min": port,
            "port_range_max": port, "security_group_id": group["id"],
            "project_id": group["project_id"],
        })  # fmt: skip
    repository.commit(shop("security_groups: {default: {rules: []}}"))
    repository.apply(code=Code.HELD)
    assert rules(cloud, group) == 3


def test_a_stranger_that_takes_no_mark_is_not_adopted_unseen_and_deleted(
    repository: Repository, scopes: FakeCloud
) -> None:
    repository.commit(shop())
    repository.apply()
    by_hand(scopes, "/address-scopes", "theirs")
    stated = "address_scopes: {theirs: {ip_version: 4}, ours: {ip_version: 4}}"
    repository.commit(shop(stated))
    for _ in range(2):
        answer = repository.apply(SEEN, code=Code.HELD)
        assert held(answer) == {"AddressScope/campus/shop/theirs": "approval"}
    repository.commit(shop())
    answer = repository.apply(SEEN, code=Code.HELD)
    assert held(answer) == {"AddressScope/campus/shop/ours": "unsettled"} | {
        "AddressScope/campus/shop/theirs": "unsettled"
    }
    repository.commit(shop(stated))
    repository.apply("--allow-adopt")
    assert actions(repository.apply()) == {}
    repository.commit(shop("address_scopes: {ours: {ip_version: 4}}"))
    repository.apply(SEEN)
    assert named(scopes, "/address-scopes") == ["ours"]


def test_a_refused_change_of_what_takes_no_mark_is_refused_again(
    repository: Repository, scopes: FakeCloud
) -> None:
    repository.commit(shop())
    repository.apply()
    row = by_hand(scopes, "/address-scopes", "theirs")
    repository.commit(shop("address_scopes: {theirs: {ip_version: 4, shared: true}}"))
    for _ in range(2):
        answer = repository.apply(SEEN, code=Code.HELD)
        assert held(answer) == {"AddressScope/campus/shop/theirs": "approval"}
    assert row["shared"] is False


def test_what_was_given_back_is_never_spent_twice() -> None:
    """A delete that was not made after all must not add to the budget of the next day."""
    noted = Record().spend({"Network": 5}, 1000.4).spend({"Network": -5}, 1000.4)
    noted = noted.spend({"Network": 3}, 4000.0)
    assert noted.spent("Network", 1000.0 + 86401) == 3
    assert len(noted.deleted["Network"]) == 1


def test_a_yes_is_for_the_plan_that_was_seen_and_no_other(
    repository: Repository, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run that wrote between the plan and the lease may have changed what it is about."""
    repository.commit(shop(groups("a")))
    repository.apply(SEEN)
    row = next(r for r in cloud.rows["/security-groups"].values() if r["name"] == "a")
    repository.commit(shop(groups("a").replace("description: a", "description: new")))
    plan = repository.plan()["plan_id"]
    done: list[int] = []
    whole = Tenure.__enter__

    def late(tenure: Tenure) -> Tenure:
        if not done:
            done.append(1)
            keep_record(cloud, lambda record: replace(record, met=record.met | {"Role"}))
            row["stateful"], row["description"] = False, "theirs"
            row["revision_number"] += 1
        return whole(tenure)

    monkeypatch.setattr(Tenure, "__enter__", late)
    assert repository.call("apply", "--plan-id", plan).exit_code == Code.STALE
    assert row["description"] == "theirs"


def test_of_two_that_take_the_lease_at_once_one_writes(
    repository: Repository, cloud: FakeCloud
) -> None:
    """The other's write came right after ours: what we read back is its record."""
    repository.commit(shop())
    repository.apply()
    repository.commit(shop(groups("a")))
    table = cloud.tables["/projects"]

    def overwritten(of: FakeCloud, row: Row) -> Row:
        if row["name"] == "admin" and record_of(of).lease:
            theirs = Lease("elsewhere:1 boot/ns 1", time() + 60)
            keep_record(of, lambda record: replace(record, lease=theirs))
        return table.shown(of, row)

    cloud.tables["/projects"] = replace(table, shown=overwritten)
    result = repository.call("apply", "--auto-approve")
    assert result.exit_code == Code.LOCKED, result.output
    assert named(cloud, "/security-groups") == []


def test_a_report_is_not_lost_with_the_record(repository: Repository, cloud: FakeCloud) -> None:
    """What was done is told, although the record could not hear of it any more."""
    repository.commit(shop())
    repository.apply()
    repository.commit(shop(groups("a")))
    seen = []

    def lost(sent: Sent) -> None:
        if "/tags" in sent.path:
            seen.append(sent)
        if seen and sent.path.startswith("/projects/"):
            raise refused(503, "The server is currently unavailable.")

    cloud.before_write = lost
    result = repository.call("apply", "--auto-approve", "-o", "json")
    assert result.exit_code == Code.FAILED, result.output
    assert "SecurityGroup/campus/shop/a" in result.stdout
    assert "applied" in result.stdout


def test_a_later_pass_makes_nothing_again_that_was_only_to_be_changed(
    repository: Repository, cloud: FakeCloud
) -> None:
    """What another hand makes of an object while we work is a new plan, for somebody to see."""
    repository.commit(shop("networks: {a: {mtu: 1400, provider: {network_type: geneve}}}"))
    repository.apply()
    repository.commit(shop("networks: {a: {mtu: 1300, provider: {network_type: geneve}}}"))
    row = next(r for r in cloud.rows["/networks"].values() if r["name"] == "a")
    puts = []

    def meddle(sent: Sent) -> None:
        if sent.path == f"/networks/{row['id']}":
            puts.append(sent)
            row["provider:network_type"] = "vxlan"

    cloud.before_write = meddle
    repository.call("apply", "--auto-approve", SEEN, "--allow-replace", "--allow-delete", "9")
    assert [sent.method for sent in puts] == ["PUT"]
