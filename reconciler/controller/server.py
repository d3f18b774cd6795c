"""What programs can ask the controller over HTTP, and how they wake it.

All answers come from status alone. Reading needs the token where one is set; whatever changes
something always does.
"""

from __future__ import annotations

import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import falcon
from falcon.media import JSONHandler

from reconciler import log
from reconciler.controller.forms import HealthForm, ReadyForm, plan_of, status_form
from reconciler.controller.history import history_form
from reconciler.controller.pausing import read_pause, read_scope, read_text, warning_of
from reconciler.controller.status import ControllerStatus, Deed, Event, Trigger
from reconciler.controller.store import Store
from reconciler.controller.webhooks import LARGEST, Once, Refused, Taken, believe
from reconciler.kinds.values import Json
from reconciler.state.values import Desired

PLAIN, OPEN_METRICS = "text/plain", "application/openmetrics-text"
MOST_RUNS, MOST_NUMBER = 200, 2**53


@dataclass(frozen=True, slots=True)
class Doors:
    """What requests can reach."""

    status: Callable[[], ControllerStatus]
    exposition: Callable[[str], tuple[bytes, str]]
    """Gives the metrics, in a form that the header Accept takes."""
    wake: Callable[[str, Trigger], None]
    store: Store
    token: str = ""
    """What requests that change something carry; without one nobody can."""
    hook_secret: bytes = b""
    kinds: frozenset[str] = frozenset()
    """What there is to be paused."""
    declared: Callable[[str], Desired | None] = lambda _cloud: None
    """What a cloud's state says; None before it was ever read."""
    once: Once = field(default_factory=Once)
    clock: Callable[[], float] = time.time


def make_app(doors: Doors) -> falcon.App[falcon.Request, falcon.Response]:
    """Give the WSGI application."""
    app = falcon.App()
    app.req_options.auto_parse_form_urlencoded = False
    # In ASCII: half a character in what a cloud said would else end the whole answer.
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = JSONHandler(dumps=json.dumps)
    app.add_route("/healthz", _Health(doors))
    app.add_route("/readyz", _Ready(doors))
    app.add_route("/metrics", _Metrics(doors))
    app.add_route("/api/v1/status", _Status(doors))
    app.add_route("/api/v1/plan", _Plan(doors))
    app.add_route("/api/v1/history", _History(doors))
    app.add_route("/api/v1/wake", _Wake(doors))
    app.add_route("/api/v1/pauses", _Pauses(doors))
    app.add_route("/hooks", _Hook(doors))
    return app


@dataclass(frozen=True, slots=True)
class _Health:
    """Alive: every loop has said so within its time. That a thread answers means nothing."""

    doors: Doors

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        status, now = self.doors.status(), self.doors.clock()
        late = sorted(cloud for cloud, until in status.deadlines.items() if until < now)
        response.media = HealthForm(alive=not late, late=late)
        if late:
            response.status = falcon.HTTP_503


@dataclass(frozen=True, slots=True)
class _Ready:
    """Ready: every cloud was looked at once, and a plan made of it, whatever came later."""

    doors: Doors

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        clouds = self.doors.status().clouds
        waiting = sorted(name for name, one in clouds.items() if one.table is None)
        response.media = ReadyForm(ready=not waiting, waiting=waiting)
        if waiting:
            response.status = falcon.HTTP_503


@dataclass(frozen=True, slots=True)
class _Metrics:
    doors: Doors

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        # Prometheus' library breaks on versions that are none, so what it sees is our own.
        preferred = request.client_prefers((PLAIN, OPEN_METRICS))
        accept = f"{OPEN_METRICS}; version=1.0.0" if preferred == OPEN_METRICS else ""
        response.data, response.content_type = self.doors.exposition(accept)


@dataclass(frozen=True, slots=True)
class _Status:
    doors: Doors

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        _may_read(self.doors, request)
        response.media = status_form(self.doors.status(), self.doors.clock())


@dataclass(frozen=True, slots=True)
class _Plan:
    doors: Doors

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        _may_read(self.doors, request)
        name = _cloud(self.doors, request)
        found = plan_of(self.doors.status().clouds[name])
        if found is None:
            raise falcon.HTTPNotFound(description="no plan was made yet")
        response.media = found


@dataclass(frozen=True, slots=True)
class _History:
    doors: Doors

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        _may_read(self.doors, request)
        name = _cloud(self.doors, request)
        count = request.get_param_as_int("limit", min_value=1, max_value=MOST_RUNS, default=20)
        number, store = request.get_param_as_int("run", max_value=MOST_NUMBER), self.doors.store
        if number is None:
            response.media = history_form(name, store.runs(name, count), store.events(name, count))
            return
        if not (found := store.run(name, number)):
            raise falcon.HTTPNotFound(description=f"no run {number} is kept")
        response.media = history_form(name, found, [])


@dataclass(frozen=True, slots=True)
class _Wake:
    doors: Doors

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        _may_write(self.doors, request)
        name = _cloud(self.doors, request)
        self.doors.store.note(name, Event(self.doors.clock(), Deed.WOKEN, *_actor(request)))
        self.doors.wake(name, Trigger.MANUAL)
        response.media, response.status = {"woken": name}, falcon.HTTP_202


@dataclass(frozen=True, slots=True)
class _Pauses:
    doors: Doors

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        _may_write(self.doors, request)
        name = _cloud(self.doors, request)
        pause = read_pause(_body(request), self.doors.kinds, self.doors.clock())
        if not self.doors.store.pause(name, pause):
            raise falcon.HTTPServiceUnavailable(description="the pause could not be kept")
        log.event(logging.WARNING, "paused", cloud=name, scope=pause.scope.value, what=pause.name,
                  by=pause.by, reason=pause.reason)  # fmt: skip
        self.doors.store.note(name, Event(
            pause.since, Deed.PAUSED, pause.by, pause.reason, pause.scope, pause.name, pause.until,
        ))  # fmt: skip
        self.doors.wake(name, Trigger.MANUAL)
        warning = warning_of(pause, self.doors.declared(name))
        response.media, response.status = {"paused": name, **warning}, falcon.HTTP_201

    def on_delete(self, request: falcon.Request, response: falcon.Response) -> None:
        _may_write(self.doors, request)
        name = _cloud(self.doors, request)
        said = {"scope": request.get_param("scope"), "name": request.get_param("name") or ""}
        scope, what, (by, reason) = read_scope(said), str(said["name"]), _actor(request)
        if not self.doors.store.resume(name, scope, what):
            raise falcon.HTTPNotFound(description="there is no such pause")
        log.event(logging.WARNING, "resumed", cloud=name, scope=scope.value, what=what, by=by)
        event = Event(self.doors.clock(), Deed.RESUMED, by, reason, scope, what)
        self.doors.store.note(name, event)
        self.doors.wake(name, Trigger.MANUAL)
        response.media = {"resumed": name}


@dataclass(frozen=True, slots=True)
class _Hook:
    """A forge says that somebody pushed: every loop looks. What it says is not believed further."""

    doors: Doors

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        if (request.content_length or 0) > LARGEST:
            raise falcon.HTTPContentTooLarge
        body = request.bounded_stream.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise falcon.HTTPContentTooLarge
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            delivery = believe(headers, body, self.doors.hook_secret, self.doors.clock())
        except Refused as error:
            if self.doors.once.may_complain(self.doors.clock()):
                log.event(logging.WARNING, "webhook refused", why=error)
            raise falcon.HTTPForbidden from None
        taken = self.doors.once.take(delivery, self.doors.clock())
        if taken is Taken.NEW:
            for cloud in self.doors.status().clouds:
                self.doors.wake(cloud, Trigger.WEBHOOK)
        response.media = {"taken": taken is Taken.NEW}
        # A forge that sends once more what was taken did nothing wrong.
        response.status = falcon.HTTP_429 if taken is Taken.TOO_MANY else falcon.HTTP_202


def _carries(doors: Doors, request: falcon.Request) -> bool:
    said = (request.auth or "").removeprefix("Bearer ").encode("utf-8", "replace")
    return bool(doors.token) and hmac.compare_digest(said, doors.token.encode())


def _may_read(doors: Doors, request: falcon.Request) -> None:
    if doors.token and not _carries(doors, request):
        raise falcon.HTTPUnauthorized(description="send the controller's token")


def _may_write(doors: Doors, request: falcon.Request) -> None:
    if not doors.token:
        raise falcon.HTTPForbidden(description="the controller was given no token to ask for")
    if not _carries(doors, request):
        raise falcon.HTTPUnauthorized(description="send the controller's token")


def _actor(request: falcon.Request) -> tuple[str, str]:
    """Give who somebody says to be, and why they ask, where they say so."""
    said = {name: request.get_param(name) for name in ("by", "reason")}
    return read_text(said, "by"), read_text(said, "reason")


def _cloud(doors: Doors, request: falcon.Request) -> str:
    """Give the cloud that a request is about: the only one, where it does not say."""
    known = doors.status().clouds
    said = request.get_param("cloud")
    name = said or (next(iter(known)) if len(known) == 1 else "")
    if name not in known:
        raise falcon.HTTPNotFound(description=f"say cloud: one of {', '.join(sorted(known))}")
    return name


def _body(request: falcon.Request) -> Mapping[str, Json]:
    try:
        found = request.get_media(default_when_empty={})
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise falcon.HTTPBadRequest(description="takes a JSON object")
    return found
