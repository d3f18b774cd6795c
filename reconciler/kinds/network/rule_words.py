"""Rules of security groups in three vocabularies: the spec's, the API's, and what people say."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.network.protocols import ICMP, protocol_name
from reconciler.kinds.values import Json

EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


def is_six(protocol: object) -> bool:
    return str(protocol).startswith("ipv6-")


def family_of(prefix: object, protocol: object) -> str:
    """Tell the address family of a rule that does not say it."""
    if prefix:
        return "IPv6" if ":" in str(prefix) else "IPv4"
    return "IPv6" if is_six(protocol) else "IPv4"


def _named(protocol: Json) -> object:
    try:
        return protocol_name(protocol)
    except ValueError:
        return protocol  # what the spec cannot say is still shown, and differs


EVERY_PORT = (1, 65535)


def read_rule(raw: dict[str, Json]) -> dict[str, Json]:
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


def write_rule(body: dict[str, Json], _raw: Mapping[str, Json]) -> dict[str, Json]:
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


def rule_defaults(fields: Mapping[str, object]) -> dict[str, object]:
    return {"ethertype": family_of(fields.get("remote_prefix"), fields.get("protocol"))}


def authored_rule(item: Mapping[str, Json]) -> dict[str, Json]:
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


def rule_phrase(fields: Mapping[str, Json]) -> str:
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
