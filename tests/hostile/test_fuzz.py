"""Random states of real field names with hostile values: errors with their place, or none."""

from __future__ import annotations

import random
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from reconciler.errors import StateError
from reconciler.kinds.fields import Field, fields_of
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.registry import Kinds, load_kinds
from reconciler.report.graph import dot, edges_of
from reconciler.report.problems import problems_json, problems_sarif, problems_text
from reconciler.state.model import make_desired
from reconciler.yamlout import dump
from tests.hostile.conftest import validate
from tests.support.runs import in_memory

NAMES = [
    "a", "A", "default", "admin", "reader", "Default", "str", "int", "[key]", "function-x", "(a)",
    "😀", "é" * 127, "x" * 255, "x" * 256, "a/b", "a%2Fb", "..", ".", " a", "a ", "a\nb", "\t",
    "\x1b[31m", "\u202e", "\u2028", "\ufeff", "", "*", "~", "null", "<<", "a: b", "{env: X}",
    "reconcile", "name", "domain", "project", "1", "-1", "ß", "ss", "İ", "$(id)", "{parent}", "{}",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**39, -(10**39), 1.5, 1e308, float("inf"),
    float("nan"), "", "no", "1_000", "0777", "1:30", "9" * 5_000, "10.0.0.0/8", "::/0", "10.0.0.1",
    "fe80::1%eth0", "1.2.3.4/99", "tcp", "8000-80", "0x10", "2GiB", "٣GiB", "1e999", "reader",
    "http://[::1", "https://u:p@h/", "http://h\u2100.x/", "sha512:00", "sha512:" + "0" * 128,
    "../../etc/passwd", "/dev/zero", "\0", "😀", "x" * 10_000, "2026-01-01", "00:00:00:00:00:00",
    [], {}, [[]], [{}], {"": {}}, [None], {"name": None}, {"name": "a", "domain": None},
    {"env": "HOME", "file": "x"}, {"name": "a", "project": "a", "domain": "a", "network": "a"},
]  # fmt: skip
KINDS: Kinds = load_kinds()
Drawn = st.SearchStrategy[Any]
NAME = attrgetter("name")

names = st.sampled_from(NAMES)
PYDANTIC = st.sampled_from(["str", "[key]", "(a)", "function-x", "Named"])
"""Words that pydantic's own paths hold, too."""
values: Drawn = st.sampled_from(VALUES) | st.recursive(
    st.sampled_from(VALUES) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


def of_field(field: Field) -> Drawn:
    """Give what mostly has the form of a field, and not its values."""
    inside = maybe({one.name: of_field(one) for one in field.nested}) if field.nested else values
    one = inside | values | names
    return one | st.lists(one, max_size=3) | st.dictionaries(names, one, max_size=2)


def maybe(fields: dict[str, Drawn]) -> Drawn:
    return st.fixed_dictionaries({}, optional=fields)


OPTIONS = maybe({
    word: st.sampled_from(["managed", "external", "absent", "detach", "observe", "allow"]) | values
    for word in ("lifecycle", "id", "previously", "protect", "on_remove", "ignore", "mode",
                 "replace", "protekt")
})  # fmt: skip


@st.composite
def entries(draw: st.DrawFn, kind: Kind, depth: int) -> Any:
    """Give an entry of a kind, with what can lie in it."""
    fields = {field.name: of_field(field) for field in fields_of(kind.spec)}
    chosen = draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=5)) \
        if fields else []  # fmt: skip
    entry: dict[str, Any] = {name: draw(fields[name]) for name in chosen}
    if draw(st.booleans()):
        entry["reconcile"] = draw(OPTIONS | values)
    if draw(st.integers(0, 3)) == 0:
        entry[draw(PYDANTIC | names)] = draw(values)
    below = KINDS.below(kind.name)
    if depth and below:
        for inner in draw(st.lists(st.sampled_from(below), max_size=2, unique_by=NAME)):
            entry[inner.collection] = draw(collections(inner, depth - 1))
    return entry


@st.composite
def collections(draw: st.DrawFn, kind: Kind, depth: int) -> Any:
    if draw(st.integers(0, 15)) == 0:
        return draw(values)
    entry = entries(kind, depth) | values
    match kind.form:
        case Form.LIST:
            return draw(st.lists(entry | names, max_size=3))
        case Form.ONE:
            return draw(entry)
        case _:
            return draw(st.dictionaries(names, entry, max_size=3))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Give a file, of the top, of a domain or of a project."""
    place = draw(st.sampled_from(["", "Domain", "Project"]))
    document: dict[str, Any] = {}
    if place:
        document["domain"] = draw(names | values) if draw(st.integers(0, 9)) == 0 else "a"
    if place == "Project":
        document["project"] = draw(names)
    for kind in draw(st.lists(st.sampled_from(KINDS.below(place)), max_size=3)):
        document[kind.collection] = draw(collections(kind, 3))
    return document


def check(*texts: str | bytes) -> None:
    """See that a state is valid, or that all that is wrong is told with its place."""
    files = {f"{n}.yaml": t.encode() if isinstance(t, str) else t for n, t in enumerate(texts)}
    revision = in_memory()
    object.__setattr__(revision, "files", files)
    try:
        desired, problems = make_desired(revision, KINDS)
        dot(edges_of(desired))
    except StateError as error:
        problems = list(error.problems)
        assert problems
    for problem in problems:
        assert problem.file in files
        assert problem.line >= 1
        assert problem.message
        assert len(str(problem)) < 2_500
    text = problems_text(problems)
    assert text.count("\n") == len(problems)
    assert text.replace("\n", "").isprintable()
    problems_json(problems, files=1, objects=1, valid=False).encode()
    problems_sarif(problems, version="1", folder="state").encode()


@settings(max_examples=200)
@given(st.lists(documents(), min_size=1, max_size=2))
@example([{"domains": {"a": None, "A": {"description": True, "groups": {"a": None}}}}])
@example([{"domain": "d", "groups": {"g": {"users": [{"[key]": None}]}}}])
def test_a_random_state_is_valid_or_told_what_is_wrong(found: list[dict[str, Any]]) -> None:
    check(*(dump(document) for document in found))


PIECES = [
    "domains:", "domain: d\n", "project: p\n", "networks: ", "rules: ", "- ", "  ", "\n", "{", "}",
    "[", "]", "&a ", "*a", "<<: ", "? ", ": ", "!!int ", "!!python/name:x ", "!x ", "|\n", ">-\n",
    "'", '"', "\\", "#", "%YAML 1.1\n", "%TAG ! x\n", "---\n", "...\n", "\t", "\r", "\x85", "~",
    "1e999", "0o8", ".inf", "@", "`", "😀", "\u2028", "\ufeff", "reconcile: ", "name: ", "\x07",
]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES) | names, max_size=30).map("".join))
def test_random_text_is_valid_or_told_what_is_wrong(text: str) -> None:
    check(text)


@settings(max_examples=200)
@given(st.binary(max_size=60))
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbf\xef\xbb\xbf")
def test_random_bytes_are_told_to_be_wrong(content: bytes) -> None:
    check(content)


GOOD = """
domain: campus
users: {alice: {email: a@example.org, password: {env: X, rotation: 2}}}
groups: {devs: {users: [alice]}}
projects:
  shop: &shop
    description: The shop
    tags: [web]
    quotas: {compute: {cores: 20, ram: 50GiB}, network: {floatingip: 5}}
    members: [{user: alice, role: member}, {group: devs, roles: [member], inherited: true}]
    networks: {front: {mtu: 1400, subnets: {v4: {cidr: 10.10.0.0/24, dns_nameservers: [9.9.9.9]}}}}
    routers: {edge: {interfaces: [v4], routes: [{destination: 10.99.0.0/16, nexthop: 10.10.0.9}]}}
    security_groups:
      web: {rules: [{direction: ingress, protocol: tcp, ports: 443, remote: {group: web}}]}
  copy: {<<: *shop, description: Another}
"""


def mutations(seed: int) -> Iterator[bytes]:
    """Give a good file with a few bytes changed, doubled, swapped or cut."""
    dice = random.Random(seed)  # noqa: S311 - not a secret
    for _ in range(100):
        data = bytearray(GOOD.encode())
        for _ in range(dice.randint(1, 4)):
            at, length = dice.randrange(len(data)), dice.randint(0, 12)
            piece = data[at : at + length]
            to = dice.randrange(len(data))
            match dice.randrange(4):
                case 0:
                    data[at : at + length] = b""
                case 1:
                    data[to:to] = piece
                case 2:
                    data[to : to + length] = piece
                case _:
                    data[at : at + 1] = dice.choice(PIECES).encode()
        yield bytes(data)


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_file_is_valid_or_told_what_is_wrong(seed: int) -> None:
    check(GOOD)
    for damaged in mutations(seed):
        check(damaged)


def test_the_command_says_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    for number, damaged in enumerate(mutations(77)):
        if number % 4 == 0:
            folder = tmp_path_factory.mktemp("state")
            (folder / "a.yaml").write_bytes(damaged)
            for form in ("text", "json", "sarif"):
                validate(str(folder), "-o", form)
