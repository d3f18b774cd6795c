"""From a devcloud to runs on it: what it holds kept and brought back, each process measured."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.launch import Asked
from bench.state import Size, write
from reconciler.devcloud.layout import HOST, Home
from reconciler.devcloud.processes import find
from reconciler.devcloud.services import SERVICES

TOP = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
SETTINGS = "owner: bench\nclouds: {devcloud: {mode: enforce}}\n"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process cost: seconds, CPU seconds, KiB, and what it asked for."""

    wall: float
    cpu: float
    services: float
    peak: int
    asked: tuple[Asked, ...]
    code: int
    told: str


class BenchError(Exception):
    """A run did not do what is measured."""


@dataclass(frozen=True, slots=True)
class Place:
    """A devcloud that runs, and a folder for what is kept of it."""

    home: Home
    folder: Path

    def go_empty(self) -> None:
        """Have the cloud hold what a new one holds."""
        self._forget()
        for path in self._databases():
            _copy(self.home.pristine / "db" / path.name, path)

    def keep(self, name: str) -> None:
        """Copy what the cloud holds, to come back to it."""
        partial = self.folder / f"{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for path in self._databases():
            _copy(path, partial / path.name)
        shutil.rmtree(self.folder / name, ignore_errors=True)
        partial.rename(self.folder / name)

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def go_back(self, name: str) -> None:
        """Have the cloud hold what it held then; its services run on and do not notice."""
        self._forget()
        for path in self._databases():
            _copy(self.folder / name / path.name, path)

    def _forget(self) -> None:
        """Take away what is known of earlier rounds: drift that comes back is a quarrel."""
        shutil.rmtree(self.folder / "history", ignore_errors=True)

    def run(self, program: str, *words: object, folder: Path = TOP) -> Measured:
        """Run a program as a process of its own, and measure it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        counts, output = self.folder / "counts.json", self.folder / "output.txt"
        told = [sys.executable, "-m", "bench.launch", counts, program, *words]
        before, started = self._services_cpu(), time.monotonic()
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [*map(str, told)], cwd=folder, env=self._environ(), stdin=subprocess.DEVNULL,
                stdout=stream, stderr=subprocess.STDOUT,
            )  # fmt: skip
            _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)  # for subprocess did not wait
        services = self._services_cpu() - before
        found = json.loads(counts.read_text(encoding="utf-8"))
        counts.unlink()
        return Measured(
            wall, used.ru_utime + used.ru_stime, services, found["peak"],
            tuple((method, port, path) for method, port, path in found["asked"]),
            process.returncode, output.read_text(encoding="utf-8"),
        )  # fmt: skip

    def repository(self, size: Size) -> Path:
        """Commit the state to a repository: the same files are the same commit each time."""
        folder = self.folder / f"state-{size.projects}"
        shutil.rmtree(folder, ignore_errors=True)
        write(size, folder / "desired_state")
        (folder / "reconciler.yaml").write_text(SETTINGS, encoding="utf-8")
        for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "State")):
            subprocess.run(["git", *words], cwd=folder, check=True, env=self._environ())
        return folder

    def _databases(self) -> list[Path]:
        return [self.home.database(name) for one in SERVICES for name in one.databases]

    def _services_cpu(self) -> float:
        """Give the CPU seconds that the services have used up to now."""
        total = 0
        for pid in find(self.home):
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            total += int(stat[11]) + int(stat[12])
        return total / TICKS

    def _environ(self) -> dict[str, str]:
        when = "2026-01-01T00:00:00Z"
        who = {"NAME": "Bench", "EMAIL": "bench@example.org", "DATE": when}
        git = {f"GIT_{role}_{key}": text for role in ("AUTHOR", "COMMITTER")
               for key, text in who.items()}  # fmt: skip
        return {
            **git, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": str(TOP),
            "XDG_STATE_HOME": str(self.folder / "history"), "NO_COLOR": "1",
            "OS_CLIENT_CONFIG_FILE": str(self.home.clouds), "OS_CLOUD": "devcloud",
            "NO_PROXY": HOST, "no_proxy": HOST,
            "BENCH_IDENTITY": self.home.identity, "BENCH_PASSWORD": self.home.password,
        }  # fmt: skip


def _copy(source: Path, target: Path) -> None:
    """Copy a database in one transaction of its own: the services have it open."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        new.execute("pragma synchronous = off")
        old.backup(new)
