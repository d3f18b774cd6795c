"""What a log-in needs, and what it gives, is told to the identity service alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from reconciler.cli.codes import Code
from tests.secrets.conftest import CANARIES, OURS, Place


class Identity(ThreadingHTTPServer):
    """An identity service that repeats what it is told in every error, as bad ones do."""

    daemon_threads = True
    login_status = 201
    form = "json"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.heard: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v3"

    def token(self) -> dict[str, Any]:
        ends = [{"interface": i, "region_id": "R", "region": "R", "url": self.url, "id": i}
                for i in ("public", "internal", "admin")]  # fmt: skip
        return {"token": {
            "methods": ["password"], "issued_at": "2026-01-01T00:00:00Z",
            "expires_at": "2099-01-01T00:00:00Z", "roles": [{"id": "r", "name": "admin"}],
            "user": {"id": "u", "name": "admin", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p", "name": "admin",
                        "domain": {"id": "default", "name": "Default"}},
            "catalog": [{"type": "identity", "id": "k", "name": "keystone", "endpoints": ends}],
        }}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    server: Identity
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        told = f"{body} {self.headers.get('X-Auth-Token', '')}"
        self.server.heard.append(told)
        if self.command == "GET" and self.path.rstrip("/") == "/v3":
            link = {"rel": "self", "href": self.server.url}
            about = {"id": "v3.14", "status": "stable", "links": [link]}
            self._send(200, json.dumps({"version": about}))
        elif self.path.endswith("/auth/tokens") and self.server.login_status == 201:
            self._send(201, json.dumps(self.server.token()))
        else:
            status = self.server.login_status if self.path.endswith("/auth/tokens") else 500
            message = f"cannot do with {told} and {CANARIES['token']}"
            error = json.dumps({"error": {"code": status, "message": message, "title": told}})
            self._send(status, error if self.server.form == "json" else f"<p>{message}</p>")

    def _send(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.send_header("X-Subject-Token", CANARIES["token"])
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_words: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def identity() -> Iterator[Identity]:
    with Identity() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


AUTHS = {
    "login": "username: admin, password: {login}, project_name: admin, "
             "user_domain_id: default, project_domain_id: default",
    "application credential": "application_credential_id: a1, "
                              "application_credential_secret: {application credential}",
}  # fmt: skip


def clouds(
    place: Place, monkeypatch: pytest.MonkeyPatch, url: str, how: str, more: str = ""
) -> None:
    kind = "v3applicationcredential" if how == "application credential" else "password"
    auth = AUTHS[how].format(**CANARIES)
    (place.folder / "clouds.yaml").write_text(
        f"clouds: {{prod: {{auth_type: {kind}, region_name: R, identity_api_version: 3,\n"
        f" auth: {{auth_url: '{url}', {auth}}}}}}}\n{more}"
    )
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(place.folder / "clouds.yaml"))


@pytest.mark.parametrize("how", AUTHS)
@pytest.mark.parametrize("form", ["json", "html"])
@pytest.mark.parametrize("status", [201, 400, 401, 500])
def test_no_command_tells_what_the_login_was_made_with(
    place: Place, identity: Identity, monkeypatch: pytest.MonkeyPatch,
    status: int, form: str, how: str,
) -> None:  # fmt: skip
    identity.login_status, identity.form = status, form
    clouds(place, monkeypatch, identity.url, how)
    for words in (
        ("plan", *OURS), ("plan", *OURS, "-o", "json"), ("doctor", "--cloud", "prod"),
        ("export", "--cloud", "prod", "out"), ("apply", *OURS, "--auto-approve"),
    ):  # fmt: skip
        result = place.run("-v", *words)
        assert "this is a bug" not in result.output
        assert "Traceback" not in result.output
    heard = "".join(identity.heard)
    assert CANARIES[how] in heard
    assert (CANARIES["token"] in heard) is (status == 201)
    place.assert_silent()


@pytest.mark.parametrize("more", ["  x: [", "\t- y", "x: &x *y", "\0"])
def test_a_broken_clouds_file_is_not_repeated(
    place: Place, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    clouds(place, monkeypatch, "http://127.0.0.1:1/v3", "login", more)
    result = place.run("-v", "plan", *OURS)
    assert result.exit_code == Code.NOTHING
    assert "this is a bug" not in result.output
    place.assert_silent()


def test_a_url_with_a_password_in_the_clouds_file_is_not_repeated(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    clouds(place, monkeypatch, f"http://me:{CANARIES['url']}@127.0.0.1:1/v3", "login")
    result = place.run("-v", "plan", *OURS)
    assert result.exit_code == Code.NOTHING
    place.assert_silent()
