"""The values that the state is made of: resources, their options, and what lists claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from reconciler.kinds.address import Address
from reconciler.kinds.fields import Value
from reconciler.kinds.kind import Kind
from reconciler.kinds.values import Bool, Text
from reconciler.state.parse import NOWHERE, Origin
from reconciler.state.source import Revision


class Lifecycle(StrEnum):
    """What shall become of an object."""

    MANAGED = "managed"
    EXTERNAL = "external"
    ABSENT = "absent"


class OnRemove(StrEnum):
    """What shall become of an object whose entry is gone."""

    DELETE = "delete"
    DETACH = "detach"


class Mode(StrEnum):
    """Whether differences are only told or also mended."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


class Replace(StrEnum):
    """Whether an object may be made again to change what cannot change in place."""

    ALLOW = "allow"


class Options(BaseModel):
    """What stands under ``reconcile:`` of an object."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lifecycle: Lifecycle = Lifecycle.MANAGED
    """external: must exist and is never touched; absent: must not exist."""
    id: Text | None = None
    """This very object: one of two of the same name, or one that was renamed."""
    previously: tuple[Text, ...] = ()
    """Names it had before: a rename, not a delete and a create."""
    protect: Bool = False
    """Never deleted or replaced, even after the entry is gone from git."""
    on_remove: OnRemove = OnRemove.DELETE
    """detach: the object stays when its entry goes."""
    ignore: tuple[Text, ...] = ()
    """Differences in these fields are not reported; dotted paths."""
    mode: Mode | None = None
    """Overrides the mode of the cloud."""
    replace: Replace | None = None
    """allow: an immutable field may be changed by making the object again."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One object that somebody declared, or that something declared lies in or refers to."""

    address: Address
    kind: Kind
    parent: Address
    fields: Mapping[str, Value]
    origin: Origin = NOWHERE
    options: Options = field(default_factory=Options)
    name: str = ""
    implied: bool = False
    """Nobody declared it: a scope, a bootstrap object, a group that the service makes."""

    @property
    def lifecycle(self) -> Lifecycle:
        return self.options.lifecycle

    @property
    def managed(self) -> bool:
        return self.options.lifecycle is Lifecycle.MANAGED


@dataclass(frozen=True, slots=True)
class Claim:
    """A list that was stated whole: of this kind, under this parent, these and no others."""

    parent: Address
    kind: str
    scopes: frozenset[tuple[Value, ...]] | None
    """Only what agrees with one of these in ``Kind.claim_scope``; None: everything."""
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class Desired:
    """What should be. Two are the same only if they are one: what was told of one is kept."""

    revision: Revision
    resources: Mapping[Address, Resource]
    claims: Mapping[tuple[Address, str], Claim]
