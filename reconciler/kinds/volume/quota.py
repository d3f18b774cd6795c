"""What a project may use of the block storage service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from reconciler.kinds.address import Address
from reconciler.kinds.kind import Fields, Kind
from reconciler.kinds.quotas import quota
from reconciler.kinds.spec import Beside, Keyed, ServerDefault, Spec
from reconciler.kinds.values import GiBLimit, Limit, Text

PATTERN = "^(volumes|gigabytes|snapshots)_.+$"


class VolumeQuotaSpec(Spec):
    """The limits of a project on volumes; -1 is none, `null` the default of the cloud."""

    volumes: Annotated[Limit | None, ServerDefault()] = None
    """Volumes."""
    gigabytes: Annotated[GiBLimit | None, ServerDefault()] = None
    """Volumes and snapshots together; a bare number is in GiB."""
    per_volume_gigabytes: Annotated[GiBLimit | None, ServerDefault()] = None
    """Each volume; a bare number is in GiB."""
    snapshots: Annotated[Limit | None, ServerDefault()] = None
    """Snapshots."""
    backups: Annotated[Limit | None, ServerDefault()] = None
    """Backups."""
    backup_gigabytes: Annotated[GiBLimit | None, ServerDefault()] = None
    """Backups together; a bare number is in GiB."""
    groups: Annotated[Limit | None, ServerDefault()] = None
    """Groups of volumes."""
    by_type: Annotated[dict[Text, GiBLimit | None], Keyed(), Beside(PATTERN)] = {}  # noqa: RUF012 - pydantic copies it
    """Written beside the others: `volumes_TYPE`, `gigabytes_TYPE` and `snapshots_TYPE`."""


def _types(fields: Fields) -> Iterator[Address]:
    """Give the volume types that keys are named after: Cinder knows no key without its type."""
    stated = fields.get("by_type")
    for key in stated if isinstance(stated, dict) else ():
        yield Address("VolumeType", (key.partition("_")[2],))


VOLUME_QUOTA = Kind(
    name="VolumeQuota",
    collection="volume",
    spec=VolumeQuotaSpec,
    leans_on=_types,
    **quota(
        "block-storage",
        "quota_set",
        read="/os-quota-sets/{project}?usage=true",
        write="/os-quota-sets/{project}",
        default="/os-quota-sets/{own_project}/defaults",
    ),
)
