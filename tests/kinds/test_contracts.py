"""What every kind owes the engine, the documentation and whoever reads it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel

from reconciler.kinds.calls import Call, Listing, MarkStyle
from reconciler.kinds.fields import Field, fields_of
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.registry import load_kinds
from reconciler.kinds.spec import Named
from reconciler.report.modelschema import docs_of

KINDS = load_kinds()
each_kind = pytest.mark.parametrize("kind", [*KINDS], ids=lambda kind: kind.name)
WORDS = frozenset(
    {
        "id",
        "parent",
        "name",
        "mark",
        "owner",
        "mark_key",
        "mark_value",
        "key",
        "value",
        "own_project",
    }
)
"""What the engine fills into calls besides fields and the ids of what an object lies in."""

UNFILTERED = frozenset({"ServerGroup"})
"""Names repeat there, and the service cannot be asked for one."""


def all_fields(fields: tuple[Field, ...]) -> Iterator[Field]:
    for one in fields:
        yield one
        yield from all_fields(one.nested)


def listings(kind: Kind) -> list[Listing]:
    found = [kind.listing, *kind.more, kind.unset]
    return [listing for listing in found if listing is not None]


def calls(kind: Kind) -> list[Call]:
    found = [kind.create, kind.update, kind.delete, kind.find, kind.get, *kind.calls.values()]
    return [call for call in found if isinstance(call, Call)]


@each_kind
def test_everything_is_documented(kind: Kind) -> None:
    assert kind.doc.endswith(".")
    silent = [
        name for model in _models(kind.spec) for name in model.model_fields
        if model is not Named and name not in docs_of(model)
    ]  # fmt: skip
    assert silent == []


@each_kind
def test_every_model_within_is_documented(kind: Kind) -> None:
    assert [model for model in _models(kind.spec) if not (model.__doc__ or "").strip()] == []


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for info in model.model_fields.values():
        for arm in _arms(info.annotation):
            if isinstance(arm, type) and issubclass(arm, BaseModel):
                yield from _models(arm)


def _arms(annotation: object) -> Iterator[object]:
    yield annotation
    for arm in get_args(annotation):
        yield from _arms(arm)


@each_kind
def test_names_are_written_alike(kind: Kind) -> None:
    assert re.fullmatch(r"([A-Z][a-z]+)+(IP)?", kind.name)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.collection)
    for one in all_fields(fields_of(kind.spec)):
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", one.name)
        assert not (one.ref and one.name.endswith(("_id", "_ids"))), "references are names"


def test_no_two_collections_of_a_place_have_one_name() -> None:
    places = Counter((place, kind.collection) for kind in KINDS for place in kind.within)
    assert [place for place, count in places.items() if count > 1] == []


@each_kind
def test_no_field_has_the_name_of_a_collection_or_an_option(kind: Kind) -> None:
    below = {child.collection for child in KINDS.below(kind.name)}
    assert not below & {one.name for one in fields_of(kind.spec)}
    assert "reconcile" not in {one.name for one in fields_of(kind.spec)}


@each_kind
def test_every_kind_that_is_named_exists(kind: Kind) -> None:
    named = {place for place in kind.within if place} | set(kind.after)
    named |= set(kind.ancestors.values())
    for listing in listings(kind):
        named |= {word for word in (listing.each, listing.embedded) if word}
    for one in all_fields(fields_of(kind.spec)):
        if one.ref:
            named |= {one.ref.kind, *one.ref.and_its}
    assert {name for name in named if name not in KINDS} == set()


@each_kind
def test_where_names_repeat_a_create_looks_once_more(kind: Kind) -> None:
    makes = kind.create is not None and not kind.edge and kind.form is Form.NAMED
    if makes and kind.name not in UNFILTERED:
        assert kind.unique or kind.find, "either the service keeps names unique, or look before"


@each_kind
def test_every_call_that_a_field_goes_by_exists(kind: Kind) -> None:
    for one in fields_of(kind.spec):
        if one.via:
            assert one.via in kind.calls or one.via in kind.steps, one.name


@each_kind
def test_what_can_change_has_a_call_that_changes_it(kind: Kind) -> None:
    if kind.edge or kind.listing is None:
        return
    changing = [one for one in fields_of(kind.spec) if not one.immutable and not one.via]
    parts = [p for one in changing for p in (one.nested or (one,)) if not p.immutable]
    sent = [one for one in parts if not one.create_only]
    assert not sent or kind.update, [one.name for one in sent]


@each_kind
def test_marks_can_be_written(kind: Kind) -> None:
    if kind.mark and kind.mark.style is not MarkStyle.ATTRIBUTE:
        assert "mark" in kind.calls
    if kind.revision:
        assert kind.get
        assert kind.update


@each_kind
def test_edges_say_what_tells_them_apart(kind: Kind) -> None:
    own = {one.name for one in fields_of(kind.spec)}
    assert set(kind.identity) <= own
    assert set(kind.claim_scope) <= own
    assert not kind.folded or kind.edge
    assert not kind.shorthand or kind.shorthand in own
    assert (kind.form is Form.MAP) == bool(kind.key)


@each_kind
def test_calls_name_only_what_is_known(kind: Kind) -> None:
    wires = {one.wire for one in all_fields(fields_of(kind.spec))}
    known = WORDS | wires | {k.name for k in KINDS} | {one.name for one in fields_of(kind.spec)}
    for call in calls(kind):
        if isinstance(call.path, str):
            places = set(re.findall(r"\{([^}]*)\}", call.path))
            assert places <= known | set(kind.identity), call.path


@each_kind
def test_a_listing_says_where_and_what(kind: Kind) -> None:
    for listing in listings(kind):
        assert bool(listing.path) != bool(listing.embedded)
        assert listing.items
        assert ("{parent}" in listing.path) == (bool(listing.each) and not listing.by)
        assert not listing.by or (listing.each and kind.unset)
        # Observing never writes: a project's security groups make its default group.
        assert not (kind.service == "network" and "project_id={" in listing.path)
