"""How often Python looks for garbage: seldom, for what a run makes lasts as long as it."""

from __future__ import annotations

import atexit
import gc

MADE, YOUNG, OLD = 50_000, 200, 100
"""Objects after which Python looks through the newest; and how many looks before older ones."""


def collect_nothing() -> None:
    """Keep Python from looking as long as modules are imported: none of that is garbage.

    It would take a sixth of the CPU of every import.
    """
    gc.disable()


def collect_after_imports() -> None:
    """Look again, if seldom, where somebody kept Python from it until all was imported."""
    if not gc.isenabled():
        gc.enable()
        collect_seldom()
        atexit.register(gc.freeze)  # nor is it looked through once more when all of it goes


def collect_seldom() -> None:
    """Leave what was imported out of every look, and look seldom.

    With Python's own figures looking through all that a large state and cloud are made of took
    4.5 of 12 seconds at 100 000 objects, and more than twice that at twice as many. Next to nothing
    of it is garbage that only a look can find: the peak of memory stayed the same.
    """
    gc.freeze()
    gc.set_threshold(MADE, YOUNG, OLD)
