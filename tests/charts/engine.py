"""From values to manifests, with the engine that Helm itself is made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml
from helm_python import _native

TOP = Path(__file__).parents[2]
CHART = TOP / "charts" / "reconciler"
CASES = sorted((CHART / "ci").glob("*-values.yaml"))
MONITORING = "monitoring.coreos.com/v1"


@dataclass(frozen=True, slots=True)
class Rendered:
    """What an installation would send to the cluster, and what it would say."""

    objects: tuple[dict[str, Any], ...]
    notes: str
    texts: Mapping[str, str]

    def kinds(self) -> list[str]:
        return sorted(one["kind"] for one in self.objects)

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.objects if one["kind"] == kind]

    def one(self, kind: str, ending: str = "") -> dict[str, Any]:
        """Give the only object of a kind, or the one whose name ends like this."""
        found = [o for o in self.all(kind) if o["metadata"]["name"].endswith(ending)]
        assert len(found) == 1, f"{len(found)} of {kind}"
        return found[0]

    def pods(self) -> Iterator[dict[str, Any]]:
        """Give the specs of all pods, whatever makes them."""
        for one in self.objects:
            if one["kind"] == "Pod":
                yield one["spec"]
            elif "template" in one.get("spec", {}):
                yield one["spec"]["template"]["spec"]


def values_of(case: Path) -> dict[str, Any]:
    found = yaml.safe_load(case.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def merged(values: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values with others over them, as two files after one another."""
    both = dict(values)
    for key, value in more.items():
        old = both.get(key)
        deeper = isinstance(old, dict) and isinstance(value, dict)
        both[key] = merged(old, value) if deeper and old is not None else value
    return both


def render(
    values: Mapping[str, Any], apis: Iterable[str] = (MONITORING,), name: str = "demo"
) -> Rendered:
    """Render the chart for a cluster that knows these APIs.

    Raises:
        helm_python.HelmError: the values are refused, or a template is wrong.

    """
    options = {"name": name, "namespace": "prod", "is_install": True, "api_versions": [*apis]}
    return _render(json.dumps(dict(values)), json.dumps(options))


@cache
def _render(values: str, options: str) -> Rendered:
    """Render once for each question: nobody changes what came of it."""
    with helm_python.Chart.load(CHART) as chart:
        # Chart.render has no word for the APIs of a cluster; what it calls has.
        handle = chart._raw()  # noqa: SLF001
        answer = _native.call_string("helm_render", handle, values, options)
    texts: dict[str, str] = json.loads(answer)
    notes = next(text for path, text in texts.items() if path.endswith("NOTES.txt"))
    objects = [
        one
        for path, text in sorted(texts.items())
        if path.endswith(".yaml")
        for one in yaml.safe_load_all(text)
        if one
    ]
    return Rendered(tuple(objects), notes, texts)
