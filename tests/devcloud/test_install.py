"""From the pinned requirements, to the commands that install them."""

import re
import sys
from pathlib import Path

import pytest

from reconciler.devcloud.errors import DevcloudError
from reconciler.devcloud.install import (
    REQUIREMENTS,
    ensure_venv,
    find_index,
    find_uv,
    install_commands,
    is_complete,
    requirements_key,
)

VENV = Path("/cache/venv")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, on a machine whose only program is a uv that fails."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://packages.invalid/")
    return tmp_path


def write_uv(cache: Path, script: str) -> None:
    uv = cache / "bin/uv"
    uv.parent.mkdir(exist_ok=True)
    uv.write_text(f"#!/bin/sh\n{script}\n")
    uv.chmod(0o755)


def test_every_requirement_is_pinned_with_hashes() -> None:
    text = REQUIREMENTS.read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    unpinned = [line for line in lines if not re.match(r"[\w-]+==[\w.]+ .*--hash=sha256:", line)]
    assert len(lines) > 100
    assert not unpinned


def test_requirements_name_no_place() -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links|file:|\s/", REQUIREMENTS.read_text())


def test_nothing_that_needs_a_compiler_is_required() -> None:
    assert not re.search(
        r"(?im)^(uwsgi|mysqlclient|psycopg2|libvirt-python)==", REQUIREMENTS.read_text()
    )


@pytest.mark.parametrize("uv", [None, ["uv"]])
def test_hashes_are_required_and_no_index_is_named(uv: list[str] | None) -> None:
    make, install = install_commands(VENV, uv)
    assert str(VENV) in make
    assert install[-3:] == ["--require-hashes", "-r", str(REQUIREMENTS)]
    assert not [word for word in install if "index" in word]
    assert (install[0] == "uv") == bool(uv)


def test_a_uv_on_path_that_does_not_run_is_not_used(cache: Path) -> None:
    write_uv(cache, "exit 127")
    assert find_uv() != [str(cache / "bin/uv")]


def test_an_interrupted_installation_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    assert not is_complete(tmp_path)
    (tmp_path / "complete").touch()
    assert is_complete(tmp_path)
    (tmp_path / "bin/python").unlink()
    (tmp_path / "bin/python").symlink_to(tmp_path / "gone")
    assert not is_complete(tmp_path)


def test_a_failed_installation_names_its_log_and_is_tried_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that is installed beside us would be taken first.
    monkeypatch.setattr("reconciler.devcloud.install.find_uv", lambda: [str(cache / "bin/uv")])
    write_uv(cache, 'echo "no such package" >&2; test "$1" = --version')
    venv = cache / f"reconciler/devcloud/venv-{requirements_key()}"
    for _ in range(2):
        said: list[str] = []
        with pytest.raises(DevcloudError, match=re.escape(str(venv) + ".log")):
            ensure_venv(said.append)
        assert said[0].startswith("installing OpenStack")
        assert "no such package" in venv.with_suffix(".log").read_text()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PIP_INDEX_URL": "https://pip.invalid/"}, "https://pip.invalid/"),
        ({"PIP_INDEX_URL": "https://pip.invalid/", "UV_INDEX_URL": "https://uv.invalid/"}, ""),
        ({"PIP_INDEX_URL": "https://pip.invalid/", "UV_DEFAULT_INDEX": "https://uv.invalid/"}, ""),
    ],
)
def test_uv_gets_the_index_of_pip_only_when_it_has_none(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert find_index() == expected
