"""YAML that is made to break its reader: refused with its place, in little time and memory."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.cli.codes import Code
from reconciler.errors import MOST
from reconciler.kinds.registry import Kinds
from reconciler.state.model import make_desired
from reconciler.yamlio import MAX_BYTES, MAX_DEPTH, MAX_VALUES, TOO_MANY, Budget
from tests.hostile.conftest import Check, Refuse
from tests.support.runs import in_memory

MEMORY = 1 << 30
"""Bytes of address space that a run may have: it takes a quarter of that by itself."""


def laughs(levels: int, each: str = "[{}]") -> str:
    """Give a text of which every level holds the one before ten times."""
    lines = ["a0: &a0 {x: y}"]
    lines += [
        f"a{level}: &a{level} " + each.format(", ".join([f"*a{level - 1}"] * 10))
        for level in range(1, levels)
    ]
    return "\n".join(lines) + "\n"


DEEP = 10_000
NESTED = f"nested more than {MAX_DEPTH} levels deep"
LARGE = "a list of more than there may be"
BOMBS: dict[str, tuple[str, str]] = {
    "billion laughs": (laughs(12), TOO_MANY),
    "of merge keys": (laughs(12, "{{<<: [{}]}}"), TOO_MANY),
    "of merge keys one by one": (laughs(12, "{{b: {{<<: [{}]}}}}"), TOO_MANY),
    "one bomb in each of many documents": ("---\n".join([laughs(6)] * 60), TOO_MANY),
    "lists in a line": (f"a: {'[' * DEEP}{']' * DEEP}", NESTED),
    "lists that do not end": (f"a: {'[' * DEEP}", NESTED),
    "maps in a line": ("{a: " * DEEP + "}" * DEEP, NESTED),
    "items in a line": ("- " * DEEP + "x", NESTED),
    "items with more blanks": ("-  " * DEEP + "x", NESTED),
    "keys of keys": ("? " * DEEP + "x", NESTED),
    "blocks": ("\n".join(f"{' ' * at}a:" for at in range(2000)), NESTED),
    "of aliases": ("a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60)), NESTED),
    "an alias that contains itself": ("a: &x {b: [*x]}", "an alias that contains itself"),
    "a merge of itself": ("a: &x {<<: *x}", "an alias that contains itself"),
    LARGE: (f"a: [{'x,' * (2 * MAX_VALUES)}]", TOO_MANY),
    "a million entries": (
        "".join(f"k{n}: 1\n" for n in range(1_000_000)),
        f"larger than {MAX_BYTES >> 20} MiB: state belongs into more files",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in BOMBS if name != LARGE])
def test_a_bomb_is_refused_with_its_place(
    check: Check, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("reconciler.yamlio.MAX_VALUES", 30_000)  # a tenth, to be quick
    text, says = BOMBS[name]
    result = check({"a.yaml": text.encode()})
    assert result.exit_code == Code.NOTHING
    assert re.search(rf"a\.yaml(:\d+)?: {re.escape(says)}\n", result.output), result.output[:500]


def test_all_files_together_are_bounded(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is small enough by itself."""
    monkeypatch.setattr("reconciler.state.reading.Budget", lambda: Budget(60_000))
    bomb = laughs(4).encode()
    assert check({f"{n}.yaml": bomb for n in range(20)}).stdout.count(TOO_MANY) == 0
    told = check({f"{n}.yaml": bomb for n in range(50)}).stdout.splitlines()
    assert sum(TOO_MANY in line for line in told) > 10


BOUNDED = """
import resource, sys
from reconciler.cli.main import cli
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
cli(["validate", sys.argv[2]], prog_name="reconciler")
"""


def test_bombs_stay_within_memory(tmp_path: Path) -> None:
    largest = (LARGE, "billion laughs")
    for at, name in enumerate(largest):
        (tmp_path / f"{at}.yaml").write_text(BOMBS[name][0])
    run = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(MEMORY), str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == Code.NOTHING, run.stderr
    assert run.stdout.count(TOO_MANY) == len(largest)
    assert "Error" not in run.stderr


WRITTEN: dict[str, tuple[str | bytes, str]] = {
    "UTF-16": ("a: 1".encode("utf-16"), "not YAML: 'utf-8' codec can't decode byte 0xff"),
    "Latin-1": (b"roles: {caf\xe9: {}}", "not YAML: 'utf-8' codec can't decode byte 0xe9"),
    "half a letter": (b"roles: {caf\xc3", "not YAML: 'utf-8' codec can't decode"),
    "a surrogate": (b"roles: {\xed\xa0\x80: {}}", "not YAML: 'utf-8' codec can't decode"),
    "an escaped surrogate": ('roles: {"\\ud800": {}}', "invalid Unicode character escape code"),
    "NUL": (b"roles:\n  a\0b: {}", "control characters are not allowed"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not YAML: 'utf-8' codec can't decode"),
    "a program": (b"\x7fELF\x02\x01\x01\0", "control characters are not allowed"),
    "an archive": (b"\x1f\x8b\x08\0\0\0\0\0", "not YAML: 'utf-8' codec can't decode"),
    "an object of Python's": ("a: !!python/object:os.system x", "is not taken here"),
    "a call of Python's": ("a: !!python/object/apply:os.system [id]", "is not taken here"),
    "a name of Python's": ("a: !!python/name:os.system", "is not taken here"),
    "a map of Python's": ("a: !!python/object/new:x.Y {state: 1}", "is not taken here"),
    "a set": ("a: !!set {x: null}", "is not taken here"),
    "an own tag": ("a: !secret x", "the tag !secret is not taken here"),
    "no integer": ("a: !!int abc", "the tag !!int does not fit"),
    "no number": ("a: !!float abc", "the tag !!float does not fit"),
    "no boolean": ("a: !!bool maybe", "the tag !!bool does not fit"),
    "no null": ("a: !!null secret", "the tag !!null does not fit"),
    "a key twice": ("roles:\n  a: {}\n  a: {}\n", "the key a stands here twice, first in line 2"),
    "a key twice in a merge": ("x: &x {a: 1}\ny: {<<: *x, b: 1, b: 2}", "the key b stands here"),
    "a key that is a list": ("? [a]\n: b", "the key this is not a string"),
    "no collections": ("- a\n- b", "a file holds collections"),
    "a scalar": ("x", "a file holds collections"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_no_state_is_refused_with_its_line(refuse: Refuse, name: str) -> None:
    content, says = WRITTEN[name]
    told = refuse(content)
    assert len(told) == 1, told
    assert says in told[0]


def test_a_byte_order_mark_is_nothing(check: Check) -> None:
    result = check({"a.yaml": b"\xef\xbb\xbfroles: {auditor: {}}\n"})
    assert result.exit_code == Code.DONE
    assert check({"a.yaml": b"\xef\xbb\xbfrules: {}\n"}).exit_code == Code.NOTHING


HUGE = "9" * 5_000
"""More digits than Python turns into a number."""
NUMBERS: list[tuple[str, str]] = [
    (f"flavors: {{f: {{vcpus: {HUGE}, ram: 1, disk: 1}}}}", "vcpus takes a whole number"),
    (f"flavors: {{f: {{vcpus: 1, ram: {HUGE}GiB, disk: 1}}}}", "ram: "),
    (f"flavors: {{f: {{vcpus: 1, ram: {'9' * 4_295}PiB, disk: 1}}}}", "ram: "),
    ("flavors: {f: {vcpus: 1e3, ram: 1, disk: 1}}", "vcpus takes a whole number"),
    ("flavors: {f: {vcpus: 1e999, ram: 1, disk: 1}}", "vcpus takes a whole number"),
    ("flavors: {f: {vcpus: .nan, ram: 1, disk: 1}}", "vcpus takes a whole number"),
    ("flavors: {f: {vcpus: -.inf, ram: 1, disk: 1}}", "vcpus takes a whole number"),
    ("flavors: {f: {vcpus: 2026-01-01, ram: 1, disk: 1}}", "vcpus takes a whole number"),
    ("flavors: {f: {vcpus: 1, ram: 1, disk: 1, rxtx_factor: 1e999}}", "rxtx_factor: "),
    ("flavors: {f: {vcpus: 1, ram: 1, disk: 1, rxtx_factor: .inf}}", "rxtx_factor: "),
    ("flavors: {f: {vcpus: 1, ram: 1, disk: 1, rxtx_factor: .nan}}", "rxtx_factor: "),
    ("roles: {2026-01-01: 1}", "takes fields"),
    ("roles: {a: {description: 1.5}}", "description takes a string"),
]


@pytest.mark.parametrize(("text", "says"), NUMBERS)
def test_a_number_that_is_none_is_told(refuse: Refuse, text: str, says: str) -> None:
    (told,) = refuse(text)
    assert says in told
    assert len(told) < 1_500


def test_all_errors_are_told_as_long_as_anybody_reads_them(refuse: Refuse) -> None:
    told = refuse("".join(f"wrong{n}: {{}}\n" for n in range(MOST)))
    assert len(told) == MOST
    told = refuse("".join(f"wrong{n}: {{}}\n" for n in range(50 * MOST)))
    assert len(told) == MOST + 1
    assert told[-1] == "there are more than 1,000 problems: mend these first"


COUNT = 5_000
THOUSANDS = {
    "names that nothing declares": "domain: d\nusers: {"
    + ", ".join(f"user{n}: {{}}" for n in range(COUNT)) + "}\ngroups: {g: {users: ["
    + ", ".join(f"usr{n}" for n in range(COUNT)) + "]}}\n",
    "fields that nobody knows": "domain: d\nprojects: {p: {members: ["
    + ", ".join(f"{{wrong{n}: 1}}" for n in range(COUNT)) + "]}}\n",
    "fields of one object": "roles: {r: {"
    + ", ".join(f"wrong{n}: 1" for n in range(COUNT)) + "}}\n",
    "files": "---\n".join(["[]\n"] * COUNT),
}  # fmt: skip


@pytest.mark.parametrize("name", THOUSANDS)
def test_thousands_of_errors_are_bounded(refuse: Refuse, name: str) -> None:
    assert len(refuse(THOUSANDS[name])) == MOST + 1


def test_what_was_written_is_not_repeated_without_end(refuse: Refuse) -> None:
    long = "x" * 1_000_000
    told = refuse(f"k: &k {long}\n" + "".join(f"a{n}: {{*k : 1}}\n" for n in range(200)))
    assert all(len(line) < 2_500 for line in told)
    told = refuse(f'domain: d\ngroups: {{g: {{users: ["{long}"]}}}}\n{long}: 1\n')
    assert all(len(line) < 2_500 for line in told)


def test_a_thousand_projects_may_have_the_same_names(kinds: Kinds) -> None:
    """Looking each name up among all of them would take sixteen times as long for four times."""
    one = (
        "{networks: {front: {subnets: {s: {cidr: 10.0.0.0/24}}}}, routers: {r: {interfaces: [s]}}}"
    )

    def seconds(count: int) -> float:
        text = "domain: d\nprojects:\n" + "".join(f"  p{n}: {one}\n" for n in range(count))
        began = time.process_time()  # whatever else the machine does
        desired, _ = make_desired(in_memory(text), kinds)
        assert len(desired.resources) == 5 * count + 1
        return time.process_time() - began

    assert seconds(3_200) < 9 * seconds(800)
