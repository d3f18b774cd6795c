"""The floor does what it is measured for: it finds each difference, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import floor_writes
from bench.floor import Live, compare
from bench.floor_yaml import read
from bench.measure import Pair
from bench.place import Measured
from bench.state import Size, files, wanted, write
from reconciler.cloud import pace
from reconciler.engine import apply

SIZE = Size(2)


def there() -> Live:
    return {
        kind: {key: dict(fields) for key, fields in found.items()}
        for kind, found in wanted(SIZE).items()
    }


def test_what_files_state_is_what_should_be(tmp_path: Path) -> None:
    write(SIZE, tmp_path)
    assert read(tmp_path) == wanted(SIZE)


def found(live: Live) -> list[tuple[str, bool, bool]]:
    """Give kind, whether it is there, and whether it is wanted."""
    return [
        (one.kind, one.live is not None, one.fields is not None)
        for one in compare(wanted(SIZE), live)
    ]


def test_nothing_differs_from_itself() -> None:
    assert found(there()) == []


@pytest.mark.parametrize("kind", sorted(wanted(SIZE)))
def test_what_is_not_there_is_found(kind: str) -> None:
    live = there()
    live[kind].popitem()
    assert found(live) == [(kind, False, True)]


@pytest.mark.parametrize(
    "kind", [kind for kind, rows in wanted(SIZE).items() if all(rows.values())]
)
def test_another_value_is_found(kind: str) -> None:
    live = there()
    row = next(iter(live[kind].values()))
    row[next(iter(row))] = "another"
    assert found(live) == [(kind, True, True)]


def test_what_nobody_wants_is_found_where_a_list_is_ours_and_nowhere_else() -> None:
    live = there()
    live["rule"]["bench-00001", "web", "ingress", "IPv4", "tcp", "8080", ""] = {}
    live["rule"]["bench-00001", "other", "ingress", "IPv4", "tcp", "8080", ""] = {}
    live["network"]["bench-00001", "other"] = {}
    assert found(live) == [("rule", True, False)]


def test_the_state_is_as_large_as_it_says() -> None:
    made = sum(map(len, wanted(SIZE).values()))
    born = 2 * len(wanted(SIZE)["group"])
    assert SIZE.objects == made - born == 2 * 24 + 20
    assert len(dict(files(SIZE))) == 3


def test_runs_are_compared_with_those_beside_them() -> None:
    def run(wall: float, *asked: str) -> Measured:
        return Measured(wall, 0, 0, 0, tuple(("GET", 4, path) for path in asked), 0, "")

    pair = Pair("plan", [run(2, "/a", "/b"), run(9, "/a?x=1", "/b")], [run(1), run(3, "/a")])
    assert pair.ratios(lambda one: one.wall) == [2, 3]
    more, less = pair.beyond()
    assert (dict(more), dict(less)) == ({"GET :4 /b": 1}, {})


def test_the_floor_writes_in_as_many_threads_as_ours() -> None:
    ours = (apply.WORKERS, pace.START)
    assert ours == (floor_writes.THREADS, floor_writes.AT_ONCE)
