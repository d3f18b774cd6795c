"""What a project may use of the compute service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from reconciler.kinds.compute.version import MICROVERSION
from reconciler.kinds.kind import Kind
from reconciler.kinds.quotas import quota
from reconciler.kinds.spec import ServerDefault, Spec
from reconciler.kinds.values import Json, Limit, MiBLimit


class ComputeQuotaSpec(Spec):
    """The limits of a project on servers; -1 is none, `null` the default of the cloud."""

    instances: Annotated[Limit | None, ServerDefault()] = None
    """Servers."""
    cores: Annotated[Limit | None, ServerDefault()] = None
    """Virtual processors."""
    ram: Annotated[MiBLimit | None, ServerDefault()] = None
    """Memory; a bare number is in MiB."""
    key_pairs: Annotated[Limit | None, ServerDefault()] = None
    """Key pairs of each user."""
    metadata_items: Annotated[Limit | None, ServerDefault()] = None
    """Metadata items of each server."""
    server_groups: Annotated[Limit | None, ServerDefault()] = None
    """Server groups."""
    server_group_members: Annotated[Limit | None, ServerDefault()] = None
    """Servers in each server group."""


ABSOLUTE = {
    "instances": ("maxTotalInstances", "totalInstancesUsed"),
    "cores": ("maxTotalCores", "totalCoresUsed"),
    "ram": ("maxTotalRAMSize", "totalRAMUsed"),
    "key_pairs": ("maxTotalKeypairs", ""),
    "metadata_items": ("maxServerMeta", ""),
    "server_groups": ("maxServerGroups", "totalServerGroupsUsed"),
    "server_group_members": ("maxServerGroupMembers", ""),
}
"""What the limits and their use are called where both are told."""


def _read(raw: dict[str, Json]) -> Mapping[str, Json]:
    told = raw.get("absolute")
    if told is None:
        return raw
    return {name: told[limit] for name, (limit, _) in ABSOLUTE.items() if limit in told}


def _usage(raw: Json) -> Mapping[str, int]:
    told = raw.get("absolute") or {}
    return {name: told[used] for name, (_, used) in ABSOLUTE.items() if used in told}


COMPUTE_QUOTA = Kind(
    name="ComputeQuota",
    collection="compute",
    spec=ComputeQuotaSpec,
    # The limits of networks (until 2.35) and of injected files (until 2.56) are gone.
    version=MICROVERSION,
    **{
        **quota(
            "compute",
            "quota_set",
            # Seven times faster than the quota sets, which ask Keystone for the project each time.
            read="/limits?tenant_id={project}",
            shown_in="limits",
            write="/os-quota-sets/{project}",
            default="/os-quota-sets/{own_project}/defaults",
        ),
        "read": _read,
        "usage": _usage,
    },
)
