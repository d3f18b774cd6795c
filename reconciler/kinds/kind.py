"""What a kind is: a spec, a table of calls, a few facts. From these alone comes everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.kinds.address import Address
from reconciler.kinds.calls import Call, Listing, Lock, Mark, Opener, Ready, Retire, Step, Work
from reconciler.kinds.spec import Spec
from reconciler.kinds.values import Json


class Form(StrEnum):
    """How authors write a collection down."""

    NAMED = "named"  # name: {fields}
    LIST = "list"  # - {fields}, or a plain word
    MAP = "map"  # key: value
    ONE = "one"  # {fields}: there is only one


Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Grants:
    """An edge that gives somebody access: a role to a user or group, or a group's to a user."""

    holders: tuple[str, ...]
    """The fields that hold who gets it."""
    role: str = ""
    """The field that holds the role; without one it gives what its parent has."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Things of a service that lie in an object without being kinds: servers in a project."""

    word: str
    service: str
    path: str = ""
    """A filtered listing; ``{id}`` is the object's. Without one nobody but the owner can ask."""
    items: str = ""
    late: bool = False
    """Asked for right before the delete only: what is ours of them goes in the same plan."""


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
    implicit: Callable[[Address], bool] = lambda _address: False
    """Whether the service makes the object by itself, as soon as its parent is there."""
    untouched: Callable[[Json], bool] | None = None
    """Whether the raw object, with what comes inside it, is as the service makes it by itself.

    An export leaves such an object out, and states the lists of all others even where empty.
    """
    born_with: Callable[[Json], bool] | None = None
    """Whether the raw edge is one that the service puts into what it makes by itself."""
    server_made: Callable[[Fields], bool] | None = None
    """Which children come with the parent, or with its flags, and count for no claim."""
    unique: bool = False
    """Whether the service refuses a second object of the same name."""
    case_insensitive: bool = False
    """Whether names that differ only by case are the same to the service's database."""
    mark: Mark | None = None
    grave: bool = False
    """Whether much goes with it: nothing of it is deleted unless somebody approves."""
    grants: Grants | None = None
    """Whether it gives people access, and how."""
    vital: tuple[str, ...] = ()
    """Fields that are never changed on what the controller itself depends on; dotted paths."""
    reaches: str = ""
    """The field that holds the region which it makes reachable: ours is never cut off."""
    contents: tuple[Contents, ...] = ()
    """What is not a kind and would be lost with it: counted before it is deleted."""
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
