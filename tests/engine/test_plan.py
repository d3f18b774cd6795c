"""What a plan holds and why, and the order that it gives."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import TopologicalSorter

import pytest

from reconciler import line
from reconciler.engine.policy import Policy, Releases
from reconciler.engine.values import Action, Change, Plan, Reason
from reconciler.kinds.address import Address
from tests.support.fake_cloud import FakeCloud, Row
from tests.support.runs import Runner, runner_for, shown, went_wrong
from tests.support.small_cloud import small_cloud, small_kinds, small_runner

NET = "domain: d\nproject: p\nnetworks: {n: {%s}}\n"
WHOLE = """
domains:
  d:
    description: ours
    users: {u: {}}
    groups: {g: {users: [u]}}
    projects:
      p:
        description: ours
        members: [{group: g, role: member}]
        networks: {n: {description: x, subnets: {s: {cidr: 10.0.0.0/24}}}}
        security_groups:
          web: {rules: [{direction: ingress, remote: {group: db}}]}
          db: {rules: [{direction: ingress, remote: {group: web}}]}
"""


@pytest.fixture
def cloud() -> FakeCloud:
    """Give a cloud with the domain d, the project p and a network n made by another hand."""
    cloud = small_cloud()
    domain = cloud.add("/domains", {"name": "d"})["id"]
    cloud.add("/projects", {"name": "p", "domain_id": domain})
    network(cloud)
    return cloud


@pytest.fixture
def runner(cloud: FakeCloud) -> Runner:
    return small_runner(cloud)


def network(cloud: FakeCloud, name: str = "n", **fields: object) -> Row:
    project = next(cloud.where("/projects", name="p"))["id"]
    return cloud.add("/networks", {"name": name, "project_id": project, **fields})


def plan_of(runner: Runner, *texts: str) -> Plan:
    return runner.plan(runner.desired(*texts))[0]


def change_at(plan: Plan, address: str) -> Change:
    return next(c for c in plan.changes if c.address == Address.parse(address))


def held(plan: Plan, address: str) -> tuple[Action, Reason | None]:
    change = change_at(plan, address)
    return change.action, change.held.reason if change.held else None


def test_what_is_there_and_unmarked_is_adopted(runner: Runner) -> None:
    plan = plan_of(runner, NET % "mtu: 1450")
    assert held(plan, "Network/d/p/n") == (Action.ADOPT, None)
    assert plan.empty
    assert went_wrong(runner.apply(runner.desired(NET % "mtu: 1450"))) == []


def test_two_of_one_name_are_held_ambiguous(cloud: FakeCloud, runner: Runner) -> None:
    network(cloud)
    plan = plan_of(runner, NET % "mtu: 1400")
    assert held(plan, "Network/d/p/n") == (Action.UPDATE, Reason.AMBIGUOUS)


def test_the_one_of_two_that_is_ours_is_the_one(cloud: FakeCloud, runner: Runner) -> None:
    ours = network(cloud)
    ours["tags"] = ["reconciler:tests"]
    plan = plan_of(runner, NET % "mtu: 1400")
    change = change_at(plan, "Network/d/p/n")
    assert change.live is not None
    assert (change.action, change.held, change.live.id) == (Action.UPDATE, None, ours["id"])


def test_an_id_decides_between_two(cloud: FakeCloud, runner: Runner) -> None:
    other = network(cloud)
    plan = plan_of(runner, NET % f"mtu: 1400, reconcile: {{id: '{other['id']}'}}")
    change = change_at(plan, "Network/d/p/n")
    assert change.live is not None
    assert (change.held, change.live.id) == (None, other["id"])


def test_what_carries_anothers_mark_is_held(cloud: FakeCloud, runner: Runner) -> None:
    next(cloud.where("/networks", name="n"))["tags"] = ["reconciler:other"]
    for fields in ("mtu: 1400", "mtu: 1450", "reconcile: {lifecycle: absent}"):
        plan = plan_of(runner, NET % fields)
        assert held(plan, "Network/d/p/n")[1] is Reason.OWNERSHIP, fields


REPLACED = NET % "subnets: {s: {cidr: 10.1.0.0/24%s}}"


def letting(address: str) -> Policy:
    return Policy("tests", releases=Releases(frozenset({address})))


@pytest.mark.parametrize(
    ("option", "policy", "reason"),
    [
        ("", Policy("tests"), Reason.REPLACE),
        (", reconcile: {replace: allow}", Policy("tests"), None),
        ("", letting("*"), None),
        ("", letting("Subnet/d/p/n/s"), None),
        ("", letting("Subnet/d/p/n/t"), Reason.REPLACE),
        (", reconcile: {replace: allow, protect: true}", Policy("tests"), Reason.PROTECTED),
    ],
)
def test_what_cannot_change_in_place_is_replaced_when_allowed(
    cloud: FakeCloud, runner: Runner, option: str, policy: Policy, reason: Reason | None
) -> None:
    runner.apply(runner.desired(NET % "subnets: {s: {cidr: 10.0.0.0/24}}"))
    runner = runner_for(cloud, cloud.who(), small_kinds(), policy)
    desired = runner.desired(REPLACED % option)
    plan, live = runner.plan(desired)
    assert held(plan, "Subnet/d/p/n/s") == (Action.REPLACE, reason), shown(plan)
    report = runner.apply(desired, (plan, live))
    cidrs = [s["cidr"] for s in cloud.rows["/subnets"].values()]
    assert cidrs == (["10.0.0.0/24"] if reason else ["10.1.0.0/24"])
    assert report.settled


def test_what_was_not_read_whole_is_held_and_the_rest_goes_on(
    cloud: FakeCloud, runner: Runner
) -> None:
    cloud.unreadable = {"/networks"}
    plan = plan_of(runner, WHOLE)
    for address in ("Network/d/p/n", "Subnet/d/p/n/s"):
        assert held(plan, address)[1] is Reason.INCOMPLETE, shown(plan)
    assert held(plan, "SecurityGroup/d/p/web") == (Action.CREATE, None)
    assert not plan.observed["Network"].complete
    assert "unavailable" in plan.observed["Network"].why


def test_an_incomplete_list_takes_nothing_away(cloud: FakeCloud, runner: Runner) -> None:
    runner.apply(runner.desired(WHOLE))
    cloud.unreadable = {"/users"}
    plan = plan_of(runner, WHOLE.replace("users: [u]", "users: []"))
    assert [c for c in plan.changes if c.action is Action.DELETE and not c.held] == []


def test_what_waits_for_what_is_held_is_held(cloud: FakeCloud, runner: Runner) -> None:
    network(cloud)
    plan = plan_of(runner, NET % "mtu: 1400, subnets: {s: {cidr: 10.0.0.0/8}}")
    assert held(plan, "Subnet/d/p/n/s")[1] in (Reason.DEPENDENCY, Reason.AMBIGUOUS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("domain: d\nproject: nowhere\nnetworks: {n: {}}\n", "is not in the cloud"),
        ("domain: d\nusers: {u: {reconcile: {lifecycle: external}}}\ngroups: {g: {users: [u]}}\n",
         "is declared external, and is not in the cloud"),
    ],
)  # fmt: skip
def test_what_refers_to_what_is_not_there_is_held(runner: Runner, text: str, says: str) -> None:
    plan = plan_of(runner, text)
    reasons = [c.held for c in plan.changes if c.held]
    assert {r.reason for r in reasons} == {Reason.DEPENDENCY}, shown(plan)
    assert any(says in r.detail for r in reasons), shown(plan)


def test_what_is_in_use_is_not_deleted(runner: Runner) -> None:
    runner.apply(runner.desired(WHOLE))
    plan = plan_of(runner, NET % "reconcile: {lifecycle: absent}")
    change = change_at(plan, "Network/d/p/n")
    assert change.held is not None
    assert (change.held.reason, change.held.detail) == (Reason.DEPENDENCY, "in use by 1 Subnet")
    gone = "reconcile: {lifecycle: absent}"
    both = plan_of(runner, NET % f"{gone}, subnets: {{s: {{{gone}}}}}")
    assert [c.held for c in both.changes] == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        "domain: Default\nprojects: {admin: {reconcile: {lifecycle: absent}}}\n",
        "domain: Default\nusers: {admin: {reconcile: {lifecycle: absent}}}\n",
        "domains: {Default: {reconcile: {lifecycle: absent}}}\n",
        "roles: {member: {reconcile: {lifecycle: absent}}}\n",
    ],
)
def test_nobody_saws_off_the_branch_that_it_sits_on(runner: Runner, text: str) -> None:
    (change,) = plan_of(runner, text).changes
    assert change.held is not None
    assert change.held.reason is Reason.SELF


def test_the_controller_never_takes_its_own_rights_away(cloud: FakeCloud, runner: Runner) -> None:
    text = "domain: Default\nusers: {u: {}}\nprojects: {admin: {tags: [], members: [%s]}}\n"
    runner.apply(runner.desired(text % "{user: u, role: member}"))
    assert went_wrong(runner.apply(runner.desired(text % ""))) == []
    left = {edge for edge in cloud.edges["assignments"] if edge[0] == "projects"}
    assert {edge[3] for edge in left} == {cloud.who().user_id}


def test_only_observed_is_only_told(runner: Runner) -> None:
    plan = plan_of(runner, NET % "mtu: 1400, reconcile: {mode: observe}")
    assert held(plan, "Network/d/p/n") == (Action.UPDATE, Reason.SUSPENDED)


def test_a_new_name_is_a_rename(cloud: FakeCloud, runner: Runner) -> None:
    runner.apply(runner.desired(NET % "subnets: {s: {cidr: 10.0.0.0/24}}", NET % "mtu: 1400"))
    renamed = NET % "mtu: 1400, reconcile: {previously: [n]}, subnets: {s: {cidr: 10.0.0.0/24}}"
    desired = runner.desired(renamed.replace("{n:", "{m:"))
    plan, live = runner.plan(desired)
    assert shown(plan) == ["update Network/d/p/m name: 'n' → 'm'"]
    assert went_wrong(runner.apply(desired, (plan, live))) == []
    assert [n["name"] for n in cloud.rows["/networks"].values()] == ["m"]


def position(plan: Plan) -> dict[str, int]:
    order = TopologicalSorter({c.address: c.after for c in plan.changes}).static_order()
    return {str(address): at for at, address in enumerate(order)}


def test_things_are_made_after_what_they_need() -> None:
    plan = plan_of(small_runner(small_cloud()), WHOLE)
    at = position(plan)
    assert at["Domain/d"] < at["Project/d/p"] < at["Network/d/p/n"] < at["Subnet/d/p/n/s"]
    assert at["User/d/u"] < at["GroupMember/d/g/u"]
    assert at["Group/d/g"] < at["RoleAssignment/project/d/p/group/d/g/member"]
    # Groups that admit each other are no circle: the rules come after both.
    for rule in (
        "SecurityGroupRule/d/p/web/ingress group db",
        "SecurityGroupRule/d/p/db/ingress group web",
    ):
        assert at[rule] > max(at["SecurityGroup/d/p/web"], at["SecurityGroup/d/p/db"])


def test_things_are_unmade_after_what_leans_on_them(runner: Runner) -> None:
    runner.apply(runner.desired(WHOLE))
    gone = "{reconcile: {lifecycle: absent}}"
    plan = plan_of(
        runner,
        f"domains: {{d: {gone}}}",
        f"domain: d\nprojects: {{p: {gone}}}\nusers: {{u: {gone}}}\ngroups: {{g: {gone}}}\n",
        f"domain: d\nproject: p\nnetworks: {{n: {{reconcile: {{lifecycle: absent}}, "
        f"subnets: {{s: {gone}}}}}}}\nsecurity_groups: {{web: {gone}, db: {gone}}}\n",
    )
    at = position(plan)
    assert [c.held for c in plan.changes if c.held] == []
    assert at["Subnet/d/p/n/s"] < at["Network/d/p/n"] < at["Project/d/p"] < at["Domain/d"]
    assert max(at["User/d/u"], at["Group/d/g"]) < at["Domain/d"]


def test_a_plan_can_be_kept_to_what_is_asked_for() -> None:
    runner = small_runner(small_cloud())
    desired = runner.desired(WHOLE)

    def addresses(targets: Sequence[str] = (), excludes: Sequence[str] = ()) -> set[str]:
        chosen = line.Selection(targets, excludes)
        plan, _ = line.plan_for(runner.target, desired, runner.policy, chosen)
        return {str(c.address) for c in plan.changes}

    assert addresses(targets=["Subnet/*"]) == {
        "Domain/d", "Project/d/p", "Network/d/p/n", "Subnet/d/p/n/s",
    }  # fmt: skip
    everything = addresses()
    assert everything - addresses(excludes=["User"]) == {"User/d/u"}


def test_a_plan_has_an_id_that_hangs_on_what_it_says(cloud: FakeCloud, runner: Runner) -> None:
    first = plan_of(runner, NET % "mtu: 1400")
    assert plan_of(runner, NET % "mtu: 1400").id == first.id
    assert plan_of(runner, NET % "mtu: 1300").id != first.id
    next(cloud.where("/networks", name="n"))["mtu"] = 1200
    assert plan_of(runner, NET % "mtu: 1400").id != first.id
