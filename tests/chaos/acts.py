"""What can happen to a request on its way."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.chaos.proxy import Act, Reply, Request

Json = Any
Forward = Callable[[], Reply]
JSON = (("Content-Type", "application/json"),)
HTML = (
    b"<html><head><title>Welcome</title></head><body><h1>Sign in to the network</h1></body></html>"
)


def on(method: str, path: str, service: str = "") -> Callable[[Request], bool]:
    """Match requests by method (``*``: any) and a pattern that is found in the path."""
    pattern = re.compile(path)

    def matches(request: Request) -> bool:
        return (
            method in ("*", request.method)
            and service in ("", request.service)
            and pattern.search(request.path) is not None
        )

    return matches


def a_write(request: Request) -> bool:
    return request.writes


def answered(status: int, text: str = "made by the test", *headers: tuple[str, str]) -> Act:
    """Answer at once; the service hears nothing."""
    body = json.dumps({"error": {"code": status, "message": text, "title": "Fault"}}).encode()
    return lambda _forward: Reply(status, (*JSON, *headers), body)


def done_but(status: int) -> Act:
    """Have the service do it, and tell the client that it failed."""

    def act(forward: Forward) -> Reply | None:
        forward()
        return answered(status)(forward)

    return act


def reset_before(_forward: Forward) -> Reply | None:
    return None


def reset_after(forward: Forward) -> Reply | None:
    forward()
    return None


def stalled(seconds: float, *, then: Act = reset_before) -> Act:
    """Let the client wait, longer than it does."""

    def act(forward: Forward) -> Reply | None:
        time.sleep(seconds)
        return then(forward)

    return act


def mangled(change: Callable[[bytes], bytes], headers: tuple[tuple[str, str], ...] = JSON) -> Act:
    """Change the body of the answer."""

    def act(forward: Forward) -> Reply | None:
        reply = forward()
        if reply.status >= 400:
            return reply
        kept = tuple(h for h in reply.headers if h[0].lower() != "content-type")
        status = 200 if reply.status == 204 else reply.status
        return replace(reply, status=status, headers=(*kept, *headers), body=change(reply.body))

    return act


def cut_off(forward: Forward) -> Reply | None:
    """Break the line off in the middle of the answer."""
    reply = forward()
    return replace(reply, body=reply.body[: len(reply.body) // 2], length=len(reply.body) or 2)


truncated = mangled(lambda body: body[: len(body) // 2])
html = mangled(lambda _body: HTML, (("Content-Type", "text/html"),))


def listing(change: Callable[[list[Json]], list[Json]], *, last: bool = False) -> Act:
    """Change the items of a listing, and say that it was the last page if asked to."""

    def rewrite(body: bytes) -> bytes:
        found = json.loads(body)
        for key, value in found.items():
            if isinstance(value, list) and not key.endswith("_links"):
                found[key] = change(value)
        if last:
            links = [key for key in found if key.endswith("_links")]
            found = {k: v for k, v in found.items() if k not in (*links, "next", "links")}
        return json.dumps(found).encode()

    return mangled(rewrite)


def of_yesterday(body: bytes) -> bytes:
    """Say of a token that it has expired, as a skewed clock makes it look."""
    found = json.loads(body)
    found["token"]["expires_at"] = "2001-01-01T00:00:00.000000Z"
    return json.dumps(found).encode()
