"""From a request to a running controller to its answer, over HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from http.client import HTTPException, responses
from ipaddress import ip_address
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from reconciler.errors import ReconcilerError, UsageError
from reconciler.kinds.values import Json

HERE = "http://127.0.0.1:8080"
URL = "RECONCILER_URL"
"""The variable that says where the controller listens, if not at ``HERE``."""
TOKEN = "RECONCILER_TOKEN"  # noqa: S105 - the variable's name
PATIENCE = 10.0


class TalkError(ReconcilerError):
    """The controller did not answer, or would not do it."""


def own_token() -> str:
    """Give the token that requests carry, or nothing where none is set.

    Raises:
        UsageError: it is none that a header can hold. It is not told.

    """
    # A Secret that was made of a file ends with the file's last line break.
    token = os.environ.get(TOKEN, "").strip()
    if not (token.isascii() and token.isprintable()):
        raise UsageError(f"${TOKEN} holds more than ASCII characters that can be printed")
    return token


def ask(
    url: str, method: str, path: str, query: Mapping[str, str] | None = None, said: Json = None
) -> dict[str, Json]:
    """Ask the controller.

    Raises:
        UsageError: the URL, or the token, is none.
        TalkError: it did not answer, or said no, or is something else.

    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url}: takes http://… or https://…")
    token = own_token()
    words = urlencode({key: value for key, value in (query or {}).items() if value})
    try:
        request = Request(  # noqa: S310 - the scheme was looked at above
            f"{url.rstrip('/')}{path}{'?' if words else ''}{words}", method=method,
            data=None if said is None else json.dumps(said).encode(),
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with _opener(url).open(request, timeout=PATIENCE) as reply:
            found = json.load(reply)
    except HTTPError as error:
        raise TalkError(f"the controller said {error.code}: {_why(error)}") from error
    # What speaks no HTTP, or stops in the middle of it, is no OSError to Python.
    except (URLError, OSError, ValueError, RecursionError, HTTPException) as error:
        reason = getattr(error, "reason", "") or str(error) or type(error).__name__
        raise TalkError(f"no controller answers at {url}: {reason}") from error
    if not isinstance(found, dict):
        raise no_controller(url)
    return found


def ask_for(
    url: str, path: str, part: str, query: Mapping[str, str] | None = None
) -> dict[str, Json]:
    """Ask for an answer of a form that we know, with a list of objects in ``part``.

    Raises:
        ReconcilerError: like ``ask``.

    """
    found = ask(url, "GET", path, query)
    rows = found.get(part)
    known = str(found.get("format_version")).startswith("1.")
    if not known or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise no_controller(url)
    return found


def no_controller(url: str) -> TalkError:
    """Say that something else answers, or a controller whose answers we do not know."""
    return TalkError(f"what answers at {url} is no controller that this version knows")


def _opener(url: str) -> OpenerDirector:
    """Give what sends requests: to this machine never through a proxy, which would see the token.

    Raises:
        ValueError: the URL is none.

    """
    host = urlsplit(url).hostname or ""
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    return build_opener(ProxyHandler({})) if here else build_opener()


def _why(error: HTTPError) -> str:
    phrase = responses.get(error.code, "")
    try:
        found = json.load(error)
    except (ValueError, OSError, RecursionError, HTTPException):
        return phrase
    said = (found.get("description") or found.get("title")) if isinstance(found, dict) else ""
    return str(said or phrase)
