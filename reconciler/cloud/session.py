"""From credentials to a line to each service. The only user of keystoneauth1 and openstacksdk."""

from __future__ import annotations

import json as jsonlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import keystoneauth1.exceptions as ks
from keystoneauth1.adapter import Adapter

from reconciler.cloud.answers import THROTTLED, TRIES, classify, wait_before_next
from reconciler.cloud.catalogue import lasting, one_region, places_in
from reconciler.cloud.credentials import USER_AGENT, open_session
from reconciler.cloud.pace import SILENT, Pace
from reconciler.errors import CloudError, Denied, Missing, Transient
from reconciler.hide import hide
from reconciler.kinds.values import NOTHING, Json

_SECRET = re.compile(r"password|secret|token|passcode|code$")
"""Settings of a log-in that nobody may see."""
TIMEOUT = 120.0
"""Seconds that an answer may take, unless clouds.yaml sets ``api_timeout``."""

VERSIONS = {
    "identity": (3, 3),
    "compute": (2, 2),
    "network": (2, 2),
    "image": (2, 2),
    "block-storage": (3, 3),
}
"""The major version of each service's API that we speak."""


@dataclass(frozen=True, slots=True)
class Who:
    """Whom the token speaks for."""

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    roles: frozenset[str]
    services: frozenset[str]
    """Service types that the catalogue holds in our region."""
    region: str = ""
    groups: Callable[[], frozenset[str]] = frozenset
    """Asks, once, for the ids of the groups that the user is in, as far as they can be told."""
    elsewhere: frozenset[tuple[str, str]] = frozenset()
    """Service types that the catalogue holds in other regions, and these."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One request that was answered: what the counting hooks of tests and benchmarks see."""

    service: str
    method: str
    path: str
    status: int
    seconds: float = 0.0


class Cloud:
    """Lines to the services of one cloud. Guards the adapters and how many requests are out."""

    def __init__(
        self, name: str, *, region: str = "", watch: Callable[[Answer], None] | None = None
    ) -> None:
        """Read the credentials of ``name`` from clouds.yaml or, with no name, the environment.

        Raises:
            SettingsError: there are none, or they are incomplete.

        """
        self._region, self._session = open_session(name, region)
        if self._session.timeout is None:
            self._session.timeout = TIMEOUT  # keystoneauth would wait for ever
        self.name = name or self._region.name or "environment"
        self._watch = watch
        self._lock = threading.Lock()
        self._adapters: dict[str, Adapter] = {}
        self._paces: dict[str, Pace] = {}

    @property
    def region(self) -> str:
        return str(self._region.region_name or "")

    def who(self) -> Who:
        """Log in, and refuse every token that is not a project-scoped admin's, by name.

        Raises:
            Denied: the token has another scope, or no admin role: its lists would be partial; or
                the catalogue does not tell which region is meant.

        """
        auth: Any = self._session.auth
        access = self._guarded("identity", lambda: auth.get_access(self._session))
        if access.system_scoped:
            raise Denied(
                "a system-scoped token: Neutron would answer every list empty; use a project"
            )
        if access.domain_scoped or not access.project_scoped:
            raise Denied(
                "a token without project scope: its lists are partial; log in to a project"
            )
        roles = frozenset(access.role_names)
        if "admin" not in roles:
            raise Denied(f"the roles are {', '.join(sorted(roles)) or 'none'}: admin is needed")
        places = places_in(access.service_catalog.catalog)
        region = one_region(self.region, {place for _, place in places})
        return Who(
            access.user_id, access.username, access.project_id, access.project_name,
            roles, frozenset(word for word, place in places if place == region), region,
            cache(lambda: self._groups(access.user_id)),
            frozenset((word, place) for word, place in places if place != region),
        )  # fmt: skip

    def _groups(self, user_id: str) -> frozenset[str]:
        try:
            found = self.request("identity", "GET", f"/users/{user_id}/groups")
        except (Missing, Denied):
            return frozenset()  # of a federated user, for one, Keystone keeps none
        return frozenset(group["id"] for group in found.get("groups") or ())

    def clock(self) -> datetime | None:
        """Say what time the identity service has, or nothing where it does not tell."""
        adapter, _ = self._line("identity")
        reply = self._guarded("identity", lambda: adapter.request("/", "GET", raise_exc=False))
        try:
            return parsedate_to_datetime(reply.headers.get("date", ""))
        except ValueError:
            return None

    def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: Json = None,
        content: object = None,
        headers: Mapping[str, str] = NOTHING,
        params: Mapping[str, str | int] = NOTHING,
        version: str = "",
    ) -> Json:
        """Send one request and give back the decoded body of the answer."""
        more: dict[str, Any] = {"headers": {**headers}, "params": {**params}}
        if json is not None:
            kind = more["headers"].setdefault("Content-Type", "application/json")
            more["data"] = jsonlib.dumps(json).encode()
            more["headers"]["Content-Type"] = kind
        elif content is not None:
            more["data"] = content
            more["headers"].setdefault("Content-Type", "application/octet-stream")
        if version:
            more["microversion"] = version
        safe = method in ("GET", "HEAD")
        adapter, pace = self._line(service)
        # keystoneauth's own retries by status would sleep as long as Retry-After says: for days.
        more |= {"raise_exc": False, "connect_retries": TRIES - 1 if safe else 0}
        again = content is None  # a stream is read once
        with pace:
            started = time.monotonic()
            for tried in range(1, TRIES + 1):
                reply = self._sent(
                    service, lambda: self._with_token(adapter, path, method, more, again=again)
                )
                if reply.status_code in THROTTLED:
                    pace.throttled()
                wait = wait_before_next(reply.status_code, reply.headers, tried)
                if not safe or wait is None:
                    break
                time.sleep(wait)
        if self._watch:
            taken = time.monotonic() - started
            self._watch(Answer(service, method, path, reply.status_code, taken))
        with self._discreet():
            return _decoded(reply, service, method, path)

    @contextmanager
    def _discreet(self) -> Iterator[None]:
        """Keep out of error texts what the log-in is made with, and its token."""
        try:
            yield
        except CloudError as error:
            auth = self._region.config.get("auth") or {}
            secrets = [str(value) for key, value in auth.items() if value and _SECRET.search(key)]
            access = getattr(self._session.auth, "auth_ref", None)
            if access is not None:
                secrets.append(access.auth_token)
            error.args = tuple(hide(str(arg), secrets) for arg in error.args)
            raise

    def _with_token(
        self, adapter: Adapter, path: str, method: str, more: dict[str, Any], *, again: bool
    ) -> Any:
        """Send a request; where its token is refused, renew that once for all who hold it.

        keystoneauth sends nothing again for the second of two requests that are refused together.
        """
        if adapter.endpoint_override is None:
            # keystoneauth would copy the whole catalogue for each request: a fifth of its cost.
            adapter.endpoint_override = lasting(adapter.get_endpoint())
        reply = adapter.request(path, method, allow_reauth=False, **more)
        if reply.status_code != 401:  # noqa: PLR2004 - HTTP
            return reply
        with self._lock:
            if self._session.get_token() == reply.request.headers.get("X-Auth-Token"):
                self._session.invalidate()
        return adapter.request(path, method, allow_reauth=False, **more) if again else reply

    def width(self, service: str) -> int:
        """Say how many requests a service may have of us at once."""
        return self._line(service)[1].width

    def _line(self, service: str) -> tuple[Adapter, Pace]:
        with self._lock:
            if service not in self._adapters:
                major = VERSIONS.get(service, (1, 1))[0]
                self._adapters[service] = Adapter(
                    self._session,
                    service_type=service,
                    interface=self._region.get_interface(service),
                    region_name=self._region.get_region_name(service),
                    endpoint_override=self._region.get_endpoint(service),
                    min_version=f"{major}.0",
                    max_version=f"{major}.latest",
                    user_agent=USER_AGENT,
                    global_request_id=None,
                )
                self._paces[service] = Pace()
            return self._adapters[service], self._paces[service]

    def _sent(self, service: str, call: Callable[[], Any]) -> Any:
        """Send a request, unless the service gives no answers now: an outage costs no hours."""
        pace = self._paces[service]
        if pace.is_silent:
            text = f"{service}: no answer to {SILENT} requests in a row; left alone for a while"
            raise Transient(text, service=service)
        try:
            reply = self._guarded(service, call)
        except Transient:
            pace.lost()
            raise
        pace.answered()
        return reply

    def _guarded(self, service: str, call: Callable[[], Any]) -> Any:
        with self._discreet():
            return _named(service, self.region, call)


def _named(service: str, region: str, call: Callable[[], Any]) -> Any:
    """Name what goes wrong on the way by whose move is next."""
    try:
        return call()
    except (ks.Unauthorized, ks.Forbidden) as error:
        raise Denied(f"{service}: {error}", service=service, status=error.http_status) from error
    except ks.EndpointNotFound as error:
        raise Denied(f"the catalogue has no {service} in {region}", service=service) from error
    except (ks.ConnectTimeout, ks.RetriableConnectionFailure) as error:
        raise Transient(f"{service}: {_brief(error)}", service=service) from error
    except ks.ClientException as error:
        raise Transient(f"{service}: {_brief(error)}", service=service) from error


def _brief(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) < 300 else text[:300] + "…"  # noqa: PLR2004 - a line or three


def _decoded(reply: Any, service: str, method: str, path: str) -> Json:
    request_id = reply.headers.get("x-openstack-request-id", "")
    if reply.status_code < 400 and reply.status_code != 300:  # noqa: PLR2004 - HTTP
        if not reply.content:
            return {}
        try:
            return reply.json()
        except ValueError as error:
            place = f"{service}: {method} {path.partition('?')[0]}"
            raise Transient(
                f"{place} answered {reply.status_code} with no JSON",
                service=service, status=reply.status_code, request_id=request_id,
            ) from error  # fmt: skip
    kind, text = classify(service, reply.status_code, reply.text)
    if after := reply.headers.get("Retry-After"):
        text += f" (the service asks to wait: {after[:40]} s)"
    raise kind(text, service=service, status=reply.status_code, request_id=request_id)
