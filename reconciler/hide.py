"""From what somebody else said, and secrets, to what of it may be told."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

WINDOW = 8
"""Characters of a secret that are not told in a row, in whatever way they are spelt."""
MASK = "***"
_TOKEN = re.compile(r"gAAAA[\w=-]+")
"""A token of Keystone's, whoever's it is."""
_USER = re.compile(r"(?<=://)[^\s/@'\"]+@")
"""What stands before the host in a URL."""
UNTOLD = "what it says repeats a secret, and is not told"


def hide(text: str, secrets: Iterable[str]) -> str:
    """Give a text without secrets; where more than traces of one are left, none of it."""
    text = _USER.sub(f"{MASK}@", _TOKEN.sub(MASK, text))
    known = [secret for secret in secrets if secret]
    for secret in sorted(known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    left = (piece for secret in known for spelt in _spellings(secret) for piece in _pieces(spelt))
    return UNTOLD if any(piece in text for piece in left) else text


def _spellings(secret: str) -> Iterator[str]:
    """Give what becomes of it in JSON, in JSON within JSON, in Python, in HTML and in a URL."""
    once = json.dumps(secret)[1:-1]
    yield from (secret, once, json.dumps(once)[1:-1], repr(secret)[1:-1])
    yield from (html.escape(secret), quote(secret, safe="", errors="replace"))


def _pieces(spelt: str) -> Iterator[str]:
    """Give every stretch of it: services cut what they repeat at any place."""
    for at in range(max(1, len(spelt) - WINDOW + 1)):
        yield spelt[at : at + WINDOW]
