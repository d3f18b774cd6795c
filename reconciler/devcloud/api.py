"""From one request to a service of the devcloud, to its status and JSON."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

from reconciler.devcloud.errors import DevcloudError
from reconciler.devcloud.layout import HOST, Home
from reconciler.devcloud.services import KEYSTONE, Service

Json = Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered."""

    status: int
    token: str
    json: Json


@dataclass(frozen=True, slots=True)
class Client:
    """The admin's way into the services of one devcloud."""

    home: Home
    token: str

    def call(self, service: Service, method: str, path: str, body: Json = None) -> Json:
        """The answer's JSON; refused is an error that says by whom."""
        reply = request(self.home, service, method, path, body=body, token=self.token)
        return accepted(self.home, service, f"{method} {path}", reply).json


def log_in(home: Home) -> Client:
    user = {"name": "admin", "domain": {"id": "default"}, "password": home.password}
    project = {"name": "admin", "domain": {"id": "default"}}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": project},
        }
    }
    reply = request(home, KEYSTONE, "POST", "/v3/auth/tokens", body=body)
    return Client(home, accepted(home, KEYSTONE, "the admin's login", reply).token)


def request(
    home: Home,
    service: Service,
    method: str,
    path: str,
    *,
    body: Json = None,
    token: str = "",
    seconds: float = 60,
) -> Reply:
    """One exchange, never through a proxy."""
    connection = HTTPConnection(HOST, home.port(service), timeout=seconds)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["X-Auth-Token"] = token
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        text = reply.read()
    except (OSError, HTTPException) as error:
        raise DevcloudError(f"{service.name} does not answer: {error}; see {home.log}") from error
    finally:
        connection.close()
    is_json = reply.headers.get_content_type() == "application/json"
    return Reply(
        reply.status,
        reply.headers.get("X-Subject-Token", ""),
        json.loads(text) if text and is_json else None,
    )


def accepted(home: Home, service: Service, what: str, reply: Reply) -> Reply:
    if reply.status >= 400:  # noqa: PLR2004
        log = home.log / f"{service.name}.log"
        raise DevcloudError(f"{service.name} answers {reply.status} to {what}; see {log}")
    return reply
