"""QoS specs: limits of volumes, and the volume types that they hold for."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import StringConstraints

from reconciler.kinds.calls import Call, Listing, rest
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.spec import Ref, Reference, Spec
from reconciler.kinds.values import Json, Key, Word
from reconciler.kinds.volume.listing import TYPES


class QosSpecsSpec(Spec):
    """A set of limits for the volumes of some types."""

    consumer: Literal["front-end", "back-end", "both"] = "back-end"
    """Who enforces them: the hypervisor, the storage or both."""


QOS_SPECS = Kind(
    name="QosSpecs",
    collection="qos_specs",
    spec=QosSpecsSpec,
    unique=True,
    case_insensitive=True,
    renameable=False,
    # What is associated with a type cannot be deleted; the author wants it gone.
    before_delete=Call("GET", "/qos-specs/{id}/disassociate_all"),
    **{**rest("/qos-specs", "qos_specs"), "service": "block-storage"},
)


class QosSpecSpec(Spec):
    """One limit."""

    key: Key
    """What is limited: `total_iops_sec`."""
    value: Annotated[Word, StringConstraints(max_length=255)]
    """The limit; the service keeps text."""


QOS_SPEC = Kind(
    name="QosSpec",
    collection="specs",
    within=("QosSpecs",),
    spec=QosSpecSpec,
    service="block-storage",
    form=Form.MAP,
    key="key",
    shorthand="value",
    identity=("key",),
    folded=True,
    id_wire="",
    listing=Listing(embedded="QosSpecs", items="specs"),
    create=Call("PUT", "/qos-specs/{parent}", {"qos_specs": {"{key}": "{value}"}}),
    update=Call("PUT", "/qos-specs/{parent}", {"qos_specs": {"{key}": "{value}"}}),
    delete=Call("PUT", "/qos-specs/{parent}/delete_keys", {"keys": ["{key}"]}),
)


class AssociationSpec(Spec):
    """A volume type that the limits hold for; each type has the limits of one set at most."""

    volume_type: Annotated[Reference, Ref("VolumeType", blocks=False)]
    """The volume type."""


def _read(raw: dict[str, Json]) -> dict[str, Json]:
    return {"volume_type_id": raw["id"]}


QOS_ASSOCIATION = Kind(
    name="QosAssociation",
    collection="volume_types",
    within=("QosSpecs",),
    spec=AssociationSpec,
    service="block-storage",
    form=Form.LIST,
    shorthand="volume_type",
    identity=("volume_type",),
    exclusive=("volume_type",),
    folded=True,
    id_wire="",
    # The types say it themselves, so nobody has to be asked again.
    listing=replace(TYPES, select=lambda raw: bool(raw.get("qos_specs_id"))),
    ancestors={"qos_specs_id": "QosSpecs"},
    read=_read,
    # Cinder takes these two as GET.
    create=Call("GET", "/qos-specs/{parent}/associate?vol_type_id={volume_type_id}"),
    delete=Call("GET", "/qos-specs/{parent}/disassociate?vol_type_id={volume_type_id}"),
)
