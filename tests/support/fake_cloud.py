"""A small OpenStack in memory: dictionaries behind the same requests, errors and pages.

What the services do with a table is in ``fake_identity`` and ``fake_network``; the tests of
``tests/cloud/test_fake_cloud.py`` hold all of it against the real services.
"""

from __future__ import annotations

import json as jsonlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from reconciler.cloud.answers import classify
from reconciler.cloud.session import Who
from reconciler.errors import CloudError, Exists, Missing
from reconciler.kinds.values import NOTHING

Json = Any
Row = dict[str, Any]


class Killed(BaseException):
    """The process that sent the request is no more."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request, as it was counted."""

    service: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the n-th write: an error, before it takes effect or after."""

    at: int
    error: BaseException
    takes_effect: bool = False
    lasting: bool = False
    """Whether every later request, a read too, ends in the same way."""


@dataclass(frozen=True, slots=True)
class Table:
    """One collection, and what the service does with its rows beyond keeping them."""

    service: str
    path: str
    one: str
    many: str
    blank: Mapping[str, Json]
    """Every field with the value that it has when it is left out."""
    open: bool = False
    """Whether fields that nobody knows are kept, too."""
    read_only: frozenset[str] = frozenset()
    unique: tuple[str, ...] = ()
    """Fields that no two rows have the same of."""
    refers: Mapping[str, str] = field(default_factory=dict)
    """Fields that hold the id of a row of another table."""
    revisions: bool = False
    bulk: str = ""
    """What all in one bulk body must agree in; ``any``: nothing; none: it takes no such body."""
    on_create: Callable[[FakeCloud, Row], None] = lambda _cloud, _row: None
    on_update: Callable[[FakeCloud, Row, Row], None] = lambda _cloud, _row, _body: None
    on_delete: Callable[[FakeCloud, Row], None] = lambda _cloud, _row: None
    shown: Callable[[FakeCloud, Row], Row] = lambda _cloud, row: row


Handler = Callable[["FakeCloud", tuple[str, ...], Json], Json]
"""Answers a request that is no plain one on a table: gets the words of the path and the body."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path that one handler answers."""

    service: str
    method: str
    path: re.Pattern[str]
    answer: Handler


class FakeCloud:
    """Guards its tables: requests come from many threads, and are answered one at a time."""

    def __init__(self, tables: tuple[Table, ...], routes: tuple[Route, ...]) -> None:
        self.tables = {table.path: table for table in tables}
        self.routes = routes
        self.rows: dict[str, dict[str, Row]] = {table.path: {} for table in tables}
        self.edges: dict[str, set[tuple[str, ...]]] = {}
        self.sent: list[Sent] = []
        self.refusals: list[str] = []
        """Writes that were refused, whatever for."""
        self.fault: Fault | None = None
        self.unreadable: set[str] = set()
        """Collections whose listing fails."""
        self.blind: dict[str, int] = {}
        """How often the listing of a collection will leave out its last object, with a 200."""
        self.before_write: Callable[[Sent], None] = lambda _sent: None
        """Another hand, which is quicker than the request that it is told of."""
        self.ids = 0
        self._lock = threading.Lock()

    @property
    def writes(self) -> list[Sent]:
        return [one for one in self.sent if one.method != "GET"]

    def who(self) -> Who:
        user = next(u for u in self.rows["/users"].values() if u["name"] == "admin")
        project = next(p for p in self.rows["/projects"].values() if p["name"] == "admin")
        groups = [group for group, member in self.edges.get("members", ()) if member == user["id"]]
        return Who(user["id"], "admin", project["id"], "admin", frozenset({"admin"}),
                   frozenset({"identity", "network"}), "", lambda: frozenset(groups))  # fmt: skip

    def width(self, service: str) -> int:
        del service
        return 4

    def snapshot(self) -> dict[str, str]:
        """Give every row and edge, byte by byte, under a name that lasts."""
        rows = {
            f"{path}/{key}": jsonlib.dumps(row, sort_keys=True)
            for path, table in self.rows.items()
            for key, row in table.items()
        }
        edges = {f"{name} {edge}": "" for name, found in self.edges.items() for edge in found}
        return {**rows, **edges}

    def break_at(self, fault: Fault | None) -> None:
        """Begin to count anew, and have one write end badly."""
        self.sent = []
        self.fault = fault

    def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: Json = None,
        content: object = None,
        headers: Mapping[str, str] = NOTHING,
        params: Mapping[str, str | int] = NOTHING,
        version: str = "",
    ) -> Json:
        """Answer one request as the services do."""
        assert content is None
        assert not version or service == "compute"
        body = jsonlib.loads(jsonlib.dumps(json))
        with self._lock:
            sent = Sent(service, method, path)
            self.sent.append(sent)
            if method != "GET":
                self.before_write(sent)
            if method == "GET" and urlsplit(path).path in self.unreadable:
                raise refused(503, "The server is currently unavailable.")
            fault = self._due(method)
            if fault and not fault.takes_effect:
                raise fault.error
            try:
                answer = self._answer(service, method, path, body, headers, dict(params))
            except CloudError as error:
                if method != "GET":
                    self.refusals.append(f"{method} {path}: {error}")
                raise
            if fault:
                raise fault.error
            return jsonlib.loads(jsonlib.dumps(answer))

    def _due(self, method: str) -> Fault | None:
        if self.fault is None:
            return None
        count = len(self.writes)
        if count > self.fault.at and self.fault.lasting:
            return Fault(0, self.fault.error)
        return self.fault if count == self.fault.at and method != "GET" else None

    def _answer(
        self,
        service: str,
        method: str,
        url: str,
        body: Json,
        headers: Mapping[str, str],
        params: Row,
    ) -> Json:
        split = urlsplit(url)
        # A filter that is given twice finds either.
        asked: Row = {
            k: v[0] if len(v) == 1 else tuple(v) for k, v in parse_qs(split.query).items()
        }
        asked |= {k: str(v) for k, v in params.items()}
        for route in self.routes:
            match = route.path.fullmatch(split.path)
            if match and (route.service, route.method) == (service, method):
                words = tuple(unquote(word) for word in match.groups())
                return route.answer(self, words, asked if method == "GET" else body)
        above, _, last = split.path.rpartition("/")
        table = self.tables.get(split.path) or self.tables.get(above)
        if table is None or table.service != service:
            raise NotImplementedError(f"the cloud in memory has no {method} {split.path}")
        if split.path in self.tables:
            return self.page(split.path, asked) if method == "GET" else self._post(table, body)
        row = self.find(table.path, last)
        match method:
            case "GET":
                return {table.one: table.shown(self, row)}
            case "DELETE":
                self.remove(table.path, last)
                return {}
        self._fits(row, headers)
        self._put(table, row, body[table.one])
        return {table.one: table.shown(self, row)}

    def page(self, path: str, asked: Row) -> Json:
        """Answer a listing."""
        table = self.tables[path]
        limit, marker = int(asked.pop("limit", 0)), asked.pop("marker", "")
        found = [row for row in self.rows[table.path].values() if _matches(row, asked)]
        if self.blind.get(path):
            self.blind[path] -= 1
            found.pop()
        if marker:
            at = next(n for n, row in enumerate(found) if row["id"] == marker)
            found = found[at + 1 :]
        page = found[:limit] if limit else found
        query = "&".join(f"{k}={v}" for k, v in asked.items())
        # Both services link to a next page after a last one that is full.
        full = bool(limit) and len(page) == limit
        more = f"http://inside{table.path}?{query}&marker={page[-1]['id']}" if full else None
        shown = [table.shown(self, row) for row in page]
        if table.service == "identity":
            return {table.many: shown, "links": {"next": more, "self": "", "previous": None}}
        links = {f"{table.many}_links": [{"rel": "next", "href": more}]} if more else {}
        return {table.many: shown, **links}

    def _post(self, table: Table, body: Json) -> Json:
        if table.bulk and table.many in body:
            return self._post_many(table, body[table.many])
        row = self.add(table.path, body[table.one])
        return {table.one: table.shown(self, row)}

    def _post_many(self, table: Table, bodies: list[Row]) -> Json:
        """Make all of them or none, as Neutron does."""
        if table.bulk != "any" and len({body[table.bulk] for body in bodies}) > 1:
            raise refused(400, "Only allowed to update rules for one security profile at a time")
        before = jsonlib.loads(jsonlib.dumps(self.rows))
        try:
            rows = [self.add(table.path, body) for body in bodies]
        except CloudError:
            self.rows = before
            raise
        return {table.many: [table.shown(self, row) for row in rows]}

    def add(self, path: str, fields: Row) -> Row:
        """Make a row as a POST does."""
        table = self.tables[path]
        self._known(table, fields)
        self.ids += 1
        row = {
            "id": f"{self.ids:032x}",
            **jsonlib.loads(jsonlib.dumps(dict(table.blank))),
            **fields,
        }
        if table.revisions:
            row["revision_number"] = 1
        table.on_create(self, row)
        self._unique(table, row)
        for name, target in table.refers.items():
            if row.get(name):
                self.find(target, row[name])
        self.rows[path][row["id"]] = row
        return row

    def _put(self, table: Table, row: Row, body: Row) -> None:
        self._known(table, body)
        for name in body:
            if name in table.read_only and body[name] != row.get(name):
                raise refused(400, f"Cannot update read-only attribute {name}")
        table.on_update(self, row, body)
        self._unique(table, {**row, **body})
        row.update(body)
        self.bump(row)

    def _known(self, table: Table, fields: Row) -> None:
        unknown = [name for name in fields if name not in table.blank]
        if unknown and not table.open:
            raise refused(400, f"Unrecognized attribute(s) '{', '.join(unknown)}'")

    def _unique(self, table: Table, row: Row) -> None:
        key = [row.get(name) for name in table.unique]
        for other in self.rows[table.path].values() if key else ():
            if other["id"] != row["id"] and [other.get(name) for name in table.unique] == key:
                raise Exists(f"Conflict occurred attempting to store {table.one}", status=409)

    def _fits(self, row: Row, headers: Mapping[str, str]) -> None:
        wanted = headers.get("If-Match", "").removeprefix("revision_number=")
        if wanted and int(wanted) != row["revision_number"]:
            raise refused(412, f"Constrained to {wanted}, but current revision is another")

    def bump(self, row: Row) -> None:
        if "revision_number" in row:
            row["revision_number"] += 1

    def find(self, path: str, key: str) -> Row:
        """Give a row.

        Raises:
            Missing: there is none of this id.

        """
        try:
            return self.rows[path][key]
        except KeyError:
            raise Missing(f"Could not find {self.tables[path].one}: {key}.", status=404) from None

    def where(self, path: str, **fields: Json) -> Iterator[Row]:
        yield from [row for row in self.rows[path].values() if _matches(row, fields)]

    def remove(self, path: str, key: str) -> None:
        """Delete a row as a DELETE does, with the edges that it is an end of."""
        self.tables[path].on_delete(self, self.find(path, key))
        del self.rows[path][key]
        for found in self.edges.values():
            found -= {edge for edge in found if key in edge}


def _matches(row: Row, asked: Mapping[str, Json]) -> bool:
    return all(
        str(row.get(name)) in (value if isinstance(value, tuple) else (str(value),))
        for name, value in asked.items()
    )


def refused(status: int, text: str, request_id: str = "") -> CloudError:
    """Give the error that the line makes of such an answer."""
    kind, said = classify("fake", status, jsonlib.dumps({"error": {"message": text}}))
    return kind(said, service="fake", status=status, request_id=request_id)
