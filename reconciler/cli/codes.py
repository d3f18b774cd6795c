"""The exit codes: the first that applies, from the top."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """How a command ends."""

    USAGE = 64
    NOTHING = 1
    STALE = 4
    LOCKED = 6
    FAILED = 5
    HELD = 3
    DIFFERS = 2
    DONE = 0
