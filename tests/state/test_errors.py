"""What authors get to read: everything at once, each with its place, and the word they meant."""

from __future__ import annotations

import pytest

from reconciler.errors import StateError
from reconciler.kinds.registry import Kinds
from reconciler.state.model import make_desired
from tests.support.runs import in_memory


def problems(kinds: Kinds, *texts: str) -> list[str]:
    with pytest.raises(StateError) as refusal:
        make_desired(in_memory(*texts), kinds)
    return [str(problem) for problem in refusal.value.problems]


def test_every_error_of_every_file_is_told_at_once(kinds: Kinds) -> None:
    found = problems(
        kinds,
        "domain: d\nprojects:\n  p: {descriptoin: x}\n  q: {enabled: no}\n",
        "domain: d\nuser: {}\n",
        "a: 1\na: 2\n",
        "domain: d\ngroups:\n  g:\n    users: [nobody]\n",
    )
    assert len(found) == 5
    places = [line.split(": ")[0] for line in found]
    assert places == ["a.yaml:3", "a.yaml:4", "b.yaml:2", "c.yaml:2", "d.yaml:4"]


SAID = [
    ("domain: d\nprojects: {p: {descriptoin: x}}",
     "a.yaml:2: Project/d/p: descriptoin is no field of it; did you mean description?"),
    ("domain: d\nproject: {}\n", "a.yaml:2: project: takes one name, in this place"),
    ("project: p\n", "a.yaml:1: project: needs domain: beside it"),
    ("domains: {d: {}}\nprojekts: {}\n", "a.yaml:2: projekts is no collection"),
    ("domain: d\nprojekts: {}\n",
     "a.yaml:2: Domain/d: projekts is no collection of a domain; did you mean projects?"),
    ("- a\n", "a.yaml:1: a file holds collections"),
    ("domain: d\nprojects: null\n", "a.yaml:2: Domain/d: projects cannot be null"),
    ("domain: d\nprojects: [p]\n", "a.yaml:2: Domain/d: projects maps names to fields"),
    ("domain: d\nprojects: {p: 5}\n", "a.yaml:2: Project/d/p: takes fields: {field: value}"),
    ('domain: d\nprojects: {" p": {}}\n', "a name has no blanks around it"),
    ('domain: d\nprojects: {"": {}}\n', "is not empty"),
    ("domain: d\nprojects:\n  p:\n    tags:\n      - a/b\n",
     "a.yaml:5: Project/d/p: tags.0: 'a/b': a tag holds no comma and no slash"),
    ("domain: d\nprojects: {p: {enabled: 'yes'}}\n", "enabled takes true or false"),
    ("domain: d\nprojects: {p: {description: 5}}\n",
     "description takes a string; put the value in quotes"),
    ("domain: d\nproject: p\nnetworks: {n: {mtu: 1_400}}\n",
     "mtu takes a whole number, written plainly"),
    ("domain: d\nusers: {u: {password: hunter2}}\n", "password: in clear; write {env: VARIABLE}"),
    ("domain: d\nprojects: {p: {members: [{role: member}]}}\n", "takes either user or group"),
    ("domain: d\nusers: {u: {}}\nprojects: {p: {members: [{user: u}]}}\n", "role is missing"),
    ("domain: d\nprojects: {p: {members: [u]}}\n", "an item of members has fields"),
    ("domain: d\nprojects: {p: {reconcile: {lifecycle: gone}}}\n", "reconcile.lifecycle"),
    ("domain: d\nprojects: {p: {reconcile: {protekt: true}}}\n", "did you mean protect?"),
    ("domain: d\nprojects: {p: {reconcile: {protect: true, lifecycle: absent}}}\n",
     "protect and absent contradict each other"),
    ("domain: d\nprojects: {p: {description: x, reconcile: {lifecycle: external}}}\n",
     "external with fields: it is never written"),
    ("domain: d\nprojects: {p: {parent: p}}\n", "refers to itself"),
    ("domain: d\nprojects: {p: {parent: q}, q: {parent: p}}\n",
     "refers to itself: Project/d/"),
    ("domain: d\nusers: {u: {}}\ngroups: {g: {users: [u, u]}}\n", "the same is stated twice"),
    ("domain: d\nusers: {u: {reconcile: {lifecycle: absent}}}\ngroups: {g: {users: [u]}}\n",
     "User/d/u is referred to here, but declared absent"),
    ('domain: d\ngroups: {g: {users: ["*"]}}\n', "refers to User *, which nothing declares"),
    ("domain: d\nusers: {alice: {}}\ngroups: {g: {users: [alcie]}}\n",
     "refers to User alcie, which nothing declares; did you mean alice?"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), SAID)
def test_an_error_says_where_and_what_to_do(kinds: Kinds, text: str, says: str) -> None:
    (problem,) = problems(kinds, text)
    assert says in problem
    assert problem.startswith("a.yaml:")


def test_a_secret_in_clear_is_not_repeated(kinds: Kinds) -> None:
    assert "hunter2" not in str(problems(kinds, "domain: d\nusers: {u: {password: hunter2}}\n"))


def test_two_declarations_name_both_places(kinds: Kinds) -> None:
    (problem,) = problems(
        kinds, "domain: d\nprojects:\n  p: {description: x}\n", "domain: d\nprojects: {p: {}}\n"
    )
    assert problem == "b.yaml:2: Project/d/p: is declared twice, first at a.yaml:3"


def test_names_that_differ_by_case_only_are_warned_of(kinds: Kinds) -> None:
    _, warnings = make_desired(in_memory("domain: d\nprojects: {Shop: {}, shop: {}}\n"), kinds)
    (warning,) = warnings
    assert warning.warning
    assert "differs only by case from" in str(warning)
