"""How YAML is written: as people do, and so that every reader reads the same."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given, strategies as st

from reconciler.yamlio import load_all
from reconciler.yamlout import dump

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = st.none() | st.booleans() | st.integers() | TEXTS
NESTED = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@given(value=st.dictionaries(TEXTS, NESTED, max_size=3))
def test_what_is_written_is_read_back(value: dict[str, Any]) -> None:
    assert load_all(dump(value)) == [value]


@given(value=st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_a_reader_of_yaml_1_1_reads_the_same_words(value: dict[str, str]) -> None:
    assert yaml.safe_load(dump(value)) == value


@pytest.mark.parametrize(
    "word",
    ["no", "On", "null", "~", "1e3", "0777", "1:30", "0x1f", "2001-12-14", "1.5", "1_000", "=", ""],
)
def test_a_word_that_looks_like_something_else_is_quoted(word: str) -> None:
    assert dump({"a": word}) == f'a: "{word}"\n'


@pytest.mark.parametrize("word", ["10.0.0.0/24", "9.9.9.9", "8000-8080", "m1.small", "a b", "hw:x"])
def test_a_plain_word_is_not_quoted(word: str) -> None:
    assert dump({"a": word}) == f"a: {word}\n"


def test_short_and_nameless_things_stand_in_one_line() -> None:
    value = {
        "networks": {"front": {"mtu": 1450, "shared": True}, "back": {}},
        "rules": [{"direction": "ingress", "remote": {"group": "web"}}],
        "dns": ["9.9.9.9", "1.1.1.1"],
        "long": ["word" * 10, "word" * 10, "word" * 10],
        "text": "two\nlines\n",
    }
    assert dump(value) == dedent("""\
        networks:
          front: {mtu: 1450, shared: true}
          back: {}
        rules:
        - {direction: ingress, remote: {group: web}}
        dns: [9.9.9.9, 1.1.1.1]
        long:
        - wordwordwordwordwordwordwordwordwordword
        - wordwordwordwordwordwordwordwordwordword
        - wordwordwordwordwordwordwordwordwordword
        text: |
          two
          lines
        """)
