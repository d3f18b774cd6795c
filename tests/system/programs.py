"""Programs that run while a test does, each in a group of its own that ends with the test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 90.0
"""Seconds that anything here may take, on a machine that is busy."""
GRACE = 20.0
"""Seconds that a program has to end when it is asked to."""
SHOWN = 40
"""Lines of each log that a failed test shows."""
AS_IT_IS: Mapping[str, str] = MappingProxyType({})


def installed(name: str, package: str) -> str:
    """Give the path of a program that a package of Debian brings."""
    found = shutil.which(name)
    assert found, f"{name} is missing: it comes with the package {package}; see `make test-system`"
    return found


@dataclass(frozen=True, slots=True)
class Programs:
    """Guards what was started, and where it writes what it says."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *words: str | Path, also: Mapping[str, str] = AS_IT_IS) -> None:
        """Start a program, and call it by this name."""
        with self._log(name).open("wb") as log:
            self.running[name] = subprocess.Popen(
                words, cwd=self.folder, env={**os.environ, **also}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def said(self, name: str) -> str:
        return self._log(name).read_text(encoding="utf-8", errors="replace")

    def wait(self, what: str, look: Callable[[], T | None]) -> T:
        """Look until there is something; fails when that takes too long or a program has ended."""
        end = time.monotonic() + PATIENCE
        while True:
            found = look()
            if found:
                return found
            gone = {name: p.returncode for name, p in self.running.items() if p.poll() is not None}
            assert not gone, f"waiting for {what}: these ended, with these codes: {gone}"
            assert time.monotonic() < end, f"after {PATIENCE:.0f} s there was still not {what}"
            time.sleep(0.2)

    def end(self) -> None:
        """End all of them, whatever they have started included."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for program in self.running.values():
                # The group may outlive the one that leads it.
                with suppress(ProcessLookupError):
                    os.killpg(program.pid, number)
            end = time.monotonic() + GRACE
            for program in self.running.values():
                with suppress(subprocess.TimeoutExpired):
                    program.wait(max(0.0, end - time.monotonic()))

    def tell(self) -> None:
        """Print the ends of the logs: a test that failed shows what was printed."""
        for name in self.running:
            lines = self.said(name).splitlines()
            print(f"--- {name}", *lines[-SHOWN:], sep="\n")  # noqa: T201 - for whoever reads it

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"
