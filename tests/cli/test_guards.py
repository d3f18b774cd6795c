"""What stands between a commit and a delete, each time through ``reconciler apply``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import time

import git
import pytest

from reconciler.cli.codes import Code
from reconciler.cloud.lease import own_name
from reconciler.cloud.record import Lease, Record, attribute, parse_record, record_text
from tests.cli.conftest import Call
from tests.cli.repository import Repository, actions, held
from tests.support.fake_cloud import FakeCloud, Fault, Killed, Sent, refused

PRUNED = ("Domain", "Project", "User", "Network", "Subnet", "SecurityGroup", "Group", "Role")
FREE = "limits: {kinds: {Network: {absolute: 100, free: 1, fraction: 1}}}"


@pytest.fixture
def repository(folder: Path, call: Call) -> Repository:
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings(*PRUNED)
    return found


def shop(*collections: str, domain: str = "") -> str:
    inside = "".join(f"\n        {line}" for line in collections)
    return f"""
domains:
  campus:
    description: The campus
    {domain}
    projects:
      shop:
        description: The shop{inside}
"""


def groups(*names: str) -> str:
    return "security_groups: {" + ", ".join(f"{n}: {{description: {n}}}" for n in names) + "}"


def nets(*names: str) -> str:
    return "networks: {" + ", ".join(f"{name}: {{mtu: 1400}}" for name in names) + "}"


def record_of(cloud: FakeCloud, owner: str = "us") -> Record:
    project = next(p for p in cloud.rows["/projects"].values() if p["name"] == "admin")
    return parse_record(project[attribute(owner)])


def keep_record(cloud: FakeCloud, change: Callable[[Record], Record]) -> None:
    project = next(p for p in cloud.rows["/projects"].values() if p["name"] == "admin")
    project[attribute("us")] = record_text(change(record_of(cloud)))


def named(cloud: FakeCloud, path: str) -> list[str]:
    return sorted(row["name"] for row in cloud.rows[path].values() if row["name"] != "default")


SEEN = "--allow-first-meeting"


def test_nothing_is_pruned_that_is_not_switched_on(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.settings("Subnet")
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    repository.commit(shop(groups("a")))
    answer = repository.apply(code=Code.HELD)
    assert held(answer) == {"SecurityGroup/campus/shop/b": "prune_off"}
    assert named(cloud, "/security-groups") == ["a", "b"]


def test_what_left_git_goes_and_the_plan_says_who_took_it_away(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    repository.commit(shop(groups("a", "b"), "# nothing new"), author="bob")
    gone = repository.commit(shop(groups("a")), author="carol")
    repository.commit(shop(groups("a"), "# nothing new"), author="dave")
    text = repository.text("plan").stdout
    assert f"removed in {gone[:7]} by carol" in text
    answer = repository.apply()
    assert actions(answer) == {"SecurityGroup/campus/shop/b": "delete"}
    assert named(cloud, "/security-groups") == ["a"]


def test_a_folder_or_a_target_prunes_nothing(repository: Repository) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    repository.commit(shop(groups("a")))
    assert actions(repository.plan("--state", "desired_state", "--owner", "us")) == {}
    assert actions(repository.plan("--target", "SecurityGroup")) == {}
    assert actions(repository.plan("--exclude", "Network")) == {}


def test_strangers_and_other_owners_are_invisible_to_prune(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a")))
    repository.apply(SEEN)
    project = next(p["id"] for p in cloud.rows["/projects"].values() if p["name"] == "shop")
    for name, tags in (("strange", []), ("theirs", ["reconciler:them"])):
        row = cloud.add("/security-groups", {"name": name, "project_id": project})
        row["tags"] = tags
    assert actions(repository.apply()) == {}
    assert named(cloud, "/security-groups") == ["a", "strange", "theirs"]


def test_a_second_owner_never_touches_the_first_ones(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a")))
    repository.apply(SEEN)
    before = cloud.snapshot()
    theirs = ("--owner", "them", SEEN, "--allow-adopt")
    repository.commit(shop(groups("a").replace("description: a", "description: other")))
    answer = repository.apply(*theirs, code=Code.HELD)
    assert set(held(answer).values()) == {"ownership"}
    repository.commit("{}")
    assert actions(repository.apply(*theirs)) == {}
    after = cloud.snapshot()
    records = {key for key in before if "reconciler_record" in before[key]}
    assert {k: v for k, v in before.items() if k not in records} == {
        k: v for k, v in after.items() if k not in records
    }


def test_projects_and_networks_go_only_when_somebody_approves(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(nets("a", "b", "c")))
    repository.apply(SEEN)
    repository.commit(shop(nets("a", "b")))
    answer = repository.apply(code=Code.HELD)
    assert held(answer) == {"Network/campus/shop/c": "budget"}
    assert named(cloud, "/networks") == ["a", "b", "c"]
    repository.apply("--allow-delete", "1")
    assert named(cloud, "/networks") == ["a", "b"]


@pytest.mark.parametrize(
    ("limits", "passes"),
    [
        ("", False),
        ("limits: {delete: {absolute: 50, free: 50}}", False),  # never loosens a grave kind
        ("limits: {kinds: {Network: {free: 1}}}", True),
        ("limits: {kinds: {Network: {absolute: 1, fraction: 0.5}}}", True),
        ("limits: {kinds: {Network: {absolute: 1, fraction: 0.1}}}", False),
        ("limits: {kinds: {Subnet: {free: 1}}}", False),
        ("limits: {plan: 0, kinds: {Network: {free: 1}}}", False),
    ],
)
def test_every_limit_that_is_written_counts(
    repository: Repository, cloud: FakeCloud, limits: str, *, passes: bool
) -> None:
    repository.settings(*PRUNED, more=limits)
    repository.commit(shop(nets("a", "b", "c")))
    repository.apply(SEEN)
    keep_record(cloud, record_a_day_older)
    repository.commit(shop(nets("a", "b")))
    repository.apply(code=Code.DONE if passes else Code.HELD)


def test_small_commits_do_not_drain_a_cloud(repository: Repository, cloud: FakeCloud) -> None:
    names = [f"n{number:02}" for number in range(20)]
    repository.commit(shop(groups(*names)))
    repository.apply(SEEN)
    keep_record(cloud, record_a_day_older)
    for count in range(19, 9, -1):
        repository.commit(shop(groups(*names[:count])))
        answer = repository.plan()
        if held(answer):
            break
        repository.apply()
    # A quarter of the twenty within a day: five, however many commits it takes.
    assert len(named(cloud, "/security-groups")) == 15
    assert set(held(answer).values()) == {"budget"}
    keep_record(cloud, record_a_day_older)
    repository.apply()
    assert len(named(cloud, "/security-groups")) == 14


def record_a_day_older(record: Record) -> Record:
    text = json.loads(record_text(record))
    for name in ("deleted", "made"):
        counts = text.get(name, {}).items()
        text[name] = {kind: [[at - 86401, n] for at, n in found] for kind, found in counts}
    return parse_record(json.dumps(text))


def test_what_was_made_today_makes_no_room_for_deletes(
    repository: Repository, cloud: FakeCloud
) -> None:
    """Else whoever wants to delete ten makes forty more before."""
    names = [f"n{number:02}" for number in range(8)]
    repository.commit(shop(groups(*names)))
    repository.apply(SEEN)
    keep_record(cloud, record_a_day_older)
    more = [f"m{number:02}" for number in range(32)]
    repository.commit(shop(groups(*names, *more)))
    repository.apply()
    repository.commit(shop(groups(*names[3:], *more)))
    answer = repository.apply(code=Code.HELD)
    assert set(held(answer).values()) == {"budget"}
    repository.commit(shop(groups(*names[2:], *more)))  # a quarter of the eight of yesterday
    repository.apply()
    repository.commit(shop(groups(*names[2:])))
    assert set(held(repository.apply(code=Code.HELD)).values()) == {"budget"}
    keep_record(cloud, record_a_day_older)
    repository.commit(shop(groups(*names[2:], *more[3:])))
    repository.apply()
    assert len(named(cloud, "/security-groups")) == 6 + 29


def test_what_was_not_made_after_all_takes_no_room(
    repository: Repository, cloud: FakeCloud
) -> None:
    names = [f"n{number:02}" for number in range(8)]
    repository.commit(shop(groups(*names)))
    repository.apply(SEEN)
    keep_record(cloud, record_a_day_older)

    def refuse(sent: Sent) -> None:
        if (sent.method, sent.path) == ("POST", "/security-groups"):
            raise refused(503, "The server is currently unavailable.")

    cloud.before_write = refuse
    repository.commit(shop(groups(*names, *(f"m{number}" for number in range(8)))))
    repository.apply(code=Code.FAILED)
    cloud.before_write = lambda _sent: None
    repository.commit(shop(groups(*names[2:])))
    repository.apply()
    assert len(named(cloud, "/security-groups")) == 6


def test_none_of_a_kind_left_is_a_wipe_whatever_the_counts(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.settings(*PRUNED, more="limits: {delete: {absolute: 50, fraction: 1}}")
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    keep_record(cloud, record_a_day_older)
    repository.commit(shop())
    assert set(held(repository.apply(code=Code.HELD)).values()) == {"wipe"}
    repository.commit(shop(groups("c", "d")))  # as many as before, and none of them
    answer = repository.apply(code=Code.HELD)
    assert {a for a, why in held(answer).items() if why == "wipe"} == {
        "SecurityGroup/campus/shop/a", "SecurityGroup/campus/shop/b",
    }  # fmt: skip
    repository.apply("--allow-wipe", "SecurityGroup")
    assert named(cloud, "/security-groups") == ["c", "d"]


def test_a_rename_is_no_wipe(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    ids = sorted(row["id"] for row in cloud.rows["/security-groups"].values())
    repository.commit(
        shop(
            "security_groups:",
            "  c: {description: a, reconcile: {previously: [a]}}",
            "  d: {description: b, reconcile: {previously: [b]}}",
        )
    )
    assert set(actions(repository.apply()).values()) == {"update"}
    assert sorted(row["id"] for row in cloud.rows["/security-groups"].values()) == ids
    assert named(cloud, "/security-groups") == ["c", "d"]


def test_everybody_is_not_put_out_of_a_group_at_once(
    repository: Repository, cloud: FakeCloud
) -> None:
    text = "users: {a: {}, b: {}, c: {}}\n    groups: {devs: {users: [a, b]}}"
    repository.commit(shop(domain=text))
    repository.apply(SEEN)
    members = set(cloud.edges["members"])
    repository.commit(shop(domain=text.replace("[a, b]", "[]")))
    assert held(repository.apply(code=Code.HELD)) == {"Group/campus/devs": "wipe"}
    repository.commit(shop(domain=text.replace("[a, b]", "[c]")))
    assert held(repository.apply(code=Code.HELD)) == {"Group/campus/devs": "wipe"}
    assert cloud.edges["members"] >= members
    repository.commit(shop(domain=text.replace("[a, b]", "[b, c]")))
    repository.apply()
    assert len(cloud.edges["members"]) == 2


def test_protection_outlives_the_entry(repository: Repository, cloud: FakeCloud) -> None:
    safe = "security_groups: {a: {description: a, reconcile: {protect: true}}, b: {description: b}}"
    repository.commit(shop(safe))
    repository.apply(SEEN)
    repository.commit(shop(groups("b")))
    assert held(repository.apply(code=Code.HELD)) == {"SecurityGroup/campus/shop/a": "protected"}
    # Leaving the word out does not take protection away; saying so does.
    repository.commit(shop(groups("a", "b")))
    assert actions(repository.apply()) == {}
    repository.commit(shop(groups("b")))
    assert set(held(repository.apply(code=Code.HELD)).values()) == {"protected"}
    repository.commit(shop(safe.replace("protect: true", "protect: false")))
    assert actions(repository.apply()) == {"SecurityGroup/campus/shop/a": "update"}
    repository.commit(shop(groups("b")))
    repository.apply()
    assert named(cloud, "/security-groups") == ["b"]


def test_detached_objects_stay_and_are_nobodys(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(
        shop("security_groups: {a: {description: a, reconcile: {on_remove: detach}}, b: {}}")
    )
    repository.apply(SEEN)
    repository.commit(shop("security_groups: {b: {}}"))
    assert actions(repository.apply()) == {"SecurityGroup/campus/shop/a": "update"}
    row = next(r for r in cloud.rows["/security-groups"].values() if r["name"] == "a")
    assert row["tags"] == []
    assert actions(repository.apply()) == {}


def test_the_last_declaration_decides_even_if_it_was_never_applied(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    repository.commit(
        shop("security_groups: {a: {description: a, reconcile: {on_remove: detach}}, b: {}}")
    )
    repository.commit(shop("security_groups: {b: {}}"))
    repository.apply()
    assert named(cloud, "/security-groups") == ["a", "b"]


def test_a_project_in_use_is_held_with_what_is_in_it(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a")))
    repository.apply(SEEN)
    project = next(p["id"] for p in cloud.rows["/projects"].values() if p["name"] == "shop")
    cloud.add("/networks", {"name": "by-hand", "project_id": project})
    repository.commit("domains: {campus: {description: The campus}}")
    answer = repository.apply("--allow-delete", "5", code=Code.HELD)
    assert held(answer)["Project/campus/shop"] == "dependency"
    shown = next(c for c in answer["changes"] if c["address"] == "Project/campus/shop")
    assert "in use by 1 Network" in shown["held"]["detail"]
    assert "shop" in named(cloud, "/projects")


def test_a_project_goes_with_all_that_is_ours_in_it(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b"), nets("n")))
    repository.apply(SEEN)
    repository.commit("domains: {campus: {description: The campus}}")
    repository.apply("--allow-delete", "5", "--allow-wipe", "SecurityGroup")
    assert named(cloud, "/projects") == ["admin"]
    assert named(cloud, "/networks") == []


def test_a_domain_is_disabled_before_it_goes(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit("domains: {campus: {description: x}, other: {description: y}}")
    repository.apply(SEEN)
    repository.commit("domains: {other: {description: y}}")
    repository.apply("--allow-delete", "1")
    assert named(cloud, "/domains") == ["Default", "other"]


def test_the_first_change_of_a_kind_is_somebodys_word(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a")))
    repository.apply()  # what is new passes
    repository.commit(shop(groups("a").replace("description: a", "description: b")))
    answer = repository.apply(code=Code.HELD)
    assert held(answer) == {"SecurityGroup/campus/shop/a": "first_meeting"}
    plan = repository.plan()["plan_id"]
    repository.apply("--plan-id", plan)
    assert "SecurityGroup" in record_of(cloud).met
    repository.commit(shop(groups("a").replace("description: a", "description: c")))
    repository.apply()


def test_what_is_there_and_nobodys_is_asked_for(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop())
    repository.apply()
    project = next(p["id"] for p in cloud.rows["/projects"].values() if p["name"] == "shop")
    cloud.add("/security-groups", {"name": "a", "project_id": project, "description": "a"})
    repository.commit(shop(groups("a")))
    assert set(held(repository.apply(code=Code.HELD)).values()) == {"approval"}
    repository.settings(*PRUNED, more="adopt: refuse")
    assert set(held(repository.apply(code=Code.HELD)).values()) == {"ownership"}
    assert set(held(repository.apply("--allow-adopt", code=Code.HELD)).values()) == {"ownership"}
    repository.settings(*PRUNED, more="adopt: allow")
    assert held(repository.apply()) == {}
    row = next(r for r in cloud.rows["/security-groups"].values() if r["name"] == "a")
    assert row["tags"] == ["reconciler:us"]


def test_an_approval_is_for_one_plan_once(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop(nets("a", "b", "c", "d")))
    repository.apply(SEEN)
    repository.commit(shop(nets("a", "b", "c")))
    first = repository.plan()
    assert set(held(first).values()) == {"budget"}
    assert repository.text("approve", first["plan_id"]).exit_code == Code.DONE
    repository.commit(shop(nets("a", "b")))
    assert set(held(repository.apply(code=Code.HELD)).values()) == {"budget"}  # another plan
    repository.commit(shop(nets("a", "b", "c")))
    assert held(repository.apply()) == {}
    assert named(cloud, "/networks") == ["a", "b", "c"]
    again = next(r for r in cloud.rows["/networks"].values() if r["name"] == "c")
    assert again["tags"] == ["reconciler:us"]
    assert record_of(cloud).used[0].startswith(first["plan_id"])


def test_an_approval_runs_out(repository: Repository) -> None:
    repository.commit(shop(nets("a", "b", "c")))
    repository.apply(SEEN)
    repository.commit(shop(nets("a", "b")))
    plan = repository.plan()["plan_id"]
    assert repository.text("approve", plan, "--expires", "0.001s").exit_code == Code.DONE
    assert set(held(repository.apply(code=Code.HELD)).values()) == {"budget"}


def test_a_lost_record_deletes_nothing(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop(groups("a", "b"), nets("n")))
    repository.apply(SEEN)
    project = next(p for p in cloud.rows["/projects"].values() if p["name"] == "admin")
    del project[attribute("us")]
    repository.commit(shop(groups("a", "c"), nets("n")))
    answer = repository.apply(code=Code.HELD)
    assert held(answer) == {"SecurityGroup/campus/shop/b": "history"}
    assert named(cloud, "/security-groups") == ["a", "b", "c"]


def test_a_record_that_makes_no_sense_is_none(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    project = next(p for p in cloud.rows["/projects"].values() if p["name"] == "admin")
    project[attribute("us")] = "{broken"
    repository.commit(shop(groups("a", "c")))
    answer = repository.apply(code=Code.HELD)
    assert held(answer)["SecurityGroup/campus/shop/b"] == "history"
    assert named(cloud, "/security-groups") == ["a", "b", "c"]
    repository.apply("--allow-history", SEEN)
    assert named(cloud, "/security-groups") == ["a", "c"]
    assert record_of(cloud).settled


def test_a_rewritten_history_deletes_nothing(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    with git.Repo(repository.folder) as repo:
        repo.git.checkout("--quiet", "--orphan", "anew")
    repository.commit(shop(groups("a")))
    assert held(repository.apply(code=Code.HELD)) == {"SecurityGroup/campus/shop/b": "history"}
    repository.apply("--allow-history", SEEN)
    assert named(cloud, "/security-groups") == ["a"]


def test_only_one_run_writes_at_a_time(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop(groups("a")))
    repository.apply(SEEN)

    def locked(record: Record) -> Record:
        text = json.loads(record_text(record))
        lease = Lease("elsewhere:1 boot/ns 1", time() + 60)
        text["lease"] = [lease.holder, lease.until]
        return parse_record(json.dumps(text))

    keep_record(cloud, locked)
    repository.commit(shop(groups("a", "b")))
    before = cloud.snapshot()
    result = repository.call("apply", "--auto-approve")
    assert result.exit_code == Code.LOCKED
    assert "elsewhere:1" in result.stderr
    assert cloud.snapshot() == before


def test_a_dead_process_of_this_host_holds_nothing(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a")))
    repository.apply(SEEN)

    def left_behind(record: Record) -> Record:
        text = json.loads(record_text(record))
        text["lease"] = [own_name() + "9", time() + 60]  # our number, begun at another time
        return parse_record(json.dumps(text))

    keep_record(cloud, left_behind)
    repository.commit(shop(groups("a", "b")))
    repository.apply()
    assert record_of(cloud).lease is None


def test_the_origin_of_a_difference_is_told(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    row = next(r for r in cloud.rows["/security-groups"].values() if r["name"] == "a")
    row["description"] = "by hand"
    repository.commit(shop(groups("a", "b").replace("description: b", "description: new")))
    found = {c["address"]: c["origin"] for c in repository.plan()["changes"]}
    assert found == {"SecurityGroup/campus/shop/a": "live", "SecurityGroup/campus/shop/b": "git"}


def test_oneself_is_never_disabled_or_renamed(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit("domains: {Default: {users: {admin: {enabled: false}}}}")
    answer = repository.apply(SEEN, "--allow-adopt", code=Code.HELD)
    assert held(answer) == {"User/Default/admin": "self"}
    assert all(user["enabled"] for user in cloud.rows["/users"].values())


def test_enough_admins_stay(repository: Repository) -> None:
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
    repository.commit(text.replace("[{user: ann, role: admin}, {user: bea", "[{user: bea"))
    answer = repository.apply(code=Code.HELD)
    assert set(held(answer).values()) == {"self"}
    assert "2 of 3 enabled users would still be admin" in json.dumps(answer)
    repository.settings(*PRUNED, more="limits: {min_admins: 2}")
    repository.apply()


def test_a_change_by_another_hand_between_plan_and_apply_is_not_overwritten(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a")))
    repository.apply(SEEN)
    repository.commit(shop(groups("a").replace("description: a", "description: new")))
    row = next(r for r in cloud.rows["/security-groups"].values() if r["name"] == "a")

    def meddle(_sent: object) -> None:
        row["description"] = "by hand"
        row["revision_number"] += 1

    cloud.before_write = meddle
    answer = repository.apply(code=Code.HELD)
    assert row["description"] == "by hand"
    assert "held stale" in str(answer["outcomes"][0]["error"])


def by_hand(cloud: FakeCloud, name: str, description: str) -> None:
    row = next(r for r in cloud.rows["/security-groups"].values() if r["name"] == name)
    row["description"] = description
    row["revision_number"] += 1


def test_a_quarrel_about_one_object_is_not_fought_out(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    for _ in range(3):
        by_hand(cloud, "a", "theirs")
        repository.apply()
    by_hand(cloud, "a", "theirs")
    by_hand(cloud, "b", "once")
    answer = repository.apply(code=Code.HELD)
    assert held(answer) == {"SecurityGroup/campus/shop/a": "flap"}
    assert len(answer["outcomes"]) == 1
    by_hand(cloud, "a", "another difference")
    assert held(repository.apply()) == {}
    by_hand(cloud, "a", "theirs")
    repository.apply("--allow-flap")


def test_drift_is_what_hands_did_and_since_when(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    by_hand(cloud, "a", "by hand")
    repository.commit(shop(groups("a", "b").replace("description: b", "description: new")))
    first = json.loads(repository.text("drift", "-o", "json").stdout)
    assert actions(first) == {"SecurityGroup/campus/shop/a": "update"}
    since = first["changes"][0]["since"]
    assert since
    again = json.loads(repository.text("drift", "-o", "json").stdout)
    assert again["changes"][0]["since"] == since
    by_hand(cloud, "a", "by another hand")
    other = json.loads(repository.text("drift", "-o", "json").stdout)
    assert other["changes"][0]["since"] >= since
    assert "since" not in repository.plan()["changes"][0]
    assert repository.text("drift", "--detailed-exitcode").exit_code == Code.DIFFERS


def test_a_chronicle_that_cannot_be_written_stops_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_STATE_DIRECTORY", "/dev/null/nowhere")
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    assert repository.text("drift").exit_code == Code.DONE


def test_what_takes_no_mark_counts_as_external(repository: Repository, cloud: FakeCloud) -> None:
    """A directory that is only read (LDAP) refuses every change of its users."""
    domain = cloud.add("/domains", {"name": "campus", "description": "The campus"})
    user = cloud.add("/users", {"name": "ann", "domain_id": domain["id"]})
    user["options"] = {"immutable": True}  # refused with 403, as by a backend that is read-only
    repository.commit(shop(domain="users: {ann: {}}\n    groups: {devs: {users: [ann]}}"))
    answer = repository.apply(SEEN, "--allow-adopt", code=Code.HELD)
    outcome = {one["address"]: one for one in answer["outcomes"]}["User/campus/ann"]
    assert outcome["status"] == "skipped"
    assert "counts as external" in str(outcome["error"])
    assert record_of(cloud).settled
    assert cloud.edges["members"]


def test_an_apply_that_was_killed_goes_on_without_being_asked(
    repository: Repository, cloud: FakeCloud
) -> None:
    """What it made half is ours, by its mark, and of an attempt that the record knows."""
    repository.commit(shop("security_groups: {a: {description: a, rules: []}}"))
    cloud.break_at(Fault(7, Killed(), lasting=True))
    with pytest.raises(Killed):
        repository.apply()
    cloud.break_at(None)
    keep_record(cloud, without_lease)
    row = next(r for r in cloud.rows["/security-groups"].values() if r["name"] == "a")
    row["description"] = "half made"
    assert held(repository.apply()) == {}
    assert row["description"] == "a"


def without_lease(record: Record) -> Record:
    return replace(record, lease=None)


def test_what_a_commit_asks_for_and_is_held_does_not_become_drift(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply()
    repository.commit(shop(groups("a", "b").replace("description: b", "description: new")))
    assert set(held(repository.apply(code=Code.HELD)).values()) == {"first_meeting"}
    repository.commit(shop(groups("a", "b").replace("description: b", "description: new"), "# x"))
    repository.apply(code=Code.HELD)
    by_hand(cloud, "a", "by hand")
    found = {c["address"]: c["origin"] for c in repository.plan()["changes"]}
    assert found == {"SecurityGroup/campus/shop/a": "live", "SecurityGroup/campus/shop/b": "git"}
    repository.apply(SEEN)
    by_hand(cloud, "b", "by hand")
    assert repository.plan()["changes"][0]["origin"] == "live"


def test_a_run_that_was_away_too_long_writes_no_more(
    repository: Repository, cloud: FakeCloud
) -> None:
    """Another run took the lease meanwhile: its record is not overwritten, nor its cloud."""
    names = [f"g{number}" for number in range(30)]
    repository.commit(shop(groups(*names)))

    def taken(record: Record) -> Record:
        return replace(record, lease=Lease("elsewhere:1 boot/ns 1", time() + 60), settled="theirs")

    def meddle(sent: Sent) -> None:
        if sent.path == "/security-groups" and "theirs" not in str(record_of(cloud)):
            keep_record(cloud, taken)

    cloud.before_write = meddle
    result = repository.call("apply", "--auto-approve")
    assert result.exit_code == Code.FAILED
    assert "another run's by now" in result.stderr
    assert record_of(cloud).settled == "theirs"
    assert record_of(cloud).lease is not None


def test_an_approval_and_an_apply_do_not_overwrite_each_other(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(nets("a", "b", "c")))
    repository.apply(SEEN)
    repository.commit(shop(nets("a", "b")))
    plan = repository.plan()["plan_id"]
    repository.commit(shop(nets("a", "b", "c"), groups("new")))

    def approve(sent: Sent) -> None:
        if sent.path == "/security-groups":
            cloud.before_write = lambda _sent: None
            project = next(p for p in cloud.rows["/projects"].values() if p["name"] == "admin")
            project["reconciler_approvals_us"] = json.dumps([[plan, time() + 60, "ann"]])

    cloud.before_write = approve
    repository.apply()
    repository.commit(shop(nets("a", "b"), groups("new")))
    assert repository.plan()["plan_id"] == plan
    repository.apply()
    assert named(cloud, "/networks") == ["a", "b"]


def test_a_delete_that_the_service_refused_is_not_spent(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    repository.commit(shop(groups("a")))

    def refuse(sent: Sent) -> None:
        if sent.method == "DELETE":
            raise refused(409, "Security Group in use.")

    cloud.before_write = refuse
    repository.apply(code=Code.FAILED)
    assert record_of(cloud).deleted == {}


def test_since_shows_what_a_merge_request_is_about(repository: Repository) -> None:
    before = repository.commit(shop(groups("a", "b")))
    repository.commit(shop("security_groups: {a: {description: a}, c: {rules: []}}"))
    found = actions(repository.plan("--since", before))
    assert found == {"SecurityGroup/campus/shop/c": "create"}
    assert "Project/campus/shop" in actions(repository.plan())
    repository.apply(SEEN)
    repository.commit(shop(groups("a")))
    gone = actions(repository.plan("--since", "HEAD~1"))
    assert gone == {"SecurityGroup/campus/shop/c": "delete"}
    assert repository.call("plan", "--since", "nowhere").exit_code == Code.NOTHING
    assert repository.call("plan", "--since", before, "--out", "x").exit_code == Code.USAGE


def test_a_lease_of_a_wrong_clock_locks_nobody_for_a_day(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a")))
    repository.apply(SEEN)
    keep_record(
        cloud,
        lambda record: replace(record, lease=Lease("elsewhere:1 boot/ns 1", time() + 86400)),
    )
    repository.commit(shop(groups("a", "b")))
    repository.apply()
