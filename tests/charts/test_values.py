"""What values are refused, with words that help; and that pages and copies are current."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import helm_python
import jsonschema  # type: ignore[import-untyped] # it has no types
import pytest
import yaml

from reconciler import __version__
from scripts import chart
from tests.charts.engine import CHART, TOP, merged, render, values_of
from tests.charts.test_chart import LEAST

SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")
SSH = values_of(CHART / "ci" / "ssh-git-values.yaml")

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "two replicas": ({"replicas": 2}, "replicas"),
    "no replica": ({"replicas": 0}, "replicas"),
    "a misspelt value": ({"replicaCount": 1}, "replicaCount"),
    "a misspelt value further down": ({"image": {"repo": "x"}}, "repo"),
    "clouds.yaml in clear": ({"openstack": {"clouds": {}}}, "clouds"),
    "a webhook secret in clear": ({"webhook": {"secret": "s3cret"}}, "secret"),
    "a password in clear": (
        {"extraEnv": [{"name": "ALICE_PASSWORD", "value": "s3cret"}]}, "extraEnv",
    ),
    "a token in clear": ({"extraEnv": [{"name": "git_token", "value": "s3cret"}]}, "extraEnv"),
    "a setting that is none": ({"config": {"onwer": "acme"}}, "onwer"),
    "a setting of a cloud that is none": (
        {"config": {"clouds": {"mycloud": {"moode": "enforce"}}}}, "moode",
    ),
    "a mode that is none": ({"config": {"clouds": {"mycloud": {"mode": "dry"}}}}, "mode"),
    "an owner that cannot be written in marks": ({"config": {"owner": "Acme Infra"}}, "owner"),
    "a number for a switch": ({"ingress": {"enabled": 1}}, "enabled"),
    "a port that is none": ({"service": {"port": 70000}}, "port"),
    "a network that is none": (
        {"networkPolicy": {"egress": {"git": {"to": [{"cidr": "git.example.com"}]}}}}, "cidr",
    ),
    "nowhere to go": ({"networkPolicy": {"egress": {"openstack": {"to": []}}}}, "openstack"),
    "root": ({"user": 0}, "user"),
    "a digest that is none": ({"image": {"digest": "latest"}}, "digest"),
    "a name no Secret has": ({"openstack": {"existingSecret": "My Clouds"}}, "existingSecret"),
    "a name no object has": ({"fullnameOverride": "My Watcher"}, "fullnameOverride"),
    "a label that is ours": ({"podLabels": {"helm.sh/chart": "x"}}, "helm.sh/chart"),
}  # fmt: skip

MISSING: dict[str, tuple[dict[str, Any], str]] = {
    "an owner": (merged(LEAST, {"config": {"owner": None}}), "config.owner"),
    "a cloud": ({**LEAST, "config": {**LEAST["config"], "clouds": {}}}, "config.clouds"),
    "a repository": (merged(LEAST, {"config": {"source": None}}), "config.source.url"),
    "credentials": (merged(LEAST, {"openstack": {"existingSecret": ""}}), "openstack.existing"),
    "known_hosts": (merged(SSH, {"git": {"ssh": {"existingSecret": ""}}}), "known_hosts"),
    "a secret for webhooks": (
        merged(LEAST, {
            "ingress": {"enabled": True, "host": "h.example.com", "existingTlsSecret": "tls"},
        }),
        "webhook.existingSecret",
    ),
    "a certificate": (
        merged(LEAST, {
            "ingress": {"enabled": True, "host": "h.example.com"},
            "webhook": {"existingSecret": "hooks"},
        }),
        "ingress.existingTlsSecret",
    ),
}  # fmt: skip


def render_or_say(values: dict[str, Any]) -> str:
    with pytest.raises(helm_python.HelmError) as caught:
        render(values)
    return f"{caught.value} {getattr(caught.value, 'detail', '')}"


@pytest.mark.parametrize("name", WRONG)
def test_the_schema_refuses(name: str) -> None:
    values, word = WRONG[name]
    said = render_or_say(merged(LEAST, values))
    assert "schema" in said
    assert word in said
    assert "s3cret" not in said


@pytest.mark.parametrize("name", MISSING)
def test_nothing_is_installed_without(name: str) -> None:
    values, word = MISSING[name]
    assert word in render_or_say(values)


@pytest.mark.parametrize(
    "url",
    ["https://git.example.com/a/b.git", "https://git.example.com:8443/a/b.git", "/srv/git/a.git"],
)
def test_only_ssh_needs_a_key(url: str) -> None:
    assert render(merged(LEAST, {"config": {"source": {"url": url}}})).objects


@pytest.mark.parametrize("url", ["ssh://git@git.example.com/a.git", "git.example.com:a/b.git"])
def test_every_spelling_of_ssh_needs_one(url: str) -> None:
    assert "known_hosts" in render_or_say(merged(LEAST, {"config": {"source": {"url": url}}}))


def closed(schema: Any, path: str = "") -> Iterator[str]:
    """Give the paths of what takes keys that it does not name, and no words for them."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("additionalProperties") is not False:
            yield path
        for key, value in schema.items():
            yield from closed(value, f"{path}/{key}")


def test_the_schema_is_one_and_is_closed_everywhere() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert [path for path in closed(SCHEMA) if not path.endswith("/then")] == []


def test_the_schema_knows_every_value_and_no_other() -> None:
    def compare(schema: dict[str, Any], values: dict[str, Any], path: str) -> None:
        assert set(schema["properties"]) - {"global"} == set(values), path
        for key, value in values.items():
            inner = schema["properties"][key]
            if isinstance(value, dict) and key != "config" and "properties" in inner:
                if key in ("resources", "requests", "limits"):
                    continue
                compare(inner, value, f"{path}.{key}")

    compare(SCHEMA, yaml.safe_load(VALUES), "")


def test_the_schema_of_config_is_that_of_reconciler_yaml() -> None:
    settings = json.loads((TOP / "schemas" / "settings.json").read_text(encoding="utf-8"))
    assert chart.values_schema(SCHEMA, settings) == SCHEMA, "run `make docs`"


def test_the_readme_has_every_value() -> None:
    page = (CHART / "README.md").read_text(encoding="utf-8")
    assert chart.readme(page, VALUES) == page, "run `make docs`"

    def leaves(values: dict[str, Any], path: str = "") -> Iterator[str]:
        for key, value in values.items():
            whole = not isinstance(value, dict) or not value or key == "resources"
            yield from [f"{path}{key}"] if whole else leaves(value, f"{path}{key}.")

    assert {path for path, _, _ in chart.rows(VALUES)} == set(leaves(yaml.safe_load(VALUES)))


@pytest.mark.parametrize("name", chart.COPIED)
def test_what_helm_includes_is_the_plain_file_byte_for_byte(name: str) -> None:
    assert (CHART / name).read_bytes() == chart.COPIED[name].read_bytes(), "run `make docs`"


def test_the_rules_and_the_dashboard_reach_the_cluster_as_they_are() -> None:
    found = render(LEAST)
    rules = yaml.safe_load((CHART / "files" / "rules.yaml").read_bytes())
    assert rules["groups"]
    assert found.one("PrometheusRule")["spec"] == rules
    board = found.one("ConfigMap", "-dashboard")
    plain = (CHART / "files" / "dashboard.json").read_text(encoding="utf-8")
    assert board["data"]["reconciler.json"] == plain
    assert json.loads(plain)["panels"]
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_the_chart_has_the_version_of_the_code() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["appVersion"] == __version__
