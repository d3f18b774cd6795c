"""Networks of a project."""

from __future__ import annotations

from typing import Annotated, Literal

from reconciler.kinds.calls import TAGGED, neutron
from reconciler.kinds.kind import Fields, Kind
from reconciler.kinds.spec import Immutable, Ref, Reference, ServerDefault, Shares, Spec, Via, Wire
from reconciler.kinds.values import Bool, Int, Json, Tags, Text


class Provider(Spec):
    """How the network is made in the data centre; for administrators."""

    network_type: Annotated[
        Literal["local", "flat", "vlan", "vxlan", "gre", "geneve"] | None,
        Wire("provider:network_type"), Immutable(), ServerDefault(),
    ] = None  # fmt: skip
    """The technology."""
    physical_network: Annotated[
        Text | None, Wire("provider:physical_network"), Immutable(), ServerDefault()
    ] = None
    """The physical network of a flat or vlan network."""
    segmentation_id: Annotated[Int | None, Wire("provider:segmentation_id"), ServerDefault()] = None
    """VLAN id or tunnel key; that of a vlan network can change in place."""


class NetworkSpec(Spec):
    """A layer-2 network of a project."""

    description: Text = ""
    """Free text."""
    admin_state_up: Bool = True
    """Whether it carries traffic."""
    shared: Annotated[Bool, Shares()] = False
    """Whether every project can use it."""
    external: Annotated[Bool, Wire("router:external"), Shares()] = False
    """Whether routers and floating IPs take addresses from it."""
    is_default: Bool = False
    """Whether it is the external network that is used when none is named."""
    mtu: Annotated[Int | None, ServerDefault()] = None
    """The largest packet, in bytes; by default what the technology allows."""
    port_security_enabled: Bool = True
    """Whether new ports are protected against forged addresses."""
    dns_domain: Text = ""
    """The DNS zone of its ports."""
    qos_policy: Annotated[Reference | None, Ref("QosPolicy")] = None
    """The QoS policy of its ports."""
    availability_zone_hints: Annotated[frozenset[Text], Immutable()] = frozenset()
    """Where its DHCP servers shall run."""
    vlan_transparent: Annotated[Bool | None, Immutable(), ServerDefault()] = None
    """Whether tagged frames pass unchanged."""
    provider: Annotated[Provider, Wire("")] = Provider()
    """How it is made in the data centre."""
    tags: Annotated[Tags, Via("tags")] = frozenset()
    """Short words to find it by."""


CHOSEN = frozenset({"geneve", "vxlan", "gre", "local"})
"""Types that need no physical network: the server chooses one, and its key."""
MTU = {"geneve": 1450, "vxlan": 1450, "gre": 1458, "vlan": 1500, "flat": 1500, "local": 1500}
"""What is left for packets on an Ethernet of 1500 bytes."""


def _defaults(fields: Fields) -> dict[str, object]:
    provider = fields.get("provider")
    kind = provider.get("network_type") if isinstance(provider, dict) else None
    return {
        "mtu": MTU.get(str(kind)),
        "provider": provider if kind in CHOSEN else {},
        "vlan_transparent": False,
    }


def _read(raw: dict[str, Json]) -> dict[str, Json]:
    """Read `is_default`, which is told of external networks only."""
    return {**raw, "is_default": raw.get("is_default") or False}


NETWORK = Kind(
    name="Network",
    collection="networks",
    within=("Project",),
    spec=NetworkSpec,
    ancestors={"project_id": "Project"},
    mark=TAGGED,
    grave=True,
    read=_read,
    defaults=_defaults,
    **neutron("/networks", "network", bulk=True),
)
