"""The values that planning makes: changes, why some are held, and the plan itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.cloud.live import LiveObject
from reconciler.engine.compare import FieldChange
from reconciler.kinds.address import Address
from reconciler.kinds.kind import Kind
from reconciler.state.parse import NOWHERE, Origin
from reconciler.state.values import Resource


class Action(StrEnum):
    """What happens to an object."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    ADOPT = "adopt"
    DELETE = "delete"


class Cause(StrEnum):
    """Where a difference comes from: a commit that was not applied yet, or a hand on the cloud."""

    GIT = "git"
    LIVE = "live"


class Reason(StrEnum):
    """What holds a change: one vocabulary for plans, metrics and documentation."""

    BUDGET = "budget"
    WIPE = "wipe"
    OWNERSHIP = "ownership"
    AMBIGUOUS = "ambiguous"
    INCOMPLETE = "incomplete"
    PROTECTED = "protected"
    PRUNE_OFF = "prune_off"
    REPLACE = "replace"
    SELF = "self"
    FIRST_MEETING = "first_meeting"
    HISTORY = "history"
    UNSETTLED = "unsettled"
    STALE = "stale"
    FLAP = "flap"
    APPROVAL = "approval"
    WINDOW = "window"
    SUSPENDED = "suspended"
    DEPENDENCY = "dependency"


@dataclass(frozen=True, slots=True)
class Held:
    """Why a change is not made, and what releases it."""

    reason: Reason
    detail: str
    release: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One step: an object or an edge, what happens to it, and what it waits for."""

    address: Address
    kind: Kind
    action: Action
    parent: Address
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    cause: Cause = Cause.LIVE
    held: Held | None = None
    after: tuple[Address, ...] = ()
    resource: Resource | None = None
    live: LiveObject | None = None
    mark: bool = False
    """Whether the owner's mark is to be written."""
    protect: bool | None = None
    """Whether protection is to be noted beside the mark, or taken away from it; None: neither."""
    detach: bool = False
    """Whether the owner's mark is to be taken off."""
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True)
class Observed:
    """How much of a kind was seen, and whether that was all."""

    complete: bool
    count: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that must change, in an order that works."""

    cloud: str
    revision: str
    subject: str
    changes: tuple[Change, ...]
    observed: Mapping[str, Observed]
    unchanged: int
    warnings: tuple[str, ...]
    id: str
    settled: str = ""
    """The last revision of which everything was done."""

    @property
    def empty(self) -> bool:
        """Whether nothing differs; adoptions are no difference."""
        return all(change.action is Action.ADOPT for change in self.changes)
