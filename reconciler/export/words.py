"""From what is live to the words in which authors write it: names, short forms, no defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from reconciler.engine.compare import same
from reconciler.kinds.address import Address, Id
from reconciler.kinds.fields import Field, Shape, Value, fields_of
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.spec import Named
from reconciler.state.resolve import Scope, Unresolved

Words = dict[str, Any]
"""Plain values, ready to be written as YAML."""
Say = Callable[[Address], str | Words]
"""From an address to the words that mean it in one place."""
QUALIFIED = 2
"""Names in the address of what lies in a domain."""


class Unsayable(Exception):
    """Something live that no words of the state can express."""


def naming(scope: Scope, base: Address) -> Say:
    """Give what names objects to a reader who stands in ``base``, as briefly as it can be."""

    def say(target: Address) -> str | Words:
        for word in _candidates(target):
            try:
                if scope.resolve(target.kind, word, base) == target:
                    return word if isinstance(word, str) else word.model_dump(exclude_unset=True)
            except Unresolved:
                continue
        raise Unsayable(f"{target} has no name that means it alone")

    return say


def _candidates(target: Address) -> Iterator[str | Named]:
    name, names = target.name, target.names
    yield name
    if len(names) == 1:
        yield Named(name=name, domain=None)
    elif len(names) == QUALIFIED:
        yield f"{names[0]}/{name}"
        yield Named(name=name, domain=names[0])
    else:
        yield Named(name=name, project=names[1])
        yield Named(name=name, project=names[1], domain=names[0])


def fields_in_words(
    kind: Kind, fields: Mapping[str, Value], say: Say, filled: Mapping[str, Value]
) -> tuple[Words, Sequence[str]]:
    """Give the fields worth writing, and for each one that cannot be expressed the reason.

    ``filled`` are what the cloud gives where nothing is set.
    """
    words: Words = {}
    lost: list[str] = []
    for field in _description_first(fields_of(kind.spec)):
        try:
            words |= _field(field, fields, filled, say)
        except Unsayable as reason:
            lost.append(f"{field.name}: {reason}")
    for name in _refused(kind, words):
        words.pop(name, None)
        lost.append(f"{name}: the cloud holds a value that the state does not take")
    return words, lost


def _description_first(fields: Iterable[Field]) -> list[Field]:
    return sorted(fields, key=lambda field: field.name != "description")


def _field(
    field: Field, fields: Mapping[str, Value], filled: Mapping[str, Value], say: Say
) -> Words:
    """Give the field under its name, or nothing where leaving it out says the same."""
    if field.secret or field.create_only or field.name not in fields:
        return {}
    value = fields[field.name]
    default = filled.get(field.name, field.default)
    if value is None or (not field.required and same(value, default)):
        return {}
    if field.shape is Shape.MODEL:
        below = default if isinstance(default, Mapping) else {}
        inner = _model(field.nested, value, below, say)
        return {field.name: inner} if inner else {}
    plain = _plain(field, value, say)
    return plain if field.beside else {field.name: plain}


def _model(
    fields: Iterable[Field], values: Mapping[str, Value], filled: Mapping[str, Value], say: Say
) -> Words:
    words: Words = {}
    for field in fields:
        words |= _field(field, values, filled, say)
    return words


def _plain(field: Field, value: Value, say: Say) -> Any:
    if isinstance(value, Id):
        raise Unsayable(f"it refers to the {value}, which has no name")
    if isinstance(value, Address):
        return say(value)
    if isinstance(value, frozenset | tuple | list):
        items = [
            _model(field.nested, dict(item), {}, say) if field.nested else _plain(field, item, say)
            for item in value
        ]
        return sorted(items, key=str) if isinstance(value, frozenset) else items
    if isinstance(value, Mapping):
        return {key: value[key] for key in sorted(value) if value[key] is not None}
    return value


def _refused(kind: Kind, words: Words) -> set[str]:
    """Name the fields that the spec itself would not take back."""
    try:
        kind.spec.model_validate(words)
    except ValidationError as error:
        return {str(one["loc"][0]) for one in error.errors() if one["loc"]}
    return set()


def list_in_words(
    kind: Kind, items: Iterable[tuple[Mapping[str, Value], Mapping[str, Value]]], say: Say
) -> Any:
    """Give a whole list or map of edges, each with what the cloud would fill in by itself.

    Raises:
        Unsayable: one of them cannot be expressed, and a list states all or none.

    """
    written: list[Words] = []
    for fields, filled in items:
        words, lost = fields_in_words(kind, fields, say, filled)
        if lost:
            raise Unsayable(lost[0])
        written.append(words)
    if kind.form is Form.MAP:
        return {str(words[kind.key]): words.get(kind.shorthand) for words in _sorted(written)}
    return [_short(kind, words) for words in _grouped(kind, _sorted(written))]


def _sorted(written: list[Words]) -> list[Words]:
    return sorted(written, key=lambda words: [str(value) for value in words.values()])


def _short(kind: Kind, words: Words) -> Any:
    """Give an item as a plain word where it says no more than that."""
    if kind.shorthand and set(words) == {kind.shorthand}:
        return words[kind.shorthand]
    return in_short(kind, words)


def in_short(kind: Kind, words: Words) -> Words:
    """Give an object in the form in which people write it, where the kind knows a better one."""
    return dict(kind.authored(words)) if kind.authored else words


def _grouped(kind: Kind, written: list[Words]) -> list[Words]:
    """Join items that differ in one field only, where the kind takes its plural apart again."""
    if kind.expand is None:
        return written
    for field in fields_of(kind.spec):
        if field.required and field.ref:
            written = _joined(kind, written, field.name)
    return written


def _joined(kind: Kind, written: list[Words], name: str) -> list[Words]:
    groups: dict[str, list[Words]] = {}
    for words in written:
        rest = {key: value for key, value in words.items() if key != name}
        groups.setdefault(repr(sorted(rest.items(), key=str)), []).append(words)
    result: list[Words] = []
    for group in groups.values():
        joined: Words = {}
        for key, value in group[0].items():
            if key == name:
                joined[f"{name}s"] = [one[name] for one in group]
            else:
                joined[key] = value
        plural = len(group) > 1 and kind.expand and list(kind.expand(joined)) == group
        result += [joined] if plural else group
    return result
