"""Which projects may use a private flavor."""

from __future__ import annotations

from reconciler.kinds.calls import Call, Listing
from reconciler.kinds.compute.flavor import IS_PUBLIC
from reconciler.kinds.compute.version import MICROVERSION
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.spec import ProjectRef, Spec
from reconciler.kinds.values import Json


class AccessSpec(Spec):
    """A project that may use a private flavor."""

    project: ProjectRef
    """The project: `domain/name`."""


def _read_access(raw: dict[str, Json]) -> dict[str, Json]:
    return {"project_id": raw["tenant_id"]}


FLAVOR_ACCESS = Kind(
    name="FlavorAccess",
    collection="access",
    within=("Flavor",),
    spec=AccessSpec,
    service="compute",
    version=MICROVERSION,
    form=Form.LIST,
    shorthand="project",
    identity=("project",),
    folded=True,
    id_wire="",
    read=_read_access,
    listing=Listing(
        path="/flavors/{parent}/os-flavor-access",
        items="flavor_access",
        each="Flavor",
        # The list of a public one is a 404.
        wanted=lambda raw: not raw[IS_PUBLIC],
    ),
    create=Call(
        "POST", "/flavors/{parent}/action", {"addTenantAccess": {"tenant": "{project_id}"}}
    ),
    delete=Call(
        "POST", "/flavors/{parent}/action", {"removeTenantAccess": {"tenant": "{project_id}"}}
    ),
)
