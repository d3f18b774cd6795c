"""Which differences are changes, and which are none."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from reconciler.engine.compare import FieldChange, compare
from reconciler.kinds.address import Address, Id
from reconciler.kinds.fields import fields_of, stated
from reconciler.kinds.spec import (
    CreateOnly,
    Immutable,
    Keyed,
    Ref,
    Reference,
    Secret,
    ServerDefault,
    Spec,
    Wire,
)
from reconciler.kinds.values import Bool, Cidr, Int, Text


class Part(Spec):
    """A part."""

    low: Int
    """Low."""
    high: Int | None = None
    """High."""


class Inner(Spec):
    """What lies within."""

    word: Text = ""
    """A word."""
    fixed: Annotated[Text | None, Immutable()] = None
    """A fixed word."""
    server: Annotated[Int | None, ServerDefault()] = None
    """What only the server knows."""


class ToySpec(Spec):
    """A spec with a field of every shape."""

    word: Text = ""
    """A word."""
    maybe: Text | None = None
    """A word or none."""
    flag: Bool = True
    """A flag."""
    prefix: Cidr | None = None
    """A prefix."""
    fixed: Annotated[Text, Immutable()] = ""
    """A fixed word."""
    size: Annotated[Int | None, ServerDefault()] = None
    """What only the server knows."""
    seed: Annotated[Text, CreateOnly()] = ""
    """Never given back."""
    key: Annotated[Text, Secret()] = ""
    """Never shown."""
    tags: frozenset[Text] = frozenset()
    """A set."""
    order: tuple[Text, ...] = ()
    """A sequence."""
    parts: frozenset[Part] = frozenset()
    """A set of parts."""
    steps: tuple[Part, ...] = ()
    """A sequence of parts."""
    inner: Inner = Inner()
    """A model."""
    lifted: Annotated[Inner, Wire("")] = Inner()
    """A model whose fields lie beside it."""
    whole: dict[Text, Text] = {}  # noqa: RUF012 - pydantic copies it
    """A map that is stated whole."""
    keyed: Annotated[dict[Text, Text | None], Keyed()] = {}  # noqa: RUF012 - likewise
    """A map of which only some keys are."""
    other: Annotated[Reference | None, Ref("Other")] = None
    """A reference."""


FIELDS = fields_of(ToySpec)
OTHER = Address("Other", ("o",))


def pairs(**values: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(values.items()))


def difference(said: dict[str, Any], live: dict[str, Any], **more: Any) -> list[str]:
    desired = stated(ToySpec.model_validate(said))
    return [change.path for change in compare(FIELDS, desired, live, **more)]


CHANGES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"word": "a"}, {"word": "b"}, ["word"]),
    ({"word": "a"}, {"word": "A"}, ["word"]),
    ({"word": "a"}, {}, ["word"]),
    ({"word": ""}, {"word": "b"}, ["word"]),
    ({"word": None}, {"word": "b"}, ["word"]),
    ({"maybe": None}, {"maybe": "b"}, ["maybe"]),
    ({"flag": False}, {"flag": True}, ["flag"]),
    ({"flag": None}, {"flag": False}, ["flag"]),
    ({"size": 5}, {"size": 6}, ["size"]),
    ({"fixed": "a"}, {"fixed": "b"}, ["fixed"]),
    ({"tags": ["a"]}, {"tags": frozenset({"a", "b"})}, ["tags"]),
    ({"tags": []}, {"tags": frozenset({"a"})}, ["tags"]),
    ({"tags": None}, {"tags": frozenset({"a"})}, ["tags"]),
    ({"order": ["a", "b"]}, {"order": ("b", "a")}, ["order"]),
    ({"parts": [{"low": 1}]}, {"parts": frozenset()}, ["parts"]),
    ({"parts": [{"low": 1, "high": 2}]}, {"parts": frozenset({pairs(low=1, high=3)})}, ["parts"]),
    ({"parts": [{"low": 1}, {"low": 2}]}, {"parts": frozenset({pairs(low=1, high=3)})}, ["parts"]),
    ({"steps": [{"low": 1}, {"low": 2}]},
     {"steps": (pairs(low=2, high=None), pairs(low=1, high=None))}, ["steps"]),
    ({"inner": {"word": "a", "fixed": "x"}}, {"inner": {"word": "b", "fixed": "y"}},
     ["inner.word", "inner.fixed"]),
    ({"inner": {"word": "a"}}, {"inner": None}, ["inner.word"]),
    ({"lifted": {"word": "a"}}, {"lifted": {"word": "b", "fixed": "x"}}, ["lifted.word"]),
    ({"whole": {"a": "1"}}, {"whole": {"a": "2", "b": "3"}}, ["whole.a", "whole.b"]),
    ({"whole": {}}, {"whole": {"b": "3"}}, ["whole.b"]),
    ({"keyed": {"a": "1", "c": None}}, {"keyed": {"a": "2", "b": "3", "c": "4"}},
     ["keyed.a", "keyed.c"]),
    ({"other": "o"}, {"other": Id("Other", "o")}, ["other"]),
]  # fmt: skip


@pytest.mark.parametrize(("said", "live", "paths"), CHANGES)
def test_changes(said: dict[str, Any], live: dict[str, Any], paths: list[str]) -> None:
    assert difference(said, live) == paths


CHANGES_NOTHING: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"word": "b", "flag": False, "tags": frozenset({"a"}), "whole": {"a": "1"}}),
    ({"word": "a"}, {"word": "a"}),
    ({"word": ""}, {}),
    ({"word": None}, {"word": None}),
    ({"maybe": None}, {"maybe": ""}),
    ({"flag": None}, {"flag": True}),
    ({"prefix": "10.0.0.7/8"}, {"prefix": "10.0.0.0/8"}),
    ({"prefix": "FD00::0/64"}, {"prefix": "fd00::/64"}),
    ({"size": None}, {"size": 6}),
    ({"seed": "a"}, {}),
    ({"key": "a"}, {"key": "b"}),
    ({"tags": ["b", "a"]}, {"tags": frozenset({"a", "b"})}),
    ({"tags": []}, {}),
    ({"order": []}, {"order": ()}),
    ({"parts": [{"low": 1}]}, {"parts": frozenset({pairs(low=1, high=3)})}),
    ({"parts": [{"low": 1}, {"low": 1, "high": 2}]},
     {"parts": frozenset({pairs(low=1, high=2), pairs(low=1, high=9)})}),
    ({"inner": {"word": "a"}}, {"inner": {"word": "a", "fixed": "y", "server": 5}}),
    ({"inner": {"server": None}}, {"inner": {"server": 5}}),
    ({"inner": {}}, {"inner": {"word": "x"}}),
    ({"whole": {"a": "1"}}, {"whole": {"a": "1"}}),
    ({"whole": {}}, {"whole": None}),
    ({"keyed": {"a": "1"}}, {"keyed": {"a": "1", "b": "2"}}),
    ({"keyed": {"c": None}}, {"keyed": {"a": "1"}}),
    ({"keyed": {}}, {"keyed": {"a": "1"}}),
]  # fmt: skip


@pytest.mark.parametrize(("said", "live"), CHANGES_NOTHING)
def test_changes_nothing(said: dict[str, Any], live: dict[str, Any]) -> None:
    assert difference(said, live) == []


def test_references_are_compared_as_addresses() -> None:
    assert compare(FIELDS, {"other": OTHER}, {"other": OTHER}) == ()
    (change,) = compare(FIELDS, {"other": OTHER}, {"other": Id("Other", "5")})
    assert (change.before, change.after) == (Id("Other", "5"), OTHER)


def test_a_change_says_all_that_a_plan_needs() -> None:
    desired = stated(ToySpec(fixed="b", word="b", inner=Inner(fixed="x")))
    live = {"fixed": "a", "word": "a", "inner": {"fixed": "y"}}
    assert compare(FIELDS, desired, live) == (
        FieldChange("word", "a", "b"),
        FieldChange("fixed", "a", "b", forces_replace=True),
        FieldChange("inner.fixed", "y", "x", forces_replace=True),
    )


def test_null_means_what_the_cloud_would_set() -> None:
    live = {"word": "x", "size": 7, "keyed": {"a": "9", "b": "1"}}
    defaults = {"size": 5, "keyed": {"a": "8"}}
    assert difference({"size": None}, live, defaults=defaults) == ["size"]
    assert difference({"size": None}, {"size": 5}, defaults=defaults) == []
    (change,) = compare(FIELDS, {"keyed": {"a": None}}, live, defaults=defaults)
    assert (change.path, change.after) == ("keyed.a", "8")


@pytest.mark.parametrize(
    ("ignore", "paths"),
    [
        (["word"], ["inner.word", "whole.a"]),
        (["inner"], ["word", "whole.a"]),
        (["inner.word", "whole.a"], ["word"]),
        (["inn", "inner.words"], ["word", "inner.word", "whole.a"]),
    ],
)
def test_what_is_ignored_is_no_change(ignore: list[str], paths: list[str]) -> None:
    said = {"word": "a", "inner": {"word": "a"}, "whole": {"a": "1"}}
    assert difference(said, {}, ignore=ignore) == paths
