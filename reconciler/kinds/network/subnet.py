"""Subnets of a network."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import model_validator

from reconciler.kinds.calls import TAGGED, neutron
from reconciler.kinds.kind import Kind
from reconciler.kinds.network.ranges import SIX, pools_around, subnet_defaults
from reconciler.kinds.spec import (
    CreateOnly,
    Immutable,
    Ref,
    Reference,
    ServerDefault,
    Spec,
    Via,
    Wire,
)
from reconciler.kinds.values import Bool, Cidr, Int, IpAddress, Json, Tags, Text


class Pool(Spec):
    """A range of addresses, both ends included."""

    start: IpAddress
    """The first address."""
    end: IpAddress
    """The last address."""

    @model_validator(mode="after")
    def _goes_up(self) -> Pool:
        first, last = ipaddress.ip_address(self.start), ipaddress.ip_address(self.end)
        if first.version != last.version:
            raise ValueError(f"{self.start} and {self.end} are of two address families")
        if int(first) > int(last):
            raise ValueError(f"{self.start} comes after {self.end}")
        return self


class HostRoute(Spec):
    """A route that hosts get by DHCP."""

    destination: Cidr
    """The prefix."""
    nexthop: IpAddress
    """The router."""


class SubnetSpec(Spec):
    """A range of addresses of a network."""

    cidr: Annotated[Cidr | None, Immutable(), ServerDefault()] = None
    """The prefix; left out only with a subnet pool."""
    ip_version: Annotated[Literal[4, 6] | None, Immutable(), ServerDefault()] = None
    """4 or 6; told by the prefix where there is one."""
    description: Text = ""
    """Free text."""
    enable_dhcp: Bool = True
    """Whether DHCP runs on it."""
    gateway: Annotated[IpAddress | Literal["none"] | None, Wire("gateway_ip"), ServerDefault()] = (
        None
    )
    """The gateway's address; by default the first one of the prefix; `none` for no gateway."""
    allocation_pools: Annotated[frozenset[Pool] | None, ServerDefault()] = None
    """The addresses given out by themselves; by default all but the gateway's."""
    dns_nameservers: tuple[IpAddress, ...] = ()
    """Name servers, in the order in which hosts ask them."""
    host_routes: frozenset[HostRoute] = frozenset()
    """Further routes for its hosts."""
    service_types: frozenset[Text] = frozenset()
    """The device owners that may take addresses from it; none: all."""
    dns_publish_fixed_ip: Bool = False
    """Whether fixed addresses go into the DNS."""
    ipv6_ra_mode: Annotated[
        Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"] | None, Immutable()
    ] = None
    """How routers announce themselves."""
    ipv6_address_mode: Annotated[
        Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"] | None, Immutable()
    ] = None
    """How hosts get their address."""
    subnet_pool: Annotated[
        Reference | None, Ref("SubnetPool"), Wire("subnetpool_id"), Immutable()
    ] = None
    """The pool to take a prefix from."""
    prefix_length: Annotated[Int | None, Wire("prefixlen"), CreateOnly()] = None
    """The length of the prefix to take from the pool."""
    tags: Annotated[Tags, Via("tags")] = frozenset()
    """Short words to find it by."""

    @model_validator(mode="after")
    def _agrees(self) -> SubnetSpec:
        if self.cidr is None:
            if self.model_fields_set and self.subnet_pool is None:
                raise ValueError("takes a cidr, or a subnet_pool to take one from")
            return self
        family = ipaddress.ip_network(self.cidr).version
        if self.ip_version not in (None, family):
            raise ValueError(
                f"ip_version {self.ip_version} and cidr {self.cidr} contradict each other"
            )
        if self.prefix_length is not None:
            raise ValueError("prefix_length goes with subnet_pool, not with cidr")
        said = [("dns_nameserver", server) for server in self.dns_nameservers]
        said += [] if self.gateway in (None, "none") else [("gateway", str(self.gateway))]
        for word, address in said:
            if ipaddress.ip_address(address).version != family:
                raise ValueError(f"{word} {address} is of another address family than {self.cidr}")
        for word in ("ipv6_ra_mode", "ipv6_address_mode"):
            if getattr(self, word) and family != SIX:
                raise ValueError(f"{word} is for IPv6")
        return self


def _read(raw: dict[str, Json]) -> dict[str, Json]:
    if raw.get("gateway_ip") is None:
        raw["gateway_ip"] = "none"
    return raw


def _write(body: dict[str, Json], raw: Mapping[str, Json]) -> dict[str, Json]:
    if body.get("gateway_ip") == "none":
        body["gateway_ip"] = None
    if "gateway_ip" in body and raw and "allocation_pools" not in body:
        body |= pools_around(body["gateway_ip"], raw)
    if not raw and "ip_version" not in body:
        # Neutron wants it said although the prefix says it.
        body["ip_version"] = ipaddress.ip_network(body["cidr"]).version if "cidr" in body else 4
    return body


SUBNET = Kind(
    name="Subnet",
    collection="subnets",
    within=("Network",),
    spec=SubnetSpec,
    ancestors={"network_id": "Network", "project_id": "Project"},
    mark=TAGGED,
    read=_read,
    write=_write,
    defaults=subnet_defaults,
    **neutron("/subnets", "subnet", find="name={name}&network_id={Network}", bulk=True),
)
