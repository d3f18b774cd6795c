"""Keystone in memory: domains, projects, users, groups, roles, and who may do what where."""

from __future__ import annotations

import re

from reconciler.errors import Missing
from tests.support.fake_cloud import FakeCloud, Json, Route, Row, Table, refused

MEMBERS, ASSIGNMENTS, IMPLIED = "members", "assignments", "implied"


def _mutable(_cloud: FakeCloud, row: Row, body: Row | None = None) -> None:
    lifts = body is not None and list(body) == ["options"]
    if row.get("options", {}).get("immutable") and not lifts:
        raise refused(403, "Unable to update or delete immutable resource")


def _update(cloud: FakeCloud, row: Row, body: Row) -> None:
    _mutable(cloud, row, body)
    body.pop("password", None)
    if "options" in body:
        options = {**row["options"], **body["options"]}
        body["options"] = {key: value for key, value in options.items() if value is not None}


def _new(_cloud: FakeCloud, row: Row) -> None:
    row.pop("password", None)
    row["name"] = row["name"].strip()
    row["options"] = {k: v for k, v in (row.get("options") or {}).items() if v is not None}


def _new_project(cloud: FakeCloud, row: Row) -> None:
    _new(cloud, row)
    row["parent_id"] = row["parent_id"] or row["domain_id"]
    if row["parent_id"] != row["domain_id"]:
        cloud.find("/projects", row["parent_id"])


def _gone_project(cloud: FakeCloud, row: Row) -> None:
    _mutable(cloud, row)
    if any(cloud.where("/projects", parent_id=row["id"])):
        raise refused(403, "Cannot delete the project since it is not a leaf in the hierarchy.")


def _gone_domain(cloud: FakeCloud, row: Row) -> None:
    _mutable(cloud, row)
    if row["enabled"]:
        raise refused(403, "Cannot delete a domain that is enabled, please disable it first.")
    for path in ("/users", "/groups", "/roles", "/projects"):
        rows = list(cloud.where(path, domain_id=row["id"]))
        for one in reversed(rows):  # those below were made after those above
            cloud.remove(path, one["id"])


def _table(one: str, blank: Row, **more: Json) -> Table:
    fields = {"name": "", "options": {}, **blank}
    return Table(
        "identity", f"/{one}s", one, f"{one}s", fields, open=True, on_update=_update,
        **{"on_create": _new, "on_delete": _mutable, **more},
    )  # fmt: skip


_FIXED = frozenset({"domain_id", "parent_id"})
_TEXT = {"description": ""}
IN_DOMAIN = {"unique": ("name", "domain_id"), "refers": {"domain_id": "/domains"}}
TABLES = (
    _table("domain", {**_TEXT, "enabled": True, "tags": []}, unique=("name",),
           on_delete=_gone_domain),
    _table("project", {**_TEXT, "enabled": True, "tags": [], "domain_id": None, "parent_id": None,
                       "is_domain": False},
           on_create=_new_project, on_delete=_gone_project, read_only=_FIXED, **IN_DOMAIN),
    _table("user", {"enabled": True, "domain_id": None, "password_expires_at": None},
           read_only=_FIXED, **IN_DOMAIN),
    _table("group", {**_TEXT, "domain_id": None}, read_only=_FIXED, **IN_DOMAIN),
    _table("role", {"description": None, "domain_id": None}, read_only=_FIXED, **IN_DOMAIN),
)  # fmt: skip


def _put_tag(cloud: FakeCloud, words: tuple[str, ...], _body: Json) -> Json:
    row = cloud.find("/projects", words[0])
    if words[1] in row["tags"]:
        raise refused(400, f"{row['tags']} has non-unique elements")
    row["tags"] = sorted([*row["tags"], words[1]])
    return {}


def _untag(cloud: FakeCloud, words: tuple[str, ...], _body: Json) -> Json:
    row = cloud.find("/projects", words[0])
    if words[1] not in row["tags"]:
        raise Missing(f"Could not find project tag: {words[1]}.", status=404)
    row["tags"] = [tag for tag in row["tags"] if tag != words[1]]
    return {}


def _roles(cloud: FakeCloud, _words: tuple[str, ...], asked: Json) -> Json:
    domain = asked.get("domain_id")
    found = [r for r in cloud.rows["/roles"].values() if r["domain_id"] == domain]
    return {"roles": found, "links": {"next": None}}


def _members(cloud: FakeCloud, words: tuple[str, ...], _asked: Json) -> Json:
    cloud.find("/groups", words[0])
    found = [cloud.rows["/users"][u] for g, u in sorted(cloud.edges[MEMBERS]) if g == words[0]]
    return {"users": found, "links": {"next": None}}


def _join(cloud: FakeCloud, words: tuple[str, ...], _body: Json) -> Json:
    cloud.find("/groups", words[0])
    cloud.find("/users", words[1])
    cloud.edges[MEMBERS].add((words[0], words[1]))
    return {}


def _leave(cloud: FakeCloud, words: tuple[str, ...], _body: Json) -> Json:
    return _drop(cloud, MEMBERS, (words[0], words[1]))


def _drop(cloud: FakeCloud, edges: str, edge: tuple[str, ...]) -> Json:
    if edge not in cloud.edges[edges]:
        raise Missing(f"Could not find {edges}: {edge}", status=404)
    cloud.edges[edges].discard(edge)
    return {}


def _edge(cloud: FakeCloud, words: tuple[str, ...]) -> tuple[str, ...]:
    """Give an assignment as (place, id, actor, id, role, inherited); its ends must be there."""
    *above, place, place_id, actor, actor_id, role = words
    if place != "system":
        cloud.find(f"/{place}", place_id)
    cloud.find(f"/{actor}", actor_id)
    cloud.find("/roles", role)
    return (place, place_id, actor, actor_id, role, "inherited" if above else "")


def _assignments(cloud: FakeCloud, _words: tuple[str, ...], _asked: Json) -> Json:
    found = []
    for place, place_id, actor, actor_id, role, inherited in sorted(cloud.edges[ASSIGNMENTS]):
        scope: Row = {"system": {"all": True}} if place == "system" else {
            place[:-1]: {"id": place_id}
        }  # fmt: skip
        if inherited:
            scope["OS-INHERIT:inherited_to"] = "projects"
        found.append({"scope": scope, actor[:-1]: {"id": actor_id}, "role": {"id": role}})
    return {"role_assignments": found, "links": {"next": None}}


def _assign(cloud: FakeCloud, words: tuple[str, ...], _body: Json) -> Json:
    cloud.edges[ASSIGNMENTS].add(_edge(cloud, words))
    return {}


def _take(cloud: FakeCloud, words: tuple[str, ...], _body: Json) -> Json:
    return _drop(cloud, ASSIGNMENTS, _edge(cloud, words))


def _inferences(cloud: FakeCloud, _words: tuple[str, ...], _asked: Json) -> Json:
    rows = cloud.rows["/roles"]
    priors = sorted({prior for prior, _ in cloud.edges[IMPLIED]})
    found = [
        {
            "prior_role": {"id": one, "name": rows[one]["name"]},
            "implies": [
                {"id": b, "name": rows[b]["name"]} for a, b in cloud.edges[IMPLIED] if a == one
            ],
        }
        for one in priors
    ]
    return {"role_inferences": found, "links": {"next": None}}


def _imply(cloud: FakeCloud, words: tuple[str, ...], _body: Json) -> Json:
    cloud.find("/roles", words[0])
    cloud.find("/roles", words[1])
    cloud.edges[IMPLIED].add((words[0], words[1]))
    return {}


def _imply_no_more(cloud: FakeCloud, words: tuple[str, ...], _body: Json) -> Json:
    return _drop(cloud, IMPLIED, (words[0], words[1]))


_GRANT = r"/(projects|domains)/([^/]+)/(users|groups)/([^/]+)/roles/([^/]+)"
_ROUTES = (
    ("PUT", r"/projects/([^/]+)/tags/([^/]+)", _put_tag),
    ("DELETE", r"/projects/([^/]+)/tags/([^/]+)", _untag),
    ("GET", r"/roles", _roles),
    ("GET", r"/groups/([^/]+)/users", _members),
    ("PUT", r"/groups/([^/]+)/users/([^/]+)", _join),
    ("DELETE", r"/groups/([^/]+)/users/([^/]+)", _leave),
    ("GET", r"/role_assignments", _assignments),
    ("PUT", _GRANT, _assign),
    ("DELETE", _GRANT, _take),
    ("PUT", rf"/(OS-INHERIT){_GRANT}/inherited_to_projects", _assign),
    ("DELETE", rf"/(OS-INHERIT){_GRANT}/inherited_to_projects", _take),
    ("PUT", r"/(system)()/(users|groups)/([^/]+)/roles/([^/]+)", _assign),
    ("DELETE", r"/(system)()/(users|groups)/([^/]+)/roles/([^/]+)", _take),
    ("GET", r"/role_inferences", _inferences),
    ("PUT", r"/roles/([^/]+)/implies/([^/]+)", _imply),
    ("DELETE", r"/roles/([^/]+)/implies/([^/]+)", _imply_no_more),
)
ROUTES = tuple(Route("identity", m, re.compile(path), answer) for m, path, answer in _ROUTES)


def bootstrap(cloud: FakeCloud) -> None:
    """Fill in what every cloud is born with."""
    for name in (MEMBERS, ASSIGNMENTS, IMPLIED):
        cloud.edges[name] = set()
    domain = cloud.add("/domains", {"name": "Default"})["id"]
    project = cloud.add("/projects", {"name": "admin", "domain_id": domain})["id"]
    user = cloud.add("/users", {"name": "admin", "domain_id": domain})["id"]
    roles = ("admin", "manager", "member", "reader", "service")
    ids = {name: cloud.add("/roles", {"name": name})["id"] for name in roles}
    for prior, implied in (("admin", "manager"), ("manager", "member"), ("member", "reader")):
        cloud.edges[IMPLIED].add((ids[prior], ids[implied]))
    cloud.edges[ASSIGNMENTS] |= {
        ("projects", project, "users", user, ids["admin"], ""),
        ("system", "", "users", user, ids["admin"], ""),
    }
