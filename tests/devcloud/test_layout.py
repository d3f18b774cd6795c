"""From directories, to the devclouds they are, will be, or must never become."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.devcloud.errors import DevcloudError
from reconciler.devcloud.layout import PORT_BASE, Home, exclusive, hold, open_home
from reconciler.devcloud.services import KEYSTONE, NEUTRON, SERVICES


def quiet(text: str) -> None:
    """Nobody listens."""


def keep(home: Home) -> Home:
    with hold(home, quiet) as kept:
        return kept


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"XDG_CACHE_HOME": "{tmp}/xdg"}, "{tmp}/xdg/reconciler/devcloud/default"),
        ({"HOME": "{tmp}/me"}, "{tmp}/me/.cache/reconciler/devcloud/default"),
        ({"RECONCILER_DEVCLOUD_HOME": "{tmp}/own", "HOME": "{tmp}/me"}, "{tmp}/own"),
    ],
)
def test_where_a_devcloud_lives_unless_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    expected: str,
) -> None:
    for name in ("RECONCILER_DEVCLOUD_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp=tmp_path))
    assert open_home().path == Path(expected.format(tmp=tmp_path))


def test_a_new_home_gets_the_usual_ports_and_a_password_of_its_own(tmp_path: Path) -> None:
    one, other = open_home(tmp_path / "one"), open_home(tmp_path / "other")
    assert one.port_base == other.port_base == PORT_BASE
    assert one.password != other.password
    assert not one.path.exists()


def test_each_service_has_a_port_of_its_own(tmp_path: Path) -> None:
    home = open_home(tmp_path, 30000)
    assert {home.port(service) for service in SERVICES} == set(range(30000, 30006))
    assert home.url(NEUTRON) == "http://127.0.0.1:30004"
    assert home.identity == home.url(KEYSTONE) + "/v3"


def test_a_kept_home_stays_as_it_was(tmp_path: Path) -> None:
    kept = keep(open_home(tmp_path, 30000))
    assert open_home(tmp_path) == kept
    assert open_home(tmp_path, 30000) == kept


def test_of_two_that_make_one_home_the_second_takes_what_the_first_chose(tmp_path: Path) -> None:
    first, second = open_home(tmp_path / "home"), open_home(tmp_path / "home")
    assert first != second
    assert keep(first) == keep(second) == first


def test_only_the_owner_can_look_into_a_home(tmp_path: Path) -> None:
    home = keep(open_home(tmp_path / "home"))
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert home.settings.stat().st_mode & 0o777 == 0o600


def test_ports_can_change_until_there_is_data(tmp_path: Path) -> None:
    keep(open_home(tmp_path, 30000))
    moved = keep(open_home(tmp_path, 31000))
    assert open_home(tmp_path) == moved
    assert moved.port_base == 31000

    moved.data.mkdir()
    moved.fingerprint.touch()
    with pytest.raises(DevcloudError, match="start at 31000"):
        open_home(tmp_path, 30000)


def test_a_directory_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(DevcloudError, match="holds other things"):
        open_home(tmp_path)


@pytest.mark.parametrize("character", [" ", "%", "$", "?", "#", "\n"])
def test_a_path_that_configuration_files_cannot_hold_is_refused(
    tmp_path: Path, character: str
) -> None:
    with pytest.raises(DevcloudError, match=re.escape(f"cannot have {character!r} in its path")):
        open_home(tmp_path / f"some{character}where")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"port_base": "x", "password": "y"}'])
def test_a_damaged_home_is_said_to_be_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "devcloud.json").write_text(text)
    with pytest.raises(DevcloudError, match="is damaged"):
        open_home(tmp_path)


def test_what_a_killed_holder_has_started_holds_on(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    code = (
        "import os, subprocess, sys, pathlib; from reconciler.devcloud.layout import exclusive\n"
        "with exclusive(pathlib.Path(sys.argv[1])):\n"
        "    subprocess.Popen(['sleep', '0.5'], close_fds=False)\n"
        "    subprocess.Popen(['sleep', '20'])\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(lock)], check=False)
    waited: list[str] = []
    started = time.monotonic()
    with exclusive(lock, lambda: waited.append("once")):
        assert waited == ["once"]
        assert time.monotonic() - started < 10


def test_a_home_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DevcloudError, match="file/home cannot be used"):
        keep(open_home(tmp_path / "file/home"))
