"""From plain lists to what differs: the least that somebody who looks has to ask.

The words are ``plan P STATE``, ``export P FILE``, ``create P STATE``, ``correct P STATE`` and
``meddle P COUNT``, where P is the number of projects and STATE the folder of YAML that says what
should be. It prints what it counted as a line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.floor_yaml import read
from bench.state import Key, Size, Wanted
from bench.wire import Wire

THREADS = 4
INTERFACE = "network:router_interface"
Row = dict[str, Any]
Live = dict[str, dict[Key, Row]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be: not there, otherwise, or too much."""

    kind: str
    key: Key
    live: Row | None
    fields: Mapping[str, Any] | None
    """The fields that shall be otherwise; None: it shall not be there."""


def look(wire: Wire, size: Size) -> Live:
    """List just the collections that the state speaks of, and name what is in them."""
    lists = wire.each(lambda one: wire.pages(*one[:3], limit=one[3]), LISTS)
    rows: dict[str, list[Row]] = dict(zip((one[2] for one in LISTS), lists, strict=True))
    ours = {name for _, name in size.numbered()}
    projects = {row["id"]: row["name"] for row in rows["projects"]}
    users = {row["id"]: row["name"] for row in rows["users"]}
    roles = {row["id"]: row["name"] for row in rows["roles"]}
    live: Live = {
        "project": {(row["name"],): row for row in rows["projects"]},
        "user": {(row["name"],): row for row in rows["users"]},
        "flavor": {(row["name"],): row for row in rows["flavors"]},
        "assignment": dict(_assignments(rows["role_assignments"], projects, users, roles)),
    }
    for kind in ("network", "subnet", "router", "security_group"):
        live[kind.removeprefix("security_")] = {
            (projects.get(row["project_id"], ""), row["name"]): row for row in rows[f"{kind}s"]
        }
    names = {
        row["id"]: key for kind in ("router", "subnet") for key, row in live[kind].items()
    }  # fmt: skip
    live["interface"] = {
        (*names[port["device_id"]], names[address["subnet_id"]][1]): port
        for port in rows["ports"] if port["device_owner"] == INTERFACE
        for address in port["fixed_ips"]
    }  # fmt: skip
    live["rule"] = {
        (*key, *_rule(rule)): rule
        for key, group in live["group"].items() for rule in group["security_group_rules"]
    }  # fmt: skip
    live["network_quota"] = {
        (projects.get(row["project_id"], ""),): row for row in rows["quotas"]
    }  # fmt: skip
    asked = [(name, found) for found, name in projects.items() if name in ours]
    live["compute_quota"] = dict(wire.each(lambda one: _compute_quota(wire, *one), asked))
    return live


LISTS = (
    ("identity", "/projects", "projects", 500),
    ("identity", "/users?domain_id=default", "users", 500),
    ("identity", "/roles", "roles", 0),
    ("identity", "/role_assignments", "role_assignments", 0),
    ("network", "/security-groups", "security_groups", 500),
    ("network", "/networks", "networks", 500),
    ("network", "/subnets", "subnets", 500),
    ("network", "/routers", "routers", 500),
    ("network", "/ports", "ports", 500),
    ("network", "/quotas", "quotas", 0),
    ("compute", "/flavors/detail?is_public=None", "flavors", 500),
)
"""Service, path, envelope, and how many at once (0: the service gives all)."""


def _assignments(
    rows: list[Row], projects: Mapping[str, str], users: Mapping[str, str], roles: Mapping[str, str]
) -> Iterator[tuple[Key, Row]]:
    for row in rows:
        project = projects.get(row["scope"].get("project", {}).get("id", ""))
        user = users.get(row.get("user", {}).get("id", ""))
        if project and user:
            yield (project, user, roles[row["role"]["id"]]), row


def _rule(row: Row) -> Key:
    port = row["port_range_min"]
    return (row["direction"], row["ethertype"], row["protocol"] or "",
            "" if port is None else str(port), row["remote_ip_prefix"] or "")  # fmt: skip


LIMITS = {"cores": "maxTotalCores", "instances": "maxTotalInstances", "ram": "maxTotalRAMSize"}


def _compute_quota(wire: Wire, name: str, project: str) -> tuple[Key, Row]:
    found = wire.send("compute", "GET", f"/limits?tenant_id={project}")["limits"]["absolute"]
    return (name,), {ours: found[theirs] for ours, theirs in LIMITS.items()}


WHOLE = {"assignment": 1, "rule": 2, "interface": 2}
"""Kinds of which only those may be there that are wanted; so many words name their place."""


def compare(state: Wanted, live: Live) -> list[Difference]:
    """Lay what should be beside what is."""
    found: list[Difference] = []
    for kind, things in state.items():
        there = live[kind]
        for key, fields in things.items():
            row = there.get(key)
            other = fields if row is None else {k: v for k, v in fields.items() if row.get(k) != v}
            if row is None or other:
                found.append(Difference(kind, key, row, other))
        if kind in WHOLE:
            places = {key[: WHOLE[kind]] for key in things}
            found += (
                Difference(kind, key, row, None)
                for key, row in there.items()
                if key not in things and key[: WHOLE[kind]] in places
            )
    return found


def main(words: list[str]) -> int:
    verb, count, last = words
    size = Size(int(count))
    if verb == "plan":
        state = read(Path(last))
        told = {"differences": len(compare(state, look(Wire(THREADS), size)))}
    elif verb == "export":
        live = look(Wire(THREADS), size)
        told = {"objects": _dump(live, Path(last))}
    else:
        from bench import floor_writes  # noqa: PLC0415 - who only looks needs none of it

        told = {"done": floor_writes.VERBS[verb](size, last)}
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


def _dump(live: Live, file: Path) -> int:
    """Write down what was found."""
    rows = {
        kind: {"/".join(key): row for key, row in found.items()} for kind, found in live.items()
    }
    file.write_text(json.dumps(rows), encoding="utf-8")
    return sum(map(len, rows.values()))
