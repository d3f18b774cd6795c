"""From values that nobody may see to command lines that are given them, and all they leave."""

from __future__ import annotations

import json as jsonlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.main import cli
from reconciler.cloud.session import Who
from reconciler.errors import CloudError
from reconciler.kinds.values import NOTHING, Json
from tests.support.fake_cloud import FakeCloud
from tests.support.small_cloud import small_cloud, small_kinds

OURS = ("--cloud", "prod", "--state", "state", "--owner", "us")
CANARIES = {
    "env": 'canary-3nv "q" \\ é <b>&  x',
    "file": "canary-f1le-7c1d2e",
    "login": "canary-l0gin-55aa01",
    "application credential": "canary-appcr3d-91be",
    "token": "gAAAAcanary-t0ken-0f0f",
    "url": "canary-ur1-4242",
}
"""By where each is kept; the first is made of what is written otherwise in every form."""
MARK = 6
"""Characters of a canary that are enough to know it by, from its seventh on."""


def traces(text: str) -> list[str]:
    """Give the canaries that a text tells anything of, in whatever spelling."""
    return [where for where, value in CANARIES.items() if value[: MARK + 3] in text]


@dataclass
class Witness:
    """A cloud in memory that keeps every body, and may answer with an error of its own."""

    cloud: FakeCloud
    answer: Callable[[str, str, Json], CloudError | Exception | None] = lambda _m, _p, _b: None
    bodies: list[str] = field(default_factory=list)
    region: str = "RegionOne"

    def who(self) -> Who:
        return self.cloud.who()

    def width(self, service: str) -> int:
        return self.cloud.width(service)

    def clock(self) -> datetime:
        return datetime.now(UTC)

    def request(
        self, service: str, method: str, path: str, *, json: Json = None, content: object = None,
        headers: Mapping[str, str] = NOTHING, params: Mapping[str, str | int] = NOTHING,
        version: str = "",
    ) -> Json:  # fmt: skip
        self.bodies.append(jsonlib.dumps(json, ensure_ascii=False))
        wrong = self.answer(method, path, json)
        if wrong is not None:
            raise wrong
        if path == "/extensions":
            return {"extensions": []}
        return self.cloud.request(
            service, method, path, json=json, content=content, headers=headers, params=params,
            version=version,
        )  # fmt: skip


@dataclass
class Place:
    """A folder that commands run in. Guards what they have said."""

    folder: Path
    logged: pytest.LogCaptureFixture
    secret_files: frozenset[str] = frozenset({"secret", "clouds.yaml"})
    said: list[str] = field(default_factory=list)

    def run(self, *words: str) -> Result:
        result = CliRunner().invoke(cli, list(words), prog_name="reconciler")
        self.said.append(f"{words}: {result.output}")
        return result

    def everything(self) -> dict[str, str]:
        """Give all that was said, logged and written."""
        found = {f"said {at}": text for at, text in enumerate(self.said)}
        found["logged"] = self.logged.text
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name not in self.secret_files:
                found[str(path)] = path.read_text(errors="replace")
        return found

    def assert_silent(self) -> None:
        told = {where: traces(text) for where, text in self.everything().items()}
        assert {where: names for where, names in told.items() if names} == {}


STATE = """
domain: campus
users:
  ann: {email: a@example.org, password: {env: CANARY_ENV}}
  fil: {password: {file: secret, rotation: 2}}
groups: {devs: {users: [ann, fil]}}
---
domains: {campus: {description: The campus}}
"""


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Place:
    """Give a folder with a state and secrets, and an environment with one more."""
    caplog.set_level(logging.WARNING)
    monkeypatch.chdir(tmp_path)
    for name in ("OS_CLOUD", "RECONCILER_OWNER", "RECONCILER_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CANARY_ENV", CANARIES["env"])
    (tmp_path / "secret").write_text(CANARIES["file"] + "\n", encoding="utf-8")
    (tmp_path / "state").mkdir()
    (tmp_path / "state/a.yaml").write_text(STATE)
    return Place(tmp_path, caplog)


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch) -> Witness:
    """Give the cloud in memory that the commands speak to."""
    found = Witness(small_cloud())

    def connect(*_words: Any, **_more: Any) -> Witness:
        return found

    for module in ("run", "controller"):
        monkeypatch.setattr(f"reconciler.cli.{module}.Cloud", connect)
    for module in ("run", "doctor", "export", "validate", "controller"):
        monkeypatch.setattr(f"reconciler.cli.{module}.load_kinds", small_kinds)
    return found
