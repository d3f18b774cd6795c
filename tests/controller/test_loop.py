"""The loop: what wakes it, what a run comes to, and that nothing ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import time

import git
import pytest

from reconciler import settings
from reconciler.chronicle import Chronicle
from reconciler.cloud.last import Last
from reconciler.cloud.record import Approval, Lease, Record, approve, read_record, write_record
from reconciler.controller.course import Course, Source
from reconciler.controller.local import LocalSource
from reconciler.controller.loop import Loop, Requests, Surroundings, first_status
from reconciler.controller.remote import RemoteSource
from reconciler.controller.status import (
    CloudStatus,
    Pause,
    Phase,
    Result,
    Scope,
    SourceStatus,
    Trigger,
    Written,
)
from reconciler.controller.wakeups import Wakeups
from reconciler.engine.apply import Status
from reconciler.engine.values import Action, Cause, Reason
from reconciler.errors import Denied, Rejected, Transient, Trouble
from reconciler.ledger import Repository
from reconciler.line import Target
from reconciler.settings import CloudSettings, Mode, Window
from reconciler.state.follow import follow
from reconciler.state.source import Revision, head_of
from tests.support.commits import commit, start_repository
from tests.support.fake_cloud import FakeCloud, Sent, refused
from tests.support.git_server import git as git_by_name
from tests.support.small_cloud import small_cloud, small_kinds

GROUPS = """
domains:
  campus:
    description: The campus
    projects:
      shop:
        description: The shop
        security_groups: {a: {description: a}, b: {description: b}}
"""


@dataclass(slots=True)
class World:
    """A repository, a cloud, and a loop between them."""

    folder: Path
    cloud: FakeCloud
    loop: Loop
    told: list[CloudStatus]
    written: list[int]
    """How many writes there had been at each that was told."""
    pauses: list[Pause]
    error: Exception | None = None

    def commit(self, text: str) -> str:
        return commit(self.folder, {"desired_state/all.yaml": text})

    def once(self, trigger: Trigger = Trigger.INTERVAL) -> CloudStatus:
        return self.loop.once(trigger)

    def use(self, **words: object) -> None:
        settings = self.loop.course.settings.model_copy(update=words)
        self.loop.course = replace(self.loop.course, settings=settings)

    def record(self, change: Callable[[Record], Record]) -> None:
        who = self.cloud.who()
        found = read_record(self.cloud, who.project_id, "us") or Record()
        write_record(self.cloud, who.project_id, "us", change(found))

    def meet(self, kind: str) -> None:
        self.record(lambda record: replace(record, met=record.met | {kind}))

    def approve(self, plan_id: str) -> None:
        now, who = time(), self.cloud.who()
        approve(self.cloud, who.project_id, "us", Approval(plan_id, now + 60, "ann"), now)

    def by_hand(self, name: str, description: str) -> None:
        rows = self.cloud.rows["/security-groups"].values()
        row = next(r for r in rows if r["name"] == name)
        row["description"] = description
        row["revision_number"] += 1


@pytest.fixture
def world(tmp_path: Path) -> World:
    start_repository(tmp_path)
    cloud, kinds = small_cloud(), small_kinds()
    told: list[CloudStatus] = []
    written: list[int] = []
    pauses: list[Pause] = []
    found: list[World] = []
    last = Last()

    def connect() -> Target:
        if found and found[0].error is not None:
            raise found[0].error
        return Target(cloud, cloud.who(), "prod", kinds, last=last)

    course = Course(
        "prod", "us", CloudSettings(mode=Mode.ENFORCE, heal=True), kinds,
        LocalSource(tmp_path, "desired_state"), connect, Chronicle(tmp_path / "told.sqlite3"),
    )  # fmt: skip

    def publish(status: CloudStatus) -> None:
        told.append(status)
        written.append(len(cloud.writes))

    around = Surroundings(
        publish=publish, beat=lambda _cloud, _until: None,
        pauses=lambda _cloud: tuple(pauses), chance=lambda: 0.5,
    )  # fmt: skip
    first = first_status(course, "HEAD", SourceStatus("", "HEAD"), 60.0)
    loop = Loop(course, first, Wakeups(["prod"]), around, Requests())
    found.append(World(tmp_path, cloud, loop, told, written, pauses))
    return found[0]


def test_a_commit_is_applied_and_told(world: World) -> None:
    revision = world.commit(GROUPS)
    status = world.once(Trigger.COMMIT)
    assert status.run is not None
    assert (status.run.result, status.run.error) == (Result.APPLIED, "")
    assert status.run.revision == status.source.revision == revision
    assert set(status.run.seconds) == set(Phase)
    assert status.managed["SecurityGroup"] == 2
    assert status.applied == status.settled == revision
    assert world.once().run.result is Result.NOOP  # type: ignore[union-attr] # it has just run
    assert status.runs == {(Trigger.COMMIT, Result.APPLIED): 1}


def test_a_commit_is_read_once_and_what_was_settled_before_it_not_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.commit(GROUPS)
    world.once(Trigger.COMMIT)

    def refuse(*_words: object) -> None:
        raise AssertionError("it was read before")

    monkeypatch.setattr("reconciler.state.history.make_desired", refuse)
    world.commit(GROUPS.replace(", b: {description: b}", ""))
    run = world.once(Trigger.COMMIT).run
    assert run is not None
    assert (run.result, run.error) == (Result.BLOCKED, "")  # the delete of b is held


def test_the_first_change_of_a_declared_kind_is_seen_to_rise(world: World) -> None:
    world.commit(GROUPS)
    world.once()
    world.meet("SecurityGroup")
    healed = Written("SecurityGroup", Action.UPDATE, Cause.LIVE, Status.APPLIED)
    made = Written("SecurityGroup", Action.CREATE, Cause.GIT, Status.APPLIED)
    before = world.once().changes
    assert (before[healed], before[made]) == (0, 2)
    assert {written.kind for written in before} == {"Domain", "Project", "SecurityGroup"}
    world.by_hand("a", "by hand")
    after = world.once().changes
    assert (after[healed], after[made]) == (1, 2)
    world.pauses.append(Pause(Scope.CLOUD, "", "a look", "ann", 0.0, None))
    world.commit("domains: {campus: {description: The campus}}")
    assert world.once().changes == after  # what is declared no more is still to be deleted


def test_a_plan_is_told_before_the_first_change_of_it_is_made(world: World) -> None:
    world.commit(GROUPS)
    end = world.once(Trigger.COMMIT)
    plan, _ = world.told
    assert world.written[0] == 0
    assert world.written[1] > 0
    assert plan.run is not None
    assert end.run is not None
    assert (plan.run.result, plan.run.finished) == (None, None)
    assert (plan.run.number, plan.run.plan_id) == (end.run.number, end.run.plan_id)
    assert plan.differing["SecurityGroup", Action.CREATE, Cause.GIT] == 2
    assert (plan.runs, plan.changes, plan.last_run) == ({}, {}, None)
    assert end.differing == {}


def test_what_tripped_a_guard_is_counted_once_a_run(world: World) -> None:
    world.commit(GROUPS)
    world.pauses.append(Pause(Scope.KIND, "SecurityGroup", "a look", "ann", 0.0, None))
    status = world.once()
    assert len(world.told) == 3  # the pause, the plan, the end
    assert status.trips == {Reason.SUSPENDED: 1}
    world.once()
    assert len(world.told) == 4  # nothing is left to be done, so the plan is told at the end alone
    assert world.told[-1].trips == {Reason.SUSPENDED: 1}


def test_in_mode_observe_nothing_is_written_and_all_is_told(world: World) -> None:
    world.use(mode=Mode.OBSERVE)
    world.commit(GROUPS)
    status = world.once()
    assert status.run is not None
    assert status.run.result is Result.OBSERVED
    assert world.cloud.writes == []
    assert status.differing[("SecurityGroup", Action.CREATE, Cause.GIT)] == 2


def test_applying_commits_and_healing_are_two_switches(world: World) -> None:
    world.commit(GROUPS)
    world.once()
    world.meet("SecurityGroup")
    world.by_hand("a", "by hand")
    world.commit(GROUPS.replace("description: b", "description: new"))
    world.use(heal=False, apply_commits=False)
    status = world.once()
    assert status.run is not None
    assert status.run.result is Result.BLOCKED
    assert status.held == {("SecurityGroup", Reason.SUSPENDED): 2}
    world.use(heal=True, apply_commits=False)
    assert world.once().differing == {("SecurityGroup", Action.UPDATE, Cause.GIT): 1}
    world.by_hand("a", "by hand")
    world.use(heal=False, apply_commits=True)
    assert world.once().differing == {("SecurityGroup", Action.UPDATE, Cause.LIVE): 1}


def test_what_nobody_has_seen_changed_yet_waits_for_an_approval(world: World) -> None:
    world.commit(GROUPS)
    world.once()
    world.by_hand("a", "by hand")
    status = world.once()
    assert status.held == {("SecurityGroup", Reason.FIRST_MEETING): 1}
    assert status.approvals_pending == 1
    assert status.run is not None
    assert status.run.approved_by == ""
    world.approve(status.run.plan_id)
    after = world.once()
    assert after.held == {}
    assert after.run is not None
    assert after.run.approved_by == "ann"
    assert world.once().run.approved_by == ""  # type: ignore[union-attr] # it has just run


def test_an_approval_that_no_run_makes_use_of_is_not_told(world: World) -> None:
    world.commit(GROUPS)
    world.once()
    world.by_hand("a", "by hand")
    world.use(mode=Mode.OBSERVE)
    looked = world.once().run
    assert looked is not None
    world.approve(looked.plan_id)
    assert world.once().run.approved_by == ""  # type: ignore[union-attr] # it has just run
    world.use(mode=Mode.ENFORCE)
    assert world.once().run.approved_by == "ann"  # type: ignore[union-attr] # it has just run


def test_where_nothing_is_applied_nothing_waits_for_an_approval(world: World) -> None:
    world.commit(GROUPS)
    world.once()
    world.by_hand("a", "by hand")
    world.use(mode=Mode.OBSERVE)
    status = world.once()
    assert status.held == {("SecurityGroup", Reason.FIRST_MEETING): 1}
    assert status.approvals_pending == 0


def test_a_run_that_had_to_leave_the_cloud_to_another_is_no_success(world: World) -> None:
    world.commit(GROUPS)
    world.record(lambda record: replace(record, lease=Lease("another:1", time() + 60)))
    status = world.once()
    assert status.run is not None
    assert status.run.result is Result.BLOCKED
    assert "another:1" in status.run.error
    assert (status.last_success, status.failures) == (None, 0)
    world.record(lambda record: replace(record, lease=None))
    assert world.once().last_success is not None


def test_a_rule_that_a_hand_made_is_a_difference_of_its_group_everywhere(world: World) -> None:
    text = GROUPS.replace("a: {description: a}", "a: {description: a, rules: []}")
    world.commit(text)
    world.once()
    group = next(world.cloud.where("/security-groups", name="a"))
    for port in (22, 23):
        world.cloud.add("/security-group-rules", {
            "security_group_id": group["id"], "project_id": group["project_id"],
            "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
            "port_range_min": port, "port_range_max": port,
        })  # fmt: skip
    world.use(heal=False)
    status = world.once()
    assert status.differing == {("SecurityGroup", Action.UPDATE, Cause.LIVE): 1}
    assert status.oldest.keys() == {"SecurityGroup"}
    assert {kind for kind, _ in status.held} == {"SecurityGroup"}


def committed(world: World, revision: str) -> float:
    return head_of(world.folder, revision)[1]


def make_older(world: World) -> str:
    """Let the newest commit be one of long ago."""
    git_by_name(
        world.folder, "commit", "--amend", "--no-edit", GIT_COMMITTER_DATE="2020-01-01T00:00:00Z"
    )
    return git_by_name(world.folder, "rev-parse", "HEAD").strip()


def test_the_time_is_told_of_the_commit_that_was_last_applied_whole(world: World) -> None:
    world.commit(GROUPS)
    first = make_older(world)
    assert world.once().applied_committed == committed(world, first) == 1577836800.0
    world.meet("SecurityGroup")
    second = world.commit(GROUPS.replace("description: b", "description: new"))
    world.use(apply_commits=False)
    status = world.once()
    assert (status.applied, status.applied_committed) == (first, 1577836800.0)
    assert status.source.committed == committed(world, second)
    world.use(apply_commits=True)
    assert world.once().applied_committed == committed(world, second)


def test_the_time_of_the_commit_in_force_is_not_that_of_one_that_is_not_valid(
    world: World,
) -> None:
    world.commit(GROUPS)
    good = make_older(world)
    world.once()
    world.commit("domains: {campus: {nonsense: true}}")
    assert world.once().source.committed == committed(world, good)


def test_a_failure_is_followed_by_ever_longer_waits_and_ends_nothing(world: World) -> None:
    world.commit(GROUPS)
    world.error = Transient("keystone is away")
    waits = []
    for count in range(1, 12):
        status = world.once()
        assert status.failures == count
        assert status.run is not None
        assert "keystone is away" in status.run.error
        waits.append(world.loop.pause_after()[0])
    assert waits[:4] == [3.75, 7.5, 15.0, 30.0]
    assert max(waits) == 90.0  # not so late that it would look dead
    world.loop.status = replace(status, tries=5000, interval=86400.0)
    assert world.loop.pause_after()[0] == 675.0
    world.loop.status = status
    assert world.loop.pause_after()[1] is Trigger.RETRY
    world.error = None
    assert world.once().failures == 0
    assert world.loop.pause_after() == (60.0, Trigger.INTERVAL)


REFUSALS = {
    "the service is away": (503, Trouble.TRANSIENT, 3.75, Trigger.RETRY),
    "too many requests": (429, Trouble.TRANSIENT, 3.75, Trigger.RETRY),
    "it makes no sense": (400, Trouble.REJECTED, 60.0, Trigger.INTERVAL),
    "something is in the way": (409, Trouble.REJECTED, 60.0, Trigger.INTERVAL),
    "we may not": (403, Trouble.DENIED, 60.0, Trigger.INTERVAL),
}


@pytest.mark.parametrize(("code", "trouble", "delay", "trigger"), REFUSALS.values(), ids=REFUSALS)
def test_when_a_refused_change_is_tried_again(
    world: World, code: int, trouble: Trouble, delay: float, trigger: Trigger
) -> None:
    def refuse(sent: Sent) -> None:
        if sent.path.endswith("/security-groups"):
            raise refused(code, "no")

    world.commit(GROUPS)
    world.cloud.before_write = refuse
    status = world.once()
    assert status.run is not None
    assert status.run.result is Result.PARTIAL
    assert status.run.troubles == {trouble}
    assert world.loop.pause_after() == (delay, trigger)
    world.cloud.before_write = lambda _sent: None
    assert world.once().troubles == frozenset()


def test_a_run_tells_what_became_of_each_change_and_whose_commit_it_was(world: World) -> None:
    def refuse(sent: Sent) -> None:
        if sent.path == "/security-groups":
            raise refused(409, "over quota", "req-7")

    world.commit(GROUPS)
    world.cloud.before_write = refuse
    run = world.once(Trigger.COMMIT).run
    assert run is not None
    assert run.author == "alice"
    assert run.request_id == "req-7"
    assert run.planned is not None
    assert (run.planned.summary["create"], run.planned.held) == (4, {})
    *failed, domain, project = run.tried
    assert [(one.address, one.request_id) for one in failed] == [
        ("SecurityGroup/campus/shop/a", "req-7"), ("SecurityGroup/campus/shop/b", "req-7")
    ]  # fmt: skip
    assert all("over quota" in one.error for one in failed)
    assert {(one.action, one.cause) for one in run.tried} == {(Action.CREATE, Cause.GIT)}
    assert (domain.address, domain.status) == ("Domain/campus", Status.APPLIED)
    assert project.address == "Project/campus/shop"


def test_what_has_no_address_of_its_own_is_told_as_a_part(world: World) -> None:
    rule = "[{direction: ingress, protocol: tcp, ports: 22}]"
    world.commit(GROUPS.replace("a: {description: a}", f"a: {{description: a, rules: {rule}}}"))
    run = world.once().run
    assert run is not None
    parts = [one for one in run.tried if one.part]
    assert [one.address for one in parts] == ["SecurityGroup/campus/shop/a"] * len(parts)
    assert any("tcp 22" in one.part for one in parts)


def test_a_run_tells_who_took_away_what_it_deletes(world: World) -> None:
    world.commit(GROUPS)
    world.once()
    world.use(prune={"SecurityGroup": True})
    text = GROUPS.replace(", b: {description: b}", "")
    revision = commit(world.folder, {"desired_state/all.yaml": text}, author="bob")
    held = world.once().run
    assert held is not None
    assert held.planned is not None
    assert held.planned.held
    assert held.tried == ()
    world.approve(held.plan_id)
    run = world.once().run
    assert run is not None
    deleted = [one for one in run.tried if one.action is Action.DELETE]
    assert {one.reason for one in deleted if not one.part} == {f"removed in {revision[:7]} by bob"}
    assert run.author == "bob"


def test_a_request_that_ends_a_run_is_told(world: World) -> None:
    world.commit(GROUPS)
    world.error = Denied("no admin role", request_id="req-9")
    run = world.once().run
    assert run is not None
    assert (run.request_id, run.tried, run.planned) == ("req-9", (), None)


def test_runs_are_counted_on_from_those_that_are_kept(world: World) -> None:
    world.commit(GROUPS)
    world.loop.around = replace(world.loop.around, counted=lambda _cloud: 41)
    assert [world.once().run.number for _ in range(2)] == [42, 43]  # type: ignore[union-attr] # it has just run


def test_what_may_work_by_itself_is_tried_ever_later_and_never_later_than_a_look(
    world: World,
) -> None:
    def refuse(sent: Sent) -> None:
        if sent.path.endswith("/security-groups"):
            raise refused(503, "no")

    world.commit(GROUPS)
    world.cloud.before_write = refuse
    waits = []
    for _ in range(8):
        world.once()
        waits.append(world.loop.pause_after()[0])
    assert waits[:3] == [3.75, 7.5, 15.0]
    assert waits[-1] == 45.0
    world.commit(GROUPS.replace("description: b", "description: new"))
    world.once()
    assert world.loop.pause_after()[0] == 3.75  # a new commit is a new beginning


@pytest.mark.parametrize("error", [Denied("no admin role"), Rejected("no such version")])
def test_a_login_that_is_refused_waits_for_the_next_interval(
    world: World, error: Exception
) -> None:
    world.commit(GROUPS)
    world.error = error
    assert world.once().failures == 1
    assert world.loop.pause_after() == (60.0, Trigger.INTERVAL)


def test_what_is_held_is_no_failure(world: World) -> None:
    world.commit(GROUPS)
    world.pauses.append(Pause(Scope.CLOUD, "", "a look", "ann", 0.0, None))
    status = world.once()
    assert status.run is not None
    assert (status.run.result, status.failures) == (Result.BLOCKED, 0)
    assert world.loop.pause_after() == (60.0, Trigger.INTERVAL)


def test_a_bug_in_a_run_is_told_like_a_failure(world: World) -> None:
    world.commit(GROUPS)
    world.error = ZeroDivisionError("a bug")
    status = world.once()
    assert status.run is not None
    assert status.run.result is Result.FAILED
    assert "ZeroDivisionError" in status.run.error


def test_a_bug_in_a_run_tells_no_secret(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.commit(GROUPS)
    world.error = RuntimeError("https://ann:hunter2@git.example and gAAAAABtoken")
    status = world.once()
    assert status.run is not None
    assert "RuntimeError: https://***@git.example and ***" in status.run.error
    assert not [word for word in ("hunter2", "gAAAA") if word in f"{status}{caplog.text}"]


def test_the_last_good_commit_stays_in_force(world: World) -> None:
    good = world.commit(GROUPS)
    world.once()
    world.commit("domains: {campus: {nonsense: true}}")
    world.by_hand("a", "by hand")
    world.use(heal=True)
    status = world.once()
    assert status.source.revision == good
    assert "nonsense" in status.source.problem
    assert status.differing == {("SecurityGroup", Action.UPDATE, Cause.LIVE): 1}


def test_a_local_repository_that_breaks_is_told_with_when_it_was_last_read(world: World) -> None:
    good = world.commit(GROUPS)
    before = world.once().source
    assert before.fetched is not None
    (world.folder / ".git").rename(world.folder / "gone")
    after = world.once().source
    assert (after.revision, after.fetched) == (good, before.fetched)
    assert (before.fetch_errors, after.fetch_errors) == ({}, {"other": 1})
    assert after.problem.endswith("has no HEAD")


def test_without_any_good_commit_nothing_is_done(world: World) -> None:
    world.commit("domains: [")
    status = world.once()
    assert status.run is not None
    assert status.run.result is Result.FAILED
    assert (status.source.revision, status.source.committed) == ("", None)  # none is in force
    assert world.cloud.writes == []


def follow_elsewhere(world: World) -> Path:
    """Have the loop follow a repository elsewhere, with one good commit."""
    elsewhere = world.folder / "elsewhere"
    elsewhere.mkdir()
    start_repository(elsewhere)
    commit(elsewhere, {"desired_state/all.yaml": GROUPS})
    restart(world, elsewhere)
    return elsewhere


def restart(world: World, elsewhere: Path, folder: str = "desired_state") -> None:
    """Forget what a process forgets that ends."""
    with git.Repo(elsewhere) as repo:
        branch = repo.active_branch.name
    follower = follow(settings.Source(url=str(elsewhere), branch=branch), world.folder / "clone")
    world.loop.good = None
    source = RemoteSource(follower, folder)
    world.loop.course = replace(world.loop.course, source=source)


def test_what_was_in_force_is_so_after_a_restart_whatever_the_head_is(world: World) -> None:
    elsewhere = follow_elsewhere(world)
    good = world.once().source.revision
    world.meet("SecurityGroup")
    commit(elsewhere, {"desired_state/all.yaml": "domains: {campus: {nonsense: true}}"})
    restart(world, elsewhere)
    world.by_hand("a", "by hand")
    status = world.once()
    assert status.run is not None
    assert (status.run.result, status.source.revision) == (Result.APPLIED, good)
    assert "nonsense" in status.source.problem
    assert status.source.committed == head_of(elsewhere, good)[1]


def test_where_what_was_in_force_cannot_be_read_what_is_wrong_with_the_head_is_told(
    world: World,
) -> None:
    elsewhere = follow_elsewhere(world)
    world.once()
    head = commit(elsewhere, {"desired_state/all.yaml": "domains: {campus: {nonsense: true}}"})
    restart(world, elsewhere, "another_folder")
    status = world.once()
    assert status.run is not None
    assert status.run.result is Result.FAILED
    assert status.run.error == status.source.problem == f"{head} holds no folder another_folder"


def test_a_pause_holds_what_it_covers(world: World) -> None:
    world.commit(GROUPS)
    world.pauses.append(Pause(Scope.KIND, "SecurityGroup", "a look", "ann", 0.0, None))
    status = world.once()
    assert status.held == {("SecurityGroup", Reason.SUSPENDED): 2}
    assert status.run is not None
    assert status.run.result is Result.APPLIED  # the domain and the project
    world.pauses.clear()
    assert world.once().held == {}


BRAKES: dict[str, Callable[[World], None]] = {
    "the cloud is paused": lambda world: world.pauses.append(
        Pause(Scope.CLOUD, "", "maintenance", "ann", 0.0, None)
    ),
    "no window is open": lambda world: world.use(
        windows=(Window(allow="0 0 29 2 *", duration="1m", time_zone="UTC"),)
    ),
    "it is to do neither": lambda world: world.use(apply_commits=False, heal=False),
    "it is to look only": lambda world: world.use(mode=Mode.OBSERVE),
}


@pytest.mark.parametrize("brake", BRAKES.values(), ids=BRAKES)
def test_where_nothing_may_be_written_no_word_of_a_commit_is(
    world: World, brake: Callable[[World], None]
) -> None:
    first = world.commit(GROUPS)
    world.once()
    before = len(world.cloud.writes)
    world.commit(f"{GROUPS}# a word that changes nothing\n")
    brake(world)
    status = world.once()
    assert status.run is not None
    assert (status.run.result, status.applied) == (Result.NOOP, first)
    assert world.cloud.writes[before:] == []


def test_what_a_pause_kept_from_being_noted_is_when_it_is_over(world: World) -> None:
    world.commit(GROUPS)
    world.once()
    world.pauses.append(Pause(Scope.CLOUD, "", "maintenance", "ann", 0.0, None))
    revision = world.commit(f"{GROUPS}# a word that changes nothing\n")
    world.once()
    world.pauses.clear()
    assert world.once().applied == revision


def test_a_change_that_was_taken_into_git_is_healed_when_it_is_made_again(world: World) -> None:
    world.commit(GROUPS)
    world.once()
    world.meet("SecurityGroup")
    world.use(apply_commits=False)
    world.by_hand("a", "better")
    revision = world.commit(GROUPS.replace("description: a", "description: better"))
    assert world.once().applied == revision
    world.by_hand("a", "worse")
    status = world.once()
    assert (status.held, status.differing) == ({}, {})
    assert next(world.cloud.where("/security-groups", name="a"))["description"] == "better"


def test_a_pause_that_is_over_is_told_no_more(world: World) -> None:
    world.commit(GROUPS)
    over = Pause(Scope.KIND, "SecurityGroup", "over", "ann", 0.0, time() - 1)
    lasting = Pause(Scope.KIND, "Network", "a look", "ann", 0.0, time() + 600)
    world.pauses.extend([over, lasting])
    assert world.once().pauses == (lasting,)
    assert world.told[0].pauses == (lasting,)  # before anything takes long
    assert world.told[-1].held == {}


def test_the_loop_wakes_when_a_pause_is_over(world: World) -> None:
    world.commit(GROUPS)
    waits: list[float] = []

    class Noting(Wakeups):
        def wait(self, cloud: str, seconds: float) -> Trigger | None:  # noqa: ARG002 - as it is
            waits.append(seconds)
            self.stop()
            return None

    world.loop.wakeups = Noting(["prod"])
    world.pauses.append(Pause(Scope.CLOUD, "", "a look", "ann", 0.0, time() + 20))
    world.loop.run()
    assert 15 < waits[0] < 22


def test_the_end_of_a_window_ends_an_apply_after_what_is_in_flight(world: World) -> None:
    now, passed = time(), [0.0]
    start = datetime.fromtimestamp(now - 600, UTC)
    allow = f"{start.minute} {start.hour} * * *"
    world.use(windows=(Window(allow=allow, duration="1h", time_zone="UTC"),))
    world.loop.around = replace(world.loop.around, clock=lambda: now + passed[0])

    def wait(sent: Sent) -> None:
        if sent.path == "/domains":
            passed[0] = 2 * 3600.0

    world.commit(GROUPS)
    world.cloud.before_write = wait
    status = world.once()
    assert status.run is not None
    assert status.run.error == "stopped in the middle: the next run goes on"
    assert not list(world.cloud.where("/projects", name="shop"))


def test_a_pause_of_the_cloud_ends_an_apply_after_what_is_in_flight(world: World) -> None:
    def pause(sent: Sent) -> None:
        if sent.path == "/domains":
            world.pauses.append(Pause(Scope.CLOUD, "", "stop", "ann", 0.0, None))

    world.commit(GROUPS)
    world.cloud.before_write = pause
    status = world.once()
    assert status.run is not None
    assert status.run.error == "stopped in the middle: the next run goes on"
    assert not list(world.cloud.where("/projects", name="shop"))
    assert world.once().run.result is Result.BLOCKED  # type: ignore[union-attr] # it has just run
    world.pauses.clear()
    assert world.once().differing == {}


def test_who_is_told_to_stop_when_the_plan_is_there_writes_nothing(world: World) -> None:
    world.commit(GROUPS)
    world.loop.course = replace(world.loop.course, stopped=lambda: bool(world.told))
    status = world.once()
    assert status.run is not None
    assert status.run.result is Result.OBSERVED
    assert world.cloud.writes == []


@dataclass(frozen=True, slots=True)
class Stopping:
    """A source, of which somebody ends the process while it does something."""

    inner: Source
    when: str
    stop: Callable[[], None]

    def fetch(self, now: float, applied: str = "") -> SourceStatus:
        self._stop("fetch")
        return self.inner.fetch(now, applied)

    def read(self, revision: str) -> Revision:
        self._stop("read")
        return self.inner.read(revision)

    def take(self, revision: str) -> None:
        self.inner.take(revision)

    @property
    def in_force(self) -> str:
        return self.inner.in_force

    @property
    def repository(self) -> Repository | None:
        return self.inner.repository

    def _stop(self, at: str) -> None:
        if at == self.when:
            self.stop()


@pytest.mark.parametrize("when", ["fetch", "read"])
def test_who_is_told_to_stop_before_it_looks_at_the_cloud_asks_it_nothing(
    world: World, when: str
) -> None:
    world.commit(GROUPS)
    sent: list[int] = []
    course = world.loop.course
    source = Stopping(course.source, when, lambda: sent.append(len(world.cloud.sent)))
    world.loop.course = replace(course, source=source, stopped=lambda: bool(sent))
    status = world.once()
    assert status.run is not None
    assert status.run.error == "stopped before there was a plan: the next start goes on"
    assert (status.run.result, status.failures) == (Result.PARTIAL, 0)
    assert len(world.cloud.sent) == sent[0]


def test_who_is_told_to_stop_while_it_looks_at_the_cloud_makes_no_plan(world: World) -> None:
    world.commit(GROUPS)
    beats: list[float] = []
    around = replace(world.loop.around, beat=lambda _cloud, until: beats.append(until))
    world.loop.around = around
    # The run says that it is alive when it begins, and then after each listing.
    world.loop.course = replace(world.loop.course, stopped=lambda: len(beats) > 1)
    status = world.once()
    assert len(beats) == 2
    assert status.run is not None
    assert status.run.result is Result.PARTIAL
    assert status.table is None


def test_a_pause_that_comes_while_it_looks_ends_no_look(world: World) -> None:
    world.commit(GROUPS)
    source = Stopping(
        world.loop.course.source, "fetch",
        lambda: world.pauses.append(Pause(Scope.CLOUD, "", "stop", "ann", 0.0, None)),
    )  # fmt: skip
    world.loop.course = replace(world.loop.course, source=source)
    status = world.once()
    assert status.differing["SecurityGroup", Action.CREATE, Cause.GIT] == 2
    assert world.cloud.writes == []


def test_a_long_run_says_again_and_again_that_it_is_alive(world: World) -> None:
    beats: list[int] = []

    def beat(_cloud: str, _until: float) -> None:
        beats.append(len(world.cloud.sent))

    world.loop.around = replace(world.loop.around, beat=beat)
    world.commit(GROUPS)
    world.once()
    first_write = next(n for n, sent in enumerate(world.cloud.sent) if sent.method != "GET")
    assert len([at for at in beats if at <= first_write]) > 5
    assert len({at for at in beats if at > first_write}) > 3


def test_nothing_that_goes_wrong_around_a_run_ends_the_loop(world: World) -> None:
    waits: list[float] = []

    class Three(Wakeups):
        def wait(self, cloud: str, seconds: float) -> Trigger | None:  # noqa: ARG002 - as it is
            waits.append(seconds)
            if len(waits) == 3:
                self.stop()
            return None

    def broken(_status: CloudStatus) -> None:
        raise OSError(28, "No space left on device")

    world.commit(GROUPS)
    world.loop.wakeups = Three(["prod"])
    world.loop.around = replace(world.loop.around, publish=broken)
    world.loop.run()
    assert waits == [60.0, 60.0, 60.0]


def test_a_refused_token_is_a_failure_with_its_reason(world: World) -> None:
    world.commit(GROUPS)
    world.error = Denied("a system-scoped token")
    status = world.once()
    assert status.run is not None
    assert status.run.error == "a system-scoped token"


def test_wakeups_merge_and_the_most_urgent_is_told() -> None:
    wakeups = Wakeups(["a", "b"])
    wakeups.add("a", Trigger.INTERVAL)
    wakeups.add("a", Trigger.WEBHOOK)
    wakeups.add("unknown", Trigger.MANUAL)
    assert wakeups.count() == 1
    assert wakeups.wait("a", 0) is Trigger.WEBHOOK
    assert wakeups.wait("a", 0) is None
    wakeups.stop()
    assert wakeups.wait("b", 60) is None
