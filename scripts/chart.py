"""From settings, rules, dashboard and values to what the chart carries of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parent.parent
CHART = TOP / "charts" / "reconciler"
COPIED = {
    "files/rules.yaml": TOP / "deploy" / "prometheus" / "rules.yaml",
    "files/dashboard.json": TOP / "deploy" / "grafana" / "dashboard.json",
}
"""Helm includes only what lies in the chart; these are the same files, byte for byte."""
BEGIN, END = "<!-- values: begin -->\n", "<!-- values: end -->\n"


def values_schema(schema: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of the values with that of reconciler.yaml in it: one truth for both."""
    inner = {k: v for k, v in settings.items() if k not in ("$schema", "$defs", "title")}
    properties = schema["properties"] | {"config": inner}
    return schema | {"properties": properties, "$defs": settings["$defs"]}


def rows(text: str) -> Iterator[tuple[str, str, str]]:
    """Give each value that is commented with ``# --``: its path, its default, what it is."""
    values, path, words = yaml.safe_load(text), [""] * 9, []
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("# -- ") or (words and bare.startswith("# ")):
            words.append(bare.removeprefix("# ").removeprefix("-- "))
            continue
        if bare and not bare.startswith(("#", "-")):
            depth = (len(line) - len(line.lstrip())) // 2
            path[depth] = bare.partition(":")[0]
            if words:
                at = values
                for key in path[: depth + 1]:
                    at = at[key]
                yield ".".join(path[: depth + 1]), json.dumps(at), " ".join(words)
        words = []


def readme(text: str, values: str) -> str:
    """Write the table of values into the chart's README, between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [f"| `{path}` | `{default}` | {about} |\n" for path, default, about in rows(values)]
    table = "| value | default | what it is |\n|---|---|---|\n" + "".join(lines)
    return before + BEGIN + table + END + after


def main() -> None:
    """Write all of it anew."""
    for name, source in COPIED.items():
        (CHART / name).write_bytes(source.read_bytes())
    target = CHART / "values.schema.json"
    settings = json.loads((TOP / "schemas" / "settings.json").read_text(encoding="utf-8"))
    schema = values_schema(json.loads(target.read_text(encoding="utf-8")), settings)
    target.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
    page = CHART / "README.md"
    values = (CHART / "values.yaml").read_text(encoding="utf-8")
    page.write_text(readme(page.read_text(encoding="utf-8"), values), encoding="utf-8")


if __name__ == "__main__":
    main()
