"""Role assignments: who may do what on which project, domain or the system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import ConfigDict, model_validator

from reconciler.kinds.address import Address
from reconciler.kinds.calls import Call, Listing
from reconciler.kinds.identity.role import role_word
from reconciler.kinds.kind import Fields, Form, Grants, Kind
from reconciler.kinds.spec import Ref, Reference, Spec
from reconciler.kinds.values import Bool, Json


class SystemSpec(Spec):
    """The cloud as a whole, as a place to give roles on."""

    claim: Bool = False
    """Whether `members` are all there shall be; if not, they are only added to the others."""


SYSTEM = Kind(name="System", collection="system", spec=SystemSpec, form=Form.ONE, claims_if="claim")


_ROLES: Json = {
    "description": "Several roles at once, instead of `role`.",
    "type": "array",
    "minItems": 1,
    "items": {"type": ["string", "object"]},
}


class AssignmentSpec(Spec):
    """A role of a user or a group on the project, the domain or the system that it stands in."""

    model_config = ConfigDict(json_schema_extra={"also": {"roles": _ROLES}})

    user: Annotated[Reference | None, Ref("User", blocks=False)] = None
    """The user; or `group`."""
    group: Annotated[Reference | None, Ref("Group", blocks=False)] = None
    """The group; or `user`."""
    role: Annotated[Reference, Ref("Role", blocks=False)]
    """The role; `roles` takes several."""
    inherited: Bool = False
    """Whether it holds for the projects below, and not here."""

    @model_validator(mode="after")
    def _one_actor(self) -> AssignmentSpec:
        if (self.user is None) == (self.group is None):
            raise ValueError("takes either user or group")
        return self


def _expand(item: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    if "roles" not in item:
        yield item
        return
    roles = item["roles"]
    if "role" in item or not isinstance(roles, list) or not roles:
        raise ValueError("takes role: NAME, or roles: [NAME, …]")
    for role in roles:
        yield {**{k: v for k, v in item.items() if k != "roles"}, "role": role}


def _names(parent: Address, fields: Fields) -> tuple[str, ...]:
    actor = fields.get("user") or fields["group"]
    role = fields["role"]
    assert isinstance(actor, Address)  # resolved by now
    assert isinstance(role, Address)  # likewise
    word = role_word(role)
    if fields.get("inherited"):
        if parent.kind == SYSTEM.name:
            raise ValueError("inherited: nothing lies below the system that could inherit")
        word += "+inherited"
    return (parent.kind.lower(), *parent.names, actor.kind.lower(), *actor.names, word)


def _read(raw: dict[str, Json]) -> dict[str, Json]:
    return {
        "user_id": (raw.get("user") or {}).get("id"),
        "group_id": (raw.get("group") or {}).get("id"),
        "role_id": raw["role"]["id"],
        "inherited": "OS-INHERIT:inherited_to" in raw["scope"],
    }


def _parent(raw: Json) -> tuple[str, str] | None:
    scope = raw["scope"]
    if "system" in scope:
        return "System", ""
    return next(
        ((kind, scope[word]["id"]) for word, kind in _PLACES.items() if word in scope), None
    )


_PLACES = {"project": "Project", "domain": "Domain"}


def _path(values: Mapping[str, Json]) -> str:
    place = values["parent_kind"].lower()
    actor = "/users/{user_id}" if values.get("user_id") else "/groups/{group_id}"
    if place == "system":
        return f"/system{actor}/roles/{{role_id}}"
    if values.get("inherited"):
        return f"/OS-INHERIT/{place}s/{{parent}}{actor}/roles/{{role_id}}/inherited_to_projects"
    return f"/{place}s/{{parent}}{actor}/roles/{{role_id}}"


ROLE_ASSIGNMENT = Kind(
    name="RoleAssignment",
    collection="members",
    within=("Domain", "Project", "System"),
    spec=AssignmentSpec,
    service="identity",
    form=Form.LIST,
    identity=("user", "group", "role", "inherited"),
    names=_names,
    dangling=True,
    grants=Grants(("user", "group"), "role"),
    expand=_expand,
    # Never with include_names (22 times slower) and never effective (groups are expanded away).
    listing=Listing(path="/role_assignments", items="role_assignments"),
    id_wire="",
    read=_read,
    parent=_parent,
    create=Call("PUT", _path),
    delete=Call("DELETE", _path),
)
