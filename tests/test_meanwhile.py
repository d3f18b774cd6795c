"""What is begun early is waited for late, or not at all."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from reconciler.errors import Denied
from reconciler.meanwhile import meanwhile


def test_what_was_begun_is_there_when_it_is_asked_for_as_often_as_that_is() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(10)
        return "done"

    outcome = meanwhile(slow)
    assert begun.wait(10)  # nobody has asked yet
    go_on.set()
    assert [outcome(), outcome()] == ["done", "done"]


def test_what_went_wrong_is_raised_where_it_is_waited_for() -> None:
    def refused() -> None:
        raise Denied("no such user")

    outcome = meanwhile(refused)
    with pytest.raises(Denied, match="no such user"):
        outcome()


def test_a_program_does_not_stay_for_what_nobody_waits_for() -> None:
    words = (
        "import time; from reconciler.meanwhile import meanwhile; meanwhile(lambda: time.sleep(60))"
    )
    subprocess.run([sys.executable, "-c", words], check=True, timeout=30)
