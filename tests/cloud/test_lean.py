"""What goes out on the wire is what requests would send, less cookies and what .netrc says."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from reconciler.cloud.lean import LeanSession


class _Echo(ThreadingHTTPServer):
    """Tells what it was sent, and sets a cookie each time."""

    daemon_threads = True
    callers: set[int]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Echo

    def _answer(self) -> None:
        self.server.callers.add(self.client_address[1])
        length = int(self.headers.get("Content-Length") or 0)
        told = {"path": self.path, "headers": sorted(self.headers.items()),
                "body": self.rfile.read(length).decode()}  # fmt: skip
        content = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Set-Cookie", "session=secret; Path=/")
        self.end_headers()
        self.wfile.write(content)

    def __getattr__(self, name: str) -> Any:
        if name in ("do_GET", "do_POST", "do_PUT"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[_Echo]:
    server = _Echo(("127.0.0.1", 0), _Handler)
    server.callers = set()
    Thread(target=server.serve_forever, daemon=True).start()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                 "no_proxy", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield server
    server.shutdown()
    server.server_close()


def url(server: _Echo, path: str = "/v3/things") -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


NOBODY = "https://127.0.0.1:1/"
TOKEN = {"X-Auth-Token": "t"}


def sent(session: requests.Session, server: _Echo, method: str, **how: Any) -> Any:
    how["headers"] = {**TOKEN, **how.get("headers", {})}
    reply = session.request(method, url(server), allow_redirects=False, timeout=5, **how)
    assert reply.status_code == 200
    return reply.json()


@pytest.mark.parametrize(
    ("method", "how"),
    [
        ("GET", {}),
        ("GET", {"params": {"name": "a b/ü", "limit": 5}, "headers": {"X-Auth-Token": "t"}}),
        ("POST", {"data": b'{"a": 1}', "headers": {"Content-Type": "application/json"}}),
        ("PUT", {}),
        ("GET", {"headers": {"X-Nothing": None}}),
        ("GET", {"headers": {"User-Agent": "me", "Accept": "application/json"}}),
    ],
)
def test_requests_look_as_those_of_requests(echo: _Echo, method: str, how: dict[str, Any]) -> None:
    assert sent(LeanSession(), echo, method, **how) == sent(requests.Session(), echo, method, **how)


def test_a_stream_is_sent_as_it_comes(echo: _Echo) -> None:
    told = sent(LeanSession(), echo, "POST", data=iter([b"ab", b"c"]))
    assert dict(told["headers"])["Transfer-Encoding"] == "chunked"


def test_a_log_in_is_sent_as_ever(echo: _Echo) -> None:
    """What an identity provider sets has to come back to it."""
    session = LeanSession()
    session.request("POST", url(echo), data=b"{}", allow_redirects=False)
    told = session.request("GET", url(echo), allow_redirects=False).json()
    assert dict(told["headers"])["Cookie"] == "session=secret"


def test_who_an_address_names_is_told(echo: _Echo) -> None:
    where = url(echo).replace("//", "//me:word@")
    told = LeanSession().request("GET", where, headers=TOKEN, allow_redirects=False).json()
    assert dict(told["headers"])["Authorization"].startswith("Basic ")


def test_what_netrc_says_goes_nowhere(echo: _Echo, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    told = base64.b64encode(b"me:secret").decode()
    assert told in str(sent(requests.Session(), echo, "GET"))
    assert "Authorization" not in dict(sent(LeanSession(), echo, "GET")["headers"])


def test_no_cookie_comes_back(echo: _Echo) -> None:
    session = LeanSession()
    sent(session, echo, "GET")
    assert "Cookie" not in dict(sent(session, echo, "GET")["headers"])


def test_a_connection_serves_many_requests(echo: _Echo) -> None:
    session = LeanSession()
    for _ in range(5):
        sent(session, echo, "GET")
    assert len(echo.callers) == 1


def test_the_environments_proxy_is_used_but_where_it_says_none(
    echo: _Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", url(echo, ""))
    where = "http://cloud.invalid/v3"
    told = LeanSession().request("GET", where, headers=TOKEN, allow_redirects=False).json()
    assert told["path"] == "http://cloud.invalid/v3"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert sent(LeanSession(), echo, "GET")["path"] == "/v3/things"


def test_the_environments_certificates_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(OSError, match=r"/nowhere/ca\.pem"):
        LeanSession().request("GET", NOBODY, headers=TOKEN, verify=True, allow_redirects=False)
    with pytest.raises(requests.ConnectionError):
        LeanSession().request("GET", NOBODY, headers=TOKEN, verify=False, allow_redirects=False)


def test_what_is_not_known_goes_requests_own_way(echo: _Echo) -> None:
    told = sent(LeanSession(), echo, "GET", auth=("me", "word"))
    assert "Authorization" in dict(told["headers"])


def test_nobody_there_is_told_as_requests_tells_it() -> None:
    with pytest.raises(requests.ConnectionError):
        LeanSession().request("GET", NOBODY, headers=TOKEN, allow_redirects=False)
