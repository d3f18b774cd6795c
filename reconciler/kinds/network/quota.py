"""What a project may use of the network service."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.calls import Listing
from reconciler.kinds.kind import Kind
from reconciler.kinds.quotas import quota
from reconciler.kinds.spec import ServerDefault, Spec
from reconciler.kinds.values import Limit


class NetworkQuotaSpec(Spec):
    """The limits of a project on networks; -1 is none, `null` the default of the cloud."""

    network: Annotated[Limit | None, ServerDefault()] = None
    """Networks."""
    subnet: Annotated[Limit | None, ServerDefault()] = None
    """Subnets."""
    port: Annotated[Limit | None, ServerDefault()] = None
    """Ports."""
    router: Annotated[Limit | None, ServerDefault()] = None
    """Routers."""
    router_route: Annotated[Limit | None, ServerDefault()] = None
    """Routes of each router."""
    floatingip: Annotated[Limit | None, ServerDefault()] = None
    """Floating IPs."""
    security_group: Annotated[Limit | None, ServerDefault()] = None
    """Security groups, `default` among them."""
    security_group_rule: Annotated[Limit | None, ServerDefault()] = None
    """Rules of all security groups together."""
    rbac_policy: Annotated[Limit | None, ServerDefault()] = None
    """Networks and other things shared with single projects."""
    subnetpool: Annotated[Limit | None, ServerDefault()] = None
    """Subnet pools."""
    trunk: Annotated[Limit | None, ServerDefault()] = None
    """Trunks."""


NETWORK_QUOTA = Kind(
    name="NetworkQuota",
    collection="network",
    spec=NetworkQuotaSpec,
    **quota(
        "network",
        "quota",
        read="/quotas/{project}/details.json",
        write="/quotas/{project}",
        default="/quotas/{own_project}/default",
        # Only projects of which a limit was ever set are in it.
        listing=Listing(path="/quotas", items="quotas", each="Project", by="project_id"),
    ),
)
