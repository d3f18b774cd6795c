"""The proxy does to requests what its faults say, and to the others nothing."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.chaos.acts import answered, cut_off, done_but, html, listing, on, reset_after, truncated
from tests.chaos.crash import distinct, kill_at, points
from tests.chaos.proxy import Fault, Proxy, Seen

LIST = b'{"things": [1, 2, 3], "things_links": [{"rel": "next", "href": "x?marker=3"}]}'


class _Behind(ThreadingHTTPServer):
    daemon_threads = True
    heard: list[str]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Behind

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.heard.append(f"{self.command} {self.path} {body}".strip())
        self.send_response(200)
        self.send_header("Content-Length", str(len(LIST)))
        self.end_headers()
        self.wfile.write(LIST)

    do_GET = do_POST = _serve  # noqa: N815 - its names

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def behind() -> Iterator[_Behind]:
    server = _Behind(("127.0.0.1", 0), _Handler)
    server.heard = []
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(behind: _Behind) -> Iterator[Proxy]:
    found = Proxy({"network": ("127.0.0.1", behind.server_port)})
    yield found
    found.close()


def send(proxy: Proxy, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    line = http.client.HTTPConnection(proxy.url("network").removeprefix("http://"), timeout=5)
    try:
        line.request(method, path, body, encode_chunked=not isinstance(body, bytes | None))
        reply = line.getresponse()
        return reply.status, reply.read()
    finally:
        line.close()


def test_what_no_fault_is_for_passes(proxy: Proxy, behind: _Behind) -> None:
    proxy.begin(Fault(answered(500), on("GET", "/other")))
    assert send(proxy, "POST", "/things?a=b", b"{}") == (200, LIST)
    assert send(proxy, "POST", "/in-parts", iter([b"one", b"two"])) == (200, LIST)
    assert behind.heard == ["POST /things?a=b {}", "POST /in-parts onetwo"]
    assert proxy.hits() == 0


def test_a_fault_is_at_the_nth_alone(proxy: Proxy) -> None:
    proxy.begin(Fault(answered(503), on("GET", "/things"), first=2, times=2))
    assert [send(proxy, "GET", "/things")[0] for _ in range(4)] == [200, 503, 503, 200]
    assert proxy.hits() == 2


def test_some_faults_leave_the_service_without_the_request(proxy: Proxy, behind: _Behind) -> None:
    proxy.begin(Fault(answered(500), on("POST", "/a")), Fault(done_but(500), on("POST", "/b")))
    assert send(proxy, "POST", "/a", b"")[0] == 500
    assert send(proxy, "POST", "/b", b"")[0] == 500
    assert behind.heard == ["POST /b"]


def test_the_line_goes_dead_after_the_request_was_heard(proxy: Proxy, behind: _Behind) -> None:
    proxy.begin(Fault(reset_after, on("POST", "/a")))
    with pytest.raises(ConnectionError):
        send(proxy, "POST", "/a", b"")
    assert behind.heard == ["POST /a"]
    assert [one.status for one in proxy.seen] == [0]


def test_answers_come_in_bad_shape(proxy: Proxy) -> None:
    proxy.begin(
        Fault(truncated, on("GET", "/short")), Fault(html, on("GET", "/html")),
        Fault(cut_off, on("GET", "/cut")),
        Fault(listing(lambda items: items[:1], last=True), on("GET", "/few")),
    )  # fmt: skip
    assert send(proxy, "GET", "/short") == (200, LIST[: len(LIST) // 2])
    assert b"<html>" in send(proxy, "GET", "/html")[1]
    assert send(proxy, "GET", "/few") == (200, b'{"things": [1]}')
    with pytest.raises(http.client.IncompleteRead):
        send(proxy, "GET", "/cut")


def test_pages_get_smaller(proxy: Proxy, behind: _Behind) -> None:
    proxy.page = 2
    send(proxy, "GET", "/things?limit=500&marker=x")
    assert behind.heard == ["GET /things?limit=2&marker=x"]


def test_every_request_has_two_points_and_reads_between_writes_but_one(proxy: Proxy) -> None:
    for method, path in (
        ("GET", "/a"),
        ("GET", "/b"),
        ("POST", "/c"),
        ("GET", "/d"),
        ("POST", "/c"),
    ):
        send(proxy, method, path, b"")
    found = points(proxy.seen)
    assert len(found) == 10
    chosen = [str(point) for point in distinct(found)]
    assert chosen == [
        "before GET network/a (1)",
        "before POST network/c (1)", "after POST network/c (1)",
        "before POST network/c (2)", "after POST network/c (2)",
    ]  # fmt: skip


def test_a_kill_comes_at_its_point(proxy: Proxy, behind: _Behind) -> None:
    for _ in range(2):
        send(proxy, "POST", "/c", b"0123456789abcdef0123456789abcdef")
    second = points(proxy.seen)[-2]
    killed: list[Seen] = []
    proxy.begin(kill_at(second, lambda: killed.extend(proxy.seen)))
    send(proxy, "POST", "/c", b"fedcba9876543210fedcba9876543210")  # another id, the same request
    with pytest.raises(ConnectionError):
        send(proxy, "POST", "/c", b"fedcba9876543210fedcba9876543210")
    assert [one.status for one in killed] == [200]
    assert len(behind.heard) == 3
