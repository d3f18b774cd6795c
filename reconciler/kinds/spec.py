"""What an author can state of an object: specs, and the markers on their fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from reconciler.kinds.values import NOTHING, Json, Text


class Spec(BaseModel):
    """What an author can state about one object. A default says what the API does when left out.

    ``null`` means that default where it is known, and clears the field where its type takes None.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True
    )

    rewrites: ClassVar[Mapping[str, str]] = NOTHING
    """Fields of other tools' vocabularies, each with the word that is used here."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_the_default(cls, stated: object) -> object:
        if not isinstance(stated, Mapping):
            return stated
        known, patterns = cls.model_fields, _patterns(cls)
        if not patterns and all(value is not None for value in stated.values()):
            return stated
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


@cache
def _patterns(spec: type[BaseModel]) -> Mapping[str, str]:
    """Give the fields whose keys stand among the others, and what these look like."""
    return {
        name: mark.pattern
        for name, info in spec.model_fields.items()
        for mark in info.metadata
        if isinstance(mark, Beside)
    }


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
