"""From the cloud in memory of the tests to the same cloud over HTTP, as a client finds one."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bench.controller_cloud import write_clouds
from reconciler.devcloud.layout import HOST, REGION
from reconciler.errors import CloudError
from reconciler.kinds.calls import Listing
from reconciler.kinds.registry import load_kinds
from tests.support.fake_cloud import FakeCloud
from tests.support.small_cloud import small_cloud

VERSIONS = {
    "identity": ("v3", "v3.14", ""),
    "compute": ("v2.1", "v2.1", "2.96"),
    "network": ("v2.0", "v2.0", ""),
    "image": ("v2", "v2.17", ""),
    "block-storage": ("v3", "v3.0", "3.71"),
}
"""The path that each service's API lies at, its version, and its newest microversion."""
_PLACE = re.compile(r"/([a-z-]+)/v[\d.]+(/.*|)")
THEN, YEARS = "2026-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z"


class _Server(ThreadingHTTPServer):
    """Guards the cloud that it serves."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, cloud: FakeCloud) -> None:
        self.cloud = cloud
        self.empty = {
            (kind.service, urlsplit(listing.path).path): listing
            for kind in load_kinds()
            for listing in (kind.listing, *kind.more, kind.unset)
            if listing is not None and listing.path
        }
        super().__init__((HOST, 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Be silent: clients go whenever they like."""

    def answer(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Any:
        """Answer a request, as JSON.

        Raises:
            CloudError: it is refused.

        """
        split = urlsplit(url)
        match = _PLACE.fullmatch(split.path)
        if match is None:
            return {}
        service, path = match[1], match[2].rstrip("/")
        if not path:
            return {"versions": [self._version(service)]}
        if (service, method, path) == ("identity", "POST", "/auth/tokens"):
            return {"token": self._token()}
        params = dict(parse_qsl(split.query))
        try:
            return self.cloud.request(
                service, method, path, json=body, headers=headers, params=params
            )
        except NotImplementedError:
            listing = self.empty.get((service, path))
            return _nothing(listing) if method == "GET" and listing else {"groups": []}

    def _version(self, service: str) -> Mapping[str, Any]:
        path, version, newest = VERSIONS[service]
        links = [{"rel": "self", "href": f"{self.url}/{service}/{path}/"}]
        status = "stable" if service == "identity" else "CURRENT"
        found = {"id": version, "status": status, "links": links}
        return {**found, "version": newest, "min_version": "2.1"} if newest else found

    def _token(self) -> Mapping[str, Any]:
        who = self.cloud.who()
        catalog = [
            {
                "type": service, "name": service, "id": service,
                "endpoints": [{
                    "interface": "public", "region": REGION, "region_id": REGION, "id": service,
                    "url": f"{self.url}/{service}/{path}",
                }],
            }
            for service, (path, _, _) in VERSIONS.items()
        ]  # fmt: skip
        domain = {"id": "default", "name": "Default"}
        return {
            "methods": ["password"], "issued_at": THEN, "expires_at": YEARS,
            "user": {"id": who.user_id, "name": "admin", "domain": domain},
            "project": {"id": who.project_id, "name": "admin", "domain": domain},
            "roles": [{"id": "admin", "name": "admin"}], "catalog": catalog,
        }  # fmt: skip


def _nothing(listing: Listing) -> Mapping[str, Any]:
    """Answer the listing of something that a cloud in memory has none of."""
    return {listing.items: []}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            found = self.server.answer(
                self.command, self.path, json.loads(text) if text else None, {**self.headers}
            )
            status = 201 if self.path.endswith("/auth/tokens") else 200
        except CloudError as error:
            status, found = error.status or 500, {"error": {"message": str(error)}}
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Subject-Token", "a token of no worth")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - its names

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def memory_cloud(folder: Path) -> Iterator[Path]:
    """Serve a cloud in memory, and give the clouds.yaml that leads to it."""
    server = _Server(small_cloud())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield write_clouds(folder, f"{server.url}/identity/v3", "any")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
