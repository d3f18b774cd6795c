"""reconciler.yaml: closed, every mistake at once with its line, and what the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import SettingsError
from reconciler.settings import Settings
from reconciler.settingsfile import read_settings

GOOD = """\
owner: campus-gitops
state: desired_state
source:
  {url: https://git.example/cloud.git, interval: 60s, verify: {mode: range, keys: keys/}}
clouds:
  prod:
    region: RegionOne
    mode: observe
    apply_commits: true
    heal: false
    prune: {Network: true, Subnet: true}
    adopt: ask
    limits: {delete: {fraction: 0.25, absolute: 10}, kinds: {Network: {absolute: 2}}, min_admins: 2}
    windows: [{allow: "0 8 * * 1-5", duration: 9h, time_zone: Europe/Berlin}]
"""
KINDS = ("Network", "Subnet", "Flavor")


def read(folder: Path, text: str, **environment: str) -> Settings:
    path = folder / "reconciler.yaml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path, environment, KINDS)


def refused(folder: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(folder, text, **environment)
    return str(caught.value).splitlines()


def test_the_form_of_the_contract(tmp_path: Path) -> None:
    settings = read(tmp_path, GOOD)
    prod = settings.clouds["prod"]
    assert settings.source is not None
    assert (settings.owner, settings.source.interval) == ("campus-gitops", 60.0)
    assert prod.limits.kinds["Network"].absolute == 2
    assert (prod.windows[0].duration, prod.mode.value) == (9 * 3600, "observe")


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Settings()


def test_every_mistake_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("owner: campus-gitops", "owner: Campus!").replace("heal: false", "heel: no")
    text = text.replace("adopt: ask", "adopt: perhaps").replace("9h", "9 hours")
    text = text.replace("Europe/Berlin", "Europe/Bielefeld").replace("Subnet: true", "Subnt: true")
    lines = refused(tmp_path, text)
    assert [line.split(": ", 1)[0] for line in lines] == [
        "reconciler.yaml:1", "reconciler.yaml:10", "reconciler.yaml:11", "reconciler.yaml:12",
        "reconciler.yaml:14", "reconciler.yaml:14",
    ]  # fmt: skip
    assert "owner takes lower-case letters, digits and dashes" in lines[0]
    assert "clouds.prod.heel is no setting; did you mean heal?" in lines[1]
    assert "there is no kind Subnt; did you mean Subnet?" in lines[2]


@pytest.mark.parametrize("owner", ["", "-a", "A", "a b", "a" * 42])
def test_an_owner_that_no_mark_can_hold(tmp_path: Path, owner: str) -> None:
    assert "owner" in refused(tmp_path, f'owner: "{owner}"\n')[0]


def test_no_yaml_and_no_mapping(tmp_path: Path) -> None:
    assert refused(tmp_path, "a: [\n")[0].startswith(f"{tmp_path}/reconciler.yaml:")
    assert "takes one mapping" in refused(tmp_path, "- a\n")[0]


def test_the_environment_overrides(tmp_path: Path) -> None:
    settings = read(
        tmp_path, GOOD, RECONCILER_OWNER="other", RECONCILER_SOURCE__BRANCH="next",
        RECONCILER_CLOUDS__PROD__HEAL="true", RECONCILER_DEVCLOUD_HOME="/x", OTHER="y",
    )  # fmt: skip
    assert settings.owner == "other"
    assert settings.source is not None
    assert settings.source.branch == "next"
    assert settings.clouds["prod"].heal is True
    assert settings.clouds["prod"].region == "RegionOne"


def test_a_name_with_dashes_is_found(tmp_path: Path) -> None:
    text = "clouds: {prod-west: {heal: false}}\n"
    settings = read(tmp_path, text, RECONCILER_CLOUDS__PROD_WEST__HEAL="true")
    assert [(n, c.heal) for n, c in settings.clouds.items()] == [("prod-west", True)]


def test_a_mistake_in_the_environment_is_named_so(tmp_path: Path) -> None:
    lines = refused(tmp_path, GOOD, RECONCILER_CLOUDS__PROD__HEAL="perhaps")
    assert lines == ["RECONCILER_CLOUDS__PROD__HEAL: clouds.prod.heal takes true or false"]
