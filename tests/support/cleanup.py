"""From a word that no other test has, to a cloud without anything that is named by it.

It speaks HTTP only: what a broken kind or engine left behind goes, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.errors import CloudError, Missing
from reconciler.kinds.calls import Http

Json = Any

IN_PROJECT = (
    ("floatingips", "floatingips"),
    ("routers", "routers"),
    ("rbac-policies", "rbac_policies"),
    ("ports", "ports"),
    ("subnets", "subnets"),
    ("networks", "networks"),
    ("subnetpools", "subnetpools"),
    ("address-scopes", "address_scopes"),
    ("security-groups", "security_groups"),
    ("address-groups", "address_groups"),
    ("qos/policies", "policies"),
)
"""Collections of Neutron, in an order in which they can be emptied."""

NAMED = (
    ("compute", "/flavors/detail?is_public=None", "flavors", "/flavors/{id}"),
    ("compute", "/os-aggregates", "aggregates", "/os-aggregates/{id}"),
    ("compute", "/os-server-groups", "server_groups", "/os-server-groups/{id}"),
    ("compute", "/os-keypairs", "keypairs", "/os-keypairs/{name}"),
    ("block-storage", "/types?is_public=None", "volume_types", "/types/{id}"),
    ("block-storage", "/qos-specs", "qos_specs", "/qos-specs/{id}?force=true"),
    ("image", "/images?limit=1000", "images", "/images/{id}"),
    ("image", "/images?limit=1000&os_hidden=true", "images", "/images/{id}"),
    ("identity", "/roles", "roles", "/roles/{id}"),
    ("identity", "/services", "services", "/services/{id}"),
    ("identity", "/endpoints", "endpoints", "/endpoints/{id}"),
    ("identity", "/regions", "regions", "/regions/{id}"),
)
"""Collections of the whole cloud."""


def clean_up(http: Http, word: str) -> None:
    """Delete the domain that is named by the word, and whatever else is."""
    for domain in _get(http, "identity", "/domains?limit=1000", "domains"):
        if word in domain["name"]:
            _delete_domain(http, domain["id"])
    for service, path, items, one in NAMED:
        for item in _get(http, service, path, items):
            found = item.get("keypair", item)
            if any(word in str(found.get(field)) for field in ("name", "id", "url")):
                _unprotect(http, service, found)
                _delete(http, service, one.format(id=found.get("id"), name=found.get("name")))


def _delete_domain(http: Http, domain: str) -> None:
    projects = [
        p["id"] for p in _get(http, "identity", f"/projects?domain_id={domain}", "projects")
    ]
    for project in projects:
        for path, items in IN_PROJECT:
            for found in _get(http, "network", f"/{path}?project_id={project}", items):
                if path == "routers":
                    _empty_router(http, found["id"])
                _delete(http, "network", f"/{path}/{found['id']}")
        for image in _get(http, "image", f"/images?owner={project}", "images"):
            _unprotect(http, "image", image)
            _delete(http, "image", f"/images/{image['id']}")
        _delete(http, "network", f"/quotas/{project}")
    for kind in ("project", "user", "role"):
        for found in _get(http, "identity", f"/{kind}s?domain_id={domain}", f"{kind}s"):
            if (found.get("options") or {}).get("immutable"):
                body = {kind: {"options": {"immutable": None}}}
                http.request("identity", "PATCH", f"/{kind}s/{found['id']}", json=body)
    steps: tuple[Json, ...] = ({"options": {"immutable": None}}, {"enabled": False})
    for step in steps:
        http.request("identity", "PATCH", f"/domains/{domain}", json={"domain": step})
    _delete(http, "identity", f"/domains/{domain}")


def _empty_router(http: Http, router: str) -> None:
    path = f"/routers/{router}"
    http.request("network", "PUT", path, json={"router": {"routes": []}})
    for port in _get(http, "network", f"/ports?device_id={router}", "ports"):
        if port["device_owner"] == "network:router_interface":
            body = {"port_id": port["id"]}
            http.request("network", "PUT", f"{path}/remove_router_interface", json=body)


def _unprotect(http: Http, service: str, found: Json) -> None:
    if service == "image" and found.get("protected"):
        http.request(
            "image", "PATCH", f"/images/{found['id']}",
            json=[{"op": "replace", "path": "/protected", "value": False}],
            headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
        )  # fmt: skip


def _get(http: Http, service: str, path: str, items: str) -> Iterator[Json]:
    yield from http.request(service, "GET", path)[items]


def _delete(http: Http, service: str, path: str) -> None:
    """Delete one thing; what is in use here is the next line's to tell, or goes with its domain."""
    try:
        http.request(service, "DELETE", path)
    except Missing:
        return
    except CloudError as error:
        if error.status not in (403, 409):
            raise
