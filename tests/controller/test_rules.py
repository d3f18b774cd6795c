"""The alerts and the dashboard ask for what is there, and fire when they should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.controller.metric_catalogue import CATALOGUE, PROCESS

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yaml"
TESTS = DEPLOY / "prometheus" / "rules_test.yaml"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"

KNOWN = {series: metric for metric in CATALOGUE for series in metric.series}
WORDS = {"and", "or", "unless", "bool", "offset"}
OF_THE_SCRAPE = {"instance", "job", "le"}
GROUPS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
MATCHER = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")


def metrics_in(expr: str) -> set[str]:
    """Give the names of metrics: what is no function, word, label, text or number."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", GROUPS.sub(" ", expr))
    names = re.findall(r"(?<![\w.$])[a-zA-Z_:][\w:]*(?!\w)(?!\s*\()", bare)
    # What aggregates may stand before its by (…), which is gone.
    aggregates = {"sum", "min", "max", "count", "topk", "avg"}
    return {name for name in names if name not in WORDS | aggregates}


def labels_in(expr: str) -> set[str]:
    """Give the names of labels that an expression groups or joins by."""
    return {name.strip() for found in GROUPS.findall(expr) for name in found.split(",")} - {""}


def matchers_in(expr: str) -> Iterator[tuple[str, str, str]]:
    """Give metric, label and each value that is matched."""
    for name, inner in SELECTOR.findall(expr):
        for label, _, values in MATCHER.findall(inner):
            yield from ((name, label, value) for value in values.split("|"))


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return found


EXPRESSIONS = [(rule["alert"], rule["expr"]) for rule in rules()] + [
    (panel["title"], target["expr"])
    for panel in dashboard()["panels"] for target in panel.get("targets", ())
]  # fmt: skip


def test_the_scanner_finds_metrics_and_nothing_else() -> None:
    expr = """time() - max by (cloud, owner) (max_over_time(a_b{x="y z",l=~"p|q"}[1d])) > on (kind)
        group_left (mode) 3.5 * sum(c:d_total) and topk by (z) (1, e_f) unless g == 1e3"""
    assert metrics_in(expr) == {"a_b", "c:d_total", "e_f", "g"}
    assert labels_in(expr) == {"cloud", "owner", "kind", "mode", "z"}
    assert list(matchers_in(expr)) == [("a_b", "x", "y z"), ("a_b", "l", "p"), ("a_b", "l", "q")]


@pytest.mark.parametrize(("title", "expr"), EXPRESSIONS, ids=[title for title, _ in EXPRESSIONS])
def test_an_expression_asks_for_what_is_there(title: str, expr: str) -> None:
    used = metrics_in(expr)
    assert used, title
    assert used <= KNOWN.keys() | set(PROCESS)
    there = {label.name for name in used & KNOWN.keys() for label in KNOWN[name].labels}
    assert labels_in(expr) <= there | OF_THE_SCRAPE


@pytest.mark.parametrize(("title", "expr"), EXPRESSIONS, ids=[title for title, _ in EXPRESSIONS])
def test_an_expression_matches_values_that_there_are(title: str, expr: str) -> None:
    for name, label, value in matchers_in(expr):
        values = {known.name: known.values for known in KNOWN[name].labels}
        assert label in values, title
        assert value in (values[label] or (value,)), title


@pytest.mark.parametrize(
    "rule", rules(), ids=lambda rule: rule["alert"] if isinstance(rule, dict) else None
)
def test_an_alert_keeps_owners_apart_and_says_what_to_do(rule: dict[str, Any]) -> None:
    for found in GROUPS.findall(rule["expr"]):
        names = {name.strip() for name in found.split(",")}
        assert ("cloud" in names) == ("owner" in names)
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "description"}
    there = {label.name for name in metrics_in(rule["expr"]) for label in KNOWN[name].labels}
    for label in re.findall(r"\$labels\.(\w+)", str(rule["annotations"])):
        assert label in there


def test_every_alert_is_tested() -> None:
    text = TESTS.read_text(encoding="utf-8")
    named = {
        word.strip(".*") for word in re.findall(r"alertname[:=~\" ]+(Reconciler[A-Za-z]+)", text)
    }
    fired = {name for name in named if f'alertname="{name}",alertstate' in text}
    fired |= {
        test["alertname"] for case in yaml.safe_load(text)["tests"]
        for test in case.get("alert_rule_test", ()) if test["exp_alerts"]
    }  # fmt: skip
    assert {rule["alert"] for rule in rules()} == fired


@pytest.mark.system
def test_the_alerts_fire_when_they_should_and_only_then() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: it comes with the package prometheus"
    done = subprocess.run(
        [promtool, "test", "rules", TESTS.name],
        cwd=TESTS.parent, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_can_be_put_on_any_grafana() -> None:
    board = dashboard()
    assert board["uid"] == "openstack-reconciler"
    assert "id" not in board
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables.keys() == {"datasource", "cloud"}
    assert metrics_in(variables["cloud"]["definition"].split("(")[1].split(",")[0]) <= KNOWN.keys()
    sources = [panel["datasource"] for panel in board["panels"] if panel["type"] != "row"]
    sources += [t["datasource"] for panel in board["panels"] for t in panel.get("targets", ())]
    assert {source["uid"] for source in sources} == {"${datasource}"}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))


def test_the_panels_of_the_dashboard_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
        }  # fmt: skip
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
