"""Rules of security groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from reconciler.kinds.calls import Call, Listing
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.network.protocols import ICMP, WITH_PORTS, Protocol
from reconciler.kinds.network.rule_words import (
    EVERYWHERE,
    authored_rule,
    family_of,
    is_six,
    read_rule,
    rule_defaults,
    rule_phrase,
    write_rule,
)
from reconciler.kinds.spec import Immutable, Ref, Reference, Spec
from reconciler.kinds.values import Cidr, Int, Json, PortRange, Text


class Icmp(Spec):
    """Which ICMP messages."""

    type: Annotated[Int, Field(ge=0, le=255)]
    """The type."""
    code: Annotated[Int | None, Field(ge=0, le=255)] = None
    """The code; none: all of the type."""


_REFERENCE: Json = {"type": ["string", "object"]}
_REMOTE: Json = {
    "description": "A prefix, or {group: NAME}, or {address_group: NAME}; left out: everywhere.",
    "anyOf": [
        {"type": ["string", "null"]},
        *(
            {
                "type": "object",
                "properties": {word: _REFERENCE},
                "required": [word],
                "additionalProperties": False,
            }
            for word in ("group", "address_group")
        ),
    ],
}


class RuleSpec(Spec):
    """One thing that is allowed. Rules never change: they are taken away and made."""

    model_config = ConfigDict(json_schema_extra={"also": {"remote": _REMOTE}})

    direction: Annotated[Literal["ingress", "egress"], Immutable()]
    """Seen from the port."""
    ethertype: Annotated[Literal["IPv4", "IPv6"] | None, Immutable()] = None
    """Follows the remote prefix, then the protocol, else IPv4."""
    protocol: Annotated[Protocol, Immutable()] = None
    """By name or number; left out, or `any`: all."""
    ports: Annotated[PortRange, Immutable()] = None
    """One port or a range; left out: all."""
    icmp: Annotated[Icmp | None, Immutable()] = None
    """For the ICMP protocols instead of ports."""
    remote_prefix: Annotated[Cidr | None, Immutable()] = None
    """`remote:` with a prefix; left out: everywhere."""
    remote_group: Annotated[Reference | None, Immutable(), Ref("SecurityGroup")] = None
    """`remote:` with `{group: NAME}`."""
    remote_address_group: Annotated[Reference | None, Immutable(), Ref("AddressGroup")] = None
    """`remote:` with `{address_group: NAME}`."""
    description: Annotated[Text, Immutable()] = ""
    """Free text."""

    @model_validator(mode="before")
    @classmethod
    def _remote(cls, value: object) -> object:
        """Take ``remote:`` apart: a prefix, or a group, or an address group."""
        if not isinstance(value, Mapping) or "remote" not in value:
            return value
        rest = {k: v for k, v in value.items() if k != "remote"}
        remote = value["remote"]
        if isinstance(remote, str):
            if not any(sign in remote for sign in "./:"):
                raise ValueError(f"remote: {remote!r} is no prefix; a group is {{group: {remote}}}")
            return {**rest, "remote_prefix": remote}
        if isinstance(remote, Mapping) and len(remote) == 1:
            for word in ("group", "address_group"):
                if word in remote:
                    return {**rest, f"remote_{word}": remote[word]}
        if remote is None:
            return rest
        raise ValueError("remote takes a prefix, {group: NAME} or {address_group: NAME}")

    @model_validator(mode="after")
    def _agrees(self) -> RuleSpec:
        prefix, protocol, family = self.remote_prefix, self.protocol, self.ethertype
        if sum(r is not None for r in (prefix, self.remote_group, self.remote_address_group)) > 1:
            raise ValueError("takes one remote: a prefix, a group or an address group")
        if protocol == "icmp" and (family == "IPv6" or (prefix and ":" in prefix)):
            protocol = "ipv6-icmp"
        follows = family_of(prefix, protocol)
        if family and prefix and family != follows:
            raise ValueError(f"ethertype {family} and remote {prefix} contradict each other")
        if "IPv4" in (family, family_of(prefix, None) if prefix else "") and is_six(protocol):
            raise ValueError(f"protocol {protocol} is for IPv6: say ethertype: IPv6")
        if self.ports and protocol not in WITH_PORTS:
            what = f"protocol {protocol}" if protocol else "a rule for all protocols"
            advice = "; say icmp: {type: …, code: …}" if protocol in ICMP else ""
            raise ValueError(
                f"ports: {what} has none; those of {', '.join(WITH_PORTS)} have{advice}"
            )
        if self.icmp and protocol not in ICMP:
            raise ValueError("icmp needs protocol icmp or icmpv6")
        object.__setattr__(self, "protocol", protocol)
        object.__setattr__(self, "ethertype", family or follows)
        if prefix in EVERYWHERE:  # no remote and everywhere are one
            object.__setattr__(self, "remote_prefix", None)
        return self


def _born_with(raw: Json) -> bool:
    """Tell the rules that Neutron puts into a group: all out, and in from one another."""
    inside = raw.get("security_group_id") if raw["direction"] == "ingress" else None
    narrow = (
        raw.get("protocol") or raw.get("remote_ip_prefix") or raw.get("remote_address_group_id")
    )
    return not narrow and raw.get("remote_group_id") == inside


SECURITY_GROUP_RULE = Kind(
    name="SecurityGroupRule",
    collection="rules",
    within=("SecurityGroup",),
    spec=RuleSpec,
    service="network",
    form=Form.LIST,
    identity=(
        "direction", "ethertype", "protocol", "ports", "icmp", "remote_prefix", "remote_group",
        "remote_address_group",
    ),
    phrase=rule_phrase,
    defaults=rule_defaults,
    authored=authored_rule,
    folded=True,
    born_with=_born_with,
    ancestors={"security_group_id": "SecurityGroup", "project_id": "Project"},
    # The rules come with their groups, seven times cheaper than alone.
    listing=Listing(embedded="SecurityGroup", items="security_group_rules"),
    read=read_rule,
    write=write_rule,
    create=Call("POST", "/security-group-rules", {"security_group_rule": "{*}"},
                returns="security_group_rule", many="security_group_rules", beside=True),
    delete=Call("DELETE", "/security-group-rules/{id}"),
)  # fmt: skip
