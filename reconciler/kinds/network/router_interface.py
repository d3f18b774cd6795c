"""What routers are connected to, and the routes that they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import ConfigDict, JsonValue, model_validator

from reconciler.kinds.address import Address
from reconciler.kinds.calls import Call, Listing, Work
from reconciler.kinds.kind import Fields, Form, Kind
from reconciler.kinds.network.addresses import subnet_of
from reconciler.kinds.network.router import INTERFACES
from reconciler.kinds.spec import Immutable, Ref, Reference, ServerDefault, Spec
from reconciler.kinds.values import Cidr, IpAddress, Json

_NETWORK: JsonValue = {
    "description": "The network of the subnet, where several have one of its name.",
    "type": ["string", "object"],
}


class InterfaceSpec(Spec):
    """A subnet that a router is connected to."""

    model_config = ConfigDict(json_schema_extra={"also": {"network": _NETWORK}})

    subnet: Annotated[Reference, Immutable(), Ref("Subnet")]
    """The subnet."""
    ip_address: Annotated[IpAddress | None, Immutable(), ServerDefault()] = None
    """The router's address on it; by default the subnet's gateway."""

    @model_validator(mode="before")
    @classmethod
    def _in_its_network(cls, value: object) -> object:
        if not isinstance(value, Mapping) or "network" not in value:
            return value
        rest = {k: v for k, v in value.items() if k != "network"}
        return {**rest, "subnet": subnet_of(value.get("subnet"), value["network"])}


def _read(raw: dict[str, Json]) -> Mapping[str, Json]:
    return {**raw["fixed_ips"]}


def _defaults(fields: Fields, look: Callable[[Address], Fields]) -> Fields:
    subnet = fields.get("subnet")
    return {"ip_address": look(subnet).get("gateway")} if isinstance(subnet, Address) else {}


def _names(parent: Address, fields: Fields) -> tuple[str, ...]:
    return (*parent.names, str(getattr(fields["subnet"], "name", fields["subnet"])))


def _with_port(work: Work) -> Mapping[str, Json]:
    """Make the port of an interface that shall have another address than the gateway's."""
    subnet, address = work.values["subnet_id"], work.values.get("ip_address")
    if not address:
        return {"interface": {"subnet_id": subnet}}
    network = work.http.request("network", "GET", f"/subnets/{subnet}")["subnet"]["network_id"]
    # An attempt that was cut off may have left it, without a device.
    there = work.http.request(
        "network", "GET", "/ports",
        params={"network_id": network, "fixed_ips": f"ip_address={address}"},
    )["ports"]  # fmt: skip
    port = next((one for one in there if not one["device_id"]), None)
    if port is None:
        body = {
            "network_id": network,
            # Else it would be given an address of every SLAAC subnet of the network, too.
            "device_owner": "network:router_interface",
            "project_id": work.values["Project"],
            "fixed_ips": [{"subnet_id": subnet, "ip_address": address}],
        }
        port = work.http.request("network", "POST", "/ports", json={"port": body})["port"]
    return {"interface": {"port_id": port["id"]}}


ROUTER_INTERFACE = Kind(
    name="RouterInterface",
    collection="interfaces",
    within=("Router",),
    spec=InterfaceSpec,
    service="network",
    form=Form.LIST,
    shorthand="subnet",
    identity=("subnet",),
    names=_names,
    id_wire="",
    parent=lambda port: ("Router", port["device_id"]),
    listing=Listing(
        path="/ports", items="ports", page=500, split="fixed_ips",
        select=lambda port: port["device_owner"] in INTERFACES,
    ),
    read=_read,
    defaults_among=_defaults,
    prepare=_with_port,
    create=Call("PUT", "/routers/{parent}/add_router_interface", "{interface}"),
    delete=Call("PUT", "/routers/{parent}/remove_router_interface", {"subnet_id": "{subnet_id}"}),
)  # fmt: skip


class RouteSpec(Spec):
    """A way that a router is told, beside those to its own subnets."""

    destination: Annotated[Cidr, Immutable()]
    """The prefix."""
    nexthop: Annotated[IpAddress, Immutable()]
    """The next router, on one of this router's subnets."""


def _phrase(fields: Mapping[str, Json]) -> str:
    return f"{fields['destination']} via {fields['nexthop']}"


_ROUTES = {"router": {"routes": [{"destination": "{destination}", "nexthop": "{nexthop}"}]}}

ROUTER_ROUTE = Kind(
    name="RouterRoute",
    collection="routes",
    within=("Router",),
    spec=RouteSpec,
    service="network",
    form=Form.LIST,
    identity=("destination", "nexthop"),
    phrase=_phrase,
    folded=True,
    after=("RouterInterface",),
    id_wire="",
    listing=Listing(embedded="Router", items="routes"),
    create=Call("PUT", "/routers/{parent}/add_extraroutes", _ROUTES),
    delete=Call("PUT", "/routers/{parent}/remove_extraroutes", _ROUTES),
)
