"""From a test to repositories whose owner is the test's own, and to hosts that apply them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import git
import pytest
from click.testing import CliRunner, Result

from reconciler.cli.main import cli
from reconciler.cloud.record import approvals_attribute, attribute
from reconciler.cloud.session import Cloud
from reconciler.devcloud.layout import HOST, open_home
from reconciler.devcloud.services import SERVICES
from tests.chaos.proxy import Fault, Proxy, Reply, Request
from tests.cli.repository import Repository

PRUNED = (
    "Domain", "Project", "Network", "Subnet", "Router", "SecurityGroup", "QosSpecs", "Image",
)  # fmt: skip
PATIENCE = 120.0


@pytest.fixture
def repository(
    cloud: Cloud, clouds_file: Path, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Repository]:
    """Give a repository with an owner of its own, whose record goes in the end."""
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds_file))
    monkeypatch.setenv("OS_CLOUD", "devcloud")
    monkeypatch.setenv("RECONCILER_STATE_DIRECTORY", str(tmp_path / "chronicle"))
    folder = tmp_path / "one"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git.Repo.init(folder).close()

    def call(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(cli, list(words), input=stdin, prog_name="reconciler")

    found = Repository(folder, call)
    found.settings(*PRUNED)
    settings = (folder / "reconciler.yaml").read_text()
    words = settings.replace("owner: us", f"owner: {word}").replace("prod:", "devcloud:")
    (folder / "reconciler.yaml").write_text(words)
    yield found
    forget(cloud, word, f"{word}-other")


def forget(cloud: Cloud, *owners: str) -> None:
    """Take the records of owners off the project that they lie on."""
    project = cloud.who().project_id
    gone = {name: None for one in owners for name in (attribute(one), approvals_attribute(one))}
    cloud.request("identity", "PATCH", f"/projects/{project}", json={"project": gone})


@dataclass(frozen=True, slots=True)
class Running:
    """A run that goes on, as a process of its own."""

    process: subprocess.Popen[str]

    def end(self) -> tuple[int, str, str]:
        """Wait for it; gives its code and what it said."""
        stdout, stderr = self.process.communicate(timeout=PATIENCE)
        assert "Traceback" not in stderr, stderr
        return self.process.returncode, stdout, stderr


@dataclass(frozen=True, slots=True)
class Host:
    """A machine that applies: a clone and a chronicle of its own, and a line that may break."""

    folder: Path
    clouds: Path

    def start(self, *words: str) -> Running:
        """Begin an apply."""
        environ = {
            **os.environ, "OS_CLIENT_CONFIG_FILE": str(self.clouds), "OS_CLOUD": "devcloud",
            "RECONCILER_STATE_DIRECTORY": str(self.folder / ".chronicle"), "NO_COLOR": "1",
            "NO_PROXY": HOST, "no_proxy": HOST,
        }  # fmt: skip
        told = [sys.executable, "-m", "reconciler", "apply", "--auto-approve", "-o", "json"]
        return Running(subprocess.Popen(
            [*told, *words], cwd=self.folder, env=environ, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ))  # fmt: skip

    def apply(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, stdout, stderr = self.start(*words).end()
        assert stdout, stderr
        return code, dict(json.loads(stdout))


@pytest.fixture
def proxy(clouds_file: Path) -> Iterator[Proxy]:
    """Give what stands between hosts and the cloud."""
    if os.environ.get("RECONCILER_TEST_CLOUDS_FILE"):
        pytest.skip("only of a cloud of our own it is known where its services are")
    home = open_home(clouds_file.parent)
    found = Proxy({one.type: (HOST, home.port(one)) for one in SERVICES})
    yield found
    found.close()


Hosts = Callable[[str], Host]


@pytest.fixture
def hosts(repository: Repository, clouds_file: Path, proxy: Proxy, tmp_path: Path) -> Hosts:
    """Make hosts by name; each has the repository as it is then."""
    home = open_home(clouds_file.parent)
    clouds = tmp_path / "clouds.yaml"
    text = clouds_file.read_text().replace(home.identity, f"{proxy.url('identity')}/v3")
    clouds.write_text(text)

    def make(name: str) -> Host:
        folder = tmp_path / name
        shutil.copytree(repository.folder, folder)
        return Host(folder, clouds)

    return make


def when(
    do: Callable[[], None], method: str, end: str, *, after: bool = False, answer: bool = True
) -> Fault:
    """Do something at the first request of this method whose path ends so."""

    def act(forward: Callable[[], Reply]) -> Reply | None:
        reply = forward() if after else None
        do()
        if not answer:
            return None
        return reply or forward()

    def matches(request: Request) -> bool:
        return request.method == method and end in request.path

    return Fault(act, matches)
