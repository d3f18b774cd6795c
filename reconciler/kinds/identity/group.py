"""Groups of users, and who is in them."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.calls import ATTRIBUTED, Call, Listing, rest
from reconciler.kinds.kind import Form, Grants, Kind
from reconciler.kinds.spec import Ref, Reference, Spec
from reconciler.kinds.values import Text


class GroupSpec(Spec):
    """A group of users, which roles can be given to."""

    description: Text = ""
    """Free text."""


GROUP = Kind(
    name="Group",
    collection="groups",
    within=("Domain",),
    spec=GroupSpec,
    unique=True,
    case_insensitive=True,
    replaceable=False,
    mark=ATTRIBUTED,
    ancestors={"domain_id": "Domain"},
    **{
        **rest("/groups", "group", update="PATCH"),
        "service": "identity",
        # With a driver a domain (LDAP) a plain list shows one domain only, and says 200.
        "listing": Listing(
            path="/groups?domain_id={parent}", items="groups", page=500, each="Domain",
            all_parents=True,
        ),
    },
)  # fmt: skip


class MemberSpec(Spec):
    """A user in a group."""

    user: Annotated[Reference, Ref("User", blocks=False)]
    """The user."""


GROUP_MEMBER = Kind(
    name="GroupMember",
    collection="users",
    within=("Group",),
    spec=MemberSpec,
    service="identity",
    form=Form.LIST,
    shorthand="user",
    identity=("user",),
    grants=Grants(("user",)),
    folded=True,
    listing=Listing(path="/groups/{parent}/users", items="users", each="Group"),
    id_wire="",
    read=lambda raw: {"user_id": raw["id"]},
    create=Call("PUT", "/groups/{parent}/users/{user_id}"),
    delete=Call("DELETE", "/groups/{parent}/users/{user_id}"),
)
