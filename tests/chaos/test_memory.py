"""Every point of an apply at which it can be killed or can fail, on the cloud in memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from reconciler.errors import CloudError, Transient
from reconciler.kinds.values import Json
from reconciler.yamlout import dump
from tests.support.fake_cloud import FakeCloud, Killed
from tests.support.runs import Runner, runner_for, shown
from tests.support.small_cloud import small_cloud, small_kinds, small_runner
from tests.support.states import State

BROAD: State = {
    "roles": {"auditor": {"description": "Looks"}},
    "domains": {
        "shop": {
            "description": "The shop",
            "users": {"ann": {"email": "ann@shop.example"}, "ben": {}},
            "groups": {"devs": {"description": "Builders", "users": ["ann", "ben"]}},
            "roles": {"desk": {}},
            "members": [{"group": "devs", "role": "reader", "inherited": True}],
            "projects": {
                "web": {
                    "description": "What customers see",
                    "tags": ["live"],
                    "members": [{"user": "ann", "roles": ["member", "desk"]}],
                    "networks": {
                        "front": {
                            "tags": ["blue"],
                            "subnets": {"v4": {"cidr": "10.7.0.0/24"},
                                        "v6": {"cidr": "fd00:7::/64", "tags": ["six"]}},
                        },
                        "back": {"mtu": 1400, "subnets": {"v4": {"cidr": "10.8.0.0/24"}}},
                    },
                    "security_groups": {
                        "web": {"rules": [{"direction": "ingress", "protocol": "tcp", "ports": 443},
                                          {"direction": "ingress", "remote": {"group": "inner"}}]},
                        "inner": {"rules": [{"direction": "ingress", "remote": {"group": "web"}}]},
                        "default": {"description": "", "rules": []},
                    },
                },
                "lab": {"parent": "web", "enabled": False},
            },
        }
    },
}  # fmt: skip
MOST = 140
"""More requests than an apply of it takes: the tests say so."""


@dataclass(slots=True)
class Line:
    """A line to the cloud in memory on which the n-th request ends badly. Guards the count."""

    cloud: FakeCloud
    at: int
    after: bool
    error: Callable[[], BaseException]
    lasting: bool
    count: int = 0

    def request(self, service: str, method: str, path: str, **more: Any) -> Json:
        self.count += 1
        if self.count > self.at and self.lasting:
            raise self.error()
        if self.count != self.at:
            return self.cloud.request(service, method, path, **more)
        if self.after:
            self.cloud.request(service, method, path, **more)
        raise self.error()


def killed() -> BaseException:
    return Killed()


def failed() -> BaseException:
    return Transient("the line went dead", service="fake")


def with_strangers() -> tuple[FakeCloud, dict[str, str]]:
    """Give a cloud with objects of others under the names of ours, and how those are."""
    cloud = small_cloud()
    domain = cloud.add("/domains", {"name": "others"})["id"]
    project = cloud.add("/projects", {"name": "web", "domain_id": domain})["id"]
    for path in ("/users", "/groups", "/roles"):
        cloud.add(path, {"name": "ann", "domain_id": domain})
    here = {"name": "front", "project_id": project}
    network = cloud.add("/networks", dict(here))["id"]
    cloud.add("/networks", dict(here))
    cloud.add("/subnets", {**here, "network_id": network, "cidr": "10.7.0.0/24"})
    cloud.add("/security-groups", {**here, "name": "web"})
    return cloud, cloud.snapshot()


def names(cloud: FakeCloud) -> list[str]:
    """List what there is, by names: two clouds that are alike agree."""
    rows = [(path, row) for path, table in cloud.rows.items() for row in table.values()]
    known = {row["id"]: row.get("name") for _, row in rows}
    within = ("domain_id", "project_id", "network_id", "security_group_id")
    said = ("name", "description", "tags", "reconciler_owner", "cidr", "remote_ip_prefix")
    lines = [
        f"{path} {[known.get(row.get(f)) for f in within]} {[row.get(f) for f in said]}"
        for path, row in rows
    ]
    edges = [
        f"{n} {[known.get(w, w) for w in e]}" for n, found in cloud.edges.items() for e in found
    ]
    return sorted([*lines, *edges])


@cache
def whole() -> tuple[int, list[str]]:
    """Give how many requests it takes when nothing goes wrong, and what is there then."""
    cloud, _ = with_strangers()
    line = Line(cloud, 0, after=False, error=failed, lasting=False)
    report = _runner(line, cloud).apply(small_runner(cloud).desired(dump(BROAD)))
    assert report.settled
    return line.count, names(cloud)


@dataclass(slots=True)
class Liar:
    """A line on which one item is missing from a list, until something is written. Guards that."""

    cloud: FakeCloud
    collection: str
    item: int
    believed: bool = True
    deleted: list[str] = field(default_factory=list)

    def request(self, service: str, method: str, path: str, **more: Any) -> Json:
        if method != "GET":
            self.believed = False
        if method == "DELETE":
            self.deleted.append(path)
        found = self.cloud.request(service, method, path, **more)
        if method == "GET" and self.believed and path.partition("?")[0] == self.collection:
            [items] = [name for name, value in found.items() if isinstance(value, list)]
            found[items] = [one for at, one in enumerate(found[items]) if at != self.item]
        return found


LISTS = (
    "/domains", "/projects", "/users", "/groups", "/roles", "/networks", "/subnets",
    "/security-groups", "/role_assignments",
)  # fmt: skip


@pytest.mark.parametrize("collection", LISTS)
@pytest.mark.parametrize("item", range(12))
def test_a_list_that_lacks_an_item_takes_nothing_away(collection: str, item: int) -> None:
    _, wanted = whole()
    cloud, strangers = with_strangers()
    runner = small_runner(cloud)
    desired = runner.desired(dump(BROAD))
    runner.apply(desired)
    liar = Liar(cloud, collection, item)
    runner_for(liar, cloud.who(), small_kinds()).apply(desired)
    assert liar.deleted == []
    runner.apply(desired)
    assert shown(runner.plan(desired)[0]) == []
    assert names(cloud) == wanted
    now = cloud.snapshot()
    assert {key: now.get(key) for key in strangers} == strangers


def _runner(line: Line, cloud: FakeCloud) -> Runner:
    return runner_for(line, cloud.who(), small_kinds())


@pytest.mark.parametrize("at", range(1, MOST))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", [killed, failed])
def test_the_next_run_converges(
    at: int, *, after: bool, error: Callable[[], BaseException]
) -> None:
    count, wanted = whole()
    assert count < MOST
    if at > count:
        return
    cloud, strangers = with_strangers()
    line = Line(cloud, at, after, error, lasting=error is killed)
    desired = small_runner(cloud).desired(dump(BROAD))
    with suppress(Killed, CloudError):
        _runner(line, cloud).apply(desired)
    runner = small_runner(cloud)
    report = runner.apply(desired)
    assert [f"{o.change.address}: {o.error}" for o in report.outcomes if o.error] == []
    assert report.settled
    assert shown(runner.plan(desired)[0]) == []
    assert names(cloud) == wanted
    now = cloud.snapshot()
    assert {key: now.get(key) for key in strangers} == strangers
