"""From a request of a forge to whether it is to be believed. All that it can do is wake a loop."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.kinds.values import Json

LARGEST = 1 << 20
"""Bytes that a body may have."""
REPLAY = 300.0
"""Seconds by which a signed time may differ from ours."""
QUIET = 10.0
"""Seconds between two refusals that are logged."""
MEMORY = 2 * REPLAY
"""Seconds for which a delivery is remembered: longer than a signed time can be good."""
MINUTE = 60.0
_TIME = re.compile(r"[0-9]{1,12}")


class Taken(StrEnum):
    """What becomes of a delivery that is to be believed."""

    NEW = "new"
    AGAIN = "again"  # another with the same body was taken already
    TOO_MANY = "too many"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request that is to be believed."""

    id: str
    """Made of what is signed: whoever captured a request can change the rest of it."""
    branch: str
    """The branch that was pushed to; empty where the request does not say."""


class Refused(Exception):
    """A request is not to be believed; the text is for our log, never for the one who asked."""


def believe(headers: Mapping[str, str], body: bytes, secret: bytes, now: float) -> Delivery:
    """Check the signature of a request of GitHub, GitLab, Gitea, Forgejo, or of our own kind.

    Of our own kind: ``X-Reconciler-Signature: t=UNIX_TIME,v1=HEX``, the HMAC with SHA-256 of
    ``TIME.BODY``. Header names are lower-case.

    Raises:
        Refused: it is not signed with the secret, or is older than ``REPLAY``.

    """
    if not secret:
        raise Refused("no secret is set")
    if "x-reconciler-signature" in headers:
        return _of_our_own(headers["x-reconciler-signature"], body, secret, now)
    digest = hmac.new(secret, body, hashlib.sha256).hexdigest()
    if "x-gitlab-token" in headers:
        # GitLab signs nothing: it sends the secret itself.
        _same(headers["x-gitlab-token"], secret.decode("utf-8", "replace"))
        return Delivery(digest, _branch(body))
    for name in ("x-hub-signature-256", "x-forgejo-signature", "x-gitea-signature"):
        if name in headers:
            _same(headers[name].removeprefix("sha256="), digest)
            return Delivery(digest, _branch(body))
    raise Refused("no signature")


def _of_our_own(signature: str, body: bytes, secret: bytes, now: float) -> Delivery:
    words = dict(part.partition("=")[::2] for part in signature.split(","))
    text = words.get("t", "")
    if not _TIME.fullmatch(text) or abs(now - int(text)) > REPLAY:
        raise Refused("signed too long ago, or in the future")
    digest = hmac.new(secret, text.encode() + b"." + body, hashlib.sha256).hexdigest()
    _same(words.get("v1", ""), digest)
    return Delivery(digest, _branch(body))


def _same(said: str, expected: str) -> None:
    # In the same time whatever the first wrong character is.
    if not hmac.compare_digest(said.encode("utf-8", "replace"), expected.encode()):
        raise Refused("another signature than ours")


def _branch(body: bytes) -> str:
    try:
        found: Json = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    ref = found.get("ref") if isinstance(found, dict) else None
    return ref.removeprefix("refs/heads/") if isinstance(ref, str) else ""


class Once:
    """Guards which deliveries were taken, and how many there were lately."""

    def __init__(self, most_a_minute: int = 60) -> None:
        self._seen: dict[str, float] = {}
        self._lock = threading.Lock()
        self._most = most_a_minute
        self._complained = -math.inf

    def may_complain(self, now: float) -> bool:
        """Say whether a refusal is to be logged: whoever floods us does not fill the log."""
        with self._lock:
            quiet = 0 <= now - self._complained < QUIET
            self._complained = self._complained if quiet else now
            return not quiet

    def take(self, delivery: Delivery, now: float) -> Taken:
        """Take a delivery that is new and not one too many."""
        with self._lock:
            self._seen = {known: at for known, at in self._seen.items() if now - at < MEMORY}
            if delivery.id in self._seen:
                return Taken.AGAIN
            if sum(now - at < MINUTE for at in self._seen.values()) >= self._most:
                return Taken.TOO_MANY
            self._seen[delivery.id] = now
            return Taken.NEW
