"""What is asked of a service for a kind: listings, calls, steps, marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final, Protocol

from reconciler.kinds.values import NOTHING, Json

FIELDS: Final = "{*}"
"""In the body of a call: the place where the fields to send go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Where a kind's objects are read: one series of pages, shared by all kinds that name it.

    ``embedded`` takes them out of the objects of another kind instead. ``each`` asks once for each
    object of that kind (``{parent}`` in the path); only for those whose collection somebody
    declared, unless ``all_parents``. With ``by`` one listing serves all of these objects.
    """

    path: str = ""
    items: str
    envelope: str = ""
    """What each single item is wrapped in."""
    params: Mapping[str, str | int] = field(default_factory=dict)
    page: int = 0
    embedded: str = ""
    each: str = ""
    by: str = ""
    """The field of an item with the id of what it lies in; what has no item is as ``unset`` is."""
    all_parents: bool = False
    wanted: Callable[[Json], bool] | None = None
    """Which parents can have any at all (the access list of a public flavor is a 404)."""
    split: str = ""
    """The list in each item that has one object for each of its own items."""
    select: Callable[[Json], bool] | None = None
    """Which of the items are of this kind."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``{id}``, ``{parent}``, ``{Project}`` and fields by wire name are filled in."""

    method: str
    path: str | Callable[[Mapping[str, Json]], str]
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    returns: str = ""
    """The envelope around the object in the answer."""
    many: str = ""
    """The envelope of a bulk body, where the API takes one."""
    beside: bool = False
    """Whether all that is in a bulk body must lie in the same object."""
    repeats: bool = False
    """Whether the filters of a listing can be given several times, and find any of the values."""


Opener = Callable[[str], BinaryIO]
"""Opens a file that the state refers to, by its path below the state's root."""


class Http(Protocol):
    """What a step of a kind may ask of a service."""

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
        """Send one request and give back the decoded body of the answer.

        Raises:
            CloudError: with the class that says whose move is next.

        """


@dataclass(frozen=True, slots=True)
class Work:
    """What a step gets: the line to the services, the object, what to send, and who listens."""

    http: Http
    id: str
    raw: Mapping[str, Json]
    values: Mapping[str, Json]
    progress: Callable[[int, int], None]
    open: Opener
    """Opens a file beside the state."""
    sleep: Callable[[float], None]
    allowed_hosts: frozenset[str] = frozenset()
    """Hosts that data may be fetched from although they are near: on the loopback and the like."""


Step = Callable[[Work], None]
"""Something that one request cannot say (the data of an image)."""


class MarkStyle(StrEnum):
    """Where an object carries the name of its owner."""

    TAG = "tag"  # a tag reconciler:OWNER, added by a request of its own
    TAG_IN_BODY = "tag_in_body"  # likewise, but a POST takes tags
    ATTRIBUTE = "attribute"  # a free attribute reconciler_owner
    MAP = "map"  # an entry of a map that the object carries, written by Kind.calls["mark"]


@dataclass(frozen=True, slots=True)
class Mark:
    """How a kind is marked: the style, and the field of the raw object that holds it."""

    style: MarkStyle
    field: str
    key: str = "reconciler_owner"
    guard: str = "reconciler_protect"
    """The attribute, or the key of the map, that says the object is protected."""


TAGGED = Mark(MarkStyle.TAG, "tags")


TAGGED_IN_BODY = Mark(MarkStyle.TAG_IN_BODY, "tags")


ATTRIBUTED = Mark(MarkStyle.ATTRIBUTE, "reconciler_owner")


@dataclass(frozen=True, slots=True)
class Ready:
    """An object is usable when its ``field`` is one of ``good``, and broken in one of ``bad``."""

    field: str
    good: frozenset[str]
    bad: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lock:
    """What makes the service refuse to change or delete an object until it is taken off.

    It is taken off where the author states another value of ``field``, or declares it absent.
    """

    on: Callable[[Json], bool]
    """Whether the raw object has it."""
    field: str
    """The field of the spec that says so; dotted."""
    opens: Call
    """Takes it off, and nothing else."""
    updates: bool = True
    """Whether it refuses updates, too, or deletes only."""


@dataclass(frozen=True, slots=True)
class Retire:
    """How an object makes room for its successor, which is made and checked before it goes."""

    first: Call
    """Says that it is not the object of its name any more; before the successor is made."""
    then: Call
    """Puts it out of sight; when the successor is there, before it is deleted."""


def rest(
    path: str,
    one: str,
    *,
    update: str = "PUT",
    many: str = "",
    page: int = 500,
    params: Mapping[str, str | int] = NOTHING,
    bulk: bool = False,
) -> dict[str, Json]:
    """Give the calls of a collection that follows the common pattern, as arguments for ``Kind``."""
    plural = many or path.rsplit("/", 1)[-1].replace("-", "_")
    return {
        "listing": Listing(path=path, items=plural, page=page, params=params),
        "create": Call("POST", path, {one: FIELDS}, returns=one, many=plural if bulk else ""),
        "update": Call(update, f"{path}/{{id}}", {one: FIELDS}, returns=one),
        "delete": Call("DELETE", f"{path}/{{id}}"),
        "get": Call("GET", f"{path}/{{id}}", returns=one),
    }


def neutron(
    path: str,
    one: str,
    *,
    many: str = "",
    find: str = "name={name}&project_id={Project}",
    bulk: bool = False,
) -> dict[str, Json]:
    """Give the calls of a Neutron collection: names repeat, revisions count, tags are apart.

    Some take several objects in one ``bulk`` body; the others answer 400, or 500.
    """
    plural = many or path.rsplit("/", 1)[-1].replace("-", "_")
    return {
        **rest(path, one, many=plural, bulk=bulk),
        "service": "network",
        "find": Call("GET", f"{path}?{find}", returns=plural, repeats=True),
        "calls": {
            "tags": Call("PUT", f"{path}/{{id}}/tags", {"tags": "{tags}"}),
            "mark": Call("PUT", f"{path}/{{id}}/tags/{{mark}}"),
        },
        "revision": True,
    }
