"""Subnet pools: prefixes that subnets take theirs from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from reconciler.kinds.calls import TAGGED, Work, neutron
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import Immutable, Ref, Reference, ServerDefault, Shares, Spec, Via
from reconciler.kinds.values import Bool, Cidr, Count, Int, Json, Tags, Text

Network = Any
"""ipaddress.IPv4Network or IPv6Network: the two have no common type that says all that is used."""


def _merged(prefixes: frozenset[str]) -> frozenset[str]:
    """Put neighbours together, as Neutron keeps them."""
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes]
    if len({network.version for network in networks}) > 1:
        raise ValueError("are all of one address family")
    found: Iterable[Network] = ipaddress.collapse_addresses(networks)
    return frozenset(str(network) for network in found)


class SubnetPoolSpec(Spec):
    """Prefixes that subnets can take theirs from."""

    prefixes: Annotated[
        frozenset[Cidr], AfterValidator(_merged), Field(min_length=1), Via("prefixes", later=True)
    ]
    """All there is to give; only what no subnet has can be taken away."""
    description: Text = ""
    """Free text."""
    default_prefixlen: Annotated[Int | None, ServerDefault()] = None
    """The length of the prefix of a subnet that says none."""
    min_prefixlen: Annotated[Int | None, ServerDefault()] = None
    """The largest prefix that is given, by its length."""
    max_prefixlen: Annotated[Int | None, ServerDefault()] = None
    """The smallest prefix that is given, by its length."""
    default_quota: Annotated[Count | None, ServerDefault()] = None
    """How much of it a project can have: addresses, or prefixes of length 64."""
    is_default: Bool = False
    """Whether it is the pool that is used when none is named."""
    shared: Annotated[Bool, Shares(), Immutable()] = False
    """Whether every project can use it."""
    address_scope: Annotated[Reference | None, Ref("AddressScope")] = None
    """The address scope that its prefixes lie in."""
    tags: Annotated[Tags, Via("tags")] = frozenset()
    """Short words to find it by."""


def _set_prefixes(work: Work) -> None:
    """Add what is missing and take away what is too much, each in a call of its own."""
    there = {ipaddress.ip_network(prefix) for prefix in work.raw["prefixes"]}
    wanted = {ipaddress.ip_network(prefix) for prefix in work.values["prefixes"]}
    surplus = [str(rest) for prefix in there for rest in _without(prefix, wanted)]
    for verb, prefixes in (
        ("add", sorted(str(prefix) for prefix in wanted - there)),
        ("remove", sorted(surplus)),
    ):
        if prefixes:
            path = f"/subnetpools/{work.id}/{verb}_prefixes"
            work.http.request("network", "PUT", path, json={"prefixes": prefixes})


def _without(prefix: Network, others: Iterable[Network]) -> list[Network]:
    """Give what is left of a prefix without others."""
    rest = [prefix]
    for other in others:
        rest = [
            part
            for one in rest
            if not (one.version == other.version and one.subnet_of(other))
            for part in (
                one.address_exclude(other)
                if one.version == other.version and other.subnet_of(one)
                else (one,)
            )
        ]
    return rest


def _read(raw: dict[str, Json]) -> dict[str, Json]:
    """Neutron says the lengths as words on some databases, and as numbers on others."""
    for name in ("default_prefixlen", "min_prefixlen", "max_prefixlen"):
        if raw.get(name) is not None:
            raw[name] = int(raw[name])
    return raw


SUBNET_POOL = Kind(
    name="SubnetPool",
    collection="subnet_pools",
    within=("Project",),
    spec=SubnetPoolSpec,
    ancestors={"project_id": "Project"},
    mark=TAGGED,
    read=_read,
    steps={"prefixes": _set_prefixes},
    **neutron("/subnetpools", "subnetpool"),
)
