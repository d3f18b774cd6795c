"""A text that was read before says the same again: its places, its limits, what is wrong in it."""

from __future__ import annotations

import pytest

from reconciler.errors import StateError
from reconciler.kinds.registry import Kinds, load_kinds
from reconciler.state import reading
from reconciler.state.model import make_desired
from reconciler.yamlio import TOO_MANY, Budget
from tests.support.runs import in_memory

GOOD = "domain: d\nusers:\n  alice: {email: a@example.org}\n"
FRIEND = "domain: d\ngroups:\n  devs: {users: [alice]}\n"


@pytest.fixture
def kinds() -> Kinds:
    """Give kinds of our own: with them, nothing was ever read."""
    return Kinds(load_kinds())


def places(kinds: Kinds, *texts: str) -> dict[str, str]:
    desired, _ = make_desired(in_memory(*texts), kinds)
    return {str(a): str(r.origin) for a, r in desired.resources.items() if r.managed}


def problems(kinds: Kinds, *texts: str) -> list[str]:
    with pytest.raises(StateError) as refusal:
        make_desired(in_memory(*texts), kinds)
    return [str(problem) for problem in refusal.value.problems]


def test_places_are_those_of_the_file_that_a_text_stands_in_now(kinds: Kinds) -> None:
    before = places(kinds, GOOD, FRIEND)
    assert places(kinds, GOOD, FRIEND) == before
    moved = places(kinds, FRIEND, GOOD)
    assert before["User/d/alice"] == "a.yaml:3"
    assert moved["User/d/alice"] == "b.yaml:3"


def test_what_was_read_before_is_refused_for_what_stands_beside_it_now(kinds: Kinds) -> None:
    make_desired(in_memory(GOOD, FRIEND), kinds)
    assert "b.yaml:3: Group/d/devs users: refers to User alice" in problems(kinds, "", FRIEND)[0]
    assert problems(kinds, GOOD, GOOD) == [
        "b.yaml:3: User/d/alice: is declared twice, first at a.yaml:3"
    ]


def test_what_is_wrong_is_told_every_time(kinds: Kinds) -> None:
    wrong = "domain: d\nusers:\n  alice: {emial: a@example.org}\n"
    first = problems(kinds, GOOD, wrong, "a: 1\na: 2\n")
    assert len(first) == 2
    assert problems(kinds, GOOD, wrong, "a: 1\na: 2\n") == first


def test_kinds_that_know_other_words_read_anew(kinds: Kinds) -> None:
    make_desired(in_memory(GOOD), kinds)
    fewer = Kinds(kind for kind in kinds if kind.name != "User")
    assert "users is no collection of a domain" in problems(fewer, GOOD)[0]


def test_what_was_read_before_counts_as_if_it_were_read_anew(
    kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "Budget", lambda: Budget(12))
    make_desired(in_memory(GOOD, "roles: {}\n"), kinds)
    assert problems(kinds, GOOD, GOOD.replace("alice", "bob"), GOOD.replace("alice", "carol")) == (
        [f"c.yaml:1: {TOO_MANY}"]  # where the table begins that is too much
    )
    monkeypatch.setattr(reading, "Budget", lambda: Budget(3))
    assert problems(kinds, GOOD) == [f"a.yaml:3: {TOO_MANY}"]


def test_what_nobody_asks_for_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "KEPT", 10)
    kept = reading.Readings()
    one = reading.Reading((), (), {}, 6)
    for name in "abc":
        kept.keep(name, b"", one)
        kept.get("a", b"")
    for name in "de":
        kept.keep(name, b"", one)
    asked = {name: kept.get(name, b"") is not None for name in "abcde"}
    assert asked["a"]
    assert asked["e"]
    assert not all(asked.values())


def test_of_a_file_that_changes_often_only_the_last_few_texts_are_kept() -> None:
    kept = reading.Readings()
    one = reading.Reading((), (), {}, 6)
    texts = [bytes([number]) for number in range(100)]
    for text in texts:
        kept.keep("a", text, one)
    asked = [text for text in texts if kept.get("a", text) is not None]
    assert asked == texts[-4:]


def test_items_that_only_look_alike_are_read_each_for_itself(kinds: Kinds) -> None:
    rule = "{direction: ingress, protocol: icmp, icmp: {type: %s, code: 0}}"
    group = (
        "domain: d\nprojects:\n  p:\n    security_groups:\n      g:\n        rules:\n          - "
    )
    make_desired(in_memory(group + rule % "1" + "\n"), kinds)
    assert "takes a whole number" in str(problems(kinds, group + rule % "true" + "\n"))
    assert "takes a whole number" in str(problems(kinds, group + rule % "1.0" + "\n"))
