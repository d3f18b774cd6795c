"""From a number of projects to the state that is measured: as YAML, and as plain dictionaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLAVORS = 20
COMPUTE = {"cores": 40, "instances": 20, "ram": 102400}
NETWORK = {"network": 5, "subnet": 5, "router": 2, "port": 100}
SERVERS = ["192.0.2.53", "198.51.100.53"]
GROUPS = {
    "web": (("tcp", 80, ""), ("tcp", 443, ""), ("tcp", 22, "10.0.0.0/8"), ("icmp", 0, ""),
            ("udp", 53, "10.0.0.0/8")),
    "database": (("tcp", 5432, "10.0.0.0/8"), ("tcp", 6432, "10.0.0.0/8"),
                 ("tcp", 22, "10.0.0.0/8"), ("icmp", 0, "10.0.0.0/8"),
                 ("tcp", 9187, "192.0.2.0/24")),
}  # fmt: skip
"""Protocol, port (0: none) and remote of what comes in. What goes out, a group is born with."""
BORN = (("egress", "IPv4"), ("egress", "IPv6"))
MEMBERS = (("a", "member"), ("b", "member"), ("b", "reader"))

Key = tuple[str, ...]
Wanted = Mapping[str, Mapping[Key, Mapping[str, Any]]]
"""What should be, by kind and name: the fields that are stated, as the API says them."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a state is, and what its names begin with."""

    projects: int
    prefix: str = "bench"
    domain: str = "Default"

    @property
    def objects(self) -> int:
        """Count what somebody has to make; what groups are born with comes by itself."""
        rules = sum(map(len, GROUPS.values()))
        each = 1 + 1 + 1 + 1 + 1 + len(GROUPS) + rules + 2 + 2 + len(MEMBERS)
        return self.projects * each + FLAVORS

    def numbered(self) -> Iterator[tuple[int, str]]:
        for number in range(1, self.projects + 1):
            yield number, f"{self.prefix}-{number:05}"

    def flavors(self) -> Iterator[tuple[str, dict[str, int]]]:
        for number in range(1, FLAVORS + 1):
            sizes = {"vcpus": 1 + number % 8, "ram": 512 * number, "disk": 10 * (number % 4)}
            yield f"{self.prefix}-flavor-{number:02}", sizes


def wanted(size: Size) -> Wanted:
    """Give the state as what it comes to: dictionaries by kind and name."""
    found: dict[str, dict[Key, dict[str, Any]]] = {
        kind: {} for kind in (
            "project", "user", "assignment", "network", "subnet", "router", "interface", "group",
            "rule", "compute_quota", "network_quota", "flavor",
        )
    }  # fmt: skip
    for number, name in size.numbered():
        found["project"][name,] = {"description": f"Number {number} of many"}
        for letter in "ab":
            found["user"][f"{name}-{letter}",] = {"email": f"{name}-{letter}@example.org"}
        for letter, role in MEMBERS:
            found["assignment"][name, f"{name}-{letter}", role] = {}
        found["network"][name, "front"] = {"description": "Where the servers are"}
        found["subnet"][name, "front"] = {"cidr": _cidr(number), "dns_nameservers": SERVERS}
        found["router"][name, "out"] = {"description": "The way out"}
        found["interface"][name, "out", "front"] = {}
        for group, rules in GROUPS.items():
            found["group"][name, group] = {"description": f"What {group} servers take"}
            for way, family in BORN:
                found["rule"][name, group, way, family, "", "", ""] = {}
            for protocol, port, remote in rules:
                at = str(port or "")
                found["rule"][name, group, "ingress", "IPv4", protocol, at, remote] = {}
        found["compute_quota"][name,] = dict(COMPUTE)
        found["network_quota"][name,] = dict(NETWORK)
    for name, sizes in size.flavors():
        found["flavor"][name,] = dict(sizes)
    return found


def files(size: Size) -> Iterator[tuple[str, str]]:
    """Give the same as authors write it: a file a project, and one of the flavors."""
    lines = [f"  {name}: {_flow(sizes)}" for name, sizes in size.flavors()]
    yield "flavors.yaml", "\n".join(["flavors:", *lines]) + "\n"
    for number, name in size.numbered():
        yield f"projects/{name}.yaml", "\n".join(_project(size, number, name)) + "\n"


def write(size: Size, folder: Path) -> None:
    """Write the files of the state."""
    for name, text in files(size):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _project(size: Size, number: int, name: str) -> Iterator[str]:
    yield f"domain: {size.domain}"
    yield "users:"
    for letter in "ab":
        yield f"  {name}-{letter}: {{email: {name}-{letter}@example.org}}"
    yield "projects:"
    yield f"  {name}:"
    yield f"    description: Number {number} of many"
    yield "    members:"
    for letter, role in MEMBERS:
        yield f"      - {{user: {name}-{letter}, role: {role}}}"
    yield "    quotas:"
    yield f"      compute: {_flow(COMPUTE)}"
    yield f"      network: {_flow(NETWORK)}"
    yield "    networks:"
    yield "      front:"
    yield "        description: Where the servers are"
    yield "        subnets:"
    servers = ", ".join(SERVERS)
    yield f"          front: {{cidr: {_cidr(number)}, dns_nameservers: [{servers}]}}"
    yield "    routers:"
    yield "      out: {description: The way out, interfaces: [front]}"
    yield "    security_groups:"
    for group, rules in GROUPS.items():
        yield f"      {group}:"
        yield f"        description: What {group} servers take"
        yield "        rules:"
        for protocol, port, remote in rules:
            yield "          - " + _flow(_rule(protocol, port, remote))
        for way, family in BORN:
            yield f"          - {{direction: {way}, ethertype: {family}}}"


def _rule(protocol: str, port: int, remote: str) -> dict[str, object]:
    stated = {"direction": "ingress", "protocol": protocol, "ports": port, "remote": remote}
    return {key: value for key, value in stated.items() if value}


def _cidr(number: int) -> str:
    return f"10.{number >> 8 & 255}.{number & 255}.0/24"


def _flow(fields: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}"
