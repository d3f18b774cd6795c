"""Rules of security groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from reconciler.kinds.calls import Call, Listing
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.network.protocols import ICMP, WITH_PORTS, Protocol, protocol_name
from reconciler.kinds.spec import Immutable, Ref, Reference, Spec
from reconciler.kinds.values import Cidr, Int, Json, PortRange, Text

EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


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
        follows = _family(prefix, protocol)
        if family and prefix and family != follows:
            raise ValueError(f"ethertype {family} and remote {prefix} contradict each other")
        if "IPv4" in (family, _family(prefix, None) if prefix else "") and _is_six(protocol):
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


def _is_six(protocol: object) -> bool:
    return str(protocol).startswith("ipv6-")


def _family(prefix: object, protocol: object) -> str:
    """Tell the address family of a rule that does not say it."""
    if prefix:
        return "IPv6" if ":" in str(prefix) else "IPv4"
    return "IPv6" if _is_six(protocol) else "IPv4"


def _named(protocol: Json) -> object:
    try:
        return protocol_name(protocol)
    except ValueError:
        return protocol  # what the spec cannot say is still shown, and differs


EVERY_PORT = (1, 65535)


def _read(raw: dict[str, Json]) -> dict[str, Json]:
    """Bring a stored rule into the words of the spec."""
    low, high = raw.get("port_range_min"), raw.get("port_range_max")
    protocol = _named(raw.get("protocol"))
    prefix = raw.get("normalized_cidr") or raw.get("remote_ip_prefix")
    icmp = protocol in ICMP
    ports = None
    if not icmp and low is not None and (low, high) != EVERY_PORT:
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
    return {"ethertype": _family(fields.get("remote_prefix"), fields.get("protocol"))}


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
    six = fields.get("ethertype") == "IPv6"
    icmp = fields.get("icmp") or {}
    numbers = "/".join(str(icmp[key]) for key in ("type", "code") if icmp.get(key) is not None)
    remote = fields.get("remote_prefix") or ("::/0" if six else "0.0.0.0/0")
    for word in ("group", "address_group"):
        if fields.get(f"remote_{word}"):
            family = "IPv6 " if six else ""
            remote = f"{family}{word} {fields[f'remote_{word}']}"
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
