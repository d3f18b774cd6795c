"""The schemas: current, and neither stricter nor laxer than the reconciler where editors look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.main import cli
from reconciler.cli.schema import NAMES
from reconciler.kinds.fields import fields_of
from reconciler.kinds.registry import load_kinds
from reconciler.report.modelschema import docs_of
from reconciler.schema import as_text, schemas, settings_schema, state_schema
from reconciler.yamlio import load_all
from tests.cli.test_settings import GOOD
from tests.support.schemas import misfits

ROOT = Path(__file__).parents[2]
RULE = "domain: c\nproject: p\nsecurity_groups: {w: {rules: [{direction: ingress, %s}]}}"
STATE = state_schema(load_kinds())


@pytest.mark.parametrize("name", [f"{name}.json" for name in NAMES])
def test_the_committed_ones_are_current(name: str) -> None:
    committed = (ROOT / "schemas" / name).read_text(encoding="utf-8")
    assert committed == as_text(schemas(load_kinds())[name]), (
        "run `reconciler schema --write schemas`"
    )


def test_every_schema_can_be_asked_for_by_name() -> None:
    assert {f"{name}.json" for name in NAMES} == schemas(load_kinds()).keys()


def test_the_command_writes_and_prints_them(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["schema", "--write", str(tmp_path / "new")])
    assert result.exit_code == 0
    written = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert written == {name: as_text(schema) for name, schema in schemas(load_kinds()).items()}
    printed = CliRunner().invoke(cli, ["schema", "settings"]).stdout
    assert json.loads(printed) == settings_schema()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "domain: c\nproject: p\nnetworks: {f: {mtu: null, subnets: {a: {cidr: 10.0.0.0/24}}}}",
        "domain: campus\ngroups: {devs: {users: [alice, {name: bob, domain: other}, {user: eve}]}}",
        "domains: {campus: {projects: {shop: {members: [{user: a, roles: [member, reader]}]}}}}",
        "domains: {campus: {reconcile: {lifecycle: external}}, empty: }",
        RULE % "protocol: 6, ports: 443, remote: {group: w}",
        RULE % "protocol: tcp, ports: 8000-8080, remote: 0.0.0.0/0",
        "flavors: {s: {vcpus: 1, ram: 2GiB, disk: 20, extra_specs: {a: b, c: 2}}}",
        "domain: c\nusers: {a: {password: {env: X, rotation: 2}, name: b}}",
        "domain: c\nproject: p\nquotas: {volume: {gigabytes: 1TiB, gigabytes_ssd: 5}}",
        "domain: c\nproject: p\nimages: {i: {url: 'http://x/y', checksum: 'sha512:00'}}",
    ],
)
def test_what_authors_write_fits(text: str) -> None:
    for content in load_all(text):
        assert misfits(content, STATE) == []


@pytest.mark.parametrize("path", sorted((ROOT / "desired_state").rglob("*.yaml")))
def test_the_examples_fit(path: Path) -> None:
    for content in load_all(path.read_bytes()):
        assert misfits(content, STATE) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("nonsense: {}", "nonsense"),
        ("networks: {}", "networks"),
        ("domain: c\nnetworks: {}", "networks"),
        ("project: p", "domain"),
        ("domains: {campus: {descripton: x}}", "descripton"),
        ("domain: c\ngroups: {devs: {users: alice}}", "array"),
        ("domain: c\nusers: {a: {enabled: yes}}", "yes"),
        ("flavors: {s: {ram: 2GB}}", "2GB"),
        ("domains: {c: {reconcile: {lifecycle: gone}}}", "gone"),
    ],
)
def test_what_is_wrong_does_not(text: str, word: str) -> None:
    (content,) = load_all(text)
    found = misfits(content, STATE)
    assert found
    assert any(word in line for line in found)


def test_settings_fit_theirs() -> None:
    (content,) = load_all(GOOD)
    assert misfits(content, settings_schema()) == []
    assert misfits({**content, "ownr": "x"}, settings_schema()) == ["$: ownr is not known"]


def test_every_documented_field_is_offered_with_its_words() -> None:
    for kind in load_kinds():
        offered = STATE["$defs"][kind.name]["properties"]
        beside = {field.name for field in fields_of(kind.spec) if field.beside}
        for name in docs_of(kind.spec):
            if kind.form != "map" and name not in beside:
                assert name in offered, f"{kind.name}.{name}"
                assert "description" in offered[name] or "$ref" in offered[name]
