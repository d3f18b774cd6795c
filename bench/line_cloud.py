"""From a number of objects to recorded pages of them, as the services answer, and to the state.

One declared project brings ten declared objects in a file of its own, and five that nobody
declares (its own default group with four rules); as many undeclared objects again lie in projects
that the state does not know. The fields are those that Keystone and Neutron answer with.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.kinds.registry import load_kinds

Row = dict[str, Any]
OWNER = "bench"
PAGE = 500
IN_A_PROJECT, DECLARED_IN_A_PROJECT = 15, 10
IN_A_DOMAIN = 500
TIMES = {"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-02-03T04:05:06Z"}
FILE = """\
# Project {at}: what it has, and who is in it.
domain: {domain}
users:
  lead-{at}:
    email: lead-{at}@campus.example
    description: Leads project {at}
projects:
  web-{at}:
    description: The project number {at}
    tags: [campus]
    members:
      - {{user: lead-{at}, role: member}}
    networks:
      front:
        description: What the web servers listen on{extra}
        subnets:
          front-v4:
            cidr: {cidr}
            dns_nameservers: [9.9.9.9, 1.1.1.1]
    routers:
      edge:
        description: To the rest of the campus
        interfaces: [front-v4]
    security_groups:
      web:
        description: What may reach the web servers
        rules:
          - {{direction: ingress, protocol: tcp, ports: 443, remote: 0.0.0.0/0}}
          - {{direction: egress}}
"""


def file_of(at: int, *, changed: bool = False) -> tuple[str, str]:
    """Give the name and the text of the file of one project."""
    extra = "\n        admin_state_up: true" if changed else ""
    words = {"at": f"{at:05}", "domain": domain_of(at), "cidr": _cidr(at), "extra": extra}
    return f"{domain_of(at)}/web-{at:05}.yaml", FILE.format(**words)


def domain_of(at: int) -> str:
    return f"faculty-{at // IN_A_DOMAIN}"


def _cidr(at: int) -> str:
    return f"10.{at // 256 % 256}.{at % 256}.0/24"


def _id(*words: object) -> str:
    return hashlib.md5(repr(words).encode(), usedforsecurity=False).hexdigest()


def _uuid(*words: object) -> str:
    text = _id(*words)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(slots=True)
class Recording:
    """Every row of every collection, by service and path. Guards the rows while they are made."""

    rows: dict[tuple[str, str], list[Row]] = field(default_factory=dict)

    def add(self, service: str, path: str, row: Row) -> None:
        self.rows.setdefault((service, path), []).append(row)


def record(listed: int) -> tuple[Recording, int]:
    """Give recorded rows of so many objects, and how many projects of them are declared."""
    declared = listed // 2 // DECLARED_IN_A_PROJECT
    strangers = (listed // 2 - declared * (IN_A_PROJECT - DECLARED_IN_A_PROJECT)) // IN_A_PROJECT
    made = Recording()
    _born(made)
    for at in range(declared + strangers):
        if at % IN_A_DOMAIN == 0:
            _add_domain(made, domain_of(at))
        _add_project(made, at, ours=at < declared)
    return made, declared


def _born(made: Recording) -> None:
    """Add what a cloud is born with."""
    _add_domain(made, "Default", "default")
    _identity(made, "/projects", "admin", "default", parent_id="default", is_domain=False, tags=[])
    _identity(made, "/users", "admin", "default", password_expires_at=None, where="default")
    for name in ("admin", "manager", "member", "reader", "service"):
        row = {"id": _id("/roles", name), "name": name, "domain_id": None, "description": None}
        made.add("identity", "/roles", {**row, "options": {"immutable": True}, "links": {}})
    _assign(made, _id("/users", "admin"), _id("/projects", "admin"), "admin")


def _add_domain(made: Recording, name: str, key: str = "") -> None:
    _identity(made, "/domains", name, "", key=key, tags=[])


def _identity(
    made: Recording, path: str, name: str, domain: str, key: str = "", where: str = "", **more: Any
) -> str:
    found = key or _id(path, name)
    words = {"id": found, "name": name, "description": "", "enabled": True, "options": {}}
    links = {"self": f"http://inside:5000/v3{path}/{found}"}
    inside = {"domain_id": domain} if domain else {}
    made.add("identity", path + (f"?domain_id={where}" if where else ""),
             {**words, **inside, **more, "links": links})  # fmt: skip
    return found


def _assign(made: Recording, user: str, project: str, role: str) -> None:
    link = f"/projects/{project}/users/{user}/roles/{_id('/roles', role)}"
    made.add("identity", "/role_assignments", {
        "scope": {"project": {"id": project}}, "user": {"id": user},
        "role": {"id": _id("/roles", role)}, "links": {"assignment": f"http://inside/v3{link}"},
    })  # fmt: skip


def _add_project(made: Recording, at: int, *, ours: bool) -> None:
    domain = _id("/domains", domain_of(at))
    tags = [f"reconciler:{OWNER}"] if ours else []
    owned = {"reconciler_owner": OWNER} if ours else {}
    project = _identity(
        made, "/projects", f"web-{at:05}", domain, parent_id=domain, is_domain=False,
        tags=["campus", *tags], description=f"The project number {at:05}",
    )  # fmt: skip
    user = _identity(
        made, "/users", f"lead-{at:05}", domain, where=domain, password_expires_at=None,
        email=f"lead-{at:05}@campus.example", description=f"Leads project {at:05}", **owned,
    )  # fmt: skip
    _assign(made, user, project, "member")
    _add_networks(made, at, project, tags)
    _add_groups(made, at, project, tags)


def _neutron(made: Recording, path: str, at: object, project: str, row: Row) -> Row:
    full = {
        "id": _uuid(path, at), "name": "", "description": "", "tags": [], **TIMES,
        "revision_number": 3, "project_id": project, "tenant_id": project, **row,
    }  # fmt: skip
    made.add("network", path, full)
    return full


def _add_networks(made: Recording, at: int, project: str, tags: list[str]) -> None:
    network, subnet, router = (_uuid(path, at) for path in ("/networks", "/subnets", "/routers"))
    host = _cidr(at).removesuffix("0/24")
    _neutron(made, "/networks", at, project, {
        "name": "front", "description": "What the web servers listen on", "tags": tags,
        "admin_state_up": True, "status": "ACTIVE", "shared": False, "router:external": False,
        "mtu": 1442, "port_security_enabled": True, "dns_domain": "", "qos_policy_id": None,
        "availability_zone_hints": [], "availability_zones": ["nova"], "ipv4_address_scope": None,
        "ipv6_address_scope": None, "provider:network_type": "geneve", "vlan_transparent": None,
        "provider:physical_network": None, "provider:segmentation_id": at, "subnets": [subnet],
    })  # fmt: skip
    _neutron(made, "/subnets", at, project, {
        "name": "front-v4", "tags": tags, "network_id": network, "ip_version": 4,
        "cidr": _cidr(at), "gateway_ip": f"{host}1", "enable_dhcp": True,
        "allocation_pools": [{"start": f"{host}2", "end": f"{host}254"}], "host_routes": [],
        "dns_nameservers": ["9.9.9.9", "1.1.1.1"], "service_types": [], "ipv6_ra_mode": None,
        "ipv6_address_mode": None, "subnetpool_id": None, "dns_publish_fixed_ip": False,
        "segment_id": None,
    })  # fmt: skip
    _neutron(made, "/routers", at, project, {
        "name": "edge", "description": "To the rest of the campus", "tags": tags,
        "admin_state_up": True, "status": "ACTIVE", "external_gateway_info": None, "routes": [],
        "distributed": False, "ha": False, "availability_zone_hints": [],
        "availability_zones": ["nova"], "flavor_id": None, "enable_ndp_proxy": False,
    })  # fmt: skip
    _neutron(made, "/ports", at, project, {
        "network_id": network, "mac_address": f"fa:16:3e:00:{at // 256:02x}:{at % 256:02x}",
        "admin_state_up": True, "status": "ACTIVE", "device_id": router,
        "device_owner": "network:router_interface", "security_groups": [],
        "fixed_ips": [{"subnet_id": subnet, "ip_address": f"{host}1"}],
        "allowed_address_pairs": [], "extra_dhcp_opts": [], "port_security_enabled": False,
        "binding:vnic_type": "normal", "binding:profile": {}, "binding:host_id": "",
        "binding:vif_type": "unbound", "binding:vif_details": {}, "qos_policy_id": None,
        "qos_network_policy_id": None, "dns_name": "", "dns_domain": "", "dns_assignment": [],
        "resource_request": None, "propagate_uplink_status": True,
    })  # fmt: skip


def _add_groups(made: Recording, at: int, project: str, tags: list[str]) -> None:
    text = "What may reach the web servers"
    for name, about, marks in (("web", text, tags), ("default", "Default security group", [])):
        group = _uuid("/security-groups", (at, name))
        rules = [
            _rule(at, project, group, said) for said in (_OPEN if name == "web" else _shut(group))
        ]
        _neutron(made, "/security-groups", (at, name), project, {
            "name": name, "description": about, "tags": marks, "stateful": True, "shared": False,
            "security_group_rules": rules,
        })  # fmt: skip


_OPEN: tuple[Row, ...] = (
    {"direction": "ingress", "protocol": "tcp", "port_range_min": 443, "port_range_max": 443,
     "remote_ip_prefix": "0.0.0.0/0", "normalized_cidr": "0.0.0.0/0"},
    {"direction": "egress"},
)  # fmt: skip


def _shut(group: str) -> Iterable[Row]:
    for family in ("IPv4", "IPv6"):
        yield {"direction": "ingress", "ethertype": family, "remote_group_id": group}
        yield {"direction": "egress", "ethertype": family}


def _rule(at: int, project: str, group: str, said: Row) -> Row:
    return {
        "id": _uuid(group, at, repr(said)), "security_group_id": group, "ethertype": "IPv4",
        "protocol": None, "port_range_min": None, "port_range_max": None, "description": "",
        "remote_ip_prefix": None, "normalized_cidr": None, "remote_group_id": None,
        "remote_address_group_id": None, "belongs_to_default_sg": False, "standard_attr_id": at,
        **TIMES, "revision_number": 0, "project_id": project, "tenant_id": project, **said,
    }  # fmt: skip


def lay_down_pages(made: Recording, folder: Path) -> None:
    """Write the pages of every listing that there is, empty ones too, a file each."""
    folder.mkdir(parents=True)
    envelopes = {
        (kind.service, listing.path): listing.items
        for kind in load_kinds()
        for listing in (kind.listing, *kind.more, kind.unset)
        if listing is not None and listing.path
    }
    for (service, path), items in envelopes.items():
        rows = made.rows.get((service, path), [])
        if "{parent}" not in path:
            own = path.replace("{own_project}", _id("/projects", "admin"))
            _write_pages(folder, service, own, items, rows)
    for (service, path), rows in made.rows.items():
        if "?" in path:
            _write_pages(folder, service, path, path.split("?")[0].strip("/"), rows)


def page_name(service: str, path: str, at: int) -> str:
    return f"{service}{path}".replace("/", "_") + f".{at}.json"


def _write_pages(folder: Path, service: str, path: str, items: str, rows: list[Row]) -> None:
    paged = service == "network" or path.startswith(("/projects", "/users"))
    size = PAGE if paged else max(len(rows), 1)
    for at in range(0, max(len(rows), 1), size):
        more = (
            f"http://inside{path}?limit={size}&marker={at + size}"
            if at + size < len(rows)
            else None
        )
        body: Row = {items: rows[at : at + size]}
        if service == "identity":
            body["links"] = {"next": more, "self": "", "previous": None}
        elif more:
            body[f"{items}_links"] = [{"rel": "next", "href": more}]
        (folder / page_name(service, path, at)).write_bytes(json.dumps(body).encode())


def lay_down_state(projects: int, repository: Path) -> None:
    """Write two commits: all files; and the same with a word more in one of them."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)
    stream = b"".join(_commits(projects))
    import_words = ["git", "-C", str(repository), "fast-import", "--quiet"]
    subprocess.run(import_words, input=stream, check=True)
    for name, commit in (("first", "main~1"), ("second", "main")):
        words = ["git", "-C", str(repository), "update-ref", f"refs/heads/{name}", commit]
        subprocess.run(words, check=True)


def _commits(projects: int) -> Iterator[bytes]:
    files = [file_of(at) for at in range(projects)]
    for subject, content in (("all of it", files), ("a word", [file_of(0, changed=True)])):
        yield b"commit refs/heads/main\ncommitter Bench <bench@example.org> 0 +0000\n"
        yield f"data {len(subject)}\n{subject}\n".encode()
        for name, text in content:
            raw = text.encode()
            yield f"M 100644 inline desired_state/{name}\ndata {len(raw)}\n".encode() + raw + b"\n"
