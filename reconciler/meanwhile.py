"""From something that takes a while to its outcome, for who has other things to do until then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def meanwhile(do: Callable[[], T]) -> Callable[[], T]:
    """Begin at once; what is given back waits for the outcome, or raises what was raised.

    Nobody has to wait: a thread that is still busy when the program ends goes with it.
    """
    coming: Future[T] = Future()

    def work() -> None:
        try:
            coming.set_result(do())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            coming.set_exception(error)

    threading.Thread(target=work, name="meanwhile", daemon=True).start()
    return coming.result
