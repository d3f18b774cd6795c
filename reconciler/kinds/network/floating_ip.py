"""Floating IPs: addresses of an external network that lead to a port."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.calls import TAGGED, neutron
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import Immutable, Ref, Reference, ServerDefault, Spec, Via, Wire
from reconciler.kinds.values import IpAddress, Tags, Text


class FloatingIpSpec(Spec):
    """An address of an external network; the entry's key is the address."""

    network: Annotated[
        Reference, Ref("Network", and_its=("Subnet",)), Wire("floating_network_id"), Immutable()
    ]
    """The external network."""
    port: Annotated[Reference | None, Ref("Port", blocks=False)] = None
    """The port that it leads to."""
    fixed_ip_address: Annotated[IpAddress | None, ServerDefault()] = None
    """Which of the port's addresses; by default its only one."""
    qos_policy: Annotated[Reference | None, Ref("QosPolicy")] = None
    """Its QoS policy."""
    dns_name: Annotated[Text, Immutable()] = ""
    """Its name in the DNS."""
    dns_domain: Annotated[Text, Immutable()] = ""
    """The DNS zone of that name; with a dot at its end."""
    description: Text = ""
    """Free text."""
    tags: Annotated[Tags, Via("tags")] = frozenset()
    """Short words to find it by."""


FLOATING_IP = Kind(
    name="FloatingIP",
    collection="floating_ips",
    within=("Project",),
    spec=FloatingIpSpec,
    name_wire="floating_ip_address",
    renameable=False,
    ancestors={"project_id": "Project"},
    # A way from the address to the port must be there: gateway and interface.
    after=("Router", "RouterInterface"),
    mark=TAGGED,
    **neutron("/floatingips", "floatingip", find="floating_ip_address={name}"),
)
