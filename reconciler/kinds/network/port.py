"""Ports of a network that belong to no server and no router."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import model_validator

from reconciler.kinds.calls import TAGGED, Listing, neutron
from reconciler.kinds.kind import Kind
from reconciler.kinds.network.addresses import AddressPair, FixedIp, is_automatic
from reconciler.kinds.spec import Gains, Immutable, Ref, Reference, ServerDefault, Spec, Via, Wire
from reconciler.kinds.values import Bool, Json, MacAddress, Tags, Text

NEVER = "network:", "compute:", "neutron:", "baremetal:", "trunk:"
"""Device owners, by their first word, whose ports are made and used by services themselves."""


class DhcpOption(Spec):
    """An option that DHCP hands out to the port."""

    opt_name: Text
    """The name of the option, or its number."""
    opt_value: Text
    """Its value."""
    ip_version: Literal[4, 6] = 4
    """For DHCP of which address family."""


class Binding(Spec):
    """How the port is plugged in; for administrators."""

    vnic_type: Annotated[
        Literal[
            "normal", "direct", "direct-physical", "macvtap", "baremetal", "virtio-forwarder",
            "smart-nic", "vdpa", "accelerator-direct", "accelerator-direct-physical",
            "remote-managed",
        ],
        Wire("binding:vnic_type"),
    ] = "normal"  # fmt: skip
    """The kind of network card."""
    host: Annotated[Text, Wire("binding:host_id")] = ""
    """The host that it is on."""


class PortSpec(Spec):
    """A place on a network, with addresses of its own."""

    description: Text = ""
    """Free text."""
    admin_state_up: Bool = True
    """Whether it carries traffic."""
    fixed_ips: Annotated[frozenset[FixedIp] | None, ServerDefault(), Gains(is_automatic)] = None
    """Its addresses; by default one of each address family. SLAAC adds its own to any."""
    mac_address: Annotated[MacAddress | None, ServerDefault()] = None
    """Its hardware address."""
    security_groups: Annotated[
        frozenset[Annotated[Reference, Ref("SecurityGroup")]] | None, ServerDefault()
    ] = None
    """What may reach it; by default the project's group `default`."""
    port_security_enabled: Annotated[Bool | None, ServerDefault()] = None
    """Whether it is protected against forged addresses; by default as its network says."""
    allowed_address_pairs: frozenset[AddressPair] = frozenset()
    """Further addresses that its traffic may carry."""
    extra_dhcp_opts: frozenset[DhcpOption] = frozenset()
    """Further options for DHCP."""
    qos_policy: Annotated[Reference | None, Ref("QosPolicy")] = None
    """Its QoS policy."""
    dns_name: Text = ""
    """Its name in the DNS."""
    device_id: Text = ""
    """What uses it."""
    device_owner: Text = ""
    """What kind of thing uses it."""
    binding: Annotated[Binding, Wire("")] = Binding()
    """How it is plugged in."""
    propagate_uplink_status: Annotated[Bool | None, Immutable(), ServerDefault()] = None
    """Whether it goes down with the uplink of its host."""
    numa_affinity_policy: Literal["required", "preferred", "legacy", "socket"] | None = None
    """How near to its server's processors the network card must be."""
    tags: Annotated[Tags, Via("tags")] = frozenset()
    """Short words to find it by."""

    @model_validator(mode="after")
    def _agrees(self) -> PortSpec:
        if self.port_security_enabled is False:
            for word in ("security_groups", "allowed_address_pairs"):
                if getattr(self, word):
                    raise ValueError(f"an unprotected port has no {word}")
        if self.device_owner.startswith(NEVER):
            raise ValueError(f"device_owner: {self.device_owner} is for ports that services make")
        return self


def _write(body: dict[str, Json], raw: Mapping[str, Json]) -> dict[str, Json]:
    """Keep the addresses that nobody gave up, and name the options that go: a PUT adds only."""
    free = list(raw.get("fixed_ips") or ())
    for item in body.get("fixed_ips") or ():
        free = [one for one in free if one["ip_address"] != item.get("ip_address")]
    for item in body.get("fixed_ips") or ():
        if item.get("ip_address") is None:
            kept = next((one for one in free if one["subnet_id"] == item.get("subnet_id")), None)
            if kept:
                free.remove(kept)
                item["ip_address"] = kept["ip_address"]
    if raw and "extra_dhcp_opts" in body:
        stay = {(one["opt_name"], one.get("ip_version", 4)) for one in body["extra_dhcp_opts"]}
        body["extra_dhcp_opts"] += [
            {**one, "opt_value": None}
            for one in raw["extra_dhcp_opts"]
            if (one["opt_name"], one["ip_version"]) not in stay
        ]
    return body


PORT = Kind(
    name="Port",
    collection="ports",
    within=("Network",),
    spec=PortSpec,
    ancestors={"network_id": "Network", "project_id": "Project"},
    after=("Subnet",),
    mark=TAGGED,
    write=_write,
    defaults=lambda _fields: {"port_security_enabled": True, "propagate_uplink_status": True},
    **{
        **neutron("/ports", "port", find="name={name}&network_id={Network}", bulk=True),
        "listing": Listing(
            path="/ports", items="ports", page=500,
            select=lambda port: not port["device_owner"].startswith(NEVER),
        ),
    },
)  # fmt: skip
