"""What Neutron gives out of a subnet by itself: its gateway, and all the other addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from reconciler.kinds.values import Json

SIX = 6


def pools_around(gateway: Json, raw: Mapping[str, Json]) -> dict[str, Json]:
    """Let pools that nobody chose give way to another gateway, which Neutron does not do."""
    now = {**raw, "gateway": raw["gateway_ip"] or "none"}
    chosen = {(pool["start"], pool["end"]) for pool in raw["allocation_pools"]}
    if chosen != set(ranges(now)):
        return {}
    wanted = ranges({**now, "gateway": gateway or "none"})
    return {"allocation_pools": [{"start": start, "end": end} for start, end in wanted]}


def ranges(fields: Mapping[str, object]) -> list[tuple[str, str]]:
    """Tell what Neutron gives out by itself: all but the gateway's address."""
    net = ipaddress.ip_network(str(fields["cidr"]))
    make = type(net.network_address)
    first, last = int(net.network_address) + 1, int(net.broadcast_address)
    last -= net.version != SIX  # IPv6 has no broadcast
    said = fields.get("gateway")
    hole = 0 if said in (None, "none") else int(ipaddress.ip_address(str(said)))
    ranges = [(first, hole - 1), (hole + 1, last)] if first <= hole <= last else [(first, last)]
    return [(str(make(low)), str(make(high))) for low, high in ranges if low <= high]


def subnet_defaults(fields: Mapping[str, object]) -> dict[str, object]:
    """Tell what Neutron fills in: the first address is the gateway, the others are given out."""
    net = ipaddress.ip_network(str(fields["cidr"]))
    slaac = fields.get("ipv6_address_mode") in ("slaac", "dhcpv6-stateless")
    gateway = net.network_address if slaac else net.network_address + 1
    pools = frozenset((("end", high), ("start", low)) for low, high in ranges(fields))
    return {"gateway": str(gateway), "allocation_pools": pools, "ip_version": net.version}
