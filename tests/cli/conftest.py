"""From a cloud in memory to a command line that speaks to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.main import cli
from reconciler.cloud.session import Answer
from tests.support.fake_cloud import FakeCloud
from tests.support.small_cloud import small_cloud, small_kinds

Call = Callable[..., Result]

CAMPUS = """
domains:
  campus:
    description: The campus
    users: {alice: {}}
    groups:
      devs: {description: Developers, users: [alice]}
    projects:
      shop:
        description: The shop
        networks: {front: {mtu: 1400}}
"""


@pytest.fixture
def cloud() -> FakeCloud:
    return small_cloud()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder that we are in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(cloud: FakeCloud, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run ``reconciler`` with these words, in a folder of its own, against the cloud in memory."""
    monkeypatch.setenv("RECONCILER_STATE_DIRECTORY", str(tmp_path / ".chronicle"))
    for name in ("OS_CLOUD", "RECONCILER_OWNER", "RECONCILER_STATE"):
        monkeypatch.delenv(name, raising=False)

    def connect(name: str, *, region: str, watch: Callable[[Answer], None] | None) -> FakeCloud:
        del name, region, watch
        return cloud

    monkeypatch.setattr("reconciler.cli.run.Cloud", connect)
    monkeypatch.setattr("reconciler.cli.run.load_kinds", small_kinds)
    monkeypatch.setattr(cloud, "region", "RegionOne", raising=False)
    monkeypatch.setattr(cloud, "clock", lambda: datetime.now(UTC), raising=False)
    assert Path.cwd() == folder

    def run(*words: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(cli, list(words), input=stdin, prog_name="reconciler")
        assert "Traceback" not in result.output
        return result

    return run


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")


@pytest.fixture
def state(folder: Path) -> Path:
    """Give a folder with a state in it."""
    write(folder, {"state/campus.yaml": CAMPUS})
    return folder / "state"
