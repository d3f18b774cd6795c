"""Address scopes: within one, prefixes do not overlap."""

from __future__ import annotations

from typing import Annotated, Literal

from reconciler.kinds.calls import neutron
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import Immutable, Shares, Spec
from reconciler.kinds.values import Bool


class AddressScopeSpec(Spec):
    """A space of addresses in which prefixes do not overlap, and which routers do not translate."""

    ip_version: Annotated[Literal[4, 6], Immutable()]
    """4 or 6."""
    shared: Annotated[Bool, Shares()] = False
    """Whether every project can use it; what is shared stays so."""


ADDRESS_SCOPE = Kind(
    name="AddressScope",
    collection="address_scopes",
    within=("Project",),
    spec=AddressScopeSpec,
    ancestors={"project_id": "Project"},
    **{**neutron("/address-scopes", "address_scope"), "calls": {}, "revision": False},
)
