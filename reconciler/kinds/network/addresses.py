"""Fixed addresses, which routers and ports have alike."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator

from reconciler.kinds.spec import Ref, Reference, ServerDefault, Spec
from reconciler.kinds.values import IpAddress, MacAddress, Text


def is_automatic(item: Mapping[str, object]) -> bool:
    """Tell an address that SLAAC makes of the hardware address (EUI-64)."""
    text = str(item.get("ip_address") or "0.0.0.0")  # noqa: S104 - no address at all
    return ":" in text and ipaddress.ip_address(text).packed[11:13] == b"\xff\xfe"


class FixedIp(Spec):
    """An address on a subnet."""

    subnet: Annotated[Reference | None, Ref("Subnet"), ServerDefault()] = None
    """The subnet; left out: the one that the address lies in."""
    ip_address: Annotated[IpAddress | None, ServerDefault()] = None
    """The address; left out: any free one."""


def in_network(value: object, *lists: str) -> object:
    """Say of the subnets that are named in ``lists`` that they are those of ``network``."""
    if not isinstance(value, Mapping) or "network" not in value:
        return value
    changed = {
        key: [_placed(item, value["network"]) for item in value[key]]
        for key in lists
        if isinstance(value.get(key), list)
    }
    return {**value, **changed}


def _placed(item: object, network: object) -> object:
    if not isinstance(item, Mapping) or not isinstance(item.get("subnet"), str):
        return item
    return {**item, "subnet": subnet_of(item["subnet"], network)}


def subnet_of(subnet: object, network: object) -> object:
    """Give a reference to the subnet of this name in this network, however that is written."""
    if not isinstance(subnet, str):
        return subnet
    if isinstance(network, Mapping):
        return {**network, "name": subnet, "network": network.get("name")}
    return {"name": subnet, "network": network}


def _pair_address(value: object) -> object:
    """Settle an address or a prefix: a plain address stays plain, as Neutron keeps it."""
    if not isinstance(value, str):
        return value
    if "/" in value:
        return str(ipaddress.ip_network(value, strict=False))
    return str(ipaddress.ip_address(value))


class AddressPair(Spec):
    """A further address that traffic of the port may carry."""

    ip_address: Annotated[Text, BeforeValidator(_pair_address)]
    """An address or a prefix."""
    mac_address: Annotated[MacAddress | None, ServerDefault()] = None
    """The hardware address; by default the port's own."""
