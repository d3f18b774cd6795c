"""Roles, of the cloud or of one domain."""

from __future__ import annotations

from reconciler.kinds.identity.options import KeystoneOptions
from reconciler.kinds.kind import ATTRIBUTED, Kind, Listing, Spec, rest
from reconciler.kinds.values import Text


class RoleSpec(Spec):
    """A word that the services' policies give rights to."""

    description: Text | None = None
    """Free text."""
    options: KeystoneOptions = KeystoneOptions()
    """Keystone's resource options."""


ROLE = Kind(
    name="Role",
    collection="roles",
    within=("", "Domain"),
    spec=RoleSpec,
    service="identity",
    ancestors={"domain_id": "Domain"},
    unique=True,
    case_insensitive=True,
    replaceable=False,
    mark=ATTRIBUTED,
    # A plain list leaves the roles of domains out.
    more=(
        Listing(path="/roles?domain_id={parent}", items="roles", each="Domain", all_parents=True),
    ),
    **rest("/roles", "role", update="PATCH", page=0),
)
