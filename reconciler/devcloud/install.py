"""From the pinned requirements, to a virtual environment that every devcloud of one user shares."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from reconciler.devcloud.errors import DevcloudError
from reconciler.devcloud.layout import cache_folder, exclusive

REQUIREMENTS = Path(__file__).parent / "requirements.txt"


def ensure_venv(say: Callable[[str], None]) -> Path:
    """The services' virtual environment, made when this is the first time it is needed.

    It is keyed by the requirements and the Python version, so an upgrade makes a new one beside the
    old. The marker is written last: without it, what is there was left by an interrupted attempt.
    """
    venv = cache_folder() / f"venv-{requirements_key()}"
    if is_complete(venv):
        return venv
    with exclusive(
        venv.with_suffix(".lock"),
        lambda: say("waiting for another devcloud that is installing OpenStack"),
    ):
        if not is_complete(venv):
            make_venv(venv, say)
    return venv


def make_venv(venv: Path, say: Callable[[str], None]) -> None:
    started = time.monotonic()
    log = venv.with_suffix(".log")
    say(f"installing OpenStack into {venv}: once, some minutes unless the packages are cached")
    shutil.rmtree(venv, ignore_errors=True)
    index = find_index()
    with log.open("w") as output:
        for words in install_commands(venv, find_uv()):
            done = subprocess.run(
                words,
                cwd=venv.parent,  # where no project's settings are found, only the user's
                env=os.environ | {"UV_DEFAULT_INDEX": index} if index else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                close_fds=False,  # it holds the lock as long as it runs, should this be killed
            )
            if done.returncode:
                raise DevcloudError(f"installing OpenStack failed; see {log}")
    (venv / "complete").touch()
    say(f"installed in {time.monotonic() - started:.0f} s")


def is_complete(venv: Path) -> bool:
    # The interpreter is a link to the system's, which an upgrade of the system may remove.
    return (venv / "complete").exists() and (venv / "bin/python").exists()


@cache
def requirements_key() -> str:
    """Changes with any pin and with the Python version."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + str(sys.implementation.cache_tag).encode())
    return digest.hexdigest()[:12]


def install_commands(venv: Path, uv: list[str] | None) -> list[list[str]]:
    """With uv, else with pip; the index is the one that the user has set for it."""
    python = str(venv / "bin/python")
    wanted = ["install", "--require-hashes", "-r", str(REQUIREMENTS)]
    if uv:
        return [
            [*uv, "venv", "--no-project", "--python", sys.executable, str(venv)],
            [*uv, "pip", *wanted[:1], "--python", python, *wanted[1:]],
        ]
    if importlib.util.find_spec("pip"):
        # Debian's Python makes no environment with a pip of its own unless python3-venv is there.
        return [
            [sys.executable, "-m", "venv", "--without-pip", str(venv)],
            [sys.executable, "-m", "pip", "--python", python, *wanted],
        ]
    return [[sys.executable, "-m", "venv", str(venv)], [python, "-m", "pip", *wanted]]


def find_uv() -> list[str] | None:
    if importlib.util.find_spec("uv"):
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    # A version manager may leave a `uv` on PATH that only says it is not installed.
    if not found:
        return None
    tried = subprocess.run([found, "--version"], capture_output=True, check=False)
    return [found] if tried.returncode == 0 else None


def find_index() -> str:
    """The index that pip was told to use, for a uv that was told nothing."""
    if os.environ.keys() & {"UV_DEFAULT_INDEX", "UV_INDEX_URL"}:
        return ""
    if named := os.environ.get("PIP_INDEX_URL"):
        return named
    python = Path(sys.base_prefix) / "bin/python3"  # pip is seldom in the reconciler's own
    if not python.exists():
        return ""
    asked = subprocess.run(
        [python, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() if asked.returncode == 0 else ""
