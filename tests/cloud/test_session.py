"""A service that is busy or silent costs seconds, never days: against a little HTTP server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from reconciler.cloud.answers import LONGEST_WAIT, TRIES, wait_before_next
from reconciler.cloud.pace import SILENT
from reconciler.cloud.session import TIMEOUT, Cloud
from reconciler.errors import Missing, Transient


class _Busy(ThreadingHTTPServer):
    """Logs everybody in, and has no time for anything else."""

    daemon_threads = True
    retry_after = ""
    asked = 0
    logins = 0
    mute = False
    mum = 0
    """How many times it will not say which versions of its API there are."""
    refused: threading.Barrier | None = None
    """Where those meet who come with the first token; it is refused to all of them together."""


class _Handler(BaseHTTPRequestHandler):
    server: _Busy

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.mute:
            self.server.asked += 1
            self.close_connection = True
            return
        url = f"http://127.0.0.1:{self.server.server_port}"
        ends = [{"interface": "public", "region": "r", "region_id": "r", "url": url, "id": "e"}]
        token = {
            "methods": ["password"], "expires_at": "2999-01-01T00:00:00.000000Z",
            "issued_at": "2020-01-01T00:00:00.000000Z", "user": {"id": "u", "name": "admin"},
            "project": {"id": "p", "name": "admin"}, "roles": [{"id": "r", "name": "admin"}],
            "catalog": [
                {"type": "network", "name": "n", "id": "s", "endpoints": ends},
                {"type": "identity", "name": "i", "id": "t",
                 "endpoints": [{**ends[0], "url": f"{url}/v3"}]},
            ],
        }  # fmt: skip
        self.server.logins += 1
        self._answer(201, {"token": token})

    def do_GET(self) -> None:
        if not self.path.endswith(("/networks", "/groups")):
            if self.server.mum:
                self.server.mum -= 1
                self._answer(503, {"error": {"message": "not now"}})
                return
            url = f"http://127.0.0.1:{self.server.server_port}/v2.0/"
            link = {"rel": "self", "href": url}
            version = {"id": "v2.0", "status": "CURRENT", "links": [link]}
            self._answer(200, {"versions": [version]})
            return
        self.server.asked += 1
        if self.path == "/networks":
            self._answer(404, {"error": {"message": "only in a version"}})
        elif self.server.refused is None:
            self._answer(429, {"error": {"message": "slow down"}})
        elif self.headers["X-Auth-Token"] == "secret-1":
            self.server.refused.wait(5)
            self._answer(401, {"error": {"message": "expired"}})
        else:
            self._answer(200, {"networks": []})

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("X-Subject-Token", f"secret-{self.server.logins}")
        if status == 429:
            self.send_header("Retry-After", self.server.retry_after)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Busy]:
    server = _Busy(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    auth = {"auth_url": f"http://127.0.0.1:{server.server_port}/v3", "username": "admin",
            "password": "x", "project_name": "admin", "user_domain_id": "default",
            "project_domain_id": "default"}  # fmt: skip
    clouds = {"clouds": {"busy": {"region_name": "r", "auth_type": "v3password", "auth": auth}}}
    path = tmp_path / "clouds.yaml"
    path.write_text(json.dumps(clouds), encoding="utf-8")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()


def test_a_wait_of_a_day_is_told_and_not_slept_through(busy: _Busy) -> None:
    busy.retry_after = "86400"
    started = time.monotonic()
    with pytest.raises(Transient, match=r"slow down \(the service asks to wait: 86400 s\)"):
        Cloud("busy").request("network", "GET", "/networks")
    assert time.monotonic() - started < LONGEST_WAIT / 2
    assert busy.asked == 1


def test_a_short_wait_is_kept_and_the_read_sent_again(busy: _Busy) -> None:
    busy.retry_after = "0"
    with pytest.raises(Transient, match="slow down"):
        Cloud("busy").request("network", "GET", "/networks")
    assert busy.asked == TRIES


def test_a_service_without_answers_is_not_asked_for_ever(busy: _Busy) -> None:
    cloud = Cloud("busy")
    cloud.request("network", "GET", "/")
    busy.mute = True
    errors = []
    for _ in range(SILENT + 2):
        with pytest.raises(Transient) as error:
            cloud.request("network", "POST", "/networks", json={})
        errors.append(str(error.value))
    assert busy.asked == SILENT
    assert "left alone" not in errors[SILENT - 1]
    assert "no answer to 4 requests in a row; left alone for a while" in errors[-1]


def test_no_answer_is_waited_for_without_end(busy: _Busy) -> None:
    assert busy.asked == 0
    assert Cloud("busy")._session.timeout == TIMEOUT  # noqa: SLF001 - nobody else tells


def test_a_service_that_does_not_tell_its_versions_once_is_asked_again(busy: _Busy) -> None:
    cloud, busy.mum, busy.refused = Cloud("busy"), 2, threading.Barrier(1)
    with pytest.raises(Missing):
        cloud.request("network", "GET", "/networks")
    assert cloud.request("network", "GET", "/networks") == {"networks": []}


def test_our_own_groups_are_not_none_because_nobody_tells_them(busy: _Busy) -> None:
    busy.retry_after = "86400"
    who = Cloud("busy").who()
    with pytest.raises(Transient, match="slow down"):
        who.groups()


def test_a_token_that_is_refused_to_several_at_once_is_renewed_once(busy: _Busy) -> None:
    cloud = Cloud("busy")
    cloud.request("network", "GET", "/")  # the first one goes alone
    busy.refused = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(cloud.request, "network", "GET", "/networks") for _ in range(2)]
        assert [one.result() for one in found] == [{"networks": []}] * 2
    assert (busy.logins, busy.asked) == (2, 4)


@pytest.mark.parametrize(
    ("status", "after", "tried", "wait"),
    [
        (429, None, 1, 0.5),
        (503, None, 2, 1.0),
        (503, "7", 1, 7.0),
        (429, "Sat, 21 Nov 2026 07:28:00 GMT", 1, 0.5),
        (429, str(int(LONGEST_WAIT) + 1), 1, None),
        (503, None, TRIES, None),
        (500, None, 1, None),
        (200, "7", 1, None),
    ],
)
def test_how_long_a_read_waits(
    status: int, after: str | None, tried: int, wait: float | None
) -> None:
    headers = {} if after is None else {"Retry-After": after}
    assert wait_before_next(status, headers, tried) == wait
