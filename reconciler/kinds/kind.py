"""What a kind is: a spec, a table of calls, a few facts. From these alone comes everything else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, BinaryIO, ClassVar, Final, Protocol

from pydantic import BaseModel, ConfigDict, model_validator

from reconciler.kinds.address import Address
from reconciler.kinds.values import Json, Text

NOTHING: Final[Mapping[str, Json]] = MappingProxyType({})
FIELDS: Final = "{*}"
"""In the body of a call: the place where the fields to send go."""


class Spec(BaseModel):
    """What an author can state about one object. A default says what the API does when left out.

    ``null`` means that default where it is known, and clears the field where its type takes None.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, arbitrary_types_allowed=True
    )

    rewrites: ClassVar[Mapping[str, str]] = NOTHING
    """Fields of other tools' vocabularies, each with the word that is used here."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_the_default(cls, stated: object) -> object:
        if not isinstance(stated, Mapping):
            return stated
        known = cls.model_fields
        patterns = {
            name: mark.pattern
            for name, info in known.items()
            for mark in info.metadata
            if isinstance(mark, Beside)
        }
        values: dict[object, object] = {}
        for key, value in stated.items():
            place = next((n for n, p in patterns.items() if re.fullmatch(p, str(key))), "")
            if place and key not in known:
                values[place] = {**_as_map(values.get(place)), key: value}
            elif value is None and key in known and not known[key].is_required():
                values[key] = known[key].get_default(call_default_factory=True)
            else:
                values[key] = value
        return values


def _as_map(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}


class Named(Spec):
    """A reference that says exactly which object is meant."""

    name: Text
    network: Text | None = None
    """The network that it lies in, where several in one project have one of the name."""
    project: Text | None = None
    domain: Text | None = None


Reference = Text | Named


@dataclass(frozen=True, slots=True)
class Ref:
    """The field names an object of ``kind``; it is sent as that object's id.

    ``and_its`` are collections of the target which must stand first, too (a gateway takes its
    address from the network's subnets). ``blocks`` says that the service refuses to delete the
    target as long as this object refers to it.
    """

    kind: str
    and_its: tuple[str, ...] = ()
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Wire:
    """What the API calls the field. ``Wire("")`` on a nested model lifts its fields out of it."""

    name: str


@dataclass(frozen=True, slots=True)
class Via:
    """The field is sent by the call or step of this name, not in the object's body."""

    call: str
    later: bool = False
    """Only for changes: on create it goes into the body like any other."""


@dataclass(frozen=True, slots=True)
class Immutable:
    """The API takes the field on create only; or, with ``once``, as long as it has no value."""

    once: bool = False


@dataclass(frozen=True, slots=True)
class ServerDefault:
    """What the API does when the field is left out, only the server knows; ``null`` is no drift."""


@dataclass(frozen=True, slots=True)
class CreateOnly:
    """Sent on create and never given back: not compared."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Never shown, logged or compared."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A map of which only the stated keys are managed; a ``null`` key is taken away."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The keys of the map stand among the other fields: the words that match ``pattern``."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Gains:
    """The service adds items to the set by itself: those of which ``added`` is true."""

    added: Callable[[Mapping[str, Json]], bool]


@dataclass(frozen=True, slots=True)
class Shares:
    """When true (or naming ``*`` or a project) the object can be referred to from there."""


NetworkRef = Annotated[Reference, Ref("Network")]
SubnetRef = Annotated[Reference, Ref("Subnet")]
ProjectRef = Annotated[Reference, Ref("Project")]


class Form(StrEnum):
    """How authors write a collection down."""

    NAMED = "named"  # name: {fields}
    LIST = "list"  # - {fields}, or a plain word
    MAP = "map"  # key: value
    ONE = "one"  # {fields}: there is only one


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Where a kind's objects are read: one series of pages, shared by all kinds that name it.

    ``embedded`` takes them out of the objects of another kind instead. ``each`` asks once for each
    object of that kind (``{parent}`` in the path); only for those whose collection somebody
    declared, unless ``all_parents``.
    """

    path: str = ""
    items: str
    envelope: str = ""
    """What each single item is wrapped in."""
    params: Mapping[str, str | int] = field(default_factory=dict)
    page: int = 0
    embedded: str = ""
    each: str = ""
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


TAGGED = Mark(MarkStyle.TAG, "tags")
TAGGED_IN_BODY = Mark(MarkStyle.TAG_IN_BODY, "tags")
ATTRIBUTED = Mark(MarkStyle.ATTRIBUTE, "reconciler_owner")

Fields = Mapping[str, object]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object: all that the engine, the reports and the documentation know of it."""

    name: str
    collection: str
    spec: type[Spec]
    service: str = ""
    within: tuple[str, ...] = ("",)
    form: Form = Form.NAMED
    heading: bool = False
    """Only a word in the files: what stands below it lies in what it stands in itself."""
    word: str = ""
    """What addresses begin with instead of the name, where kinds of several services share it;
    they then end in the collection."""
    listing: Listing | None = None
    more: tuple[Listing, ...] = ()
    """Further listings, where one does not show all."""
    unset: Listing | None = None
    """Where the fields are read that an object has on which nothing was set; ``{own_project}``."""
    prepare: Callable[[Work], Mapping[str, Json]] | None = None
    """Makes what a create needs first; gives further values to fill into its call."""
    create: Call | None = None
    update: Call | None = None
    delete: Call | None = None
    find: Call | None = None
    """A filtered listing that looks once more right before a create, where names may repeat."""
    get: Call | None = None
    """Read one object again."""
    before_delete: Call | Step | None = None
    lock: Lock | None = None
    retire: Retire | None = None
    """Where names may repeat, and the new object can stand before the old one is gone."""
    calls: Mapping[str, Call] = field(default_factory=dict)
    steps: Mapping[str, Step] = field(default_factory=dict)
    version: str = ""
    """The microversion to speak."""

    id_wire: str = "id"
    name_wire: str = "name"
    called: Callable[[Json], str] | None = None
    """The name of a raw object in its address, where that is not always the one that it bears."""
    ancestors: Mapping[str, str] = field(default_factory=dict)
    """Fields of the raw object that hold ids of the objects it lies in, with their kinds."""
    parent: Callable[[Json], tuple[str, str] | None] | None = None
    """Kind and id of what the object lies in, where ``ancestors`` cannot tell."""

    read: Callable[[dict[str, Json]], Mapping[str, Json]] | None = None
    """From the raw object to the same with what the API echoes differently set right."""
    write: Callable[[dict[str, Json], Mapping[str, Json]], Json] | None = None
    """From the fields to send, and the raw object as it is, to the fields as the API takes them."""
    complete: Callable[[Fields, Opener], Fields] | None = None
    """From the fields as stated to the same with what only files beside the state can tell."""
    expand: Callable[[Mapping[str, Json]], Iterable[Mapping[str, Json]]] | None = None
    """From one item as authors write it to several."""
    defaults: Callable[[Mapping[str, object]], Mapping[str, object]] | None = None
    """What the server fills in by itself for such fields: left out of an export."""
    defaults_among: Callable[[Fields, Callable[[Address], Fields]], Fields] | None = None
    """Likewise, where it depends on the fields of another object, given by its address."""
    authored: Callable[[Mapping[str, Json]], Mapping[str, Json]] | None = None
    """From the fields as stated to the form in which people write them, for an export."""

    identity: tuple[str, ...] = ()
    """The fields that tell edges apart. Without any, the name does."""
    names: Callable[[Address, Fields], tuple[str, ...]] | None = None
    """The names in the address of an edge, where parent and identity do not say it well."""
    phrase: Callable[[Mapping[str, Json]], str] | None = None
    """How reports say an edge, from its fields with names in the place of references."""
    refuse: Callable[[Address, Fields], str | None] | None = None
    """Why an edge cannot stand in such a parent, if so."""
    dangling: bool = False
    """Whether the service keeps edges to what is gone, which then count for nothing."""
    shorthand: str = ""
    """The field that an item written as a plain word means (LIST), or a value (MAP)."""
    key: str = ""
    """The field that holds the key of a MAP."""
    folded: bool = False
    """No address of its own in reports: shown as a field of its parent."""
    claims_if: str = ""
    """The field which must be true for the lists stated in an object of this kind to claim."""
    claim_scope: tuple[str, ...] = ()
    """A stated list claims only what agrees with one of its items in these fields."""
    leans_on: Callable[[Fields], Iterable[Address]] | None = None
    """Objects that the fields need without naming them as references do."""
    after: tuple[str, ...] = ()
    """Kinds with the same parent that must stand first."""
    exclusive: tuple[str, ...] = ()
    """Fields in which no two such edges may agree, wherever they lie: one lets go first."""
    in_turn: bool = False
    """Whether the service loses one of two changes made at once under the same parent."""
    implicit: Callable[[Address], bool] | None = None
    """Whether the service makes the object by itself, as soon as its parent is there."""
    untouched: Callable[[Json], bool] | None = None
    """Whether the raw object, with what comes inside it, is as the service makes it by itself.

    An export leaves such an object out, and states the lists of all others even where empty.
    """
    server_made: Callable[[Fields], bool] | None = None
    """Which children come with the parent, or with its flags, and count for no claim."""
    unique: bool = False
    """Whether the service refuses a second object of the same name."""
    case_insensitive: bool = False
    """Whether names that differ only by case are the same to the service's database."""
    mark: Mark | None = None
    replaceable: bool = True
    renameable: bool = True
    revision: bool = False
    """Whether the service heeds If-Match with a revision number."""
    ready: Ready | None = None
    usage: Callable[[Json], Mapping[str, int]] | None = None
    """What is used now of each limit: a limit below it is held."""
    own_domain_only: bool = field(default=False)
    """References to it from another domain must say which one."""

    @property
    def edge(self) -> bool:
        """Whether it is told by what it joins or says, not by a name of its own."""
        return bool(self.identity)

    @property
    def named(self) -> bool:
        """Whether its address has one name more than that of its parent."""
        return self.form is not Form.ONE or bool(self.word)

    @property
    def claims(self) -> bool:
        """Whether a stated collection of these means: these and no others."""
        return self.edge

    @property
    def doc(self) -> str:
        return (self.spec.__doc__ or "").strip()


def rest(
    path: str,
    one: str,
    *,
    update: str = "PUT",
    many: str = "",
    page: int = 500,
    params: Mapping[str, str | int] = NOTHING,
) -> dict[str, Json]:
    """Give the calls of a collection that follows the common pattern, as arguments for ``Kind``."""
    plural = many or path.rsplit("/", 1)[-1].replace("-", "_")
    return {
        "listing": Listing(path=path, items=plural, page=page, params=params),
        "create": Call("POST", path, {one: FIELDS}, returns=one),
        "update": Call(update, f"{path}/{{id}}", {one: FIELDS}, returns=one),
        "delete": Call("DELETE", f"{path}/{{id}}"),
        "get": Call("GET", f"{path}/{{id}}", returns=one),
    }


def neutron(
    path: str, one: str, *, many: str = "", find: str = "name={name}&project_id={Project}"
) -> dict[str, Json]:
    """Give the calls of a Neutron collection: names repeat, revisions count, tags are apart."""
    plural = many or path.rsplit("/", 1)[-1].replace("-", "_")
    return {
        **rest(path, one, many=plural),
        "service": "network",
        "find": Call("GET", f"{path}?{find}", returns=plural),
        "calls": {
            "tags": Call("PUT", f"{path}/{{id}}/tags", {"tags": "{tags}"}),
            "mark": Call("PUT", f"{path}/{{id}}/tags/{{mark}}"),
        },
        "revision": True,
    }
