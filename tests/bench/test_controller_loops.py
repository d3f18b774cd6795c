"""When the bench of the controller says that a controller grows."""

from __future__ import annotations

import os

import pytest

from bench.controller_loops import Sample, Walk, complaints, growth, sample

MANY, FEW = Walk(1000, 100, 50), Walk(50, 10, 10)


def samples(walk: Walk, memory: float = 0.0, files: float = 0.0) -> list[tuple[int, Sample]]:
    """Give what a process holds that grows by so much in 1 000 loops."""
    return [
        (number, Sample(80.0 + memory * number / 1000, int(7 + files * number / 1000), 7, 0))
        for number in range(walk.every, walk.loops + 1, walk.every)
    ]


def test_one_that_keeps_nothing_is_not_complained_of() -> None:
    for walk in (MANY, FEW):
        assert growth(walk, samples(walk)) == (0.0, 0.0, 0.0, 0.0)
        assert complaints(walk, samples(walk)) == ()


def test_what_it_takes_before_it_is_warm_does_not_count() -> None:
    found = [(50, Sample(40.0, 3, 2, 0)), *samples(MANY)[1:]]
    assert complaints(MANY, found) == ()


def test_one_that_keeps_a_little_of_every_loop_is() -> None:
    assert complaints(MANY, samples(MANY, memory=20.0)) == ("memory (RSS): +20.0 in 1 000 loops",)
    (told,) = complaints(MANY, samples(MANY, files=2.0))
    assert told.startswith("file descriptors: +")
    assert complaints(FEW, samples(FEW, files=100.0)) == ("file descriptors: +4.0 in 50 loops",)


def test_one_connection_at_the_last_look_is_no_growth() -> None:
    found = samples(MANY)
    found[-1] = (1000, Sample(80.0, 8, 7, 0))
    assert complaints(MANY, found) == ()


def test_an_open_file_is_seen() -> None:
    before = sample(os.getpid())
    handle = os.open(os.devnull, os.O_RDONLY)
    try:
        assert sample(os.getpid()).files == before.files + 1
    finally:
        os.close(handle)
    assert before.memory > 1
    assert before.threads >= 1


@pytest.mark.parametrize("walk", [Walk(40, 20, 50), Walk(999, 100, 50), FEW])
def test_it_is_looked_at_both_ends_of_what_counts(walk: Walk) -> None:
    looked = [number for number in range(1, walk.loops + 1) if walk.looks(number)]
    assert looked[-1] == walk.loops
    assert walk.warm_up in looked[:-1]


@pytest.mark.parametrize("loops", [100, 499])
def test_few_loops_are_not_blown_up_to_many(loops: int) -> None:
    assert not Walk(loops, 100, 50).long
