"""YAML as it is read: the 1.2 core rules, with lines, within limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from reconciler.yamlio import MAX_DEPTH, Series, Table, YamlError, load_all
from reconciler.yamlout import dump

SCALARS: list[tuple[str, Any]] = [
    ("no", "no"),
    ("on", "on"),
    ("yes", "yes"),
    ("y", "y"),
    ("true", True),
    ("False", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("12", 12),
    ("-7", -7),
    ("0x1F", 31),
    ("0o17", 15),
    ("0777", "0777"),
    ("1_000", "1_000"),
    ("1:30", "1:30"),
    ("1.5", 1.5),
    ("1e3", 1000.0),
    ("012.5", 12.5),
    (".inf", float("inf")),
    ("2026-11-21", "2026-11-21"),
    ("10.0.0.0/24", "10.0.0.0/24"),
    ("'12'", "12"),
    ('"true"', "true"),
    ("=", "="),
    ("+", "+"),
    (".", "."),
    ("-.5", -0.5),
    ("nulls", "nulls"),
    ("NULL", None),
    ("TRUE", True),
    ("tRUE", "tRUE"),
    ("!!float 3", 3.0),
    ("!!str 3", "3"),
    ("!!float 1.5", 1.5),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_a_scalar_means_what_yaml_1_2_says(text: str, value: Any) -> None:
    found = load_all(f"key: {text}")[0]["key"]
    assert (found, type(found)) == (value, type(value))


def test_every_key_and_item_knows_its_line() -> None:
    (found,) = load_all("a: 1\n\nb:\n  c: 2\n  d:\n    - x\n\n    - y: 1\n")
    assert isinstance(found, Table)
    assert found.lines == {"a": 1, "b": 3}
    assert (found["b"].line, found["b"].lines) == (4, {"c": 4, "d": 5})
    assert isinstance(found["b"]["d"], Series)
    assert found["b"]["d"].lines == [6, 8]


def test_several_documents_and_merge_keys_work() -> None:
    first, second = load_all("a: &x {b: 1, c: 2}\n---\nd: 1\n")
    assert (first, second) == ({"a": {"b": 1, "c": 2}}, {"d": 1})
    (found,) = load_all("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\ne: {<<: [*x, {f: 4}]}\n")
    assert found["d"] == {"b": 1, "c": 3}
    assert found["e"] == {"b": 1, "c": 2, "f": 4}
    assert found["d"].lines["b"] == 1


REFUSED = [
    ("a: 1\nb: 2\na: 3\n", 3, "the key a stands here twice, first in line 1"),
    ("a: {b: 1, b: 2}", 1, "the key b stands here twice"),
    ("a: 1\n5: x\n", 2, 'the key 5 is not a string; write it in quotes: "5"'),
    ("true: x\n", 1, 'write it in quotes: "true"'),
    ("? [a]\n: x\n", 1, "not a string"),
    ("a: 1\nb: *nowhere\n", 2, "undefined alias"),
    ("a: &x [*x]\n", 1, "an alias that contains itself"),
    ("a:\n  <<: 5\n", 2, "<< takes a mapping"),
    ("a: !!python/object:os.system x\n", 1, "is not taken here"),
    ("a: !!binary aGk=\n", 1, "is not taken here"),
    ("a: 1\nb: !!float 0x10\n", 2, "does not fit"),
    ("a: 1\n!!float 0o7: b\n", 2, "does not fit"),
    ("a: !!int b\n", 1, "does not fit"),
    ("a: [1\nb: 2\n", 2, "expected"),
    ("a: \t\n\tb: 1\n", 2, "cannot start any token"),
    (f"a: {'[' * (MAX_DEPTH + 5)}{']' * (MAX_DEPTH + 5)}", 1, "levels deep"),
]


@pytest.mark.parametrize(("text", "line", "says"), REFUSED)
def test_what_is_no_state_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(YamlError) as refusal:
        load_all(text)
    assert (refusal.value.line, says in str(refusal.value)) == (line, True), str(refusal.value)


def test_a_bomb_does_not_go_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        items = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{items}]")
    with pytest.raises(YamlError, match="aliases counted in full"):
        load_all("\n".join(lines))


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(YamlError, match="larger than 8 MiB"):
        load_all("a" * (8 * 1024 * 1024 + 1))


def test_what_is_no_utf_8_is_refused() -> None:
    with pytest.raises(YamlError, match="not YAML"):
        load_all(b"a: \xff\xfe\xfd")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x85\u2028\u2029\ufeff")
        | st.sampled_from("\n\t"),
        max_size=12,
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc n1:#", max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)  # fmt: skip


@given(st.dictionaries(st.text("abno: 01", min_size=1, max_size=5), VALUES, max_size=4))
def test_what_is_written_reads_the_same(value: dict[str, Any]) -> None:
    assert load_all(dump(value)) == [value]


MISTAKEN = [
    "no", "On", "yes", "null", "1:30", "0777", "1_000", "12", "1e3", "0x1f", "~", "=", "<<",
    "2026-11-21", "", " a", "- a", "a: b",
]  # fmt: skip


@pytest.mark.parametrize("word", MISTAKEN)
def test_what_some_reader_could_mistake_is_quoted(word: str) -> None:
    assert '"' in dump({"key": word})


def test_what_nobody_can_mistake_is_not_quoted() -> None:
    text = dump({"description": "The shop (ours)", "list": ["web-shop", "a.b/c"]})
    assert text == "description: The shop (ours)\nlist: [web-shop, a.b/c]\n"
