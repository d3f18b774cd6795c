"""From a keystone that knows only its admin, to a catalogue that names every service."""

from reconciler.devcloud.api import Client
from reconciler.devcloud.layout import REGION
from reconciler.devcloud.services import KEYSTONE, NEUTRON, NOVA, SERVICES, Service

# Tests and demonstrations share the admin's project; its limits should never be what stops them.
# Every other project has the defaults of a real cloud.
UNLIMITED_NOVA = ("instances", "cores", "ram", "key_pairs", "server_groups")
UNLIMITED_NEUTRON = (
    "network",
    "subnet",
    "subnetpool",
    "port",
    "router",
    "floatingip",
    "security_group",
    "security_group_rule",
    "rbac_policy",
    "trunk",
)


def register_services(client: Client) -> None:
    """Make the services' users and endpoints, and the admin one of the domain too."""
    listed = client.call(KEYSTONE, "GET", "/v3/roles")["roles"]
    roles = {role["name"]: role["id"] for role in listed}
    # Keystone's bootstrap makes its user the admin of one project and of the system only.
    admins = client.call(KEYSTONE, "GET", "/v3/users?name=admin&domain_id=default")["users"]
    path = f"/v3/domains/default/users/{admins[0]['id']}/roles/{roles['admin']}"
    client.call(KEYSTONE, "PUT", path)
    project = create(client, "project", name="service", domain_id="default")
    for service in SERVICES:
        if service != KEYSTONE:
            user = create(
                client,
                "user",
                name=service.name,
                domain_id="default",
                password=client.home.password,
            )
            for role in ("admin", "service"):
                path = f"/v3/projects/{project}/users/{user}/roles/{roles[role]}"
                client.call(KEYSTONE, "PUT", path)
            register(client, service)


def lift_admin_limits(client: Client) -> None:
    found = client.call(KEYSTONE, "GET", "/v3/projects?name=admin&domain_id=default")["projects"]
    project = found[0]["id"]
    limits = dict.fromkeys(UNLIMITED_NEUTRON, -1)
    client.call(NEUTRON, "PUT", f"/v2.0/quotas/{project}", {"quota": limits})
    limits = dict.fromkeys(UNLIMITED_NOVA, -1)
    client.call(NOVA, "PUT", f"/v2.1/os-quota-sets/{project}", {"quota_set": limits})


def register(client: Client, service: Service) -> None:
    made = create(client, "service", name=service.name, type=service.type)
    for interface in ("public", "internal", "admin"):
        create(
            client,
            "endpoint",
            service_id=made,
            interface=interface,
            region_id=REGION,
            url=client.home.url(service) + service.path,
        )


def create(client: Client, kind: str, **values: str) -> str:
    made = client.call(KEYSTONE, "POST", f"/v3/{kind}s", {kind: values})
    return str(made[kind]["id"])
