"""RBAC policies: which projects may use what another project has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from reconciler.kinds.address import Address
from reconciler.kinds.calls import Call, Listing
from reconciler.kinds.kind import Fields, Form, Kind
from reconciler.kinds.spec import Immutable, Ref, Reference, Shares, Spec, Wire
from reconciler.kinds.values import Json

_KINDS = {
    "network": "Network",
    "security_group": "SecurityGroup",
    "address_group": "AddressGroup",
    "address_scope": "AddressScope",
    "subnetpool": "SubnetPool",
    "qos_policy": "QosPolicy",
}
_WORDS = {kind: word for word, kind in _KINDS.items()}
_WITHOUT_FLAG = frozenset({"security_group", "address_group"})
"""Types that have no `shared` of their own to be stated: all is said here."""


class RbacSpec(Spec):
    """A permission to use the object that it stands in."""

    action: Annotated[Literal["access_as_shared", "access_as_external"], Immutable()] = (
        "access_as_shared"
    )
    """As what: shared, or (networks only) as an external network."""
    project: Annotated[
        Reference, Immutable(), Ref("Project", blocks=False), Wire("target_tenant"), Shares()
    ]
    """The project; `"*"` for all, where no `shared` or `external` says the same."""


def _refuse(parent: Address, fields: Fields) -> str | None:
    """Say why a permission cannot stand in such an object."""
    network = parent.kind == "Network"
    if fields["action"] == "access_as_external" and not network:
        return "access_as_external is for networks"
    if fields["project"] == "*" and _WORDS[parent.kind] not in _WITHOUT_FLAG:
        word = "external" if fields["action"] == "access_as_external" else "shared"
        return f"all projects: say {word}: true of the {parent.kind.lower()} instead"
    return None


def _by_flag(raw: Mapping[str, Json]) -> bool:
    """Tell what `shared` and `external` make by themselves."""
    return raw["target_tenant"] == "*" and raw["object_type"] not in _WITHOUT_FLAG


def _parent(raw: Json) -> tuple[str, str] | None:
    kind = _KINDS.get(raw["object_type"])
    return (kind, raw["object_id"]) if kind else None


def _names(parent: Address, fields: Fields) -> tuple[str, ...]:
    project = fields["project"]
    to = project.names if isinstance(project, Address) else (str(project),)
    return (_WORDS[parent.kind], *parent.names, str(fields["action"]), *to)


RBAC_POLICY = Kind(
    name="RbacPolicy",
    collection="rbac",
    within=tuple(_WORDS),
    spec=RbacSpec,
    service="network",
    form=Form.LIST,
    shorthand="project",
    identity=("action", "project"),
    names=_names,
    refuse=_refuse,
    parent=_parent,
    server_made=_by_flag,
    listing=Listing(path="/rbac-policies", items="rbac_policies", page=500),
    create=Call(
        "POST",
        "/rbac-policies",
        {
            "rbac_policy": {
                "object_type": "{object_type}",
                "object_id": "{parent}",
                "action": "{action}",
                "target_tenant": "{target_tenant}",
                "project_id": "{Project}",
            }
        },
        returns="rbac_policy",
    ),
    prepare=lambda work: {"object_type": _WORDS[work.values["parent_kind"]]},
    delete=Call("DELETE", "/rbac-policies/{id}"),
)
