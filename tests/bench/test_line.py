"""What the line itself does is counted, not timed: it grows as its input, and reads once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench import line, line_cloud
from reconciler.kinds.registry import Kinds, load_kinds
from reconciler.state import parse, source
from reconciler.state.model import make_desired

Count = Callable[[Callable[[], object]], int]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Count the files whose text is parsed meanwhile."""
    texts: list[str | bytes] = []
    real = vars(parse)["load_all"]

    def counting(text: str | bytes, *args: Any) -> object:
        texts.append(text)
        return real(text, *args)

    monkeypatch.setattr(parse, "load_all", counting)

    def count(work: Callable[[], object]) -> int:
        before = len(texts)
        work()
        return len(texts) - before

    return count


def lay_down(folder: Path, listed: int) -> Path:
    made, projects = line_cloud.record(listed)
    line_cloud.lay_down_pages(made, folder / "pages")
    line_cloud.lay_down_state(projects, folder / "state.git")
    return folder


def walk(folder: Path) -> dict[str, float]:
    return line.walk(folder / "state.git", folder / "pages", "first", "first")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Lay down a cloud of 600 objects, of which 300 are declared in 30 files."""
    return lay_down(tmp_path / "small", 600)


@pytest.fixture
def kinds() -> Kinds:
    """Give kinds of our own: with them, nothing was ever read."""
    return Kinds(load_kinds())


def test_a_recorded_cloud_is_what_its_state_says(small: Path) -> None:
    found = walk(small)
    assert found["declared"] == 300
    assert 600 <= found["listed"] < 620  # and what a cloud is born with
    page = small / "pages" / line_cloud.page_name("network", "/networks", 0)
    page.write_text(page.read_text().replace("What the web", "Whatever the web"))
    with pytest.raises(AssertionError, match="the recorded cloud differs"):
        walk(small)


def test_a_commit_that_touches_one_file_parses_one_file(
    small: Path, kinds: Kinds, parsed: Count
) -> None:
    first, second = (
        source.read_commit(small / "state.git", name, line.FOLDER) for name in ("first", "second")
    )
    assert parsed(lambda: make_desired(first, kinds)) == 30
    assert parsed(lambda: make_desired(first, kinds)) == 0
    assert parsed(lambda: make_desired(second, kinds)) == 1
    assert parsed(lambda: make_desired(first, kinds)) == 0


@contextmanager
def counted() -> Iterator[list[int]]:
    """Count the calls of Python functions and of those in C meanwhile."""
    calls = [0]

    def note(_frame: object, event: str, _arg: object) -> None:
        calls[0] += event in ("call", "c_call")

    earlier = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(earlier)


def test_four_times_as_much_takes_four_times_as_many_calls(small: Path, tmp_path: Path) -> None:
    large = lay_down(tmp_path / "large", 2400)
    walk(small)  # what is done once a process is done now
    with counted() as few:
        walk(small)
    walk(large)
    with counted() as many:
        walk(large)
    assert 3 < many[0] / few[0] < 4.2
