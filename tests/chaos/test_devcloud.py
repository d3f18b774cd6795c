"""A few of the faults and of the points to kill at, on real services; ``make chaos`` has all."""

from __future__ import annotations

import pytest

from tests.chaos.crash import distinct
from tests.chaos.play import Stage, crash, play
from tests.chaos.scenarios import scenarios

pytestmark = [pytest.mark.devcloud, pytest.mark.alone]

FEW = (
    "500, though it was done: what is made",
    "networks: a 200 is empty",
    "page 2: is HTML",
)
POINTS = 5


@pytest.mark.parametrize("name", FEW)
def test_the_next_run_converges_after(name: str, stage: Stage) -> None:
    [scenario] = [one for one in scenarios() if one.name == name]
    result = play(stage, scenario)
    assert [*result.problems()] == []
    assert result.faults


@pytest.mark.parametrize("at", range(POINTS))
def test_the_next_run_converges_after_a_kill(at: int, stage: Stage) -> None:
    found = distinct(stage.points)
    result = crash(stage, found[at * len(found) // POINTS + 1])
    assert [*result.problems()] == []
    assert result.faults == 1
