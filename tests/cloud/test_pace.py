"""How many requests a service gets at once: it finds the knee by itself, and never insists."""

from __future__ import annotations

import heapq
import threading

import pytest

from reconciler.cloud.pace import LEAST, MOST, PAUSE, SILENT, START, Pace


class Service:
    """Answers so many requests at once, each in a tenth of a second; guards the time it keeps."""

    def __init__(self, knee: int) -> None:
        self.knee = knee
        self.now = 0.0

    def run(self, pace: Pace, answers: int) -> list[int]:
        """Keep as many requests out as the pace allows; give its limit after each answer."""
        limits: list[int] = []
        out: list[float] = []
        free = [0.0] * self.knee
        while len(limits) < answers:
            while len(out) < pace.limit:
                pace.__enter__()
                begins = max(self.now, heapq.heappop(free))
                heapq.heappush(free, begins + 0.1)
                heapq.heappush(out, begins + 0.1)
            self.now = max(self.now, heapq.heappop(out))
            pace.__exit__()
            limits.append(pace.limit)
        for _ in out:
            pace.__exit__()
        return limits


def paced(knee: int, answers: int = 3000) -> tuple[Pace, Service, list[int]]:
    service = Service(knee)
    pace = Pace(lambda: service.now)
    return pace, service, service.run(pace, answers)


@pytest.mark.parametrize("knee", [6, 8, 12])
def test_more_is_asked_of_a_service_that_is_quicker_for_it(knee: int) -> None:
    _, _, limits = paced(knee)
    usual = sorted(limits[1500:])[750]
    assert knee - 2 <= usual <= knee + 2


@pytest.mark.parametrize("knee", [1, 2, 4])
def test_of_a_small_service_no_more_is_asked_for_long(knee: int) -> None:
    _, _, limits = paced(knee)
    assert sorted(limits)[len(limits) // 2] <= START
    assert max(limits) <= START + 2


def test_there_is_an_end_to_it() -> None:
    _, _, limits = paced(100, 6000)
    assert max(limits) == MOST


def test_one_that_asks_for_less_gets_half_and_is_left_in_peace() -> None:
    pace, service, _ = paced(12)
    before = pace.limit
    pace.throttled()
    assert pace.limit == max(LEAST, before // 2)
    assert max(service.run(pace, 100)) <= max(LEAST, before // 2)


def test_one_that_got_other_things_to_do_gets_less() -> None:
    pace, service, limits = paced(8)
    service.knee = 2
    assert min(service.run(pace, 3000)) < limits[-1]


def test_the_first_request_goes_alone() -> None:
    pace, second = Pace(), threading.Event()

    def another() -> None:
        with pace:
            second.set()

    with pace:
        thread = threading.Thread(target=another)
        thread.start()
        assert not second.wait(0.1)
    assert second.wait(5)
    thread.join()


def test_what_ends_in_an_error_lets_the_next_one_go() -> None:
    pace = Pace()
    for _ in range(3):
        with pytest.raises(OSError, match="reset"), pace:
            raise OSError("reset")
    with pace:
        assert pace.limit == START


def test_a_service_that_gives_no_answer_is_left_alone_for_a_while() -> None:
    service = Service(1)
    pace = Pace(lambda: service.now)
    for _ in range(SILENT - 1):
        pace.lost()
    assert not pace.is_silent
    pace.lost()
    assert pace.is_silent
    service.now += PAUSE + 1
    assert not pace.is_silent
    pace.lost()
    assert pace.is_silent  # one that is silent still is tried once, not four times again
    pace.answered()
    assert not pace.is_silent
