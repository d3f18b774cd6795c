"""The protocols of security group rules, each under one name."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from reconciler.kinds.values import Text

_NUMBERS = {
    "ip": 0, "icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33,
    "ipv6-encap": 41, "ipv6-route": 43, "ipv6-frag": 44, "rsvp": 46, "gre": 47, "esp": 50,
    "ah": 51, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ospf": 89, "vrrp": 112,
    "pgm": 113, "sctp": 132, "udplite": 136,
}  # fmt: skip
"""The protocols that Neutron knows by name."""
_NAMES: dict[str, str | None] = {
    **{name: name for name in _NUMBERS},
    **{str(number): name for name, number in _NUMBERS.items()},
    "any": None, "icmpv6": "ipv6-icmp", "hopopt": "ip",
}  # fmt: skip
WITH_PORTS = ("dccp", "sctp", "tcp", "udp", "udplite")
ICMP = ("icmp", "ipv6-icmp")
_LAST_PROTOCOL = 255


def protocol_name(value: object) -> object:
    """Give a protocol one name, whatever it is called; a number without a name stays one."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return value
    word = str(value).lower()
    if word in _NAMES:
        return _NAMES[word]
    if word.isdigit() and int(word) <= _LAST_PROTOCOL:
        return str(int(word))
    raise ValueError(f"{value!r} is none; write a number up to 255, any, or one of "
                     f"{', '.join(sorted(_NUMBERS))}")  # fmt: skip


Protocol = Annotated[
    Text | None,
    BeforeValidator(protocol_name),
    WithJsonSchema({"type": ["string", "integer", "null"]}),
]
