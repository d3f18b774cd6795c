"""A cloud in memory that is looked at only: every collection that any kind lists is there.

What nothing is known of is empty; it can hold all that the benchmark's state speaks of.
"""

from __future__ import annotations

import re

from bench.state import Size, wanted
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Kinds
from tests.support import fake_identity, fake_network
from tests.support.fake_cloud import FakeCloud, Handler, Json, Route, Row, Table

DEFAULTS = {"cores": 20, "instances": 10, "ram": 51200}
WORDS = {"cores": "maxTotalCores", "instances": "maxTotalInstances", "ram": "maxTotalRAMSize"}


def full_cloud(kinds: Kinds, size: Size, owner: str) -> FakeCloud:
    """Give a cloud that holds a state, every object with its owner's mark."""
    plain = [Table(one.service, one.path, one.one, one.many, one.blank, open=True)
             for one in fake_network.TABLES]  # fmt: skip
    tables = {one.path: one for one in (*fake_identity.TABLES, *plain)}
    for kind in kinds:
        for path, items in _collections(kind):
            empty = Table(kind.service, path, kind.name, items, {}, open=True)
            tables.setdefault(path, empty)
    cloud = FakeCloud((*tables.values(),), (*fake_identity.ROUTES, *_routes(size)))
    fake_identity.bootstrap(cloud)
    _Filling(cloud, size, owner).fill()
    return cloud


def _collections(kind: Kind) -> list[tuple[str, str]]:
    found = [one for one in (kind.listing, *kind.more) if one and one.path and not one.each]
    return [(one.path, one.items) for one in found]


class _Filling:
    """Puts rows into the tables as they are: nothing is made that nobody speaks of."""

    def __init__(self, cloud: FakeCloud, size: Size, owner: str) -> None:
        self.cloud = cloud
        self.state = wanted(size)
        self.mark = f"reconciler:{owner}"
        self.owner = owner
        self.domain = next(iter(cloud.rows["/domains"]))

    def fill(self) -> None:
        for path, kind in (("/projects", "project"), ("/users", "user")):
            for (name,), fields in self.state[kind].items():
                self._add(path, name, domain_id=self.domain, parent_id=self.domain,
                          tags=[self.mark], reconciler_owner=self.owner, **fields)  # fmt: skip
        for project, user, role in self.state["assignment"]:
            actor, word = self._id("/users", user), self._id("/roles", role)
            edge = ("projects", self._id("/projects", project), "users", actor, word, "")
            self.cloud.edges[fake_identity.ASSIGNMENTS].add(edge)
        for (name,), fields in self.state["flavor"].items():
            specs = {"reconciler:owner": self.owner}
            self._add("/flavors/detail", name, extra_specs=specs, **FLAVOR, **fields)
        for path, kind in (("/networks", "network"), ("/routers", "router")):
            for key, fields in self.state[kind].items():
                self._in_project(path, key, tags=[self.mark], **fields)
        for key, fields in self.state["subnet"].items():
            above = f"/networks/{key[0]}/{key[1]}"
            self._in_project("/subnets", key, network_id=above, tags=[self.mark], **fields)
        for project, router, subnet in self.state["interface"]:
            ip = {"subnet_id": f"/subnets/{project}/{subnet}", "ip_address": "10.0.0.1"}
            self._in_project("/ports", (project, ""), device_owner="network:router_interface",
                             device_id=f"/routers/{project}/{router}", fixed_ips=[ip],
                             network_id=f"/networks/{project}/front")  # fmt: skip
        for key, fields in self.state["group"].items():
            rules = [self._rule(one) for one in self.state["rule"] if one[:2] == key]
            self._in_project("/security-groups", key, tags=[self.mark],
                             security_group_rules=rules, **fields)  # fmt: skip

    def _add(self, path: str, name: str, key: str = "", **fields: Json) -> None:
        blank = self.cloud.tables[path].blank
        found: Row = {"id": key or f"{path}/{name}", **blank, "name": name, **fields}
        self.cloud.rows[path][found["id"]] = found

    def _in_project(self, path: str, key: tuple[str, ...], **fields: Json) -> None:
        project = self._id("/projects", key[0])
        self._add(path, key[1], f"{path}/{key[0]}/{key[1]}", project_id=project,
                  revision_number=1, **fields)  # fmt: skip

    def _id(self, path: str, name: str) -> str:
        ids = (one["id"] for one in self.cloud.rows[path].values() if one["name"] == name)
        return next(ids) if path == "/roles" else f"{path}/{name}"

    def _rule(self, key: tuple[str, ...]) -> Row:
        project, group, way, family, protocol, port, remote = key
        blank = self.cloud.tables["/security-group-rules"].blank
        return {
            **blank, "id": "/".join(key), "direction": way, "ethertype": family,
            "protocol": protocol or None, "port_range_min": int(port) if port else None,
            "port_range_max": int(port) if port else None, "remote_ip_prefix": remote or None,
            "project_id": self._id("/projects", project), "description": "",
            "security_group_id": f"/security-groups/{project}/{group}",
        }  # fmt: skip


FLAVOR: Row = {
    "OS-FLV-EXT-DATA:ephemeral": 0, "swap": 0, "rxtx_factor": 1.0,
    "os-flavor-access:is_public": True, "description": None,
}  # fmt: skip


def _routes(size: Size) -> tuple[Route, ...]:
    state = wanted(size)
    compute = next(iter(state["compute_quota"].values()))
    network = next(iter(state["network_quota"].values()))
    limits = {WORDS[name]: limit for name, limit in compute.items()}
    details = {name: {"limit": limit, "used": 1, "reserved": 0} for name, limit in network.items()}
    answers: tuple[tuple[str, str, Json], ...] = (
        ("compute", r"/limits", {"limits": {"absolute": limits}}),
        ("compute", r"/os-quota-sets/[^/]+/defaults", {"quota_set": DEFAULTS}),
        ("network", r"/quotas/.+/details.json", {"quota": details}),
        ("network", r"/quotas/.+/default", {"quota": dict.fromkeys(network, 100)}),
        ("block-storage", r"/os-quota-sets/[^/]+/defaults", {"quota_set": {}}),
    )

    def everyone(cloud: FakeCloud, _words: tuple[str, ...], _asked: Json) -> Json:
        rows = cloud.rows["/projects"].values()
        return {"quotas": [{**network, "project_id": row["id"]} for row in rows]}

    return (
        Route("network", "GET", re.compile("/quotas"), everyone),
        *(
            Route(service, "GET", re.compile(path), _always(told))
            for service, path, told in answers
        ),
    )


def _always(told: Json) -> Handler:
    return lambda _cloud, _words, _asked: told
