"""Absurd names and rings of references: taken as they are, warned of, or refused in words."""

from __future__ import annotations

import pytest

from reconciler.cli.codes import Code
from tests.hostile.conftest import Check, Refuse

TAKEN = [
    "😀", "é" * 255, "x" * 255, "a/b", "a%2Fb", "..", ".", "a b", "\\x00", "a\\nb", "\\x1b[31mred",
    "\\u202eevil", "\\u200b", "*", "~", "null", "<<", "a: b", "-", "$(id)", "{parent}", "str",
]  # fmt: skip
BLANK = "a name has no blanks around it and is not empty"
LONG = "a name has 255 characters at most"
REFUSED = [
    (" a", BLANK), ("a ", BLANK), ("\\ta", BLANK), ("a\\n", BLANK), ("", BLANK),
    ("\\u3000a", BLANK),
    ("x" * 256, LONG), ("😀" * 256, LONG),
]  # fmt: skip
PLACES = {
    "a domain": 'domains: {"NAME": {description: x}}',
    "a group": 'domain: d\ngroups: {"NAME": {description: x}}',
    "a network": 'domain: d\nproject: p\nnetworks: {"NAME": {mtu: 1400}}',
    "a flavor": 'flavors: {"NAME": {vcpus: 1, ram: 1, disk: 1}}',
    "the domain that a file is of": 'domain: "NAME"\nusers: {u: {}}',
    "the project that a file is of": 'domain: d\nproject: "NAME"\nnetworks: {n: {}}',
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", TAKEN)
def test_any_name_is_taken_and_gives_no_orders(check: Check, place: str, name: str) -> None:
    good = PLACES[place].replace("NAME", name)
    assert check({"a.yaml": good.encode()}).exit_code == Code.DONE
    bad = good + '\nwrong: {"NAME": 1}\n'.replace("NAME", name)
    told = check({"a.yaml": bad.encode()}).output
    assert told.replace("\n", "").isprintable()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("name", "says"), REFUSED)
def test_a_name_that_a_service_would_change_is_refused(
    refuse: Refuse, place: str, name: str, says: str
) -> None:
    told = refuse(PLACES[place].replace("NAME", name))
    assert len(told) == 1
    assert says in told[0] or (not name and "takes one name" in told[0])


def test_a_stated_name_keeps_its_blanks_only_where_the_service_does(
    refuse: Refuse, check: Check
) -> None:
    """Keystone would strip them, and never find the object again."""
    (told,) = refuse('domain: d\ngroups: {g: {name: " g", description: x}}')
    assert BLANK in told
    network = 'domain: d\nproject: p\nnetworks: {n: {name: " n", mtu: 1400}}'
    assert check({"a.yaml": network.encode()}).exit_code == Code.DONE


CASE = [
    "roles: {auditor: {}, Auditor: {}}",
    "domain: d\ngroups: {STRASSE: {description: x}, Straße: {description: x}}",
    "roles: {Admin: {}}",
]


@pytest.mark.parametrize("text", CASE)
def test_names_that_differ_by_case_alone_are_warned_of(check: Check, text: str) -> None:
    result = check({"a.yaml": text.encode()})
    assert result.exit_code == Code.DONE
    assert "warning: " in result.output
    assert "differs only by case from" in result.output


RINGS = [
    "domain: d\nprojects: {p: {parent: p}}",
    "domain: d\nprojects: {a: {parent: b}, b: {parent: a}}",
    "domain: d\nprojects: {"
    + ", ".join(f"p{n}: {{parent: p{(n + 1) % 3000}}}" for n in range(3000)) + "}",
    "regions: {a: {parent: b}, b: {parent: c}, c: {parent: a}}",
]  # fmt: skip


@pytest.mark.parametrize("text", RINGS)
def test_a_ring_of_parents_is_refused(refuse: Refuse, text: str) -> None:
    (told,) = refuse(text)
    assert "refers to itself: " in told


def test_rings_that_services_take_are_taken(check: Check) -> None:
    """Neither can be told from what they are about: two edges, each between what is there."""
    rules = "{rules: [{direction: ingress, remote: {group: OTHER}}]}"
    a, b = rules.replace("OTHER", "b"), rules.replace("OTHER", "a")
    for text in (
        "roles: {a: {implies: [b]}, b: {implies: [a]}}",
        f"domain: d\nproject: p\nsecurity_groups: {{a: {a}, b: {b}}}",
    ):
        result = check({"a.yaml": text.encode()})
        assert result.exit_code == Code.DONE, result.output
