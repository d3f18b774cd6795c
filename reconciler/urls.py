"""From the URL of a repository to how it is reached; what has credentials in it is refused."""

from __future__ import annotations

import re

_HOST = r"(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])"
_URLS = (
    ("", re.compile(rf"^(?P<protocol>https?|git)://{_HOST}(:\d+)?/[^\s?#]+$")),
    ("ssh", re.compile(rf"^(?P<protocol>ssh)://([\w.-]+@)?{_HOST}(:\d+)?/[^\s?#]+$")),
    ("ssh", re.compile(rf"^([\w.-]+@)?{_HOST}:(?![:/]|\d+/)[^\s:?#]+$")),
    ("file", re.compile(r"^(file://)?/[^\x00-\x1f]*$")),
)
"""What can be followed: each form has no room for credentials."""
BRANCH = r"^[^\s~^:?*\[\\@.\-/][^\s~^:?*\[\\]*$"
_NEAR = re.compile(r"^(localhost|127(\.\d{1,3}){3}|\[::1\])$")


def protocol_of(url: str) -> str:
    """Give how a repository is reached: https, http, ssh, git, file; empty if it cannot be."""
    for protocol, form in _URLS:
        if match := form.match(url):
            return protocol or match["protocol"]
    return ""


def is_near(url: str) -> bool:
    """Say whether a URL leads to this machine."""
    found = [match for _, form in _URLS if (match := form.match(url))]
    host = found[0].groupdict().get("host") if found else None
    return bool(host and _NEAR.match(host))


def checked_url(value: str) -> str:
    """Give it back, if it can be followed.

    Raises:
        ValueError: it cannot; the text does not repeat it, for what may stand in it.

    """
    if not protocol_of(value):
        raise ValueError(
            "takes https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or an absolute path, "
            "without a password or a token in it"
        )
    return value
