"""Real git servers on loopback that die, hang, refuse, cut off and force-push."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TIMEOUT = 20


def git(folder: Path, *words: str, **environment: str) -> str:
    """Let git do something as nobody in particular; gives what it says."""
    around = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "alice", "GIT_AUTHOR_EMAIL": "alice@example.org",
        "GIT_COMMITTER_NAME": "alice", "GIT_COMMITTER_EMAIL": "alice@example.org",
        **environment,
    }  # fmt: skip
    done = subprocess.run(
        ["git", *words], cwd=folder, env=around, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"git {words}: {done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class Work:
    """Where authors work, and the bare repository that they push to."""

    folder: Path
    bare: Path

    def commit(self, text: str = "", *words: str, push: bool = True, **environment: str) -> str:
        """Commit a state, push it, and give the commit's name."""
        place = self.folder / "state" / "all.yaml"
        place.parent.mkdir(exist_ok=True)
        place.write_text(text or f"# {time.monotonic_ns()}\n", encoding="utf-8")
        git(self.folder, "add", "-A")
        git(self.folder, *_options(words), "commit", "-q", "-m", "one", *_flags(words),
            **environment)  # fmt: skip
        if push:
            self.push()
        return self.head()

    def head(self) -> str:
        return git(self.folder, "rev-parse", "HEAD")

    def push(self, *words: str) -> None:
        git(self.folder, "push", "-q", "origin", "HEAD:main", *words)


def _options(words: tuple[str, ...]) -> list[str]:
    return [word for name in words if "=" in name for word in ("-c", name)]


def _flags(words: tuple[str, ...]) -> list[str]:
    return [word for word in words if "=" not in word]


def make_work(folder: Path, name: str = "state.git") -> Work:
    """Make a bare repository with one commit, and a work tree that pushes to it."""
    bare = folder / "served" / name
    bare.mkdir(parents=True)
    git(bare, "init", "-q", "--bare", "-b", "main")
    tree = folder / f"work-{name}"
    tree.mkdir()
    git(tree, "init", "-q", "-b", "main")
    git(tree, "remote", "add", "origin", str(bare))
    work = Work(tree, bare)
    work.commit()
    return work


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as place:
        return int(place.getsockname()[1])


def children() -> set[int]:
    """Give the processes that this one has started, and their children."""
    found: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        found[int(stat.parent.name)] = int(words[1])
    ours, more = {os.getpid()}, True
    while more:
        new = {pid for pid, parent in found.items() if parent in ours} - ours
        ours |= new
        more = bool(new)
    return ours - {os.getpid()}


@contextmanager
def daemon(served: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``git daemon`` over a folder of bare repositories."""
    process = subprocess.Popen(
        ["git", "daemon", f"--base-path={served}", "--export-all", "--reuseaddr",
         "--listen=127.0.0.1", f"--port={port}", str(served)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for(port)
        yield process
    finally:
        die(process)


def _wait_for(port: int) -> None:
    until = time.monotonic() + TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, "the git daemon does not come up"
            time.sleep(0.02)
        else:
            return


def die(process: subprocess.Popen[bytes]) -> None:
    """Kill a server and what it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(TIMEOUT)


def hang(process: subprocess.Popen[bytes]) -> None:
    """Let a server take connections and never answer one."""
    os.killpg(process.pid, signal.SIGSTOP)


@dataclass(slots=True)
class Mood:
    """What an http server does to who asks. Guards what was asked, too."""

    token: str = ""
    """Asked for, if there is one."""
    hanging: bool = False
    status: int = 0
    """Answered to everything, if there is one."""
    garble: bool = False
    """Whether the packs that it sends are damaged."""
    cut: int = 0
    """Bytes of a pack after which the connection ends."""
    redirect: str = ""
    flood: bool = False
    """Whether it talks for ever."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Paths, and the credentials that came with them."""
    release: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    """Hands requests to ``git http-backend``."""

    mood: Mood
    served: Path

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        mood = self.mood
        given = self.headers.get("Authorization", "")
        mood.asked.append((self.path, given))
        if mood.hanging:
            mood.release.wait(TIMEOUT)
            return
        if mood.redirect:
            self._head(302, [("Location", mood.redirect + self.path)])
        elif mood.token and given != _basic("git", mood.token):
            self._head(401, [("WWW-Authenticate", 'Basic realm="git"')])
        elif mood.status:
            self._head(mood.status, [])
        else:
            self._backend(body)

    def _head(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _backend(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, timeout=60, check=False,
            env={
                "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.served),
                "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
                "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1",
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
        )  # fmt: skip
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        status = next((int(v.split()[0]) for k, v in headers if k == "Status"), 200)
        self._head(status, [(k, v) for k, v in headers if k != "Status"])
        self._send(content)

    def _send(self, content: bytes) -> None:
        pack = content.find(b"PACK")
        if self.mood.garble and pack >= 0:
            damaged = bytes(255 - byte for byte in content[pack + 20 : pack + 60])
            content = content[: pack + 20] + damaged + content[pack + 60 :]
        if self.mood.cut and pack >= 0:
            content = content[: pack + self.mood.cut]
        if self.mood.flood and pack >= 0:
            line = b"\x02" + b"no end in sight\n" * 4000
            content = content[: pack - 5]
            while not self.mood.release.is_set():
                content += f"{len(line) + 4:04x}".encode() + line
                self.wfile.write(content)
                content = b""
        self.wfile.write(content)


def _basic(user: str, token: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()


class _Server(ThreadingHTTPServer):
    """A server whose clients may go whenever they like."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that went."""

    def shutdown_request(self, request: Any) -> None:
        if isinstance(request, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                request.unwrap()  # else it looks like a connection that was cut off
        super().shutdown_request(request)


@contextmanager
def http(served: Path, certificate: tuple[Path, Path] | None = None) -> Iterator[tuple[str, Mood]]:
    """Serve a folder of bare repositories by http; gives the URL and what decides its mood.

    With a certificate and its key it is https, for localhost.
    """
    mood = Mood()
    handler = type("Handler", (_Handler,), {"mood": mood, "served": served})
    server = _Server(("127.0.0.1", 0), handler)
    where = f"http://127.0.0.1:{server.server_port}"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        where = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield where, mood
    finally:
        mood.release.set()
        server.shutdown()
        server.server_close()
        thread.join(TIMEOUT)


def replace_repository(work: Work, other: Work) -> None:
    """Put another repository where one was."""
    shutil.rmtree(work.bare)
    shutil.copytree(other.bare, work.bare)
