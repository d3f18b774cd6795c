"""The service catalogue: services, and where each of them answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from reconciler.kinds.address import Address
from reconciler.kinds.calls import ATTRIBUTED, Call, rest
from reconciler.kinds.identity.region import RegionRef
from reconciler.kinds.kind import Fields, Form, Kind
from reconciler.kinds.spec import Immutable, Spec, Wire
from reconciler.kinds.values import Bool, Text

Url = Annotated[str, StringConstraints(max_length=225, pattern=r"^[a-zA-Z0-9+.-]+:.+")]


class ServiceSpec(Spec):
    """An entry of the service catalogue."""

    type: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    """What it is: `compute`, `identity`, `image` and so on."""
    description: Text = ""
    """Free text."""
    enabled: Bool = True
    """Whether the catalogue shows it and its endpoints."""


SERVICE = Kind(
    name="Service",
    collection="services",
    spec=ServiceSpec,
    service="identity",
    mark=ATTRIBUTED,
    vital=("type", "enabled"),
    # Keystone takes a second service of the same name.
    find=Call("GET", "/services?name={name}", returns="services"),
    **rest("/services", "service", update="PATCH", page=0),
)


class EndpointSpec(Spec):
    """Where a service answers, for one region and one kind of client."""

    region: Annotated[RegionRef, Immutable(), Wire("region_id")]
    """The region that it is for; a list claims the endpoints of the regions that it names."""
    interface: Annotated[Literal["public", "internal", "admin"], Immutable()]
    """Whom it is for: users, other services or administrators."""
    url: Url
    """The address; `%(project_id)s` in it is filled in by Keystone."""
    enabled: Bool = True
    """Whether the catalogue shows it."""
    name: Text = ""
    """A name, which nothing needs."""
    description: Text = ""
    """Free text."""


def _names(parent: Address, fields: Fields) -> tuple[str, ...]:
    region = fields.get("region")
    return (*parent.names, str(getattr(region, "name", region)), str(fields["interface"]))


ENDPOINT = Kind(
    name="Endpoint",
    collection="endpoints",
    within=("Service",),
    spec=EndpointSpec,
    service="identity",
    form=Form.LIST,
    identity=("region", "interface"),
    names=_names,
    claim_scope=("region",),
    reaches="region",
    vital=("url", "enabled"),
    ancestors={"service_id": "Service"},
    mark=ATTRIBUTED,
    # Keystone takes the same endpoint twice.
    find=Call(
        "GET",
        "/endpoints?service_id={parent}&interface={interface}&region_id={region_id}",
        returns="endpoints",
    ),
    **rest("/endpoints", "endpoint", update="PATCH", page=0),
)
