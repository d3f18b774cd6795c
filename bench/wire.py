"""From a catalogue to plain requests in a few threads: all that the floor talks with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from keystoneauth1.adapter import Adapter
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

PAGE = 500
MICROVERSION = {"OpenStack-API-Version": "compute 2.86"}
"""The one that our kinds speak, too: extra specs lie in the flavors."""
Json = Any


class Wire:
    """Guards one session of keystoneauth, and the addresses of the services."""

    def __init__(self, threads: int) -> None:
        """Log in, as who the environment says, and read the catalogue."""
        auth = Password(
            auth_url=os.environ["BENCH_IDENTITY"], username="admin", project_name="admin",
            password=os.environ["BENCH_PASSWORD"], user_domain_id="default",
            project_domain_id="default",
        )  # fmt: skip
        self.pool = ThreadPoolExecutor(threads)
        self._session = Session(auth)
        access = auth.get_access(self._session)
        self.project_id = str(access.project_id)
        urls: Json = access.service_catalog.get_endpoints(interface="public")
        self._lines = {
            service: Adapter(self._session, endpoint_override=found[0]["url"].rstrip("/"))
            for service, found in urls.items()
        }
        self.services = frozenset(self._lines)

    def send(self, service: str, method: str, path: str, body: Json = None) -> Json:
        """Send one request, and decode what comes back; whatever is refused ends it all."""
        if service == "network":
            path = f"/v2.0{path}"
        headers = MICROVERSION if service == "compute" else {}
        more = {} if body is None else {"json": body}
        reply = self._lines[service].request(path, method, headers=headers, **more)
        return reply.json() if reply.content else {}

    def pages(self, service: str, path: str, items: str, *, limit: int = PAGE) -> list[Json]:
        """Read a collection to its end."""
        found: list[Json] = []
        sign = "&" if "?" in path else "?"
        marker = ""
        while True:
            where = f"{path}{sign}limit={limit}{marker}" if limit else path
            part = self.send(service, "GET", where)[items]
            found += part
            if not limit or len(part) < limit:
                return found
            marker = f"&marker={part[-1]['id']}"

    def each(self, do: Callable[..., Any], things: Iterable[Any]) -> list[Any]:
        """Do something with each of many things, in all threads."""
        return list(self.pool.map(do, things))
