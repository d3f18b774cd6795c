"""From requests of a client to the services of the devcloud, with faults on the way."""

from __future__ import annotations

import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
QUIET = 30.0
"""Seconds that requests in flight may take to end."""
_BY_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the client."""

    number: int
    service: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_login(self) -> bool:
        return self.method == "POST" and self.path.endswith("/auth/tokens")

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD") and not self.is_login


@dataclass(frozen=True, slots=True)
class Reply:
    """What the client gets."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    length: int | None = None
    """What the header says of the body's length, if not the truth."""


Act = Callable[[Callable[[], Reply]], Reply | None]
"""What happens to a request: gets what forwards it, gives an answer or none, which is a reset."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Some of the requests that match, and what happens to them."""

    act: Act
    matches: Callable[[Request], bool]
    first: int = 1
    times: int = 1
    """How many of those that match, from the first on; 0: all of them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a request."""

    request: Request
    status: int
    """0: the client got no answer."""
    hit: bool
    """Whether a fault was at work."""


class Proxy:
    """Stands before each service. Guards what was seen, and how often each fault was at work."""

    def __init__(self, upstreams: Mapping[str, tuple[str, int]]) -> None:
        self.seen: list[Seen] = []
        self.page = 0
        """The size that pages of listings get, whatever the client asked for; 0: as asked."""
        self.elsewhere: Mapping[str, str] = {}
        """Addresses that the catalogue gives for services instead of our own."""
        self._lock = threading.Condition()
        self._faults: tuple[Fault, ...] = ()
        self._met: list[int] = []
        self._count = 0
        self._in_flight = 0
        self._servers = {
            name: _Server(self, name, upstream) for name, upstream in upstreams.items()
        }
        for server in self._servers.values():
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, service: str) -> str:
        return f"http://{HOST}:{self._servers[service].server_port}"

    def begin(self, *faults: Fault) -> None:
        """Forget what was seen, and have these faults from now on."""
        with self._lock:
            self.seen, self._faults, self._met = [], faults, [0] * len(faults)
            self._count = 0

    def hits(self) -> int:
        return sum(one.hit for one in self.seen)

    def wait_quiet(self) -> None:
        """Return when nothing is in flight any more."""
        with self._lock:
            if not self._lock.wait_for(lambda: not self._in_flight, QUIET):
                raise TimeoutError(f"{self._in_flight} requests do not end")

    def close(self) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def answer(self, server: _Server, request: Request) -> Reply | None:
        """Give what the client gets."""
        with self._lock:
            self._in_flight += 1
            self._count += 1
            request = replace(request, number=self._count)
            fault = self._due(request)
        reply: Reply | None = None
        try:

            def forward() -> Reply:
                return self._rewritten(request, server.forward(self._resized(request)))

            reply = fault.act(forward) if fault else forward()
        except (OSError, HTTPException):
            reply = None
        finally:
            with self._lock:
                status = reply.status if reply else 0
                self.seen.append(Seen(request, status, fault is not None))
                self._in_flight -= 1
                self._lock.notify_all()
        return reply

    def _due(self, request: Request) -> Fault | None:
        found = None
        for at, fault in enumerate(self._faults):
            if not fault.matches(request):
                continue
            self._met[at] += 1
            last = fault.first + fault.times if fault.times else None
            if found is None and fault.first <= self._met[at] and (
                last is None or self._met[at] < last
            ):  # fmt: skip
                found = fault
        return found

    def _resized(self, request: Request) -> Request:
        if not self.page or request.method != "GET":
            return request
        return replace(request, path=re.sub(r"\blimit=\d+", f"limit={self.page}", request.path))

    def _rewritten(self, request: Request, reply: Reply) -> Reply:
        """Have the catalogue name us: all other links follow from the Host that was asked for."""
        if not request.path.endswith(("/auth/tokens", "/auth/catalog")):
            return reply
        body = reply.body
        for name, server in self._servers.items():
            url = self.elsewhere.get(name) or self.url(name)
            body = body.replace(b"http://%s:%d" % server.upstream_name, url.encode())
        return replace(reply, body=body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, proxy: Proxy, service: str, upstream: tuple[str, int]) -> None:
        self.proxy = proxy
        self.service = service
        self.upstream = upstream
        super().__init__((HOST, 0), _Handler)

    @property
    def upstream_name(self) -> tuple[bytes, int]:
        return self.upstream[0].encode(), self.upstream[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Be silent: clients that are killed do not say goodbye."""

    def forward(self, request: Request) -> Reply:
        line = HTTPConnection(*self.upstream, timeout=120)
        try:
            line.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                if name.lower() not in _BY_HOP:
                    line.putheader(name, value)
            line.putheader("Connection", "close")
            line.putheader("Content-Length", str(len(request.body)))
            line.endheaders(request.body or None)
            found = line.getresponse()
            kept = tuple((k, v) for k, v in found.getheaders() if k.lower() not in _BY_HOP)
            return Reply(found.status, kept, found.read())
        finally:
            line.close()


class _Handler(BaseHTTPRequestHandler):
    """Reads requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        headers = tuple(self.headers.items())
        request = Request(0, self.server.service, self.command, self.path, headers, self._body())
        reply = self.server.proxy.answer(self.server, request)
        if reply is None:
            self._reset()
            return
        length = len(reply.body) if reply.length is None else reply.length
        lines = [f"HTTP/1.1 {reply.status} as told"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        if reply.status != 204:
            lines.append(f"Content-Length: {length}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.wfile.write(head + (b"" if self.command == "HEAD" else reply.body))
        if length != len(reply.body):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - its names

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _reset(self) -> None:
        """End the connection as a crashed host does: with a reset, and not with an end."""
        self.close_connection = True
        off_at_once = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, off_at_once)
        os.close(self.connection.detach())

    def log_message(self, *_args: Any) -> None:
        """Say nothing: what was seen is kept."""
