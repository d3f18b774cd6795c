"""What the controller knows of itself: immutable values that the loop makes and all others read.

A run publishes a ``CloudStatus`` before it writes, with its plan, and one when it ends; the
metrics, the HTTP API and the commands read the newest, so nobody ever sees two plans mixed. Times
are seconds since the epoch, durations are seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.engine.apply import Status
from reconciler.engine.values import Action, Cause, Reason
from reconciler.errors import Trouble
from reconciler.report.values import Table
from reconciler.settings import Mode

DRIFT = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
"""Actions that are a difference; taking over what is the same already is none."""
BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Upper bounds of the buckets of every histogram, in seconds."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How long something took, every time: a count for each of ``BUCKETS``, and one beyond."""

    counts: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)
    total: float = 0.0

    def with_one(self, seconds: float) -> Histogram:
        """Give the same with one time more."""
        at = bisect_left(BUCKETS, seconds)
        counts = tuple(n + (place == at) for place, n in enumerate(self.counts))
        return Histogram(counts, self.total + seconds)


class Trigger(StrEnum):
    """Why a run began."""

    INTERVAL = "interval"
    COMMIT = "commit"
    WEBHOOK = "webhook"
    MANUAL = "manual"
    RETRY = "retry"


class Result(StrEnum):
    """How a run ended."""

    NOOP = "noop"  # nothing differs
    OBSERVED = "observed"  # something differs, and nothing was to be written
    APPLIED = "applied"
    PARTIAL = "partial"  # something failed, was left or did not settle
    BLOCKED = "blocked"  # all that differs is held
    FAILED = "failed"  # source, authentication or API: no plan could be made


class Phase(StrEnum):
    """The parts of a run that are timed."""

    FETCH = "fetch"
    LOAD = "load"
    OBSERVE = "observe"
    PLAN = "plan"
    APPLY = "apply"


class Scope(StrEnum):
    """What a pause is about."""

    CLOUD = "cloud"
    KIND = "kind"
    PROJECT = "project"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody stopped writing for a while: all of a cloud, a kind, a project or an object."""

    scope: Scope
    name: str
    """Empty for the cloud; else a kind, ``domain/project`` or an address."""
    reason: str
    by: str
    since: float
    until: float | None
    """None: until it is resumed."""


class Deed(StrEnum):
    """What somebody did to a controller by hand."""

    PAUSED = "paused"
    RESUMED = "resumed"
    WOKEN = "woken"
    APPROVED = "approved"  # told when a run has made use of it


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody did something by hand, as history tells it."""

    at: float
    deed: Deed
    by: str
    """As they call themselves: nobody has checked it."""
    reason: str = ""
    scope: Scope | None = None
    name: str = ""
    """What a pause was about."""
    until: float | None = None
    plan_id: str = ""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The repository that is followed."""

    repository: str
    """Its URL without credentials."""
    branch: str
    revision: str = ""
    """The commit in force: the newest that was fetched, verified and valid."""
    committed: float | None = None
    fetched: float | None = None
    """When it was last reached."""
    fetch_errors: Mapping[str, int] = field(default_factory=dict)
    """How often it was not, by reason."""
    verified: bool | None = None
    """Whether the head's signature is good; None where none is asked for."""
    problem: str = ""
    """Why the newest head is not in force, if so: its first line."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many changes were made or tried."""

    kind: str
    action: Action
    cause: Cause
    status: Status


@dataclass(frozen=True, slots=True)
class Tried:
    """One change that was made or tried, without any value of its object."""

    address: str
    part: str
    """What of the object it was about, for what has no address of its own."""
    action: Action
    cause: Cause
    status: Status
    reason: str = ""
    """Why, where more is to be said: who took the entry from git, which field forces it."""
    fields: tuple[str, ...] = ()
    """The fields that were to change, where the object itself stays."""
    error: str = ""
    left: Reason | None = None
    """Why it was left as it is, although nothing failed."""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan that a run followed, in numbers."""

    summary: Mapping[str, int]
    held: Mapping[tuple[str, Reason], int]


@dataclass(frozen=True, slots=True)
class RunStatus:
    """One run."""

    number: int
    trigger: Trigger
    started: float
    finished: float | None = None
    result: Result | None = None
    revision: str = ""
    plan_id: str = ""
    error: str = ""
    """What ended it early, in one line."""
    seconds: Mapping[Phase, float] = field(default_factory=dict)
    written: Mapping[Written, int] = field(default_factory=dict)
    troubles: frozenset[Trouble] = frozenset()
    """What kinds of trouble it met."""
    author: str = ""
    """Who wrote the commit in force."""
    approved_by: str = ""
    """Who had approved the plan, where that was made use of."""
    request_id: str = ""
    """Of the request that ``error`` is about."""
    planned: Planned | None = None
    tried: tuple[Tried, ...] = ()
    """What was made or tried, what failed first, and no more than history keeps."""


@dataclass(frozen=True, slots=True)
class CloudStatus:
    """All there is to know of one cloud after its newest run."""

    cloud: str
    owner: str
    mode: Mode
    branch: str
    interval: float
    apply_commits: bool
    heal: bool
    source: SourceStatus
    run: RunStatus | None = None
    """The newest run, whose result is None while it applies its plan."""
    table: Table | None = None
    """The plan of the newest run that could make one; once it has ended, what is left of it."""
    desired: Mapping[str, int] = field(default_factory=dict)
    managed: Mapping[str, int] = field(default_factory=dict)
    unmanaged: Mapping[str, int] = field(default_factory=dict)
    """Objects of each kind: declared, ours, and neither declared nor ours."""
    differing: Mapping[tuple[str, Action, Cause], int] = field(default_factory=dict)
    """Objects that differ, by kind, action and cause, as reports show them: what has no address of
    its own counts with what it lies in. Without adoptions."""
    held: Mapping[tuple[str, Reason], int] = field(default_factory=dict)
    oldest: Mapping[str, float] = field(default_factory=dict)
    """When the oldest open difference that a hand made was first seen, a kind."""
    flapping: Mapping[str, int] = field(default_factory=dict)
    budget_left: Mapping[str, int] = field(default_factory=dict)
    """Deletes of a kind that may still pass within 24 hours."""
    observed: Mapping[str, float] = field(default_factory=dict)
    """When each kind was last listed whole."""
    pauses: tuple[Pause, ...] = ()
    approvals_pending: int = 0
    """Plans that somebody could let pass: 1 where the newest is held by what an approval frees, and
    would be applied."""
    applied: str = ""
    """The last revision whose apply ran to its end, and when it was committed."""
    applied_committed: float | None = None
    settled: str = ""
    last_run: float | None = None
    last_success: float | None = None
    failures: int = 0
    """Runs in a row that failed."""
    tries: int = 0
    """Runs in a row for one commit that met what may work by itself; 0: wait for the interval."""
    troubles: frozenset[Trouble] = frozenset()
    """What kinds of trouble the newest run met that ended."""
    unsettled: int = 0
    """Runs in a row after which another look still found something to do."""
    runs: Mapping[tuple[Trigger, Result], int] = field(default_factory=dict)
    """How many runs there were since the controller began; likewise the rest of these counters."""
    changes: Mapping[Written, int] = field(default_factory=dict)
    trips: Mapping[Reason, int] = field(default_factory=dict)
    """How often something was held that was not in the run before."""
    phases: Mapping[Phase, Histogram] = field(default_factory=dict)
    """How long each phase took."""
    requests: Mapping[tuple[str, str, int], int] = field(default_factory=dict)
    """Requests by service, method and status."""
    request_seconds: Mapping[tuple[str, str], Histogram] = field(default_factory=dict)
    """How long requests took, by service and method."""
    throttled: Mapping[str, int] = field(default_factory=dict)
    """Answers 413 and 429, by service."""

    @property
    def in_sync(self) -> bool | None:
        """Say whether the cloud is as git says; None where nobody knows.

        That is before the first plan, after a run that failed, and where nothing differs in a cloud
        that was not seen whole.
        """
        if self.table is None or (self.run is not None and self.run.result is Result.FAILED):
            return None
        if any(count for (_, action, _), count in self.differing.items() if action in DRIFT):
            return False
        whole = all(observed.complete for observed in self.table.observed.values())
        return True if whole else None


@dataclass(frozen=True, slots=True)
class ControllerStatus:
    """The whole controller at one moment."""

    version: str
    started: float
    clouds: Mapping[str, CloudStatus] = field(default_factory=dict)
    beats: Mapping[str, float] = field(default_factory=dict)
    """When the loop of each cloud last said that it is alive."""
    deadlines: Mapping[str, float] = field(default_factory=dict)
    """When each loop has to have said so again."""
    queued: int = 0
    """Wake-ups that wait."""
