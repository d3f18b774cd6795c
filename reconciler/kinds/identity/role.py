"""Roles, of the cloud or of one domain."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.address import Address
from reconciler.kinds.calls import ATTRIBUTED, Call, Listing, rest
from reconciler.kinds.identity.options import KeystoneOptions, immutable
from reconciler.kinds.kind import Fields, Form, Kind
from reconciler.kinds.spec import Ref, Reference, Spec
from reconciler.kinds.values import Json, Text


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
    vital=("name",),
    # A plain list leaves the roles of domains out.
    more=(
        Listing(path="/roles?domain_id={parent}", items="roles", each="Domain", all_parents=True),
    ),
    lock=immutable("/roles", "role"),
    **rest("/roles", "role", update="PATCH", page=0),
)


class ImpliedSpec(Spec):
    """A role that comes with another one."""

    role: Annotated[Reference, Ref("Role", blocks=False)]
    """The role that whoever has the outer one has, too."""


def role_word(role: Address) -> str:
    """Name a role so that a domain's own one is not taken for a global one."""
    return role.name if len(role.names) == 1 else f"{role.name}@{role.names[0]}"


def _names(parent: Address, fields: Fields) -> tuple[str, ...]:
    role = fields["role"]
    assert isinstance(role, Address)  # resolved by now
    return (*parent.names, role_word(role))


def _read(raw: dict[str, Json]) -> dict[str, Json]:
    return {"role_id": raw["implies"]["id"]}


IMPLIED_ROLE = Kind(
    name="ImpliedRole",
    collection="implies",
    within=("Role",),
    spec=ImpliedSpec,
    service="identity",
    form=Form.LIST,
    shorthand="role",
    identity=("role",),
    names=_names,
    dangling=True,
    folded=True,
    listing=Listing(path="/role_inferences", items="role_inferences", split="implies"),
    id_wire="",
    parent=lambda raw: ("Role", raw["prior_role"]["id"]),
    read=_read,
    create=Call("PUT", "/roles/{parent}/implies/{role_id}"),
    delete=Call("DELETE", "/roles/{parent}/implies/{role_id}"),
)
