"""Security groups and their rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from reconciler.kinds.kind import (
    TAGGED,
    Call,
    Form,
    Immutable,
    Kind,
    Listing,
    Ref,
    Reference,
    Spec,
    Via,
    neutron,
)
from reconciler.kinds.values import Bool, Cidr, Int, Json, PortRange, Tags, Text

EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
ICMP = frozenset({"icmp", "ipv6-icmp"})
_PROTOCOLS = {
    "any": None, "0": None, "1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp",
    "icmpv6": "ipv6-icmp", "112": "vrrp", "132": "sctp", "47": "gre", "51": "ah", "50": "esp",
}  # fmt: skip


def _protocol(value: object) -> object:
    """Give a protocol the name that Neutron stores; a number without a name stays one."""
    word = str(value).lower() if isinstance(value, int | str) else value
    return _PROTOCOLS.get(word, word) if isinstance(word, str) else word


Protocol = Annotated[
    Text | None,
    BeforeValidator(_protocol),
    WithJsonSchema({"type": ["string", "integer", "null"]}),
]


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
    **neutron("/security-groups", "security_group"),
)


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
    """Follows the remote prefix, else IPv4."""
    protocol: Annotated[Protocol, Immutable()] = None
    """By name or number; left out: all."""
    ports: Annotated[PortRange, Immutable()] = None
    """One port or a range; left out: all."""
    icmp: Annotated[Icmp | None, Immutable()] = None
    """For the ICMP protocols instead of ports."""
    remote_prefix: Annotated[Cidr | None, Immutable()] = None
    remote_group: Annotated[Reference | None, Immutable(), Ref("SecurityGroup")] = None
    remote_address_group: Annotated[Reference | None, Immutable(), Ref("AddressGroup")] = None
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
        prefix = self.remote_prefix
        follows = "IPv6" if prefix and ":" in prefix else "IPv4"
        if self.ethertype and prefix and self.ethertype != follows:
            raise ValueError(
                f"ethertype {self.ethertype} and remote {prefix} contradict each other"
            )
        if self.ports and self.protocol in (None, *ICMP):
            raise ValueError("ports need a protocol that has them, such as tcp or udp")
        if self.icmp and self.protocol not in ICMP:
            raise ValueError("icmp needs protocol icmp or icmpv6")
        object.__setattr__(self, "ethertype", self.ethertype or follows)
        if prefix in EVERYWHERE:  # no remote and everywhere are one
            object.__setattr__(self, "remote_prefix", None)
        return self


def _read(raw: dict[str, Json]) -> dict[str, Json]:
    """Bring a stored rule into the words of the spec."""
    low, high = raw.get("port_range_min"), raw.get("port_range_max")
    protocol = _protocol(raw["protocol"]) if raw.get("protocol") is not None else None
    prefix = raw.get("normalized_cidr") or raw.get("remote_ip_prefix")
    icmp = protocol in ICMP
    ports = None
    if not icmp and low is not None and (low, high) != (1, 65535):
        ports = f"{low}-{high}" if low != high else low
    return {
        "direction": raw["direction"],
        "ethertype": raw["ethertype"],
        "protocol": protocol,
        "ports": ports,
        "icmp": {"type": low, "code": high} if icmp and low is not None else None,
        "remote_prefix": None if prefix in EVERYWHERE else prefix,
        "remote_group_id": raw.get("remote_group_id"),
        "remote_address_group_id": raw.get("remote_address_group_id"),
        "description": raw.get("description") or "",
    }


def _write(body: dict[str, Json], _raw: Mapping[str, Json]) -> dict[str, Json]:
    """Bring a rule into the words of the API."""
    sent = {k: v for k, v in body.items() if v is not None and k not in ("ports", "icmp")}
    if "remote_prefix" in sent:
        sent["remote_ip_prefix"] = sent.pop("remote_prefix")
    if body.get("ports"):
        low, _, high = str(body["ports"]).partition("-")
        sent |= {"port_range_min": int(low), "port_range_max": int(high or low)}
    if body.get("icmp"):
        sent |= {"port_range_min": body["icmp"]["type"], "port_range_max": body["icmp"].get("code")}
    return sent


def _defaults(fields: Mapping[str, object]) -> dict[str, object]:
    return {"ethertype": "IPv6" if ":" in str(fields.get("remote_prefix")) else "IPv4"}


def _authored(item: Mapping[str, Json]) -> dict[str, Json]:
    """Say where a rule leads to in one word, ``remote``; and one port as a number."""
    shown = {k: v for k, v in item.items() if not k.startswith("remote_")}
    if str(shown.get("ports")).isdigit():
        shown["ports"] = int(shown["ports"])
    for word in ("group", "address_group"):
        if f"remote_{word}" in item:
            shown["remote"] = {word: item[f"remote_{word}"]}
    if "remote_prefix" in item:
        shown["remote"] = item["remote_prefix"]
    if "description" in shown:
        shown["description"] = shown.pop("description")
    return shown


def _phrase(fields: Mapping[str, Json]) -> str:
    """Say a rule as people do: ``ingress tcp 443 0.0.0.0/0``."""
    everywhere = "::/0" if fields.get("ethertype") == "IPv6" else "0.0.0.0/0"
    icmp = fields.get("icmp") or {}
    numbers = "/".join(str(icmp[key]) for key in ("type", "code") if icmp.get(key) is not None)
    group = fields.get("remote_group") or fields.get("remote_address_group")
    remote = f"group {group}" if group else fields.get("remote_prefix") or everywhere
    words = (fields["direction"], fields.get("protocol"), fields.get("ports"), numbers, remote)
    return " ".join(str(word) for word in words if word)


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
    phrase=_phrase,
    defaults=_defaults,
    authored=_authored,
    folded=True,
    ancestors={"security_group_id": "SecurityGroup", "project_id": "Project"},
    # The rules come with their groups, seven times cheaper than alone.
    listing=Listing(embedded="SecurityGroup", items="security_group_rules"),
    read=_read,
    write=_write,
    create=Call("POST", "/security-group-rules", {"security_group_rule": "{*}"},
                returns="security_group_rule", many="security_group_rules"),
    delete=Call("DELETE", "/security-group-rules/{id}"),
)  # fmt: skip
