"""A look that remembers the one before sees what a fresh look sees, whatever changed meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from reconciler import line
from reconciler.cloud.index import Gathering, Item, index
from reconciler.cloud.last import Last
from reconciler.cloud.live import Live
from reconciler.cloud.session import Who
from reconciler.engine.compare import FieldChange, compare
from reconciler.engine.policy import Policy
from reconciler.engine.values import Action
from reconciler.errors import Exists
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Kinds, load_kinds
from reconciler.kinds.values import Json
from reconciler.state.model import make_desired
from tests.support.fake_cloud import FakeCloud
from tests.support.runs import EVERYTHING, OWNER, Runner, in_memory, shown, went_wrong
from tests.support.small_cloud import small_cloud, small_runner

STATE = """
domains:
  d:
    description: x
    users: {u: {}, v: {description: the other}}
    groups: {g: {users: [u, v]}}
    projects:
      p:
        description: x
        members: [{user: u, role: reader}, {group: g, role: member, inherited: true}]
        networks: {n: {description: x, subnets: {s: {cidr: 10.0.0.0/24}}}}
        security_groups:
          web: {rules: [{direction: ingress, protocol: tcp, ports: 443, remote_group: app}]}
          app: {}
      q: {description: y, parent: p, networks: {n: {description: z}}}
"""
COLLECTIONS = (
    "/projects", "/users", "/groups", "/roles", "/networks", "/subnets", "/security-groups",
)  # fmt: skip
BORN = ("admin", "Default")
"""What the cloud in memory asks for by its name."""


def rename(cloud: FakeCloud, path: str, at: int) -> None:
    row = pick(cloud, path, at)
    row["name"] = "n" if row["name"] != "n" else f"m{at}"


def describe(cloud: FakeCloud, path: str, at: int) -> None:
    row = pick(cloud, path, at)
    row["description"] = f"{row.get('description')}!"


def remove(cloud: FakeCloud, path: str, at: int) -> None:
    row = pick(cloud, path, at)
    cloud.rows[path] = {key: one for key, one in cloud.rows[path].items() if one is not row}


def add(cloud: FakeCloud, path: str, at: int) -> None:
    above = "domain_id" if path in COLLECTIONS[:4] else "project_id"
    place = pick(cloud, "/domains" if above == "domain_id" else "/projects", at).get("id")
    if place and path != "/subnets":
        with contextlib.suppress(Exists):
            cloud.add(path, {"name": f"n{at % 3}", above: place})


def nothing(_cloud: FakeCloud, _path: str, _at: int) -> None:
    """Leave all as it is: then all is taken over."""


def pick(cloud: FakeCloud, path: str, at: int) -> dict[str, object]:
    rows = [row for row in cloud.rows[path].values() if row["name"] not in BORN]
    return rows[at % len(rows)] if rows else {"name": ""}


Hand = Callable[[FakeCloud, str, int], None]
HANDS: tuple[Hand, ...] = (rename, describe, remove, add, nothing)


def beside(runner: Runner, last: Last) -> tuple[Live, Live]:
    """Give what somebody sees who remembers, and what somebody does who does not."""
    desired = runner.desired(STATE)
    live = [
        line.look(replace(runner.target, last=one), desired, OWNER, lambda _kind, _count: None)
        for one in (last, None)
    ]
    return live[0], live[1]


def differing(one: Live, other: Live) -> list[str]:
    return [
        f.name for f in fields(Live)
        if f.name not in ("quiet", "self_groups", "inside")
        and getattr(one, f.name) != getattr(other, f.name)
    ]  # fmt: skip


@given(
    st.lists(
        st.tuples(st.sampled_from(HANDS), st.sampled_from(COLLECTIONS), st.integers(0, 9)),
        max_size=8,
    )
)
@settings(max_examples=60)
def test_whatever_hands_do_meanwhile(doings: list[tuple[Hand, str, int]]) -> None:
    cloud = small_cloud()
    runner = small_runner(cloud)
    assert went_wrong(runner.apply(runner.desired(STATE))) == []
    last = Last()
    remembering = replace(runner, target=replace(runner.target, last=last))
    desired = runner.desired(STATE)  # the same objects each time, as in a controller
    for do, path, at in doings:
        remembering.plan(desired)
        do(cloud, path, at)
        live = beside(runner, last)
        assert differing(*live) == []
        plans = [one.plan(desired)[0] for one in (remembering, runner)]
        assert shown(plans[0]) == shown(plans[1])
        assert plans[0].id == plans[1].id


def test_where_nothing_changed_nothing_is_indexed_or_compared_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = small_cloud()
    runner = small_runner(cloud)
    desired = runner.desired(STATE)
    assert went_wrong(runner.apply(desired)) == []
    indexed: list[str] = []

    compared: list[str] = []

    def noted_index(kind: Kind, items: list[Item], gathering: Gathering) -> Gathering:
        indexed.append(kind.name)
        return index(kind, items, gathering)

    def noted_compare(*words: Any, **more: Any) -> tuple[FieldChange, ...]:
        compared.append("")
        return compare(*words, **more)

    monkeypatch.setattr("reconciler.cloud.last.index", noted_index)
    monkeypatch.setattr("reconciler.engine.changes.compare", noted_compare)
    remembering = replace(runner, target=replace(runner.target, last=Last()))
    remembering.plan(desired)
    assert len(indexed) > 5
    assert len(compared) > 5
    indexed.clear()
    compared.clear()
    remembering.plan(desired)
    assert indexed == compared == []
    network = next(cloud.where("/networks", description="x"))
    network["description"] = "another hand's"
    plan, _ = remembering.plan(desired)
    assert shown(plan) == ["update Network/d/p/n description: \"another hand's\" → 'x'"]
    assert "Network" in indexed
    assert "User" not in indexed
    indexed.clear()
    line.plan_for(remembering.target, desired, Policy("somebody-else"), EVERYTHING)
    assert "User" in indexed  # whose is whose is told anew


def test_what_a_field_refers_to_may_get_another_name_although_it_is_listed_later() -> None:
    chosen = Kinds(
        kind for kind in load_kinds() if kind.name in ("Domain", "Project", "Network", "QosPolicy")
    )
    order = [kind.name for kind in chosen.ordered()]
    assert order.index("Network") < order.index("QosPolicy")
    lists: dict[str, list[Json]] = {
        "domains": [{"id": "default", "name": "Default"}],
        "projects": [{"id": "p1", "name": "p", "domain_id": "default", "tags": []}],
        "policies": [{"id": "q1", "name": "gold", "project_id": "p1", "tags": [], "rules": []}],
        "networks": [{"id": "n1", "name": "n", "project_id": "p1", "qos_policy_id": "q1",
                      "tags": []}],
    }  # fmt: skip

    class Lists:
        def request(self, service: str, method: str, path: str, **_more: object) -> Json:
            del service, method
            name = path.rpartition("/")[2]
            return deepcopy({name: lists[name]})

    who = Who("u", "admin", "own", "admin", frozenset({"admin"}), frozenset())
    target = line.Target(Lists(), who, "tests", chosen, last=Last())
    text = """
        domain: Default
        projects:
          p:
            qos_policies: {gold: {reconcile: {lifecycle: external}}}
            networks: {n: {qos_policy: gold}}
    """
    desired = make_desired(in_memory(text), chosen)[0]
    for name, actions in (("gold", []), ("silver", [Action.UPDATE]), ("gold", [])):
        lists["policies"][0]["name"] = name
        plan, _ = line.plan_for(target, desired, Policy(""), EVERYTHING)
        assert [change.action for change in plan.changes] == actions
