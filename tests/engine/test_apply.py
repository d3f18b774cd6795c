"""What becomes of a plan: in order, in parallel, and a failure stops only what waits for it."""

from __future__ import annotations

import pytest

from reconciler import line
from reconciler.engine.apply import Status
from reconciler.engine.values import Action
from reconciler.errors import Conflict, Transient
from tests.support.fake_cloud import FakeCloud, Fault, Sent
from tests.support.runs import EVERYTHING, Runner, shown, went_wrong
from tests.support.small_cloud import small_cloud, small_runner

STATE = """
domains:
  d:
    description: ours
    users: {u: {}}
    projects:
      p:
        description: ours
        networks: {n: {description: x, tags: [t], subnets: {s: {cidr: 10.0.0.0/24}}}}
        security_groups: {web: {rules: [{direction: ingress}]}}
"""


@pytest.fixture
def cloud() -> FakeCloud:
    return small_cloud()


@pytest.fixture
def runner(cloud: FakeCloud) -> Runner:
    return small_runner(cloud)


def statuses(report: line.Report) -> dict[str, str]:
    return {str(o.change.address): o.status for o in report.outcomes}


def fail_on(cloud: FakeCloud, text: str) -> None:
    """Refuse every write whose path has this text in it."""

    def refuse(sent: Sent) -> None:
        if text in sent.path:
            raise Conflict("over quota", status=409, request_id="req-7")

    cloud.before_write = refuse


def test_everything_is_done_and_a_second_look_finds_nothing(runner: Runner) -> None:
    report = runner.apply(runner.desired(STATE))
    assert went_wrong(report) == []
    assert report.settled
    assert set(statuses(report).values()) == {Status.APPLIED}


def test_a_failure_stops_only_what_waits_for_it(cloud: FakeCloud, runner: Runner) -> None:
    fail_on(cloud, "/networks")
    report = runner.apply(runner.desired(STATE))
    found = statuses(report)
    assert found.pop("Network/d/p/n") == Status.FAILED
    assert found.pop("Subnet/d/p/n/s") == Status.SKIPPED
    assert set(found.values()) == {Status.APPLIED}
    failed = next(o for o in report.outcomes if o.status is Status.FAILED)
    assert (failed.error, failed.request_id) == ("over quota", "req-7")
    skipped = next(o for o in report.outcomes if o.status is Status.SKIPPED)
    assert skipped.error == "waits for Network/d/p/n, which was not done"
    assert not report.settled


def test_a_failure_far_above_stops_everything_below(cloud: FakeCloud, runner: Runner) -> None:
    fail_on(cloud, "/projects")
    found = statuses(runner.apply(runner.desired(STATE)))
    done = {address for address, status in found.items() if status == Status.APPLIED}
    assert done == {"Domain/d", "User/d/u"}
    assert found["SecurityGroup/d/p/web"] == Status.SKIPPED


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize("at", range(1, 13))
def test_after_a_failure_anywhere_the_next_run_goes_on(at: int, takes_effect: bool) -> None:
    cloud = small_cloud()
    runner = small_runner(cloud)
    desired = runner.desired(STATE)
    cloud.break_at(Fault(at, Transient("no answer"), takes_effect=takes_effect))
    report = runner.apply(desired)
    broken = [o for o in report.outcomes if o.status is Status.FAILED]
    assert len(broken) == 1
    cloud.break_at(None)
    assert runner.apply(desired).settled
    assert shown(runner.plan(desired)[0]) == []
    for path in ("/domains", "/projects", "/networks", "/subnets"):
        names = [(row["name"], row.get("project_id")) for row in cloud.rows[path].values()]
        assert len(names) == len(set(names))


def test_an_interrupt_finishes_what_is_in_flight_and_no_more(
    cloud: FakeCloud, runner: Runner
) -> None:
    desired = runner.desired(STATE)
    first = runner.plan(desired)
    cloud.break_at(None)
    report = line.carry_out(
        runner.target, desired, runner.policy, first, EVERYTHING, stopped=lambda: bool(cloud.writes)
    )
    assert report.interrupted
    assert report.left is None
    found = statuses(report)
    assert found["Domain/d"] == Status.APPLIED
    assert found["Subnet/d/p/n/s"] == Status.PENDING
    assert next(o for o in report.outcomes if o.status is Status.PENDING).error == "interrupted"
    assert went_wrong(runner.apply(desired)) == []


def test_listeners_hear_of_every_change_as_it_begins_and_ends(runner: Runner) -> None:
    heard: list[tuple[str, Status | None]] = []
    desired = runner.desired(STATE)
    line.carry_out(
        runner.target, desired, runner.policy, runner.plan(desired), EVERYTHING,
        listen=lambda change, status: heard.append((str(change.address), status)),
    )  # fmt: skip
    assert heard[:2] == [("Domain/d", None), ("Domain/d", Status.APPLIED)]
    assert len([one for one in heard if one[1] is Status.APPLIED]) == len(
        {address for address, _ in heard}
    )


def test_rules_that_come_with_a_group_are_kept_or_taken_away(
    cloud: FakeCloud, runner: Runner
) -> None:
    text = """
    domain: d
    projects:
      p:
        description: x
        security_groups:
          kept: {rules: [{direction: egress}]}
          none: {rules: []}
          unsaid: {}
    """
    report = runner.apply(runner.desired("domains: {d: {}}", text))
    assert went_wrong(report) == []
    rules = {
        group["name"]: sorted(
            rule["ethertype"]
            for rule in cloud.where("/security-group-rules", security_group_id=group["id"])
            if rule["direction"] == "egress"
        )
        for group in cloud.rows["/security-groups"].values()
    }
    assert rules == {"kept": ["IPv4"], "none": [], "unsaid": ["IPv4", "IPv6"],
                     "default": ["IPv4", "IPv6"]}  # fmt: skip
    assert not [s for s in cloud.writes if (s.method, s.path) == ("POST", "/security-group-rules")]


def test_an_edge_that_another_hand_made_meanwhile_is_what_was_wanted(
    cloud: FakeCloud, runner: Runner
) -> None:
    desired = runner.desired(STATE)

    def quicker(sent: Sent) -> None:
        if sent.path == "/security-group-rules" and sent.method == "POST":
            cloud.before_write = lambda _sent: None
            group = next(cloud.where("/security-groups", name="web"))
            cloud.add("/security-group-rules", {
                "direction": "ingress", "security_group_id": group["id"],
            })  # fmt: skip

    cloud.before_write = quicker
    assert went_wrong(runner.apply(desired)) == []
    assert any("already exists" in refusal for refusal in cloud.refusals)


def test_an_object_that_another_hand_made_meanwhile_is_not_made_twice(
    cloud: FakeCloud, runner: Runner
) -> None:
    runner.apply(runner.desired("domains: {d: {projects: {p: {description: x}}, description: x}}"))
    desired = runner.desired("domain: d\nproject: p\nnetworks: {n: {mtu: 1450}}\n")
    first = runner.plan(desired)
    project = next(cloud.where("/projects", name="p"))["id"]
    cloud.add("/networks", {"name": "n", "project_id": project})
    report = runner.apply(desired, first)
    (outcome,) = report.outcomes
    assert outcome.status is Status.FAILED
    assert "is there by now" in outcome.error
    assert len(cloud.rows["/networks"]) == 1


def test_a_change_by_another_hand_is_not_overwritten(cloud: FakeCloud, runner: Runner) -> None:
    runner.apply(runner.desired(STATE))
    desired = runner.desired(STATE.replace("description: x", "description: y"))
    first = runner.plan(desired)
    assert [str(c.address) for c in first[0].changes] == ["Network/d/p/n"]
    network = next(cloud.where("/networks", name="n"))
    network["description"] = "theirs"
    report = runner.apply(desired, first)
    (outcome,) = report.outcomes
    assert outcome.status is Status.SKIPPED
    assert "changed by another hand" in outcome.error
    assert network["description"] == "theirs"


def test_a_change_between_the_last_look_and_the_write_is_refused_by_the_service(
    cloud: FakeCloud, runner: Runner
) -> None:
    runner.apply(runner.desired(STATE))
    network = next(cloud.where("/networks", name="n"))

    def quicker(sent: Sent) -> None:
        if sent.path.startswith("/networks/") and network["description"] == "x":
            network["description"] = "theirs"
            cloud.bump(network)

    desired = runner.desired(STATE.replace("description: x", "description: y"))
    cloud.before_write = quicker
    runner.apply(desired)
    assert any("revision is another" in refusal for refusal in cloud.refusals)
    assert network["description"] == "theirs"


def test_what_is_gone_already_is_what_was_wanted(cloud: FakeCloud, runner: Runner) -> None:
    runner.apply(runner.desired(STATE))
    desired = runner.desired("domain: d\nusers: {u: {reconcile: {lifecycle: absent}}}\n")
    first = runner.plan(desired)
    user = next(cloud.where("/users", name="u"))["id"]
    cloud.remove("/users", user)
    report = runner.apply(desired, first)
    assert [o.status for o in report.outcomes] == [Status.APPLIED]


def test_only_what_changed_is_sent(cloud: FakeCloud, runner: Runner) -> None:
    runner.apply(runner.desired(STATE))
    network = next(cloud.where("/networks", name="n"))
    network["mtu"] = 1234
    cloud.break_at(None)
    runner.apply(runner.desired(STATE.replace("tags: [t]", "tags: [t, u]")))
    assert [(s.method, s.path.rsplit("/", 1)[-1]) for s in cloud.writes] == [("PUT", "tags")]
    assert network["mtu"] == 1234
    assert network["tags"] == ["reconciler:tests", "t", "u"]


def test_an_adoption_writes_the_mark_and_nothing_else(cloud: FakeCloud, runner: Runner) -> None:
    domain = cloud.add("/domains", {"name": "d", "description": "ours"})
    desired = runner.desired("domains: {d: {description: ours}}")
    report = runner.apply(desired)
    assert [(o.change.action, o.status) for o in report.outcomes] == [
        (Action.ADOPT, Status.APPLIED)
    ]
    assert domain["reconciler_owner"] == "tests"
    assert len(cloud.writes) == 1
