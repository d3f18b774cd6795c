"""Routers, their interfaces and their static routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import model_validator

from reconciler.kinds.calls import TAGGED, Work, neutron
from reconciler.kinds.kind import Kind
from reconciler.kinds.network.addresses import FixedIp, in_network
from reconciler.kinds.spec import Immutable, Ref, Reference, ServerDefault, Spec, Via, Wire
from reconciler.kinds.values import Bool, Json, Tags, Text


class Gateway(Spec):
    """How a router leads outside."""

    network: Annotated[Reference, Ref("Network", and_its=("Subnet",))]
    """The external network."""
    enable_snat: Bool = True
    """Whether those inside share the router's address to go out."""
    external_fixed_ips: Annotated[frozenset[FixedIp] | None, ServerDefault()] = None
    """The router's own addresses out there; by default one of each address family."""
    qos_policy: Annotated[Reference | None, Ref("QosPolicy")] = None
    """The QoS policy of what goes through it."""

    @model_validator(mode="before")
    @classmethod
    def _subnets_of_the_network(cls, value: object) -> object:
        return in_network(value, "external_fixed_ips")


class RouterSpec(Spec):
    """A router between subnets, and to outside."""

    description: Text = ""
    """Free text."""
    admin_state_up: Bool = True
    """Whether it routes."""
    gateway: Annotated[Gateway | None, Wire("external_gateway_info")] = None
    """The way outside; none: there is none."""
    distributed: Annotated[Bool | None, Via("mode"), ServerDefault()] = None
    """Whether it runs on every host; a change takes the router down for a moment."""
    ha: Annotated[Bool | None, Via("mode"), ServerDefault()] = None
    """Whether another host takes over when its own fails; a change takes it down for a moment."""
    availability_zone_hints: Annotated[frozenset[Text], Immutable()] = frozenset()
    """Where it shall run."""
    tags: Annotated[Tags, Via("tags")] = frozenset()
    """Short words to find it by."""


def _write(body: dict[str, Json], raw: Mapping[str, Json]) -> dict[str, Json]:
    """Leave behind what a gateway had on its former network."""
    gateway, now = body.get("external_gateway_info"), raw.get("external_gateway_info")
    if gateway and now and gateway["network_id"] != now["network_id"]:
        stale = {ip["subnet_id"] for ip in now["external_fixed_ips"]}
        there = gateway.get("external_fixed_ips") or ()
        if any(ip.get("subnet_id") in stale for ip in there):
            del gateway["external_fixed_ips"]
    if not raw and gateway is None:
        body.pop("external_gateway_info", None)
    return body


def _set_mode(work: Work) -> None:
    """Make it distributed or highly available: Neutron takes that of a router that is down only."""
    stated = (word for word in ("distributed", "ha") if work.values.get(word) is not None)
    wanted = {word: work.values[word] for word in stated}
    if all(work.raw.get(word) == value for word, value in wanted.items()):
        return
    path = f"/routers/{work.id}"
    up = work.raw.get("admin_state_up")
    if up:
        work.http.request("network", "PUT", path, json={"router": {"admin_state_up": False}})
    try:
        work.http.request("network", "PUT", path, json={"router": wanted})
    finally:  # refused or not, it shall route again
        if up:
            work.http.request("network", "PUT", path, json={"router": {"admin_state_up": True}})


INTERFACES = frozenset({
    "network:router_interface", "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
})  # fmt: skip
"""The device owners of ports that are router interfaces."""


def _take_apart(work: Work) -> None:
    """Take routes and interfaces away: a router that has any cannot be deleted."""
    path = f"/routers/{work.id}"
    if work.raw.get("routes"):
        work.http.request("network", "PUT", path, json={"router": {"routes": []}})
    ports = work.http.request("network", "GET", "/ports", params={"device_id": work.id})["ports"]
    for port in ports:
        if port["device_owner"] in INTERFACES:
            body = {"port_id": port["id"]}
            work.http.request("network", "PUT", f"{path}/remove_router_interface", json=body)


ROUTER = Kind(
    name="Router",
    collection="routers",
    within=("Project",),
    spec=RouterSpec,
    ancestors={"project_id": "Project"},
    mark=TAGGED,
    write=_write,
    defaults=lambda _fields: {"distributed": False, "ha": False},
    steps={"mode": _set_mode},
    before_delete=_take_apart,
    # With If-Match a gateway is half changed, then 412: Neutron raises the revision on its way.
    **{**neutron("/routers", "router"), "revision": False},
)
