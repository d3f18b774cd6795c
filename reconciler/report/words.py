"""From values of any kind to the words that a reader, or a program, gets to see."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from reconciler.kinds.address import Address, Id
from reconciler.kinds.fields import Value
from reconciler.kinds.registry import relative
from reconciler.kinds.secret import SecretSource
from reconciler.kinds.values import Json

SENSITIVE = "(sensitive)"
LONGEST = 160
"""Characters of one value in a report that people read; programs get all of it."""

_BARE = re.compile(r"^[\w./:@+*%=-]+$")
_LOOKS_LIKE_MORE = re.compile(r"^([-+]?\d+(\.\d+)?|true|false|null|none|~)$", re.IGNORECASE)


def clean(text: str) -> str:
    r"""Write what a terminal would obey, or would not show, as ``\x1b``."""
    return "".join(_visible(c) if _unsafe(c) else c for c in text)


def _unsafe(character: str) -> bool:
    # Control and format characters (escapes, right-to-left overrides), surrogates, line separators.
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _visible(character: str) -> str:
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    code = ord(character)
    short = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 - one byte
    return known.get(character, short)


def plain(value: Value, base: Address) -> Json:
    """Give a value as JSON: names as a reader in ``base`` understands them, sets sorted."""
    if isinstance(value, Address):
        return relative(value, base)
    if isinstance(value, Id):
        return str(value)
    if isinstance(value, SecretSource):
        return SENSITIVE
    if isinstance(value, frozenset):
        return sorted((plain(item, base) for item in value), key=_sort_key)
    if _is_pairs(value):
        return {key: plain(inner, base) for key, inner in value}
    if isinstance(value, Mapping):
        return {str(key): plain(inner, base) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item, base) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _sort_key(item: Json) -> tuple[str, str]:
    return type(item).__name__, str(item)


def shown(value: Json) -> str:
    """Write a plain value for people: quoted where it could be read as something else."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{clean(k)}: {shown(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if not isinstance(value, str):
        return str(value)
    if value == SENSITIVE:
        return value
    text = value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
    bare = _BARE.match(text) and not _LOOKS_LIKE_MORE.match(text)
    return (
        clean(text) if bare else '"' + clean(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'
    )


def bare(value: Json) -> str:
    """Write a plain value for people without quotes, where it stands by itself."""
    return clean(value) if isinstance(value, str) else shown(value)


def _is_pairs(value: Value) -> bool:
    """Whether this is a nested model in the form that can lie in a set."""
    return (
        isinstance(value, tuple)
        and bool(value)
        and all(isinstance(p, tuple) and len(p) == 2 and isinstance(p[0], str) for p in value)  # noqa: PLR2004
    )


def count_of(number: int) -> str:
    """Write a number so that its size is seen at once: ``1 843``."""
    return f"{number:,}".replace(",", " ")


def age(seconds: float) -> str:
    """Say how long something has been so, in its largest unit: 40 s, 5 min, 4 h, 3 d."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"
