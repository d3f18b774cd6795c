"""From a folder of YAML to the state in it: the least that somebody who reads has to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.state import Key, Size, Wanted, wanted

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Fields = Mapping[str, Any]


def documents(folder: Path) -> Iterator[Fields]:
    """Parse every file with the fastest loader."""
    for path in sorted(folder.rglob("*.yaml")):
        yield yaml.load(path.read_bytes(), LOADER)  # noqa: S506 - a safe one in C


def read(folder: Path) -> Wanted:
    """Give what the files state, as far as our bench states anything; nothing is checked."""
    found: dict[str, dict[Key, Fields]] = {}
    for document in documents(folder):
        for name, fields in document.get("flavors", {}).items():
            found.setdefault("flavor", {})[name,] = fields
        for name, fields in document.get("users", {}).items():
            found.setdefault("user", {})[name,] = fields
        for name, fields in document.get("projects", {}).items():
            for kind, key, row in _in_project(name, fields):
                found.setdefault(kind, {})[key] = row
    return found


def _in_project(name: str, stated: Fields) -> Iterator[tuple[str, Key, Fields]]:
    yield "project", (name,), {"description": stated["description"]}
    for one in stated["members"]:
        yield "assignment", (name, one["user"], one["role"]), {}
    for service, limits in stated["quotas"].items():
        yield f"{service}_quota", (name,), limits
    for network, fields in stated["networks"].items():
        yield "network", (name, network), {"description": fields["description"]}
        for subnet, row in fields["subnets"].items():
            yield "subnet", (name, subnet), row
    for router, fields in stated["routers"].items():
        yield "router", (name, router), {"description": fields["description"]}
        for subnet in fields["interfaces"]:
            yield "interface", (name, router, subnet), {}
    for group, fields in stated["security_groups"].items():
        yield "group", (name, group), {"description": fields["description"]}
        for rule in fields["rules"]:
            family, port = rule.get("ethertype", "IPv4"), str(rule.get("ports", ""))
            words = (rule.get("protocol", ""), port, rule.get("remote", ""))
            yield "rule", (name, group, rule["direction"], family, *words), {}


def main(words: list[str]) -> int:
    """See that the state is in the files, parsed and no more."""
    folder, count = words
    names = {name for found in documents(Path(folder)) for name in found.get("projects", {})}
    good = names == {key[0] for key in wanted(Size(int(count)))["project"]}
    sys.stdout.write(f"{len(names)} projects\n")
    return 0 if good else 1
