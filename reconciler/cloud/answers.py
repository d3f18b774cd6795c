"""From an answer's status, headers and body to whose move is next, and when."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Mapping

from reconciler.errors import (
    CloudError,
    Conflict,
    Denied,
    Exists,
    Missing,
    Rejected,
    Stale,
    Transient,
)

THROTTLED = (413, 429, 503)
"""Answers that ask for fewer requests."""
TRIES = 3
"""How often a read is sent in all, if the service is too busy to answer it."""
LONGEST_WAIT = 30.0
"""Seconds: who is asked to wait longer than that is told so instead."""


def wait_before_next(status: int, headers: Mapping[str, str], tried: int) -> float | None:
    """Give the seconds to wait before a read is sent again, or nothing if it is not to be."""
    if status not in (429, 503) or tried >= TRIES:
        return None
    said = headers.get("Retry-After", "")
    wait = float(said) if said.isdecimal() else 0.5 * 2 ** (tried - 1)
    return wait if wait <= LONGEST_WAIT else None


_QUOTA = re.compile(r"quota|OverQuota|exceed", re.IGNORECASE)
_EXISTS = re.compile(
    r"already exist|duplicate|Conflict occurred|AlreadyExists|already in use by", re.IGNORECASE
)


def classify(service: str, status: int, body: str) -> tuple[type[CloudError], str]:
    """Tell from status and body whose move is next, and what the service says."""
    name, message = _said(body)
    text = message or f"{service} answered {status}"
    match status:
        case 401 | 403:
            return Denied, text
        case 404:
            return Missing, text
        case 409:
            # Neutron answers 409 for "exists", "in use", "over quota" alike; only the body tells.
            if "InUse" in name or _QUOTA.search(name):
                return Conflict, text
            return (Exists if "Exists" in name or _EXISTS.search(text) else Conflict), text
        case 412:
            return Stale, text
        case 408 | 413 | 429 | 500 | 502 | 503 | 504:
            return Transient, text
        case _:
            return Rejected, text


def _said(body: str) -> tuple[str, str]:
    """Find the error's name and message in any of the forms that the services use."""
    try:
        found = jsonlib.loads(body)
    except ValueError:
        plain = re.sub(r"<[^>]*>|\s+", " ", body).strip()
        return "", re.sub(r" {2,}", " ", plain)[:300]
    if not isinstance(found, dict):
        return "", str(found)[:300]
    inner = found.get("NeutronError") or found.get("error") or next(iter(found.values()), "")
    if isinstance(inner, dict):
        return str(inner.get("type") or ""), str(inner.get("message") or inner)[:500]
    return "", str(inner)[:500]
