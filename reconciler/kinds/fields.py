"""From a spec to its fields, and between what authors write, what is compared and what is sent."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, Strict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from reconciler.kinds.spec import (
    Beside,
    CreateOnly,
    Gains,
    Immutable,
    Keyed,
    Named,
    Ref,
    Secret,
    ServerDefault,
    Shares,
    Spec,
    Via,
    Wire,
)
from reconciler.kinds.values import Json

MOST_SETTLED = 4096
"""Values of one field whose spelling is remembered."""
T = TypeVar("T")
Value = Any
"""str, int, float, bool, None, Address, Id; tuple, frozenset, or dict of these. A nested model is
a dict; inside a set it is a tuple of (name, value) pairs."""


class Shape(StrEnum):
    """How a field's value is made up."""

    ONE = "one"
    SET = "set"
    SEQUENCE = "sequence"
    MAP = "map"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a spec with all that its markers say."""

    name: str
    wire: str
    shape: Shape
    nested: tuple[Field, ...]
    ref: Ref | None
    via: str
    later: bool
    gains: Callable[[Mapping[str, Json]], bool] | None
    immutable: bool
    once: bool
    server_default: bool
    create_only: bool
    secret: bool
    keyed: bool
    beside: str
    shares: bool
    required: bool
    default: Value
    nullable: bool
    settle: Callable[[Any], Any] | None
    leads: bool
    """Whether there are references in it, at any depth."""
    plain: bool
    """Whether the API's value is the spec's as it is."""

    @property
    def lifted(self) -> bool:
        """Whether the fields of the nested model lie beside it on the wire."""
        return self.shape is Shape.MODEL and not self.wire

    def owns(self, path: str) -> bool:
        """Whether a dotted path is that of this field or of something in it."""
        if self.beside:
            return re.fullmatch(self.beside, path) is not None
        return path == self.name or path.startswith(f"{self.name}.")


def _alternatives(annotation: object) -> list[tuple[object, tuple[object, ...]]]:
    """Give the arms of a union with the metadata that stands on each."""
    metadata: tuple[object, ...] = ()
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        metadata += tuple(more)
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return [
            (inner, metadata + deeper)
            for arm in get_args(annotation)
            for inner, deeper in _alternatives(arm)
        ]
    return [(annotation, metadata)]


def _marker(marker: type[T], metadata: Iterable[object]) -> T | None:
    return next((item for item in metadata if isinstance(item, marker)), None)


def _shape_of(arms: list[object]) -> tuple[Shape, object]:
    for arm in arms:
        origin = get_origin(arm)
        if origin is frozenset:
            return Shape.SET, get_args(arm)[0]
        if origin is tuple:
            return Shape.SEQUENCE, get_args(arm)[0]
        if origin in (dict, Mapping):
            return Shape.MAP, get_args(arm)[1]
        if isinstance(arm, type) and issubclass(arm, BaseModel) and arm is not Named:
            return Shape.MODEL, arm
    return Shape.ONE, None


_PLAIN = {str, int, bool, float, type(None)}
_CHANGES_NOTHING = (Strict, Wire, Ref, Via, Immutable, ServerDefault, CreateOnly, Secret, Shares)
"""What may stand on a type whose values are taken as they are."""


def _settler(info: FieldInfo, annotation: object, shape: Shape) -> Callable[[Any], Any] | None:
    """Give what brings a live value into the spelling of the spec, where one is needed at all."""
    if shape is Shape.MODEL or (shape is Shape.ONE and _is_settled(info, annotation)):
        return None
    full: Any = Annotated[(annotation, *info.metadata)] if info.metadata else annotation
    validate = TypeAdapter(full).validator.validate_python

    def settle(value: Any) -> Any:
        try:
            return validate(value)
        except ValidationError:
            return value  # what the spec cannot say is still shown, and differs

    if shape is not Shape.ONE:
        return settle
    known = lru_cache(MOST_SETTLED)(settle)  # the same prefixes stand in many objects

    def settle_once(value: Any) -> Any:
        return known(value) if isinstance(value, str) else settle(value)

    return settle_once


def _is_settled(info: FieldInfo, annotation: object) -> bool:
    """Say whether a value is either taken as it is or not at all: strict types, fixed words.

    Asking pydantic all the same was a third of what reading 100 000 objects took.
    """
    arms = _alternatives(annotation)
    extra = [meta for _, more in arms for meta in more] + list(info.metadata)
    if all(arm in _PLAIN for arm, _ in arms) and not extra:
        return True
    if not all(isinstance(meta, _CHANGES_NOTHING) for meta in extra):
        return False
    strict = any(isinstance(meta, Strict) for meta in info.metadata)
    return all(
        arm is type(None)
        or get_origin(arm) is Literal
        or (arm in _PLAIN and (strict or any(isinstance(meta, Strict) for meta in more)))
        for arm, more in arms
    )


def _describe(name: str, info: FieldInfo) -> Field:
    arms = _alternatives(info.annotation)
    metadata: list[object] = list(info.metadata)
    for _, more in arms:
        metadata.extend(more)
    shape, inner = _shape_of([arm for arm, _ in arms])
    nested: tuple[Field, ...] = ()
    if shape is not Shape.ONE:
        for arm, more in _alternatives(inner):
            metadata.extend(meta for meta in more if isinstance(meta, Ref))
            if isinstance(arm, type) and issubclass(arm, BaseModel) and arm is not Named:
                nested = fields_of(arm)
    ref = _marker(Ref, metadata)
    wire = _marker(Wire, metadata)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    settle = None if ref or nested else _settler(info, info.annotation, shape)
    lifted = wire is not None and not wire.name
    leads = ref is not None or any(inner.leads for inner in nested)
    plain = shape in (Shape.ONE, Shape.MAP) and not (ref or nested or settle or lifted)
    via = _marker(Via, metadata)
    immutable = _marker(Immutable, metadata)
    beside = _marker(Beside, metadata)
    gains = _marker(Gains, metadata)
    return Field(
        name=name,
        wire=wire.name if wire else (f"{name}_id" if ref and shape is Shape.ONE else name),
        shape=shape,
        nested=nested,
        ref=ref,
        via=via.call if via else "",
        later=via is not None and via.later,
        gains=gains.added if gains else None,
        immutable=immutable is not None,
        once=immutable is not None and immutable.once,
        server_default=_marker(ServerDefault, metadata) is not None,
        create_only=_marker(CreateOnly, metadata) is not None,
        secret=_marker(Secret, metadata) is not None,
        keyed=_marker(Keyed, metadata) is not None,
        beside=beside.pattern if beside else "",
        shares=_marker(Shares, metadata) is not None,
        required=info.is_required(),
        default=default,
        nullable=any(arm is type(None) for arm, _ in arms),
        settle=settle,
        leads=leads,
        plain=plain and not beside,
    )


@cache
def fields_of(spec: type[BaseModel]) -> tuple[Field, ...]:
    """Give the fields of a spec or of a model nested in one."""
    return tuple(_describe(name, info) for name, info in spec.model_fields.items())


@cache
def words_of(spec: type[BaseModel]) -> frozenset[str]:
    """Give the names of the fields of a spec."""
    return frozenset(field.name for field in fields_of(spec))


@cache
def leading(spec: type[BaseModel]) -> tuple[Field, ...]:
    """Give the fields of a spec in which there are references, at any depth."""
    return tuple(field for field in fields_of(spec) if field.leads)


@cache
def sharing(spec: type[BaseModel]) -> tuple[Field, ...]:
    """Give the fields of a spec that say with whom an object is shared."""
    return tuple(field for field in fields_of(spec) if field.shares)


def pairs(value: Mapping[str, Value]) -> tuple[tuple[str, Value], ...]:
    """Give a nested model the form that can lie in a set."""
    return tuple(sorted(value.items()))


def stated(spec: Spec, *, whole: bool = False) -> dict[str, Value]:
    """Give what the author stated (or, for an edge, everything), references still as written."""
    fields, said = fields_of(type(spec)), spec.model_fields_set
    return {
        field.name: _stated(field, getattr(spec, field.name))
        for field in fields
        if whole or field.name in said
    }


def _stated(field: Field, value: Any) -> Value:
    if field.shape is Shape.ONE or value is None or isinstance(value, Named):
        return value
    if field.shape is Shape.MODEL:
        return _parts(value)
    if field.shape is Shape.SET:
        return frozenset(_item(item) for item in value)
    if field.shape is Shape.SEQUENCE:
        return tuple(_item(item) for item in value)
    if field.shape is Shape.MAP:
        return dict(value)
    return value


def _item(item: Any) -> Value:
    nested = isinstance(item, BaseModel) and not isinstance(item, Named)  # a reference stays one
    return pairs(_parts(item)) if nested else item


def _parts(model: BaseModel) -> dict[str, Value]:
    return {
        field.name: _stated(field, getattr(model, field.name))
        for field in fields_of(type(model))
        if field.name in model.model_fields_set
    }
