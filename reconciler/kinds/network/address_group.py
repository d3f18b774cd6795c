"""Address groups: prefixes that security group rules can name together."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.calls import Work, neutron
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import Spec, Via
from reconciler.kinds.values import Cidr, Text


class AddressGroupSpec(Spec):
    """Prefixes that rules of security groups name together."""

    description: Text = ""
    """Free text."""
    addresses: Annotated[frozenset[Cidr], Via("addresses", later=True)] = frozenset()
    """The prefixes; a plain address is a prefix of full length."""


def _set_addresses(work: Work) -> None:
    """Add what is missing and take away what is too much: a PUT takes no addresses."""
    there, wanted = set(work.raw["addresses"]), set(work.values["addresses"])
    for verb, addresses in (("add", wanted - there), ("remove", there - wanted)):
        if addresses:
            path = f"/address-groups/{work.id}/{verb}_addresses"
            work.http.request("network", "PUT", path, json={"addresses": sorted(addresses)})


ADDRESS_GROUP = Kind(
    name="AddressGroup",
    collection="address_groups",
    within=("Project",),
    spec=AddressGroupSpec,
    ancestors={"project_id": "Project"},
    steps={"addresses": _set_addresses},
    **{**neutron("/address-groups", "address_group"), "calls": {}},
)
