"""From an empty cloud to one with objects of others: beside ours, and with the names of ours."""

from __future__ import annotations

from typing import Any

from tests.chaos.census import Reader

Json = Any


class _Hand:
    """Another administrator, with a client of their own."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def make(self, service: str, path: str, one: str, **fields: Json) -> Json:
        body = {one: fields} if one else fields
        found = self.reader.line(service).post(path, json=body).json()
        return found.get(one, found)

    def put(self, service: str, path: str, body: Json = None) -> None:
        self.reader.line(service).put(path, json=body)


def add_strangers(reader: Reader) -> str:
    """Make them; give the id of their project."""
    hand = _Hand(reader)
    domain = hand.make("identity", "/v3/domains", "domain", name="others")["id"]
    here = {"domain_id": domain}
    project = hand.make("identity", "/v3/projects", "project", name="web", **here)["id"]
    _people(hand, domain, project)
    _networks(hand, project)
    _others(hand, project)
    return str(project)


def _people(hand: _Hand, domain: str, project: str) -> None:
    user = hand.make("identity", "/v3/users", "user", name="ann", domain_id=domain)["id"]
    hand.make("identity", "/v3/users", "user", name="visitor", domain_id="default")
    hand.make("identity", "/v3/groups", "group", name="devs", domain_id=domain)
    role = hand.make("identity", "/v3/roles", "role", name="guest")["id"]
    hand.put("identity", f"/v3/projects/{project}/users/{user}/roles/{role}")
    region = hand.make("identity", "/v3/regions", "region", id="elsewhere")["id"]
    service = hand.make("identity", "/v3/services", "service", name="swift", type="object-store")
    hand.make(
        "identity", "/v3/endpoints", "endpoint", service_id=service["id"], interface="public",
        region_id=region, url="http://198.51.100.7:8080/v1",
    )  # fmt: skip


def _networks(hand: _Hand, project: str) -> None:
    network, here = "network", {"project_id": project}
    front = hand.make(network, "/v2.0/networks", "network", name="front", **here)["id"]
    hand.make(network, "/v2.0/networks", "network", name="front", **here)  # twins
    subnet = hand.make(
        network, "/v2.0/subnets", "subnet", name="front-v4", network_id=front, ip_version=4,
        cidr="10.7.0.0/24", **here,
    )["id"]  # fmt: skip
    router = hand.make(network, "/v2.0/routers", "router", name="edge", **here)["id"]
    hand.put(network, f"/v2.0/routers/{router}/add_router_interface", {"subnet_id": subnet})
    hand.make(network, "/v2.0/ports", "port", name="desk", network_id=front, **here)
    group = hand.make(network, "/v2.0/security-groups", "security_group", name="web", **here)["id"]
    hand.make(
        network, "/v2.0/security-group-rules", "security_group_rule", security_group_id=group,
        direction="ingress", ethertype="IPv4", protocol="tcp", port_range_min=22,
        port_range_max=22,
    )  # fmt: skip


def _others(hand: _Hand, project: str) -> None:
    hand.make("compute", "/flavors", "flavor", name="c9.huge", vcpus=64, ram=65536, disk=10)
    hand.make("compute", "/os-keypairs", "keypair", name="theirs", public_key=_KEY)
    quotas = {"quota_set": {"cores": 3}}
    hand.put("compute", f"/os-quota-sets/{project}", quotas)
    hand.make("image", "/v2/images", "", name="tiny", owner=project)
    hand.make("image", "/v2/images", "", name="ubuntu-22.04", owner=project)
    hand.make("block-storage", "/types", "volume_type", name="slow")


_KEY = (
    "ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl theirs@example"
)
