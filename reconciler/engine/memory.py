"""What earlier runs left behind, as planning sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.cloud.record import Record
from reconciler.engine.values import Change
from reconciler.state.history import Prior


@dataclass(frozen=True, slots=True)
class Memory:
    """The record, and what the revisions declared that it names."""

    record: Record = field(default_factory=Record)
    prior: Prior = field(default_factory=Prior)
    now: float = 0.0
    """Seconds since the epoch."""
    fresh: bool = False
    """There is no record yet."""
    flapping: Callable[[Change], bool] = lambda _change: False
    """Whether this very difference was corrected too often, and always came back."""
    problem: str = ""
    """Why the record cannot be read or written."""
    prunes: bool = False
    """Whether the whole of a commit is looked at: else nothing is deleted for not being in it."""
    attempt: str = ""
    """What this run is about, as ``Record.attempted`` names it."""
