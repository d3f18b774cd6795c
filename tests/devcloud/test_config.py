"""From homes, to the files their services and their users read."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from reconciler.devcloud.config import Sections, as_ini, clouds_yaml, write_config
from reconciler.devcloud.layout import Home

HOME = Home(Path("/var/cloud"), 30000, 'se"cret')


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    folder = tmp_path / "venv"
    (folder / "etc/nova").mkdir(parents=True)
    (folder / "etc/nova/api-paste.ini").write_text("[composite:nova]\n")
    return folder


@pytest.mark.parametrize(
    ("cloud", "scope"),
    [
        ("devcloud", {"project_name": "admin", "project_domain_name": "Default"}),
        ("devcloud-domain", {"domain_name": "Default"}),
        ("devcloud-system", {"system_scope": "all"}),
    ],
)
def test_users_find_a_cloud_for_each_scope(cloud: str, scope: dict[str, str]) -> None:
    entry = yaml.safe_load(clouds_yaml(HOME))["clouds"][cloud]
    assert entry["region_name"] == "devcloud"
    assert entry["auth"] == {
        "auth_url": "http://127.0.0.1:30000/v3",
        "username": "admin",
        "password": 'se"cret',
        "user_domain_name": "Default",
        **scope,
    }


def test_files_are_written_only_when_they_change(tmp_path: Path, venv: Path) -> None:
    home = Home(tmp_path / "home", 30000, "secret")
    assert write_config(home, venv)
    assert not write_config(home, venv)
    assert write_config(Home(home.path, 31000, "secret"), venv)


def test_files_with_the_password_are_for_the_owner_only(tmp_path: Path, venv: Path) -> None:
    home = Home(tmp_path / "home", 30000, "hush-hush")
    write_config(home, venv)
    telling = [p for p in home.path.rglob("*") if p.is_file() and "hush-hush" in p.read_text()]
    assert home.clouds in telling
    assert home.etc / "nova/nova.conf" in telling
    assert {path.stat().st_mode & 0o777 for path in telling} == {0o600}


def test_every_file_is_one_that_a_service_can_parse(tmp_path: Path, venv: Path) -> None:
    home = Home(tmp_path / "home", 30000, "secret")
    write_config(home, venv)
    connections = set()
    for path in home.etc.rglob("*.conf"):
        parser = ConfigParser(interpolation=None)
        parser.read(path)
        for section in parser.values():
            connections.add(section.get("connection"))
    assert f"sqlite:///{home.data}/db/neutron.sqlite?timeout=60" in connections
    assert f"sqlite:///{home.data}/db/nova_api.sqlite?timeout=60" in connections


def test_projects_have_the_quotas_of_a_real_cloud(tmp_path: Path, venv: Path) -> None:
    home = Home(tmp_path / "home", 30000, "secret")
    write_config(home, venv)
    files = [path for path in home.etc.rglob("*") if path.is_file()]
    assert not [path for path in files if re.search(r"(?m)^\[?quota", path.read_text())]


def test_sections_become_ini() -> None:
    sections: Sections = {"DEFAULT": {"debug": "true"}, "api": {"port": 1, "path": Path("/x")}}
    assert as_ini(sections) == "[DEFAULT]\ndebug = true\n\n[api]\nport = 1\npath = /x\n"
