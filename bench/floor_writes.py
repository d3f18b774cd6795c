"""From what differs to plain requests that make it so: as careful as ours, and no cleverer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.floor import Difference, Live, Row, compare, look
from bench.floor_yaml import read
from bench.state import BORN, Key, Size, wanted
from bench.wire import Wire

OWNER = "floor"
THREADS, AT_ONCE = 24, 4
"""As many as ours has, and as many of its requests are out to one service."""
LOOKED_FOR = 50
"""Projects whose names one listing looks for right before things of these names are made."""
PLURAL = {"group": "security-groups"}
Made = dict[str, dict[Key, str]]


class Gated(Wire):
    """Guards how many requests are out to each service."""

    def __init__(self) -> None:
        super().__init__(THREADS)
        self._gates = {service: threading.Semaphore(AT_ONCE) for service in self.services}

    def send(self, service: str, method: str, path: str, body: Any = None) -> Any:
        with self._gates[service]:
            return super().send(service, method, path, body)


def create(size: Size, folder: str) -> int:
    """Make all of the state in a cloud that has none of it; say how many things that were."""
    wire, state = Gated(), read(Path(folder))
    roles = {row["name"]: row["id"] for row in wire.pages("identity", "/roles", "roles", limit=0)}
    made: Made = {kind: {} for kind in state}
    first = [
        (kind, key, fields) for kind in ("project", "user", "flavor")
        for key, fields in state[kind].items()
    ]  # fmt: skip
    ids = wire.each(lambda one: FIRST[one[0]](wire, *one[1:]), first)
    for (kind, key, _), object_id in zip(first, ids, strict=True):
        made[kind][key] = object_id
    names = [name for _, name in size.numbered()]
    for at in range(0, len(names), LOOKED_FOR):
        page = set(names[at : at + LOOKED_FOR])
        refuse_what_is_there(wire, made, page)
        _in_projects(wire, made, roles, {
            kind: {key: fields for key, fields in found.items() if key[0] in page}
            for kind, found in state.items()
        })  # fmt: skip
    return sum(map(len, state.values())) - len(BORN) * len(state["group"])


def _project(wire: Wire, key: Key, fields: Row) -> str:
    body = {"name": key[0], "domain_id": "default", "tags": [f"reconciler:{OWNER}"], **fields}
    return str(wire.send("identity", "POST", "/projects", {"project": body})["project"]["id"])


def _user(wire: Wire, key: Key, fields: Row) -> str:
    body = {"name": key[0], "domain_id": "default", "reconciler_owner": OWNER, **fields}
    return str(wire.send("identity", "POST", "/users", {"user": body})["user"]["id"])


def _flavor(wire: Wire, key: Key, fields: Row) -> str:
    made = wire.send("compute", "POST", "/flavors", {"flavor": {"name": key[0], **fields}})
    found = str(made["flavor"]["id"])
    marks = {"extra_specs": {"reconciler:owner": OWNER}}
    wire.send("compute", "POST", f"/flavors/{found}/os-extra_specs", marks)
    return found


FIRST: dict[str, Callable[[Wire, Key, Row], str]] = {
    "project": _project, "user": _user, "flavor": _flavor,
}  # fmt: skip


def refuse_what_is_there(wire: Wire, made: Made, page: Iterable[str]) -> None:
    """Look once for all that is about to be made, where the service lets names repeat."""
    places = "".join(f"&project_id={made['project'][name,]}" for name in page)
    for kind, name in (("network", "front"), ("router", "out"), ("group", "web"),
                       ("group", "database")):  # fmt: skip
        path = PLURAL.get(kind, f"{kind}s")
        found = wire.send("network", "GET", f"/{path}?fields=id&name={name}{places}")
        assert not found[path.replace("-", "_")]


def _in_projects(wire: Wire, made: Made, roles: dict[str, str], state: dict[str, Any]) -> None:
    """Make what lies in some projects: first what needs nothing but these."""

    def plain(kind: str, key: Key) -> Iterator[Callable[[], object]]:
        project, fields = made["project"][key[:1]], state[kind][key]
        match kind:
            case "assignment":
                user = made["user"][key[1],]
                path = f"/projects/{project}/users/{user}/roles/{roles[key[2]]}"
                yield lambda: wire.send("identity", "PUT", path)
            case "compute_quota":
                path = f"/os-quota-sets/{project}"
                yield lambda: wire.send("compute", "PUT", path, {"quota_set": fields})
            case "network_quota":
                path = f"/quotas/{project}"
                yield lambda: wire.send("network", "PUT", path, {"quota": fields})
            case "network" | "router" | "group":
                body = {"name": key[1], "project_id": project, **fields}
                yield lambda: made[kind].setdefault(key, post(wire, kind, body))

    kinds = ("network", "router", "group", "assignment", "compute_quota", "network_quota")
    todo = [do for kind in kinds for key in state[kind] for do in plain(kind, key)]
    wire.each(lambda do: do(), todo)
    subnets = list(state["subnet"].items())
    _refuse_subnets(wire, made, [key for key, _ in subnets])
    rules = [key for key in state["rule"] if key[2:4] not in BORN]
    wire.each(lambda do: do(), [
        *(_subnet_of(wire, made, key, fields) for key, fields in subnets),
        *(_rule_of(wire, made, key) for key in rules),
    ])  # fmt: skip
    wire.each(lambda key: _plug(wire, made["router"][key[:2]], made["subnet"][key[0], key[2]]),
              state["interface"])  # fmt: skip


def post(wire: Wire, kind: str, body: Row) -> str:
    """Make something of the network service, and mark it by a request of its own."""
    path = PLURAL.get(kind, f"{kind}s")
    word = path.removesuffix("s").replace("-", "_")
    found = str(wire.send("network", "POST", f"/{path}", {word: body})[word]["id"])
    wire.send("network", "PUT", f"/{path}/{found}/tags/reconciler:{OWNER}")
    return found


def _refuse_subnets(wire: Wire, made: Made, keys: list[Key]) -> None:
    places = "".join(f"&network_id={made['network'][key]}" for key in keys)
    assert not wire.send("network", "GET", f"/subnets?fields=id{places}")["subnets"]


def _subnet_of(wire: Wire, made: Made, key: Key, fields: Row) -> Callable[[], object]:
    body = {"name": key[1], "network_id": made["network"][key], "ip_version": 4,
            "project_id": made["project"][key[:1]], **fields}  # fmt: skip
    return lambda: made["subnet"].setdefault(key, post(wire, "subnet", body))


def _rule_of(wire: Wire, made: Made, key: Key) -> Callable[[], object]:
    return lambda: _allow(wire, made["group"][key[:2]], key)


def _allow(wire: Wire, group: str, key: Key) -> None:
    _, _, way, family, protocol, port, remote = key
    body = {"security_group_id": group, "direction": way, "ethertype": family,
            "protocol": protocol or None, "port_range_min": port or None,
            "port_range_max": port or None, "remote_ip_prefix": remote or None}  # fmt: skip
    wire.send("network", "POST", "/security-group-rules", {"security_group_rule": body})


def _plug(wire: Wire, router: str, subnet: str) -> None:
    path = f"/routers/{router}/add_router_interface"
    wire.send("network", "PUT", path, {"subnet_id": subnet})


def correct(size: Size, folder: str) -> int:
    """Look, and correct what differs; what changes is read once more right before."""
    wire, state = Gated(), read(Path(folder))
    live = look(wire, size)
    found = compare(state, live)
    wire.each(lambda one: _correct(wire, live, one), found)
    return len(found)


def _correct(wire: Wire, live: Live, one: Difference) -> None:
    if one.kind == "rule" and one.live is not None:
        wire.send("network", "DELETE", f"/security-group-rules/{one.live['id']}")
    elif one.kind == "rule":
        _allow(wire, live["group"][one.key[:2]]["id"], one.key)
    elif one.kind == "assignment":
        _assign(wire, live, one.key, "PUT")
    else:
        assert one.live is not None
        assert one.fields
        change(wire, live, one.kind, one.key, dict(one.fields), look=True)


def _assign(wire: Wire, live: Live, key: Key, method: str) -> None:
    project, user = live["project"][key[:1]]["id"], live["user"][key[1],]["id"]
    role = live["assignment"].get(key, {}).get("role") or {"id": _role(wire, key[2])}
    wire.send("identity", method, f"/projects/{project}/users/{user}/roles/{role['id']}")


def _role(wire: Wire, name: str) -> str:
    return str(wire.send("identity", "GET", f"/roles?name={name}")["roles"][0]["id"])


def change(
    wire: Wire, live: Live, kind: str, key: Key, fields: Row, *, look: bool = False
) -> None:  # fmt: skip
    """Set some fields of what is there."""
    project = live["project"][key[:1]]["id"] if kind.endswith("_quota") else ""
    match kind:
        case "compute_quota":
            wire.send("compute", "PUT", f"/os-quota-sets/{project}", {"quota_set": fields})
        case "network_quota":
            wire.send("network", "PUT", f"/quotas/{project}", {"quota": fields})
        case _:
            service = "identity" if kind in ("project", "user") else "network"
            path = f"/{PLURAL.get(kind, f'{kind}s')}/{live[kind][key]['id']}"
            word = "security_group" if kind == "group" else kind
            if look:
                wire.send(service, "GET", path)
            method = "PATCH" if service == "identity" else "PUT"
            wire.send(service, method, path, {word: fields})


ANOTHER: tuple[tuple[str, Row], ...] = (
    ("network", {"description": "by hand"}), ("compute_quota", {"cores": 41}), ("rule", {}),
    ("group", {"description": "by hand"}), ("subnet", {"dns_nameservers": ["192.0.2.99"]}),
    ("network_quota", {"port": 101}), ("router", {"description": "by hand"}), ("assignment", {}),
    ("project", {"description": "by hand"}), ("user", {"email": "by-hand@example.org"}),
)  # fmt: skip
"""What a hand changes, in turn: of each kind one thing, in another project each time."""


def meddle(size: Size, things: str) -> int:
    """Change so many things as another hand would; rules and role assignments go."""
    wire, count = Gated(), int(things)
    live, state = look(wire, size), wanted(size)
    for number in range(count):
        kind, fields = ANOTHER[number % len(ANOTHER)]
        keys = [key for key in state[kind] if kind != "rule" or key[2:4] not in BORN]
        key = keys[number * len(keys) // count]
        if kind == "rule":
            wire.send("network", "DELETE", f"/security-group-rules/{live[kind][key]['id']}")
        elif kind == "assignment":
            _assign(wire, live, key, "DELETE")
        else:
            change(wire, live, kind, key, fields)
    return count


VERBS: dict[str, Callable[[Size, str], int]] = {
    "create": create,
    "correct": correct,
    "meddle": meddle,
}
