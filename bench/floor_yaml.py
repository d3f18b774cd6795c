"""From a folder of YAML to plain values: the least that somebody who reads has to do."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from bench.state import Size, wanted


def main(words: list[str]) -> int:
    """Parse every file with the fastest loader, and see that the state is in them."""
    folder, count = words
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    names: set[str] = set()
    for path in sorted(Path(folder).rglob("*.yaml")):
        found = yaml.load(path.read_bytes(), loader)  # noqa: S506 - a safe one in C
        names |= set(found.get("projects") or ())
    good = names == {key[0] for key in wanted(Size(int(count)))["project"]}
    sys.stdout.write(f"{len(names)} projects\n")
    return 0 if good else 1
