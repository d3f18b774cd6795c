"""The container and the service: what their linters say, and the rules that we rely on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.charts.engine import TOP

CONTAINERFILE = TOP / "deploy" / "Containerfile"
TEXT = CONTAINERFILE.read_text(encoding="utf-8")
FINAL = TEXT.rpartition("\nFROM ")[2]
SERVICE = (TOP / "deploy" / "systemd" / "reconciler.service").read_text(encoding="utf-8")
HADOLINT = Path(sys.executable).parent / "hadolint"


def directives(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", SERVICE, re.MULTILINE)


def test_hadolint_has_nothing_to_say() -> None:
    found = subprocess.run(
        [HADOLINT, "--failure-threshold", "style", CONTAINERFILE],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (0, "")


def test_the_base_is_pinned_and_can_be_pinned_to_the_byte() -> None:
    assert re.search(r"^ARG BASE=python:3\.\d+-slim-\w+$", TEXT, re.MULTILINE)
    assert len(re.findall(r"^FROM \$\{BASE\}\$\{DIGEST\}", TEXT, re.MULTILINE)) == 2


def test_it_runs_as_a_user_by_number_with_what_the_chart_expects() -> None:
    assert re.findall(r"^USER (.*)$", FINAL, re.MULTILINE) == ["10001:10001"]
    assert "EXPOSE 8080" in FINAL
    assert "RECONCILER_STATE_DIRECTORY=/var/lib/reconciler" in FINAL
    assert FINAL.rstrip().count("\nENTRYPOINT") == 1


def test_the_image_has_what_git_needs_and_no_compiler() -> None:
    installed = re.search(r"apt-get install [^&]*?recommends ([^&\\]*)", FINAL)
    assert installed is not None
    packages = ["ca-certificates", "git", "gnupg", "openssh-client", "tini"]
    assert installed[1].split() == packages
    assert not re.search(r"\b(gcc|build-essential|make)\b", TEXT)


def test_everything_installed_from_an_index_is_pinned_by_its_hash() -> None:
    commands = re.findall(r"pip (?:--python \S+ )?(?:install|wheel) .*?(?=\n(?! {8})| && )", TEXT + "\n", re.DOTALL)  # fmt: skip  # noqa: E501
    assert len(commands) == 4
    for command in commands:
        hashed = "--require-hashes" in command and "--only-binary :all:" in command
        assert hashed or "--no-index" in command, command
    for name in set(re.findall(r"requirements/\w+\.txt", TEXT)):
        assert "--hash=sha256:" in (TOP / name).read_text(encoding="utf-8")


def test_what_is_copied_is_what_the_context_lets_in() -> None:
    ignored = (TOP / "deploy" / "Containerfile.dockerignore").read_text(encoding="utf-8")
    let_in = {line[1:] for line in ignored.splitlines() if line.startswith("!")}
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", TEXT, re.MULTILINE)
        for word in line.split()
    }
    assert copied == let_in
    assert "\n*\n" in ignored
    assert all((TOP / name).exists() for name in copied)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DynamicUser", "yes"), ("StateDirectory", "reconciler"), ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"), ("ProtectHome", "yes"), ("PrivateTmp", "yes"),
        ("CapabilityBoundingSet", ""), ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"), ("KillMode", "mixed"),
        ("LoadCredential", "clouds.yaml:/etc/reconciler/clouds.yaml"), ("Restart", "always"),
    ],
)  # fmt: skip
def test_the_service_is_shut_in(name: str, value: str) -> None:
    assert directives(name) == [value]


def test_the_service_calls_what_it_may_and_is_told_where_things_are() -> None:
    assert directives("SystemCallFilter") == ["@system-service", "~@privileged"]
    environment = dict(one.split("=", 1) for one in directives("Environment"))
    assert environment["OS_CLIENT_CONFIG_FILE"] == "%d/clouds.yaml"
    assert environment["RECONCILER_STATE_DIRECTORY"] == "%S/reconciler"
    assert [line.split()[1:] for line in directives("ExecStart")] == [
        ["run", "--config", "/etc/reconciler/reconciler.yaml"]
    ]


@pytest.mark.system
def test_systemd_understands_the_service_and_finds_little_exposed(tmp_path: Path) -> None:
    unit = tmp_path / "reconciler.service"
    # The program itself is not installed here.
    unit.write_text(re.sub(r"(?<=ExecStart=)\S+", "/bin/true", SERVICE), encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert exposed.returncode == 0, exposed.stdout
