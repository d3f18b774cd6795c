"""Creates that share requests: fewer of them, and none is less careful for it."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlsplit

import pytest

from reconciler import line
from reconciler.cloud.live import owners
from reconciler.engine import steps
from reconciler.engine.apply import Status, apply_plan
from reconciler.engine.bodies import Context
from reconciler.engine.together import MOST
from reconciler.engine.values import Change
from reconciler.errors import Conflict, Transient
from tests.support.fake_cloud import FakeCloud, Fault, Sent, refused
from tests.support.runs import OWNER, Runner, shown, went_wrong
from tests.support.small_cloud import small_cloud, small_runner

NAMES = [f"n{number:02}" for number in range(30)]


def state(*collections: str) -> str:
    inside = "".join(f"\n        {one}" for one in collections)
    above = "domains:\n  d:\n    description: ours\n    projects:\n      p:\n"
    return f"{above}        description: ours{inside}\n"


def networks(*names: str) -> str:
    return "networks: {" + ", ".join(f"{name}: {{mtu: 1400}}" for name in names) + "}"


RULES = ", ".join(f"{{direction: ingress, protocol: tcp, ports: {port}}}" for port in range(1, 7))
GROUPS = f"security_groups: {{web: {{rules: [{RULES}]}}, db: {{rules: [{RULES}]}}}}"


@pytest.fixture
def cloud() -> FakeCloud:
    return small_cloud()


@pytest.fixture
def runner(cloud: FakeCloud) -> Runner:
    return small_runner(cloud)


def counts(cloud: FakeCloud, method: str) -> Counter[str]:
    return Counter(urlsplit(one.path).path for one in cloud.sent if one.method == method)


def failed(report: line.Report) -> dict[str, str]:
    return {str(o.change.address): o.error for o in report.outcomes if o.status is Status.FAILED}


def test_a_page_of_creates_takes_one_look_and_one_body(cloud: FakeCloud, runner: Runner) -> None:
    first = runner.plan(runner.desired(state(networks(*NAMES))))
    cloud.sent.clear()
    report = runner.apply(runner.desired(state(networks(*NAMES))), first)
    assert went_wrong(report) == []
    assert sorted(row["name"] for row in cloud.rows["/networks"].values()) == NAMES
    assert counts(cloud, "POST")["/networks"] < len(NAMES) / 4
    looks = [one for one in cloud.sent if one.method == "GET" and "name=n" in one.path]
    assert len(looks) <= counts(cloud, "POST")["/networks"]
    kind = runner.target.kinds["Network"]
    assert all(owners(kind, row) == {OWNER} for row in cloud.rows["/networks"].values())


def test_the_rules_of_one_group_share_a_body_and_those_of_two_never_do(
    cloud: FakeCloud, runner: Runner
) -> None:
    report = runner.apply(runner.desired(state(GROUPS)))
    assert went_wrong(report) == []
    assert report.settled
    assert counts(cloud, "POST")["/security-group-rules"] == 2


def test_where_one_of_many_is_refused_the_others_are_made_and_it_is_named(
    cloud: FakeCloud, runner: Runner
) -> None:
    taken = state("networks: {n: {mtu: 1400, subnets: {a: {cidr: 10.0.0.0/24}}}}")
    assert went_wrong(runner.apply(runner.desired(taken))) == []
    subnets = ", ".join(f"s{at}: {{cidr: 10.0.{at}.0/24}}" for at in range(12))
    wanted = state(f"networks: {{n: {{mtu: 1400, subnets: {{{subnets}}}}}}}")
    cloud.sent.clear()
    report = runner.apply(runner.desired(wanted))
    assert list(failed(report)) == ["Subnet/d/p/n/s0"]
    assert "overlaps" in failed(report)["Subnet/d/p/n/s0"]
    made = sorted(row["name"] for row in cloud.rows["/subnets"].values())
    assert made == sorted({"a", *(f"s{at}" for at in range(1, 12))})


def test_what_another_hand_made_meanwhile_is_not_made_twice(
    cloud: FakeCloud, runner: Runner
) -> None:
    desired = runner.desired(state(networks(*NAMES[:12])))
    runner.apply(runner.desired(state()))
    first = runner.plan(desired)
    project = next(p["id"] for p in cloud.rows["/projects"].values() if p["name"] == "p")
    cloud.add("/networks", {"name": NAMES[5], "project_id": project})
    report = runner.apply(desired, first)
    assert list(failed(report)) == [f"Network/d/p/{NAMES[5]}"]
    assert "is there by now" in failed(report)[f"Network/d/p/{NAMES[5]}"]
    assert sorted(row["name"] for row in cloud.rows["/networks"].values()) == NAMES[:12]


def test_one_of_the_same_name_in_another_project_is_no_reason_to_stop(
    cloud: FakeCloud, runner: Runner
) -> None:
    desired = runner.desired(state(networks(*NAMES[:12])))
    runner.apply(runner.desired(state()))
    first = runner.plan(desired)
    other = next(p["id"] for p in cloud.rows["/projects"].values() if p["name"] == "admin")
    cloud.add("/networks", {"name": NAMES[5], "project_id": other})
    cloud.sent.clear()
    assert went_wrong(runner.apply(desired, first)) == []
    looks = [one for one in cloud.sent if one.method == "GET" and "name=n" in one.path]
    assert len(looks) < len(NAMES[:12])


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize("status", [0, 503, 504])
def test_after_a_lost_answer_nothing_is_sent_again_before_the_next_look(
    cloud: FakeCloud, runner: Runner, status: int, *, takes_effect: bool
) -> None:
    desired = runner.desired(state(networks(*NAMES)))
    runner.apply(runner.desired(state()))
    first = runner.plan(desired)
    lost = Transient("no answer", service="network", status=status)
    cloud.break_at(Fault(1, lost, takes_effect=takes_effect))
    plan, live = first
    outcomes = apply_plan(plan, line.make_context(runner.target, desired, live, OWNER))
    broken = [o for o in outcomes if o.status is Status.FAILED]
    assert 1 < len(broken) <= MOST
    bodies = counts(cloud, "POST")["/networks"]
    assert bodies < len(NAMES) / 4  # none of those was sent alone
    runner.apply(desired)
    assert sorted(row["name"] for row in cloud.rows["/networks"].values()) == NAMES
    assert shown(runner.plan(desired)[0]) == []


def test_what_was_made_although_the_service_broke_is_not_made_twice(
    cloud: FakeCloud, runner: Runner
) -> None:
    desired = runner.desired(state(networks(*NAMES)))
    runner.apply(runner.desired(state()))
    first = runner.plan(desired)
    cloud.break_at(Fault(1, refused(500, "internal server error"), takes_effect=True))
    report = runner.apply(desired, first)
    assert all("is there by now" in error for error in failed(report).values())
    assert sorted(row["name"] for row in cloud.rows["/networks"].values()) == NAMES


def test_what_breaks_the_service_does_not_keep_the_others_from_being_made(
    cloud: FakeCloud, runner: Runner
) -> None:
    desired = runner.desired(state(networks(*NAMES)))
    runner.apply(runner.desired(state()))
    first = runner.plan(desired)
    cloud.break_at(Fault(1, refused(500, "internal server error")))
    report = runner.apply(desired, first)
    assert went_wrong(report) == []
    assert sorted(row["name"] for row in cloud.rows["/networks"].values()) == NAMES


def test_once_stopped_nothing_more_begins_and_what_has_begun_is_finished(
    cloud: FakeCloud, runner: Runner
) -> None:
    desired = runner.desired(state(networks(*NAMES), GROUPS))
    runner.apply(runner.desired(state()))
    plan, live = runner.plan(desired)
    stop: list[Sent] = []

    def note(sent: Sent) -> None:
        if sent.method == "POST" and not stop:
            stop.append(sent)
            raise Conflict("over quota", status=409)

    cloud.before_write = note
    outcomes = apply_plan(
        plan, line.make_context(runner.target, desired, live, OWNER), stopped=lambda: bool(stop)
    )
    pending = [o for o in outcomes if o.status is Status.PENDING]
    assert pending
    kind = runner.target.kinds["Network"]
    assert all(owners(kind, row) == {OWNER} for row in cloud.rows["/networks"].values())
    assert cloud.rows["/networks"]


def test_a_bug_in_one_of_them_is_told_and_the_others_are_made(
    cloud: FakeCloud, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    desired = runner.desired(state(networks(*NAMES)))
    runner.apply(runner.desired(state()))
    plain = steps.draft

    def broken(change: Change, context: Context) -> steps.Draft:
        if change.address.name == NAMES[3]:
            raise KeyError("mtu")
        return plain(change, context)

    monkeypatch.setattr("reconciler.engine.together.draft", broken)
    report = runner.apply(desired)
    assert list(failed(report)) == [f"Network/d/p/{NAMES[3]}"]
    assert "internal error, please report it: KeyError" in failed(report)[f"Network/d/p/{NAMES[3]}"]
    assert len(cloud.rows["/networks"]) == len(NAMES) - 1
