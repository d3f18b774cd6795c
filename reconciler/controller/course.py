"""What a walk is given, and what it gives back: a source, a cloud, and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.chronicle import Chronicle
from reconciler.cloud.record import Approval
from reconciler.controller.status import Phase, Result, SourceStatus
from reconciler.engine.apply import Outcome
from reconciler.errand import Ready
from reconciler.errors import Trouble
from reconciler.kinds.registry import Kinds
from reconciler.ledger import Repository
from reconciler.line import Report, Target
from reconciler.settings import CloudSettings
from reconciler.state.source import Revision
from reconciler.state.values import Desired


class Source(Protocol):
    """Where commits come from."""

    def fetch(self, now: float, applied: str = "") -> SourceStatus:
        """Look for a newer commit; whatever goes wrong is in the answer, never raised.

        Where nothing is in force yet, it has to come after ``applied``.
        """

    def read(self, revision: str) -> Revision:
        """Read the state at a commit.

        Raises:
            SourceError: it cannot be had.

        """

    def take(self, revision: str) -> None:
        """Heed that a commit is in force: what comes later has to come after it.

        Raises:
            SourceError: that cannot be written down.

        """

    @property
    def in_force(self) -> str:
        """Give the commit that was last taken, by an earlier process too; nothing: none is known.

        It is read where the newest cannot be.
        """

    @property
    def repository(self) -> Repository | None:
        """Give where earlier revisions are read."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a run is to be about, and with whom."""

    cloud: str
    owner: str
    settings: CloudSettings
    kinds: Kinds
    source: Source
    connect: Callable[[], Target]
    """Logs in: one token a run."""
    chronicle: Chronicle
    stopped: Callable[[], bool] = lambda: False
    """Whether the process is to end: nothing more is to be begun, not even a look."""
    paused: Callable[[], bool] = lambda: False
    """Whether somebody paused the whole cloud since the run began: nothing more is to be made."""
    alive: Callable[[], None] = lambda: None
    """Told again and again while a run goes on."""


@dataclass(slots=True)
class Walked:
    """A run in the making, and what came of it. Only the loop of its cloud writes it."""

    source: SourceStatus
    started: float
    seconds: dict[Phase, float] = field(default_factory=dict)
    desired: Desired | None = None
    plan_id: str = ""
    """Of the plan that was made; ``ready`` has what is left of it, once changes were made."""
    ready: Ready | None = None
    applied_committed: float | None = None
    """When the commit was made that was last applied to its end."""
    report: Report | None = None
    result: Result = Result.FAILED
    error: str = ""
    request_id: str = ""
    """Of the request that ``error`` is about."""
    approval: Approval | None = None
    """What lets the plan pass, if somebody approved it; the record tells whether it was used."""
    troubles: frozenset[Trouble] = frozenset()
    """What kinds of trouble there were: they say when to try again."""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        return (*self.report.outcomes, *self.report.later) if self.report else ()
