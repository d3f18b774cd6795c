"""Volume types, their extra specs, and which projects may use the private ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import StringConstraints

from reconciler.kinds.calls import Call, Listing, rest
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.spec import ProjectRef, Spec, Wire
from reconciler.kinds.values import Bool, Json, Key, Text, Word
from reconciler.kinds.volume.listing import TYPES


class VolumeTypeSpec(Spec):
    """A kind of storage that volumes can ask for."""

    description: Text | None = None
    """Free text."""
    public: Annotated[Bool, Wire("is_public")] = True
    """Whether every project can use it; if not, those in `access`."""


def _write(body: dict[str, Json], raw: Mapping[str, Json]) -> dict[str, Json]:
    """Call the flag what a create calls it, and say of no description that it is empty.

    In an update a null is as good as nothing, and nothing is refused.
    """
    if "description" in body:
        body["description"] = body["description"] or ""
    if not raw and "is_public" in body:
        body["os-volume-type-access:is_public"] = body.pop("is_public")
    return body


VOLUME_TYPE = Kind(
    name="VolumeType",
    collection="volume_types",
    spec=VolumeTypeSpec,
    unique=True,
    case_insensitive=True,
    write=_write,
    **{**rest("/types", "volume_type"), "service": "block-storage", "listing": TYPES},
)


class TypeExtraSpecSpec(Spec):
    """A word to the scheduler or the driver."""

    key: Key
    """Its name: `volume_backend_name`."""
    value: Annotated[Word, StringConstraints(max_length=255)]
    """Its value; the service keeps text."""


VOLUME_TYPE_EXTRA_SPEC = Kind(
    name="VolumeTypeExtraSpec",
    collection="extra_specs",
    within=("VolumeType",),
    spec=TypeExtraSpecSpec,
    grave=True,
    service="block-storage",
    form=Form.MAP,
    key="key",
    shorthand="value",
    identity=("key",),
    folded=True,
    id_wire="",
    listing=Listing(embedded="VolumeType", items="extra_specs"),
    create=Call("POST", "/types/{parent}/extra_specs", {"extra_specs": {"{key}": "{value}"}}),
    update=Call("PUT", "/types/{parent}/extra_specs/{key}", {"{key}": "{value}"}),
    delete=Call("DELETE", "/types/{parent}/extra_specs/{key}"),
)


class TypeAccessSpec(Spec):
    """A project that may use a private volume type."""

    project: ProjectRef
    """The project: `domain/name`."""


VOLUME_TYPE_ACCESS = Kind(
    name="VolumeTypeAccess",
    collection="access",
    within=("VolumeType",),
    spec=TypeAccessSpec,
    service="block-storage",
    form=Form.LIST,
    shorthand="project",
    identity=("project",),
    folded=True,
    id_wire="",
    listing=Listing(
        path="/types/{parent}/os-volume-type-access",
        items="volume_type_access",
        each="VolumeType",
        # The list of a public one is a 404.
        wanted=lambda raw: not raw["is_public"],
    ),
    create=Call(
        "POST", "/types/{parent}/action", {"addProjectAccess": {"project": "{project_id}"}}
    ),
    delete=Call(
        "POST", "/types/{parent}/action", {"removeProjectAccess": {"project": "{project_id}"}}
    ),
)
