"""Security groups."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.calls import TAGGED, neutron
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import Spec, Via
from reconciler.kinds.values import Bool, Json, Tags, Text


class SecurityGroupSpec(Spec):
    """A set of rules for what may reach a port and what may leave it."""

    description: Text = ""
    """Free text."""
    stateful: Bool = True
    """Whether answers pass without a rule of their own."""
    tags: Annotated[Tags, Via("tags")] = frozenset()
    """Short words to find it by."""


def _untouched(raw: Json) -> bool:
    """Tell a project's own group as Neutron makes it: all out, and in from one another."""
    rules = raw.get("security_group_rules") or ()
    plain = all(
        rule.get("protocol") is None
        and not rule.get("remote_ip_prefix")
        and not rule.get("remote_address_group_id")
        and rule.get("remote_group_id") == (raw["id"] if rule["direction"] == "ingress" else None)
        for rule in rules
    )
    both = {(rule["direction"], rule["ethertype"]) for rule in rules}
    return (
        raw["name"] == "default"
        and plain
        and len(both) == len(rules) == 4  # noqa: PLR2004 - two directions, two families
        and raw.get("description") == "Default security group"
        and raw.get("stateful") is not False
        and not raw.get("tags")
    )


SECURITY_GROUP = Kind(
    name="SecurityGroup",
    collection="security_groups",
    within=("Project",),
    spec=SecurityGroupSpec,
    ancestors={"project_id": "Project"},
    mark=TAGGED,
    # The group that every project has; listing a project's groups makes it.
    implicit=lambda address: address.name == "default",
    untouched=_untouched,
    **neutron("/security-groups", "security_group", bulk=True),
)
