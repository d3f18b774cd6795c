"""What holds for every state: on the cloud in memory with many examples, on the real one with few.

The states are random, and so are their names: with slashes, blanks inside, umlauts, quotes.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from reconciler.cloud.session import Cloud
from reconciler.export.cloud import export_cloud
from reconciler.kinds.registry import Kinds
from reconciler.state.model import make_desired
from reconciler.yamlout import dump
from tests.support.cleanup import clean_up
from tests.support.fake_cloud import FakeCloud, Fault, Killed
from tests.support.runs import Runner, in_memory, runner_for, shown
from tests.support.small_cloud import NAMES, small_cloud, small_runner
from tests.support.states import State, absent, together, worlds

POOL = ("a", "b/c", "d e", "ü")
FEW = settings(
    max_examples=3, deadline=None, phases=[Phase.generate], database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
"""For real services: what fails is told as it is, and not tried a thousand times more."""
THREE_PASSES = 3
FIXED: State = {
    "domains": {
        "d": {
            "description": "ours",
            "users": {"u": {"description": "x"}, "v": {}},
            "groups": {"g": {"users": ["u", "v"]}},
            "roles": {"r": {}},
            "projects": {
                "p": {
                    "tags": ["t"],
                    "members": [{"user": "u", "roles": ["member", "r"]}],
                    "networks": {
                        "n": {
                            "tags": ["t"],
                            "subnets": {"s": {"cidr": "10.0.0.0/24"},
                                        "m": {"cidr": "10.1.0.0/24", "tags": ["x"]}},
                        }
                    },
                    "security_groups": {
                        "one": {"rules": [{"direction": "ingress", "remote": {"group": "two"}}]},
                        "two": {"rules": [{"direction": "ingress", "remote": {"group": "one"}}]},
                        "default": {"description": "", "rules": []},
                    },
                }
            },
        }
    }
}  # fmt: skip


def settle(runner: Runner, state: State) -> int:
    """Apply a state until nothing is left; give the passes that it took."""
    desired = runner.desired(dump(state))
    report = runner.apply(desired)
    assert report.left is not None
    done = (*report.outcomes, *report.later)
    errors = [f"{o.change.address}: {o.error}" for o in done if o.error]
    assert errors == []
    assert [line for line in shown(report.left) if "[held replace" not in line] == []
    again = Counter(str(o.change.address) for o in report.later)
    return 1 + max(again.values(), default=0)


def census(cloud: FakeCloud) -> Counter[str]:
    """Count what there is by table and name, and the edges: two clouds that are alike agree."""
    tables = cloud.rows.items()
    rows = [f"{path} {row.get('name')}" for path, table in tables for row in table.values()]
    return Counter([*rows, *(name for name, edges in cloud.edges.items() for _ in edges)])


@given(worlds("d"))
def test_it_settles(state: State) -> None:
    runner = small_runner(small_cloud())
    assert settle(runner, state) == 1
    assert shown(runner.plan(runner.desired(dump(state)))[0]) == []


@given(worlds("d", POOL), worlds("d", POOL))
def test_it_settles_from_any_state_to_any_other(before: State, after: State) -> None:
    runner = small_runner(small_cloud())
    settle(runner, before)
    assert settle(runner, after) <= THREE_PASSES


@given(worlds("d"))
def test_no_request_is_refused_for_its_order(state: State) -> None:
    cloud = small_cloud()
    runner = small_runner(cloud)
    settle(runner, state)
    settle(runner, absent(state))
    assert cloud.refusals == []
    assert runner.plan(runner.desired(dump(absent(state))))[0].changes == ()


@given(worlds("d"))
def test_what_was_made_can_be_unmade(state: State) -> None:
    cloud = small_cloud()
    born = census(cloud)
    runner = small_runner(cloud)
    settle(runner, state)
    settle(runner, absent(state))
    left = census(cloud) - born
    # Neutron makes a default group for each project, and keeps it when the project goes.
    assert {name for name in left if "default" not in name and "rules" not in name} == set()


@given(worlds("elsewhere"), worlds("d", POOL), worlds("d", POOL))
def test_strangers_are_untouched(strange: State, before: State, after: State) -> None:
    cloud = small_cloud()
    by_hand = small_runner(cloud)
    settle(by_hand, strange)
    settle(by_hand, before)
    _add_strangers(cloud)
    kept = cloud.snapshot()
    strangers = {key for key, row in kept.items() if "stranger" in row or _elsewhere(cloud, row)}
    settle(small_runner(cloud), after)
    now = cloud.snapshot()
    assert {key: now.get(key) for key in strangers} == {key: kept[key] for key in strangers}


def _elsewhere(cloud: FakeCloud, row: str) -> bool:
    ours = next(d["id"] for d in cloud.where("/domains", name="d"))
    projects = [p["id"] for p in cloud.where("/projects", domain_id=ours)]
    return not any(one in row for one in (ours, *projects)) and bool(row)


def _add_strangers(cloud: FakeCloud) -> None:
    """Have another hand make things right among ours."""
    domain = next(d["id"] for d in cloud.where("/domains", name="d"))
    for path in ("/users", "/groups", "/roles", "/projects"):
        cloud.add(path, {"name": "stranger", "domain_id": domain})
    for project in list(cloud.where("/projects", domain_id=domain)):
        here = {"name": "stranger", "project_id": project["id"]}
        cloud.add("/security-groups", dict(here))
        network = cloud.add("/networks", dict(here))["id"]
        cloud.add("/subnets", {**here, "network_id": network, "cidr": "192.0.2.0/24"})


@given(worlds("d"))
def test_a_plan_of_an_export_is_empty(state: State) -> None:
    cloud = small_cloud()
    runner = small_runner(cloud)
    settle(runner, state)
    _add_strangers(cloud)
    _export_says_the_cloud(runner)


def _export_says_the_cloud(runner: Runner) -> None:
    export = export_cloud(runner.target)
    desired, _ = make_desired(in_memory(files=export.files), runner.target.kinds)
    plan, _ = runner.plan(desired)
    assert plan.empty, shown(plan)


WRITES = 40
"""More than the fixed state takes: the test says so."""


@pytest.mark.parametrize("takes_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, WRITES))
def test_killed_at_any_request_the_next_runs_converge(at: int, takes_effect: bool) -> None:
    _converges(FIXED, Fault(at, Killed(), takes_effect=takes_effect, lasting=True))


@given(worlds("d"), st.integers(1, 30), st.booleans())
def test_killed_anywhere_the_next_runs_converge(state: State, at: int, takes_effect: bool) -> None:
    _converges(state, Fault(at, Killed(), takes_effect=takes_effect, lasting=True))


def _converges(state: State, fault: Fault) -> None:
    whole = small_cloud()
    settle(small_runner(whole), state)
    assert state is not FIXED or len(whole.writes) < WRITES
    cloud = small_cloud()
    runner = small_runner(cloud)
    desired = runner.desired(dump(state))
    cloud.break_at(fault)
    with suppress(Killed):
        runner.apply(desired)
    cloud.break_at(None)
    settle(runner, state)
    assert shown(runner.plan(desired)[0]) == []
    assert census(cloud) == census(whole)


@pytest.mark.devcloud
def test_it_settles_on_real_services(cloud: Cloud, word: str, kinds: Kinds) -> None:
    runs = 0

    @FEW
    @given(st.data())
    def law(data: Any) -> None:
        nonlocal runs
        runs += 1
        name = f"dom-{word}-{runs}"
        chosen = Kinds(kind for kind in kinds if kind.name in NAMES)
        runner = runner_for(cloud, cloud.who(), chosen)
        try:
            before, after = data.draw(worlds(name, POOL)), data.draw(worlds(name, POOL))
            settle(runner, before)
            assert settle(runner, after) <= THREE_PASSES
            settle(runner, absent(together(before, after)))
        finally:
            clean_up(cloud, word)

    law()


@pytest.mark.devcloud
def test_a_plan_of_an_export_of_real_services_is_empty(
    cloud: Cloud, domain: str, kinds: Kinds
) -> None:
    chosen = Kinds(kind for kind in kinds if kind.name in NAMES)
    runner = runner_for(cloud, cloud.who(), chosen)
    content = FIXED["domains"]["d"]
    settle(runner, {"domains": {domain: content}})
    projects = [f"{domain}/p"]
    export = export_cloud(runner.target, projects=projects)
    desired, _ = make_desired(in_memory(files=export.files), chosen)
    plan, _ = runner.plan(desired)
    assert plan.empty, shown(plan)
