"""Calls are made by as many threads as there may be requests out, and all of them are made."""

from __future__ import annotations

import threading
import time

import pytest

from reconciler.cloud.turns import Turns

PATIENCE = 10.0


class _Calls:
    """Guards how many are under way, and who made them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = self.most = 0
        self.threads: set[int] = set()

    def __call__(self, number: int) -> int:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.threads.add(threading.get_ident())
        time.sleep(0.002)
        with self.lock:
            self.now -= 1
        return number


def test_all_are_made_by_few_threads() -> None:
    calls, turns = _Calls(), Turns(lambda: 3)
    promised = [turns.submit(calls, number) for number in range(50)]
    assert [one.result(PATIENCE) for one in promised] == list(range(50))
    turns.shutdown()
    assert (calls.most, len(calls.threads)) == (4, 4)  # one stands by


def test_where_there_is_more_room_more_begin() -> None:
    room = [1]
    together = threading.Barrier(3)

    def grow() -> None:
        room[0] = 3

    turns = Turns(lambda: room[0])
    turns.submit(grow)
    promised = [turns.submit(together.wait, PATIENCE) for _ in range(3)]
    assert sorted(one.result(PATIENCE) for one in promised) == [0, 1, 2]
    turns.shutdown()


def test_where_there_is_no_room_one_goes_on() -> None:
    calls, turns = _Calls(), Turns(lambda: 0)
    assert [turns.submit(calls, n).result(PATIENCE) for n in range(3)] == [0, 1, 2]
    turns.shutdown()


def test_where_no_more_threads_can_be_had_those_there_are_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began: list[threading.Thread] = []
    start = threading.Thread.start

    def start_two(thread: threading.Thread) -> None:
        if len(began) > 1:
            raise RuntimeError("can't start new thread")
        began.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    calls, turns = _Calls(), Turns(lambda: 8)
    promised = [turns.submit(calls, number) for number in range(20)]
    assert [one.result(PATIENCE) for one in promised] == list(range(20))
    monkeypatch.setattr(threading.Thread, "start", start)
    turns.shutdown()


def test_what_goes_wrong_is_told_to_who_waits_and_the_rest_is_made() -> None:
    turns = Turns(lambda: 1)
    wrong, right = turns.submit(int, "x"), turns.submit(int, "7")
    with pytest.raises(ValueError, match="invalid literal"):
        wrong.result(PATIENCE)
    assert right.result(PATIENCE) == 7
    turns.shutdown()


def test_what_was_not_begun_is_given_up_at_the_end() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> bool:
        begun.set()
        return go_on.wait(PATIENCE)

    turns = Turns(lambda: 0)
    first, second = turns.submit(hold), turns.submit(int, "7")
    begun.wait(PATIENCE)
    threading.Timer(0.05, go_on.set).start()
    turns.shutdown()
    assert first.result(0)
    assert second.cancelled()
