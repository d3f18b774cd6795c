"""From words of the command line to how the process ended: by itself, or by a kill."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    """Minus nine where it was killed."""
    stdout: str
    stderr: str
    seconds: float
    late: bool
    """Whether it did not end in time, and was ended."""


class Commands:
    """Starts commands. Guards the launcher and the process that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pid = 0
        self._launcher = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.launcher"],
            cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        )  # fmt: skip

    def run(self, words: Sequence[str], environ: Mapping[str, str], patience: float) -> Ended:
        """Run one command to its end, which comes in time or is brought about."""
        out, err = self.folder / "stdout", self.folder / "stderr"
        told = {
            "words": [*words], "environ": {**environ}, "folder": str(self.folder),
            "stdout": str(out), "stderr": str(err),
        }  # fmt: skip
        assert self._launcher.stdin is not None
        self._launcher.stdin.write(json.dumps(told).encode() + b"\n")
        started = time.monotonic()
        self._pid = self._hear("pid", 60) or 0
        code = self._hear("code", patience)
        late = code is None
        if late:
            self.kill()
            code = self._hear("code", 10)
        self._pid = 0
        seconds = time.monotonic() - started
        return Ended(code or 0, out.read_text(), err.read_text(), seconds, late)

    def kill(self) -> None:
        """Kill what runs, as the kernel does when memory runs out."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)

    def _hear(self, word: str, patience: float) -> int | None:
        stdout = self._launcher.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], patience)[0]:
            return None
        said, _, number = stdout.readline().decode().partition(" ")  # unbuffered: one line alone
        if said != word:
            raise RuntimeError(f"the launcher said {said!r} instead of {word}")
        return int(number)

    def close(self) -> None:
        assert self._launcher.stdin is not None
        self._launcher.stdin.close()
        self._launcher.wait(30)
        if self._launcher.stdout:
            self._launcher.stdout.close()
