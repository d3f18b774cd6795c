"""From a devcloud to runs of the reconciler on it: from one beginning, and through a proxy."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.devcloud.layout import HOST, Home
from reconciler.devcloud.services import SERVICES
from tests.chaos.census import Reader, reader
from tests.chaos.commands import Commands, Ended
from tests.chaos.proxy import Fault, Proxy, Seen

PATIENCE = 300.0
API_TIMEOUT = 5
"""Seconds that the client waits for an answer, while no real answer takes that long."""
PASSWORDS = ("RAFAEL", "MARCOS", "EDERSON", "CHAOS")


@dataclass(frozen=True, slots=True)
class Run:
    """How a run went, and what it sent."""

    ended: Ended
    seen: tuple[Seen, ...]

    @property
    def hits(self) -> int:
        return sum(one.hit for one in self.seen)


@dataclass(frozen=True, slots=True)
class Rig:
    """A devcloud with all that it takes to break things on the way to it."""

    home: Home
    folder: Path
    proxy: Proxy
    commands: Commands
    reader: Reader

    def keep(self, name: str) -> None:
        """Copy what the cloud holds, to come back to it."""
        kept = self.folder / name
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for path in self._databases():
            _copy(path, kept / path.name)

    def go_back(self, name: str) -> None:
        """Have the cloud hold what it held then; its services run on and do not notice."""
        for path in self._databases():
            _copy(self.folder / name / path.name, path)

    def go_empty(self) -> None:
        """Have the cloud hold what a new one holds."""
        for path in self._databases():
            _copy(self.home.pristine / "db" / path.name, path)

    def _databases(self) -> list[Path]:
        return [self.home.database(name) for one in SERVICES for name in one.databases]

    def apply(
        self,
        state: Path,
        *faults: Fault,
        words: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> Run:
        """Run ``reconciler apply`` as a user does."""
        self.proxy.begin(*faults)
        told = ["apply", "--state", str(state), "--owner", "chaos", *words]
        ended = self.commands.run(told, {**self.environ(), **(environ or {})}, patience)
        self.proxy.wait_quiet()
        return Run(ended, tuple(self.proxy.seen))

    def environ(self) -> dict[str, str]:
        own = {f"{name}_PASSWORD": f"secret-{name.lower()}" for name in PASSWORDS}
        return {
            **own, "OS_CLIENT_CONFIG_FILE": str(self.folder / "clouds.yaml"), "OS_CLOUD": "chaos",
            "NO_PROXY": HOST, "no_proxy": HOST, "HOME": str(self.folder), "PATH": "/usr/bin:/bin",
            "NO_COLOR": "1",
        }  # fmt: skip

    def write_clouds(self, **more: object) -> None:
        """Write the clouds.yaml that leads through the proxy."""
        auth = {
            "auth_url": self.proxy.url("identity") + "/v3", "username": "admin",
            "password": self.home.password, "user_domain_name": "Default",
            "project_name": "admin", "project_domain_name": "Default",
        }  # fmt: skip
        cloud = {"region_name": "devcloud", "api_timeout": API_TIMEOUT, **more}
        cloud["auth"] = {**auth, **dict(more.get("auth") or {})}  # type: ignore[call-overload] # a dictionary
        path = self.folder / "clouds.yaml"
        path.write_text(json.dumps({"clouds": {"chaos": cloud}}), encoding="utf-8")


@contextmanager
def rig_on(home: Home) -> Iterator[Rig]:
    """Give what breaks things on a devcloud that runs; in the end it holds what it held."""
    upstreams = {one.type: (HOST, home.port(one)) for one in SERVICES}
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        proxy, commands = Proxy(upstreams), Commands(folder)
        rig = Rig(home, folder, proxy, commands, reader(home.identity, home.password))
        rig.write_clouds()
        rig.keep("found")
        try:
            yield rig
        finally:
            commands.close()
            proxy.close()
            rig.go_back("found")


def _copy(source: Path, target: Path) -> None:
    """Copy a database in one transaction of its own: others may have it open."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        new.execute("pragma synchronous = off")
        old.backup(new)
