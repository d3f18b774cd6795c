"""Types that settle spelling once, for what authors write and for what services answer."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Strict,
    StringConstraints,
    WithJsonSchema,
)

Json = Any
"""Decoded JSON, as a service sent it or will get it."""
NOTHING: Final[Mapping[str, Json]] = MappingProxyType({})

Text = Annotated[str, Strict()]
Bool = Annotated[bool, Strict()]
Int = Annotated[int, Strict()]
Count = Annotated[int, Strict(), Field(ge=0)]
Limit = Annotated[int, Strict(), Field(ge=-1)]
"""A number of things, -1 for no limit."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]


def _address(value: object) -> object:
    return str(ipaddress.ip_address(value)) if isinstance(value, str) else value


def _network(value: object) -> object:
    """Canonical form of a prefix; host bits are dropped and a bare address is a whole prefix."""
    return str(ipaddress.ip_network(value, strict=False)) if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


IpAddress = Annotated[str, BeforeValidator(_address)]
Cidr = Annotated[str, BeforeValidator(_network)]
MacAddress = Annotated[
    str, BeforeValidator(_lower), StringConstraints(pattern=r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")
]

_SIZE = re.compile(r"^([0-9]{1,15})\s*([A-Za-z]+)$")
_BITS = {"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40, "PiB": 50}


def _size_in(unit: str) -> BeforeValidator:
    """Read ``2GiB`` as a whole number of ``unit``; a bare number is in it already."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        match = _SIZE.match(value)
        if not match or match[2] not in _BITS:
            raise ValueError(f"{value!r} is no size: write a number or one of {', '.join(_BITS)}")
        size = int(match[1]) << _BITS[match[2]]
        whole, rest = divmod(size, 1 << _BITS[unit])
        if rest:
            raise ValueError(f"{value!r} is not a whole number of {unit}")
        return whole

    return BeforeValidator(read)


def _size_or(least: int) -> WithJsonSchema:
    """Tell editors what a size looks like."""
    words = {"type": "string", "pattern": f"^[0-9]+ *({'|'.join(_BITS)})$"}
    return WithJsonSchema({"anyOf": [{"type": "integer", "minimum": least}, words]})


MiB = Annotated[int, Strict(), _size_in("MiB"), Field(ge=0), _size_or(0)]
GiB = Annotated[int, Strict(), _size_in("GiB"), Field(ge=0), _size_or(0)]
MiBLimit = Annotated[int, Strict(), _size_in("MiB"), Field(ge=-1), _size_or(-1)]
GiBLimit = Annotated[int, Strict(), _size_in("GiB"), Field(ge=-1), _size_or(-1)]


def _port_range(value: object) -> object:
    """``443`` or ``8000-8080`` as ``low-high``; all ports are no ports."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("write one port or a range such as 8000-8080")  # noqa: TRY004 - pydantic
    low, _, high = str(value).partition("-")
    try:
        first, last = int(low), int(high or low)
    except ValueError as error:
        raise ValueError(f"{value!r} is no port and no range such as 8000-8080") from error
    if not 1 <= first <= last <= 65535:  # noqa: PLR2004 - the ports there are
        raise ValueError(f"{value!r}: ports go from 1 to 65535, the lower one first")
    if (first, last) == (1, 65535):
        return None
    return str(first) if first == last else f"{first}-{last}"


PortRange = Annotated[
    str | None,
    BeforeValidator(_port_range),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": "^[0-9]+(-[0-9]+)?$"},
                {"type": "null"},
            ]
        }
    ),
]


def _tag(value: str) -> str:
    if value.startswith("reconciler:"):
        raise ValueError("tags that begin with reconciler: are the reconciler's own marks")
    if "," in value or "/" in value:
        raise ValueError(f"{value!r}: a tag holds no comma and no slash")
    return value


Tag = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_tag)]
Tags = frozenset[Tag]

_OWN = re.compile(r"^reconciler[:_]")


def is_reserved(key: str) -> bool:
    """Whether a tag, property or attribute is a reconciler's own mark, whoever's it is."""
    return bool(_OWN.match(key))


def _key(value: str) -> str:
    if is_reserved(value):
        raise ValueError(f"{value!r}: what begins with reconciler is the reconciler's own mark")
    return value


def _word(value: object) -> object:
    """Services keep every value of a free map as text; ``true`` and ``2`` are plain enough."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


Key = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_key)]
"""A key of a map whose keys are free, but for the marks."""
Word = Annotated[
    str, BeforeValidator(_word), WithJsonSchema({"type": ["string", "integer", "boolean"]})
]
"""A value of such a map."""
