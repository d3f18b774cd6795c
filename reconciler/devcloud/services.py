"""From the name of an OpenStack service, to how its API is loaded, reached, probed and warmed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """One OpenStack service, of which only the API process runs."""

    name: str
    type: str
    offset: int  # of its port from the first one
    module: str  # holds the WSGI application
    path: str  # what the catalogue appends to its address
    databases: tuple[str, ...]
    health: str
    # Calls for `up` to make, one after the other. The first makes a service build its policy rules;
    # while it does so, other calls are refused or, worse, answered with lists that are too short.
    first_calls: tuple[str, ...]


KEYSTONE = Service(
    name="keystone",
    type="identity",
    offset=0,
    module="keystone.wsgi.api",
    path="/v3",
    databases=("keystone",),
    health="/v3",
    first_calls=("/v3/projects", "/v3/users"),
)
GLANCE = Service(
    name="glance",
    type="image",
    offset=1,
    module="glance.wsgi.api",
    path="",
    databases=("glance",),
    health="/healthcheck",
    first_calls=("/v2/images",),
)
PLACEMENT = Service(
    name="placement",
    type="placement",
    offset=2,
    module="placement.wsgi.api",
    path="",
    databases=("placement",),
    health="/",
    first_calls=("/resource_providers",),
)
NOVA = Service(
    name="nova",
    type="compute",
    offset=3,
    module="nova.wsgi.osapi_compute",
    path="/v2.1",
    databases=("nova_api", "nova_cell0", "nova"),
    health="/",
    first_calls=("/v2.1/flavors/detail", "/v2.1/servers/detail"),
)
NEUTRON = Service(
    name="neutron",
    type="network",
    offset=4,
    module="neutron.wsgi.api",
    path="",
    databases=("neutron",),
    health="/",
    first_calls=("/v2.0/networks", "/v2.0/security-groups", "/v2.0/quotas"),
)
CINDER = Service(
    name="cinder",
    type="block-storage",
    offset=5,
    module="cinder.wsgi.api",
    path="/v3",
    databases=("cinder",),
    health="/healthcheck",
    first_calls=("/v3/types", "/v3/volumes/detail"),
)

SERVICES = (KEYSTONE, GLANCE, PLACEMENT, NOVA, NEUTRON, CINDER)
