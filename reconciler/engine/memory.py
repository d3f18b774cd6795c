"""What earlier runs left behind, as planning sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.cloud.record import Record
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
    problem: str = ""
    """Why the record cannot be read or written."""
    prunes: bool = False
    """Whether the whole of a commit is looked at: else nothing is deleted for not being in it."""
    attempt: str = ""
    """What this run is about, as ``Record.attempted`` names it."""
