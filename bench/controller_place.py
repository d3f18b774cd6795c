"""From nothing to a repository behind a real git server, and a real controller that follows it."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.git_server import Work, git, http as git_http, make_work

HOST = "127.0.0.1"
CLOUD, OWNER, DOMAIN, USER = "bench", "bench", "bench", "bench-user"
TOKEN, SECRET = "bench-token", b"bench-secret"
RECONCILER = str(Path(sys.executable).parent / "reconciler")
PATIENCE = 180.0
PROJECTS = 10


@dataclass(frozen=True, slots=True)
class State:
    """What the repository says: some projects, each with a network, a group and a member."""

    projects: int = PROJECTS
    word: str = "as it was"
    """What the description of the first project says: the one line that commits change."""

    def text(self) -> str:
        projects = {f"p{number}": self._project(number) for number in range(self.projects)}
        users = {USER: {"description": "Somebody"}}
        domain = {"description": "Measured", "users": users, "projects": projects}
        return json.dumps({"domains": {DOMAIN: domain}}, indent=1) + "\n"

    def _project(self, number: int) -> Mapping[str, object]:
        web = [{"direction": "ingress", "protocol": "tcp", "ports": port} for port in (22, 80, 443)]
        return {
            "description": self.word if number == 0 else f"Project {number}",
            "members": [{"user": USER, "role": "member"}],
            "networks": {
                "front": {
                    "description": f"Front {number}",
                    "subnets": {"front-v4": {"cidr": f"10.{number}.0.0/24"}},
                }
            },
            "security_groups": {"web": {"description": f"Web {number}", "rules": web}},
        }


@dataclass(frozen=True, slots=True)
class Place:
    """Where authors work, what they push to, and what processes of the reconciler are given."""

    folder: Path
    work: Work
    url: str
    environ: Mapping[str, str]

    def settle(self, *, interval: float, heal: bool) -> None:
        """Write reconciler.yaml, and make the cloud as the repository says, as a person would."""
        said = {
            "owner": OWNER, "state": "state", "source": {"url": self.url, "interval": interval},
            "clouds": {CLOUD: {"mode": "enforce", "heal": heal}},
        }  # fmt: skip
        (self.work.folder / "reconciler.yaml").write_text(json.dumps(said), encoding="utf-8")
        self.push(State())
        words = [RECONCILER, "apply", "--auto-approve", "--allow-first-meeting"]
        done = subprocess.run(
            words, cwd=self.work.folder, env={**self.environ}, capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(
                f"{shlex.join(words)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr}"
            )

    def push(self, state: State) -> tuple[str, float, float]:
        """Commit a state and push it; gives the commit, and when the push began and ended."""
        commit = self.work.commit(state.text(), "--allow-empty", push=False)
        began = time.monotonic()
        self.work.push()
        return commit, began, time.monotonic()


@contextmanager
def place_in(folder: Path, clouds: Path) -> Iterator[Place]:
    """Give a repository behind ``git http-backend``, and an environment that leads to a cloud."""
    work = make_work(folder)
    git(work.bare, "config", "http.receivepack", "true")
    with git_http(work.bare.parent) as (url, _mood):
        where = f"{url}/{work.bare.name}"
        git(work.folder, "remote", "set-url", "origin", where)
        environ = {
            "OS_CLIENT_CONFIG_FILE": str(clouds), "NO_PROXY": HOST, "no_proxy": HOST,
            "HOME": str(folder), "PATH": os.environ["PATH"], "NO_COLOR": "1",
            "RECONCILER_STATE_DIRECTORY": str(folder / "kept"), "RECONCILER_TOKEN": TOKEN,
            "RECONCILER_WEBHOOK_SECRET": SECRET.decode(), "GIT_CONFIG_NOSYSTEM": "1",
        }  # fmt: skip
        yield Place(folder, work, where, environ)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the controller's log, and when it came, on our clock that only goes forward."""

    at: float
    text: str

    def fields(self) -> dict[str, str]:
        words = (word.partition("=") for word in shlex.split(self.text) if "=" in word)
        return {key: value for key, _, value in words}


class Controller:
    """A process of ``reconciler run``. Guards what it has logged, and since when."""

    def __init__(self, place: Place) -> None:
        self.lines: list[Line] = []
        self._new = threading.Condition()
        self._deliveries = 0
        self.process = subprocess.Popen(
            [RECONCILER, "run", "--listen", f"{HOST}:0"], cwd=place.work.folder,
            env={**place.environ}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        said = self.wait("listening on ", 0).text
        self.port = int(said.rpartition(":")[2])
        self.wait("run ended", 0)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for text in self.process.stderr:
            with self._new:
                self.lines.append(Line(time.monotonic(), text.rstrip("\n")))
                self._new.notify_all()

    def mark(self) -> int:
        """Give where the log ends now, for ``wait``."""
        return len(self.lines)

    def wait(self, word: str, since: int, also: str = "") -> Line:
        """Wait for a line with these words in it, after so many others."""

        def found() -> Line | None:
            there = (line for line in self.lines[since:] if word in line.text and also in line.text)
            return next(there, None)

        with self._new:
            self._new.wait_for(lambda: found() or self.process.poll() is not None, PATIENCE)
            line = found()
        if line is None:
            told = "\n".join(line.text for line in self.lines[-20:])
            raise RuntimeError(f"the controller does not say {word} {also}\n{told}")
        return line

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        """Ask for something over HTTP; what is refused is an error."""
        line = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            given = {"Authorization": f"Bearer {TOKEN}", **headers}
            line.request(method, path, body or None, given)
            answer = line.getresponse()
            found = answer.read()
        finally:
            line.close()
        if answer.status >= 400:  # noqa: PLR2004 - HTTP
            raise RuntimeError(f"{method} {path}: {answer.status} {found[:200]!r}")
        return found

    def wake(self) -> None:
        self.ask("POST", "/api/v1/wake")

    def deliver(self) -> None:
        """Tell of a push as a forge does."""
        self._deliveries += 1
        body = json.dumps({"ref": "refs/heads/main", "number": self._deliveries}).encode()
        digest = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        signed = {"X-Hub-Signature-256": f"sha256={digest}"}
        self.ask("POST", "/hooks", body, **signed)

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> float:
        """End it with SIGTERM; gives how long that took."""
        began = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self._reader.join(5)
        return time.monotonic() - began


@contextmanager
def controller_in(place: Place) -> Iterator[Controller]:
    """Give a controller that has looked once."""
    found = Controller(place)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.stop()
