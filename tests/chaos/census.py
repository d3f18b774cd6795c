"""From a cloud as keystoneauth reads it, to what is there twice, gone, or changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from keystoneauth1.adapter import Adapter
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

Json = Any
Dump = Mapping[tuple[str, str], Json]
"""What there is: from collection and id to the object as it was answered."""

COLLECTIONS = (
    ("identity", "/v3/domains", "domains"),
    ("identity", "/v3/projects", "projects"),
    ("identity", "/v3/users", "users"),
    ("identity", "/v3/groups", "groups"),
    ("identity", "/v3/roles", "roles"),
    ("identity", "/v3/regions", "regions"),
    ("identity", "/v3/services", "services"),
    ("identity", "/v3/endpoints", "endpoints"),
    ("identity", "/v3/role_assignments", "role_assignments"),
    ("network", "/v2.0/networks", "networks"),
    ("network", "/v2.0/subnets", "subnets"),
    ("network", "/v2.0/ports", "ports"),
    ("network", "/v2.0/routers", "routers"),
    ("network", "/v2.0/security-groups", "security_groups"),
    ("compute", "/flavors/detail?is_public=None", "flavors"),
    ("compute", "/os-keypairs", "keypairs"),
    ("compute", "/os-server-groups", "server_groups"),
    ("image", "/v2/images?limit=1000", "images"),
    ("block-storage", "/types?is_public=None", "volume_types"),
    ("block-storage", "/qos-specs", "qos_specs"),
)
"""Security groups hold their rules."""
_MOVES = frozenset({"updated_at", "revision_number", "password_expires_at", "os_hash_value"})
"""Fields that change by themselves when something else does."""
_SAYS = (
    "tags", "reconciler_owner", "description", "enabled", "status", "checksum", "cidr", "email",
    "mtu", "visibility", "extra_specs",
)  # fmt: skip
"""Fields that are the same in each run, of what is made anew in each."""
_DEEP = 5


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a whole cloud without a line of ours."""

    session: Session

    def read(self) -> Dump:
        with ThreadPoolExecutor(4) as pool:
            found = pool.map(self._collection, COLLECTIONS)
        return {key: item for part in found for key, item in part}

    def _collection(self, one: tuple[str, str, str]) -> list[tuple[tuple[str, str], Json]]:
        service, path, items = one
        reply = self.line(service).get(path)
        listed = [item.get("keypair", item) for item in reply.json()[items]]
        return [((items, self._id(items, item)), item) for item in listed]

    def _id(self, items: str, item: Json) -> str:
        if items != "role_assignments":
            return str(item.get("id") or item["name"])
        return json.dumps({k: v for k, v in item.items() if k != "links"}, sort_keys=True)

    def line(self, service: str) -> Adapter:
        """Give a line to a service; to Keystone from above its versions, as to Neutron."""
        found = Adapter(self.session, service_type=service)
        if service == "identity":
            found.endpoint_override = str(found.get_endpoint()).removesuffix("/v3")
        return found


def reader(auth_url: str, password: str) -> Reader:
    auth = Password(
        auth_url, username="admin", password=password, user_domain_id="default",
        project_name="admin", project_domain_id="default",
    )  # fmt: skip
    return Reader(Session(auth, timeout=60))


def keys(dump: Dump) -> Counter[str]:
    """Count what there is under names that say what it is and where: two of one are twins."""
    names = _names(dump)
    return Counter(key for (items, _), item in dump.items() for key in _keys(items, item, names))


def _names(dump: Dump) -> dict[str, str]:
    """Give each id the names on the way down to it: every project has a group called default."""
    items = {key: item for (_, key), item in dump.items() if key[0] != "{"}

    def name(key: str, depth: int = 0) -> str:
        item, place = items[key], _place(items[key])
        own = str(item.get("name", key)) + (f" ({item['type']})" if "type" in item else "")
        if place not in items or place == key or depth > _DEEP:
            return own
        return f"{name(place, depth + 1)}/{own}"

    return {key: name(key) for key in items}


def _place(item: Json) -> str:
    for field in ("network_id", "project_id", "owner", "domain_id"):
        if isinstance(item.get(field), str) and item[field]:
            return str(item[field])
    return ""


def _keys(items: str, item: Json, names: Mapping[str, str]) -> Iterator[str]:
    def named(field: str) -> str:
        return names.get(str(item.get(field)), str(item.get(field)))

    match items:
        case "role_assignments":
            inner = {k: v for k, v in item.items() if k != "links"}
            yield f"{items} {_renamed(inner, names)}"
        case "endpoints":
            where = f"{item['region']} {item['interface']} {item['url']}"
            yield f"{items} {named('service_id')} {where}"
        case "ports":
            subnets = sorted(names.get(ip["subnet_id"], "?") for ip in item["fixed_ips"])
            yield f"{items} {item['name']} {item['device_owner']} {named('device_id')} {subnets}"
        case "security_groups":
            yield f"{items} {named('id')}"
            for rule in item["security_group_rules"]:
                said = (rule[name] for name in ("direction", "ethertype", "protocol"))
                ends = (rule[name] for name in ("port_range_min", "port_range_max"))
                remote = names.get(str(rule["remote_group_id"])) or rule["remote_ip_prefix"]
                yield f"rule {named('id')} {[*said, *ends]} {remote}"
        case _:
            yield f"{items} {names.get(str(item.get('id')), item.get('name'))}"


def _renamed(item: Json, names: Mapping[str, str]) -> str:
    text = json.dumps(item, sort_keys=True)
    for key, name in names.items():
        text = text.replace(f'"{key}"', json.dumps(name))
    return text


@dataclass(frozen=True, slots=True)
class Whole:
    """A cloud before and after an apply that nothing went wrong with."""

    before: Dump
    after: Dump

    @property
    def made(self) -> int:
        """How many objects (and rules) the apply makes."""
        return (keys(self.after) - keys(self.before)).total()

    def judge(self, now: Dump) -> Verdict:
        """Compare what there is with what there should be."""
        wanted, found = keys(self.after), keys(now)
        wrong = [
            f"{items} {item.get('name', key)}: {'changed' if (items, key) in now else 'gone'}"
            for (items, key), item in self.before.items()
            if not self._kept((items, key), item, now)
        ]
        half = (_said(self.after) - _said(now)).elements()
        return Verdict(
            tuple(sorted((found - wanted).elements())),
            tuple(sorted(wrong)),
            (*sorted((wanted - found).elements()), *sorted(half)),
        )

    def _kept(self, key: tuple[str, str], item: Json, now: Dump) -> bool:
        """See that a stranger is as it was, byte by byte, and what is adopted as it should be."""
        if key not in now:
            return key not in self.after
        should = self.after.get(key)
        if should == item:
            return bool(now[key] == item)
        return bool(_still(now[key]) == _still(should))


def _said(dump: Dump) -> Counter[str]:
    """Count objects by what they are known by and by what is said of them."""
    names = _names(dump)
    found = ((items, item) for (items, _), item in dump.items())
    return Counter(
        f"{next(_keys(items, item, names))} {[(name, item.get(name)) for name in _SAYS]}"
        for items, item in found
        if items not in ("ports", "role_assignments")
    )


def _still(item: Json) -> Json:
    """Leave out what is another one in each run."""
    return {
        name: value
        for name, value in (item or {}).items()
        if name not in _MOVES and not name.startswith("reconciler_record")
    }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is there and should not be, what was not ours to touch, and what is missing."""

    duplicates: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
