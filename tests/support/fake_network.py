"""Neutron in memory: networks, subnets, security groups, routers and their ports."""

from __future__ import annotations

import ipaddress
import re

from reconciler.errors import Exists, Missing
from tests.support.fake_cloud import FakeCloud, Handler, Json, Route, Row, Table, refused

BULK = {
    "/networks": "any", "/subnets": "any", "/security-groups": "any", "/ports": "any",
    "/security-group-rules": "security_group_id",
}  # fmt: skip
"""The collections that take several objects in one body, and what all of those must agree in."""
_COMMON: Row = {"name": "", "description": "", "project_id": None, "tags": []}


def _untagged(row: Row) -> None:
    if row["tags"]:
        raise refused(400, "Attribute 'tags' not allowed in POST")


def _new_network(cloud: FakeCloud, row: Row) -> None:
    _untagged(row)
    _ensure_default_group(cloud, row["project_id"])


def _show_network(cloud: FakeCloud, row: Row) -> Row:
    subnets = [s["id"] for s in cloud.where("/subnets", network_id=row["id"])]
    return {**row, "subnets": subnets}


def _gone_network(cloud: FakeCloud, row: Row) -> None:
    if any(cloud.where("/ports", network_id=row["id"])):
        raise refused(409, "There are one or more ports still in use on the network")
    for subnet in cloud.where("/subnets", network_id=row["id"]):
        cloud.remove("/subnets", subnet["id"])


def _new_subnet(cloud: FakeCloud, row: Row) -> None:
    _untagged(row)
    cloud.find("/networks", row["network_id"])
    net = ipaddress.ip_network(row["cidr"], strict=False)
    row["cidr"] = str(net)
    for other in cloud.where("/subnets", network_id=row["network_id"]):
        there = ipaddress.ip_network(other["cidr"])
        if there.version == net.version and there.overlaps(net):
            raise refused(400, f"Requested subnet with cidr: {net} overlaps with another subnet.")
    first, last = int(net.network_address), int(net.broadcast_address)
    make = type(net.network_address)
    if row["gateway_ip"] == "":  # left out: null means none
        row["gateway_ip"] = str(make(first if net.version == 6 else first + 1))
    if row["allocation_pools"] is None:
        low, high = first + 1, last if net.version == 6 else last - 1
        hole = int(ipaddress.ip_address(row["gateway_ip"])) if row["gateway_ip"] else -1
        parts = [(low, hole - 1), (hole + 1, high)] if low <= hole <= high else [(low, high)]
        row["allocation_pools"] = [
            {"start": str(make(a)), "end": str(make(b))} for a, b in parts if a <= b
        ]


def _gone_subnet(cloud: FakeCloud, row: Row) -> None:
    for port in cloud.rows["/ports"].values():
        if any(ip["subnet_id"] == row["id"] for ip in port["fixed_ips"]):
            raise refused(409, "One or more ports have an IP allocation from this subnet.")


def _ensure_default_group(cloud: FakeCloud, project: str) -> None:
    if any(g["name"] == "default" for g in cloud.where("/security-groups", project_id=project)):
        return
    text = "Default security group"
    made = {"name": "default", "description": text, "project_id": project, "made": True}
    group = cloud.add("/security-groups", made)
    for version in ("IPv4", "IPv6"):
        rule = {"direction": "ingress", "ethertype": version, "remote_group_id": group["id"]}
        cloud.add("/security-group-rules", {**rule, **_in(group)})


def _in(group: Row) -> Row:
    return {"security_group_id": group["id"], "project_id": group["project_id"]}


def _new_group(cloud: FakeCloud, row: Row) -> None:
    _untagged(row)
    if not row.pop("made"):
        _ensure_default_group(cloud, row["project_id"])
        if row["name"].lower() == "default":
            raise Exists("Default security group already exists.", status=409)
    cloud.rows["/security-groups"][row["id"]] = row  # its rules refer to it
    for version in ("IPv4", "IPv6"):
        cloud.add("/security-group-rules", {
            "direction": "egress", "ethertype": version, "description": None, **_in(row),
        })  # fmt: skip


def _change_group(_cloud: FakeCloud, row: Row, body: Row) -> None:
    if row["name"] == "default" and body.get("name", "default") != "default":
        raise refused(409, "Updating default security group not allowed.")


def _show_group(cloud: FakeCloud, row: Row) -> Row:
    rules = list(cloud.where("/security-group-rules", security_group_id=row["id"]))
    return {**row, "security_group_rules": rules}


def _gone_group(cloud: FakeCloud, row: Row) -> None:
    if row["name"] == "default":
        raise refused(409, "Insufficient rights for removing default security group.")
    # Neutron takes the group's rules away, and those of others that admit it.
    for field in ("security_group_id", "remote_group_id"):
        for rule in cloud.where("/security-group-rules", **{field: row["id"]}):
            cloud.remove("/security-group-rules", rule["id"])


_SAYS = ("security_group_id", "direction", "ethertype", "protocol", "port_range_min",
         "port_range_max", "remote_group_id", "remote_address_group_id")  # fmt: skip


def _new_rule(cloud: FakeCloud, row: Row) -> None:
    group = cloud.find("/security-groups", row["security_group_id"])
    protocol = row["protocol"]
    row["protocol"] = {"any": None, "icmpv6": "ipv6-icmp"}.get(protocol, protocol)
    if (row["port_range_min"], row["port_range_max"]) == (1, 65535):
        row["port_range_min"] = row["port_range_max"] = None
    prefix = row["remote_ip_prefix"]
    row["normalized_cidr"] = str(ipaddress.ip_network(prefix, strict=False)) if prefix else None
    for other in cloud.where("/security-group-rules", security_group_id=group["id"]):
        if _rule(other) == _rule(row):
            raise Exists(
                f"Security group rule already exists. Rule id is {other['id']}.", status=409
            )
    cloud.bump(group)


def _rule(row: Row) -> list[Json]:
    prefix = row["remote_ip_prefix"]
    return [*(row[name] for name in _SAYS), None if prefix in ("0.0.0.0/0", "::/0") else prefix]


def _gone_rule(cloud: FakeCloud, row: Row) -> None:
    group = cloud.rows["/security-groups"].get(row["security_group_id"])
    if group:
        cloud.bump(group)


def _gone_router(cloud: FakeCloud, row: Row) -> None:
    interfaces = [
        p for p in cloud.where("/ports", device_id=row["id"])
        if p["device_owner"] == "network:router_interface"
    ]  # fmt: skip
    if interfaces:
        raise refused(409, f"Router {row['id']} has ports still attached: {interfaces[0]['id']}")


def _table(path: str, one: str, many: str, blank: Row, **more: Json) -> Table:
    blank = {**_COMMON, **blank}
    return Table("network", path, one, many, blank, revisions=True, bulk=BULK.get(path, ""), **more)


TABLES = (
    _table("/networks", "network", "networks", {
        "admin_state_up": True, "shared": False, "router:external": False, "is_default": False,
        "mtu": 1450, "port_security_enabled": True, "dns_domain": "", "qos_policy_id": None,
        "availability_zone_hints": [], "provider:network_type": "geneve",
        "provider:physical_network": None, "provider:segmentation_id": 7, "status": "ACTIVE",
    }, on_create=_new_network, on_delete=_gone_network, shown=_show_network,
        read_only=frozenset({"project_id", "provider:network_type", "availability_zone_hints"})),
    _table("/subnets", "subnet", "subnets", {
        "network_id": None, "ip_version": 4, "cidr": None, "gateway_ip": "", "enable_dhcp": True,
        "allocation_pools": None, "dns_nameservers": [], "host_routes": [], "service_types": [],
        "ipv6_ra_mode": None, "ipv6_address_mode": None, "subnetpool_id": None,
        "dns_publish_fixed_ip": False,
    }, on_create=_new_subnet, on_delete=_gone_subnet,
        read_only=frozenset({"project_id", "network_id", "cidr", "ip_version"})),
    _table("/security-groups", "security_group", "security_groups", {
        "stateful": True, "shared": False, "made": False,
    }, on_create=_new_group, on_update=_change_group, on_delete=_gone_group, shown=_show_group,
        read_only=frozenset({"project_id"})),
    _table("/security-group-rules", "security_group_rule", "security_group_rules", {
        "security_group_id": None, "direction": None, "ethertype": "IPv4", "protocol": None,
        "port_range_min": None, "port_range_max": None, "remote_ip_prefix": None,
        "remote_group_id": None, "remote_address_group_id": None, "normalized_cidr": None,
        "belongs_to_default_sg": False,
    }, on_create=_new_rule, on_delete=_gone_rule,
        refers={"security_group_id": "/security-groups", "remote_group_id": "/security-groups"}),
    _table("/routers", "router", "routers", {
        "admin_state_up": True, "external_gateway_info": None, "distributed": False, "ha": False,
        "availability_zone_hints": [], "routes": [], "flavor_id": None,
    }, on_create=lambda _cloud, row: _untagged(row), on_delete=_gone_router,
        read_only=frozenset({"project_id"})),
    _table("/ports", "port", "ports", {
        "network_id": None, "device_id": "", "device_owner": "", "fixed_ips": [],
    }),
)  # fmt: skip


def _untag(cloud: FakeCloud, words: tuple[str, ...], _body: Json) -> Json:
    row = cloud.find(f"/{words[0]}", words[1])
    if words[2] not in row["tags"]:
        raise Missing(f"Tag {words[2]} could not be found.", status=404)
    row["tags"] = [tag for tag in row["tags"] if tag != words[2]]
    cloud.bump(row)
    return {}


def _tags(cloud: FakeCloud, words: tuple[str, ...], body: Json) -> Json:
    row = cloud.find(f"/{words[0]}", words[1])
    row["tags"] = sorted(set(body["tags"]))
    cloud.bump(row)
    return {"tags": row["tags"]}


def _tag(cloud: FakeCloud, words: tuple[str, ...], _body: Json) -> Json:
    row = cloud.find(f"/{words[0]}", words[1])
    row["tags"] = sorted({*row["tags"], words[2]})
    cloud.bump(row)
    return {}


def _groups(cloud: FakeCloud, _words: tuple[str, ...], asked: Json) -> Json:
    """Make the default group of the project that asks or is asked for, as the real one does."""
    _ensure_default_group(cloud, asked.get("project_id") or cloud.who().project_id)
    return cloud.page("/security-groups", asked)


def _plug(cloud: FakeCloud, words: tuple[str, ...], body: Json) -> Json:
    router = cloud.find("/routers", words[0])
    subnet = cloud.find("/subnets", body["subnet_id"])
    if any(p["fixed_ips"][0]["subnet_id"] == subnet["id"] for p in _plugs(cloud, router)):
        raise refused(400, f"Router already has a port on subnet {subnet['id']}.")
    port = cloud.add("/ports", {
        "network_id": subnet["network_id"], "device_id": router["id"],
        "device_owner": "network:router_interface", "project_id": router["project_id"],
        "fixed_ips": [{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}],
    })  # fmt: skip
    return {"id": router["id"], "port_id": port["id"], "subnet_id": subnet["id"]}


def _unplug(cloud: FakeCloud, words: tuple[str, ...], body: Json) -> Json:
    router = cloud.find("/routers", words[0])
    for port in _plugs(cloud, router):
        if body.get("port_id") == port["id"] or (
            body.get("subnet_id") == port["fixed_ips"][0]["subnet_id"]
        ):
            cloud.remove("/ports", port["id"])
            return {"id": router["id"]}
    raise refused(404, f"Router {router['id']} has no interface on {body}")


def _plugs(cloud: FakeCloud, router: Row) -> list[Row]:
    owner = "network:router_interface"
    return list(cloud.where("/ports", device_id=router["id"], device_owner=owner))


_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("PUT", r"/([a-z-]+)/([^/]+)/tags", _tags),
    ("PUT", r"/([a-z-]+)/([^/]+)/tags/([^/]+)", _tag),
    ("DELETE", r"/([a-z-]+)/([^/]+)/tags/([^/]+)", _untag),
    ("GET", r"/security-groups", _groups),
    ("GET", r"/floatingips", lambda *_: {"floatingips": []}),
    ("PUT", r"/routers/([^/]+)/add_router_interface", _plug),
    ("PUT", r"/routers/([^/]+)/remove_router_interface", _unplug),
)
ROUTES = tuple(Route("network", m, re.compile(path), answer) for m, path, answer in _ROUTES)
