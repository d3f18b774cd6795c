"""The values that reports are made of: a table of rows, their lines, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.engine.apply import Status
from reconciler.engine.values import Action, Cause, Held, Observed
from reconciler.kinds.address import Address
from reconciler.kinds.values import Json
from reconciler.state.parse import Origin


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a row that differs, in values that can be shown to anybody."""

    path: str
    before: Json
    after: Json
    sensitive: bool = False
    forces_replace: bool = False
    note: str = ""
    item: bool = False
    """One item of a list, added or removed, not a value that changes."""
    told: bool = False
    """The address of the row says it already: not repeated to people."""
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One object and what happens to it."""

    address: Address
    parent: Address
    action: Action
    cause: Cause
    lines: tuple[Line, ...]
    source: Origin
    after: tuple[Address, ...]
    held: Held | None
    reason: str = ""
    since: float | None = None
    """When the difference was first seen, in seconds since the epoch, where that is known."""

    @property
    def place(self) -> tuple[str, ...]:
        """Give the names of the domain, or of the domain and project, that the object lies in."""
        return self.parent.names[:2]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one row."""

    address: Address
    action: Action
    status: Status
    error: str
    request_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Table:
    """All that a report tells."""

    plan_id: str
    cloud: str
    revision: str
    subject: str
    rows: tuple[Row, ...]
    observed: Mapping[str, Observed]
    unchanged: int
    warnings: tuple[str, ...]
    summary: Mapping[str, int]
    folder: str = ""
    """The folder that was read as it lies, in the place of a revision."""
    settled: str = ""
    seconds: float | None = None
    """How long observing took."""
    now: float | None = None
    """When it was observed, in seconds since the epoch."""
    results: tuple[Result, ...] | None = field(default=None)

    @property
    def empty(self) -> bool:
        """Whether nothing differs; adoptions are no difference."""
        return all(row.action is Action.ADOPT for row in self.rows)
