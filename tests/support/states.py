"""Small random states of the kinds that the cloud in memory has, as Hypothesis strategies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

from hypothesis import strategies as st

Entry = dict[str, Any]
State = dict[str, Entry]

DECLARED: Entry = {"reconcile": {}}
"""What makes an entry a declaration that would else be but a scope."""
LETTERS = "abzAZ09-_.: /%äß日'\"#{}[]&*!|>@`"
"""What names are made of: what YAML, addresses, paths of URLs and databases could stumble over."""


def names(count: int) -> st.SearchStrategy[list[str]]:
    """Give names of siblings: never two that differ by case alone, which databases take for one."""
    one = st.text(st.sampled_from(LETTERS), min_size=1, max_size=6).filter(_is_name)
    return st.lists(one, max_size=count, unique_by=_folded)


def _is_name(text: str) -> bool:
    return text == text.strip() and text not in (".", "..")


def _folded(text: str) -> str:
    return text.casefold().replace("ß", "ss")


def some(items: Iterable[str]) -> st.SearchStrategy[list[str]]:
    found = sorted(items)
    return st.lists(st.sampled_from(found), unique=True) if found else st.just([])


def maybe(fields: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Entry]:
    """Give some of the fields, unstated ones among them."""
    return st.fixed_dictionaries({}, optional=dict(fields))


TEXTS = st.sampled_from(["", "x", "no", "1_000", "two\nlines", "ünïcode: #"])
TAGS = st.lists(st.sampled_from(["red", "blue", "a b", "k:v"]), unique=True)
ENDS = st.sampled_from([None, "10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32"])


@st.composite
def worlds(draw: st.DrawFn, domain: str, pool: tuple[str, ...] = ()) -> State:
    """Give the state of one domain; names come from the pool, if there is one."""

    def named(count: int) -> list[str]:
        return draw(some(pool))[:count] if pool else draw(names(count))

    users, roles = named(3), named(1)
    groups: Entry = {}
    for name in named(2):
        groups[name] = draw(maybe({"description": TEXTS, "users": some(users)}))
    people = {name: draw(maybe({"description": TEXTS, "enabled": st.booleans()})) for name in users}
    here = [*roles, "member", "reader"]
    found: Entry = {
        **DECLARED,
        "users": people,
        "groups": groups,
        "roles": {name: draw(maybe({"description": TEXTS})) for name in roles},
        "projects": draw(_projects(named(3), users, list(groups), here, pool)),
        **draw(maybe({"description": TEXTS, "members": _members(users, list(groups), here)})),
    }
    return {"domains": {domain: found}}


def _members(users: list[str], groups: list[str], roles: list[str]) -> st.SearchStrategy[Any]:
    actors = [{"user": name} for name in users] + [{"group": name} for name in groups]
    if not actors:
        return st.just([])
    edge = st.tuples(
        st.sampled_from(range(len(actors))), st.sampled_from(sorted(set(roles))), st.booleans()
    )
    return st.lists(edge, unique=True, max_size=3).map(
        lambda edges: [{**actors[at], "role": role, "inherited": to} for at, role, to in edges]
    )


@st.composite
def _projects(
    draw: st.DrawFn,
    found: list[str],
    users: list[str],
    groups: list[str],
    roles: list[str],
    pool: tuple[str, ...],
) -> Entry:
    projects: Entry = {}
    for name in found:
        fields = {"description": TEXTS, "tags": TAGS, "members": _members(users, groups, roles),
                  "networks": _networks(pool), "security_groups": _groups(pool)}  # fmt: skip
        if projects and not pool:
            fields["parent"] = st.sampled_from(sorted(projects))
        projects[name] = {**DECLARED, **draw(maybe(fields))}
    return projects


@st.composite
def _networks(draw: st.DrawFn, pool: tuple[str, ...]) -> Entry:
    networks: Entry = {}
    for name in draw(some(pool))[:2] if pool else draw(names(2)):
        network = draw(maybe({
            "description": TEXTS, "admin_state_up": st.booleans(), "tags": TAGS,
            "mtu": st.sampled_from([None, 1400]),
        }))  # fmt: skip
        subnets = draw(some(pool))[:2] if pool else draw(names(2))
        network |= DECLARED
        network["subnets"] = {subnet: draw(_subnet(subnet)) for subnet in subnets}
        networks[name] = network
    return networks


def _subnet(name: str) -> st.SearchStrategy[Entry]:
    """Give a subnet whose prefix hangs on its name: no two of a network overlap."""
    number = crc32(name.encode()) % 0xFFFF
    cidr = f"10.{number >> 8}.{number & 0xFF}.0/24" if number % 2 else f"fd00:{number:x}::/64"
    servers = ["9.9.9.9", "1.1.1.1"] if number % 2 else ["2620:fe::fe", "2620:fe::9"]
    fields = {
        "description": TEXTS, "tags": TAGS, "enable_dhcp": st.booleans(),
        "dns_nameservers": st.permutations(servers),
    }  # fmt: skip
    return maybe(fields).map(lambda stated: {"cidr": cidr, **stated})


@st.composite
def _groups(draw: st.DrawFn, pool: tuple[str, ...]) -> Entry:
    found = draw(some(pool))[:3] if pool else draw(names(3))
    groups = {name: draw(_group(found)) for name in found}
    # The project's own group stays when all else goes: it may hold on to nothing but itself.
    return {**groups, **draw(maybe({"default": _group(["default"])}))}


def _group(others: list[str]) -> st.SearchStrategy[Entry]:
    admitted = st.sampled_from(sorted(set(others))).map(lambda name: {"group": name})
    rule = st.fixed_dictionaries(
        {"direction": st.sampled_from(["ingress", "egress"])},
        optional={"protocol": st.just("tcp"), "remote": admitted | ENDS},
    )
    ported = rule.map(lambda one: {**one, "ports": 443} if "protocol" in one else one)
    rules = st.lists(ported, max_size=3, unique_by=_rule)
    return maybe({"description": TEXTS, "tags": TAGS, "rules": rules})


def _rule(one: Entry) -> tuple[str, ...]:
    """Tell rules apart as Neutron does: everywhere is nowhere in particular."""
    remote = one.get("remote")
    six = isinstance(remote, str) and ":" in remote
    if isinstance(remote, str) and remote.endswith("/0"):
        remote = None
    return (one["direction"], str(one.get("protocol")), str(remote), str(six))


def absent(state: State) -> State:
    """Say of all that a state of one domain makes that it shall not be there."""
    gone = {"reconcile": {"lifecycle": "absent"}}
    domains: Entry = {}
    for domain, content in state["domains"].items():
        projects: Entry = {}
        for name, project in content["projects"].items():
            networks = {
                one: {**gone, "subnets": dict.fromkeys(network["subnets"], gone)}
                for one, network in project.get("networks", {}).items()
            }
            groups = {one: gone for one in project.get("security_groups", {}) if one != "default"}
            projects[name] = {**gone, "networks": networks, "security_groups": groups}
        rest = {word: dict.fromkeys(content[word], gone) for word in ("users", "groups", "roles")}
        domains[domain] = {**gone, **rest, "projects": projects}
    return {"domains": domains}


def together(one: Entry, other: Entry) -> Entry:
    """Give what either of two states has, the second one's word where both say something."""
    both = {**one, **other}
    for key in one.keys() & other.keys():
        if isinstance(one[key], dict) and isinstance(other[key], dict):
            both[key] = together(one[key], other[key])
    return both
