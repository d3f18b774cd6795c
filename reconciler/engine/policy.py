"""What may be done without asking: what is ours, what is pruned, how much, what is let through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.settings import Adopt, Budget, Limits

ALL = "*"
NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Releases:
    """What somebody lets through the guards for this one run. Each guard has its own."""

    replace: frozenset[str] = frozenset()
    """Addresses, or ``*`` for all."""
    delete: int = 0
    """So many deletes of a kind, and in the whole plan, whatever the budgets say."""
    update: int = 0
    """So many updates of a kind."""
    wipe: frozenset[str] = frozenset()
    """Kinds, and collections of access, of which nothing needs to survive."""
    first_meeting: bool = False
    adopt: bool = False
    unsettled: bool = False
    history: bool = False
    flap: bool = False
    unlisted: bool = False
    """Somebody looked where things may lie that nobody here can list."""
    said_yes: bool = False
    """This very plan was shown, and somebody said yes to it."""
    approved: bool = False
    """This very plan was approved in the record."""

    @property
    def seen(self) -> bool:
        """Whether a person saw this plan before."""
        return self.said_yes or self.approved


@dataclass(frozen=True, slots=True)
class Policy:
    """What the person at the terminal and the settings allow."""

    owner: str = ""
    prune: frozenset[str] = frozenset()
    """Kinds of which an object goes when its entry goes."""
    adopt: Adopt = Adopt.ASK
    limits: Limits = NO_LIMITS
    releases: Releases = field(default_factory=Releases)

    def seen(self) -> Policy:
        """Give the same for a plan that somebody was shown, and said yes to."""
        return replace(self, releases=replace(self.releases, said_yes=True))

    def approved(self) -> Policy:
        """Give the same for a plan that somebody approved in the record."""
        return replace(self, releases=replace(self.releases, approved=True))


@dataclass(frozen=True, slots=True)
class Room:
    """How much of one kind may go within a day, or change at once."""

    fraction: float
    absolute: int
    free: int

    def of(self, owned: int) -> int:
        """Give the number, of so many that are ours."""
        return max(self.free, min(self.absolute, int(self.fraction * owned + 1e-9)))


DELETES = Room(0.25, 10, 1)
GRAVE = Room(0.0, 0, 0)
"""For what takes much along with it: every delete is approved by somebody."""
UPDATES = Room(0.5, 50, 10)
IN_A_PLAN = 25


def room_for(kind: str, *, grave: bool, limits: Limits) -> Room:
    """Give how many of a kind may be deleted; a limit for all kinds never loosens a grave one."""
    said: Mapping[str, Budget] = limits.kinds
    room = GRAVE if grave else _with(DELETES, limits.delete)
    return _with(room, said[kind]) if kind in said else room


def _with(room: Room, said: Budget) -> Room:
    return Room(
        room.fraction if said.fraction is None else said.fraction,
        room.absolute if said.absolute is None else said.absolute,
        room.free if said.free is None else said.free,
    )
