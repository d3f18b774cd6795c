"""Flavors, their extra specs, and which projects may use the private ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from reconciler.kinds.calls import Call, Listing, Mark, MarkStyle, rest
from reconciler.kinds.compute.version import MICROVERSION
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.spec import Immutable, ServerDefault, Spec, Wire
from reconciler.kinds.values import Bool, GiB, Int, Key, MiB, Text, Word, is_reserved

IS_PUBLIC = "os-flavor-access:is_public"

UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
FlavorId = Annotated[
    str,
    StringConstraints(max_length=255, pattern="^[A-Za-z0-9._-]([A-Za-z0-9. _-]*[A-Za-z0-9._-])?$"),
]
Factor = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class FlavorSpec(Spec):
    """A size of servers. Only its description changes in place; the rest makes it again."""

    vcpus: Annotated[Int, Field(ge=1), Immutable()]
    """Virtual processors."""
    ram: Annotated[MiB, Field(ge=1), Immutable()]
    """Memory; a bare number is in MiB."""
    disk: Annotated[GiB, Immutable()]
    """The root disk; a bare number is in GiB, 0 is as large as the image."""
    ephemeral: Annotated[GiB, Wire("OS-FLV-EXT-DATA:ephemeral"), Immutable()] = 0
    """A second, empty disk; a bare number is in GiB."""
    swap: Annotated[MiB, Immutable()] = 0
    """A disk to swap to; a bare number is in MiB."""
    rxtx_factor: Annotated[Factor, Immutable()] = 1.0
    """A factor of network bandwidth, which hardly any hypervisor heeds any more."""
    public: Annotated[Bool, Wire(IS_PUBLIC), Immutable()] = True
    """Whether every project can use it; if not, those in `access`."""
    description: Text | None = None
    """Free text."""
    flavor_id: Annotated[FlavorId | None, Wire("id"), Immutable(), ServerDefault()] = None
    """An id of your own, which stays when the flavor is made again; by default a UUID."""


def _without_id(fields: Mapping[str, object]) -> dict[str, object]:
    """Take every UUID for one that Nova has chosen."""
    found = fields.get("flavor_id")
    return {"flavor_id": found} if UUID.match(str(found)) else {}


FLAVOR = Kind(
    name="Flavor",
    collection="flavors",
    spec=FlavorSpec,
    version=MICROVERSION,
    unique=True,
    case_insensitive=True,
    renameable=False,
    mark=Mark(MarkStyle.MAP, "extra_specs", "reconciler:owner", "reconciler:protect"),
    defaults=_without_id,
    calls={
        "mark": Call(
            "POST", "/flavors/{id}/os-extra_specs", {"extra_specs": {"{mark_key}": "{mark_value}"}}
        ),
        "unmark": Call("DELETE", "/flavors/{id}/os-extra_specs/{mark_key}"),
    },
    **{
        **rest("/flavors", "flavor"),
        "service": "compute",
        # Without is_public=None the private ones hide.
        "listing": Listing(
            path="/flavors/detail", items="flavors", page=500, params={"is_public": "None"}
        ),
    },
)


class ExtraSpecSpec(Spec):
    """A word to the scheduler or the hypervisor."""

    key: Key
    """Its name, mostly with a namespace: `hw:cpu_policy`."""
    value: Annotated[Word, StringConstraints(max_length=255)]
    """Its value; the service keeps text."""


FLAVOR_EXTRA_SPEC = Kind(
    name="FlavorExtraSpec",
    collection="extra_specs",
    within=("Flavor",),
    spec=ExtraSpecSpec,
    service="compute",
    version=MICROVERSION,
    form=Form.MAP,
    key="key",
    shorthand="value",
    identity=("key",),
    folded=True,
    # Nova writes all of a flavor's extra specs back, whichever of them a request names.
    in_turn=True,
    id_wire="",
    listing=Listing(
        embedded="Flavor", items="extra_specs", select=lambda item: not is_reserved(item["key"])
    ),
    create=Call("POST", "/flavors/{parent}/os-extra_specs", {"extra_specs": {"{key}": "{value}"}}),
    update=Call("PUT", "/flavors/{parent}/os-extra_specs/{key}", {"{key}": "{value}"}),
    delete=Call("DELETE", "/flavors/{parent}/os-extra_specs/{key}"),
)
