"""The record on the controller's own project: what earlier runs did, and who runs now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from reconciler.errors import Rejected
from reconciler.kinds.calls import Http
from reconciler.kinds.values import Json

DAY = 86400.0
LONGEST: Final = 20_000
"""Bytes that Keystone was seen to keep; the column holds 64 kB, with all other extra attributes."""
Counts = Mapping[str, tuple[tuple[float, int], ...]]
"""A kind: when, and how many."""
ATTEMPTS, USED, MAKING, TAKEN = 100, 50, 100, 100


class _Stored(BaseModel):
    """The record as it is stored; what is there was written by anybody who may change projects."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Annotated[int, Field(ge=1, le=1)] = 1
    settled: str = ""
    applied: str = ""
    attempted: tuple[tuple[str, float], ...] = ()
    making: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    met: frozenset[str] = frozenset()
    deleted: dict[str, tuple[tuple[float, int], ...]] = Field(default_factory=dict)
    lease: tuple[str, float] | None = None
    used: tuple[str, ...] = ()
    kinds: frozenset[str] | None = None
    services: frozenset[str] = frozenset()
    made: dict[str, tuple[tuple[float, int], ...]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who writes now, and until when that is to be believed: seconds since the epoch."""

    holder: str
    until: float


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody let a plan pass."""

    plan_id: str
    until: float
    by: str

    @property
    def key(self) -> str:
        """Name this very approval: the same plan may be approved again."""
        return f"{self.plan_id}@{int(self.until)}"


@dataclass(frozen=True, slots=True)
class Record:
    """What lasts between runs, wherever they are. Times are seconds since the epoch."""

    settled: str = ""
    """The last revision of which everything was done, deletes included."""
    applied: str = ""
    """The last revision whose apply ran to its end."""
    attempted: tuple[tuple[str, float], ...] = ()
    """Revisions whose apply began since ``settled``, and when each first did."""
    making: tuple[str, ...] = ()
    """Addresses that are being created of kinds which take no mark in the same request, and of
    which no service says when they were made: there, and unmarked, they are ours all the same."""
    taken: tuple[str, ...] = ()
    """Addresses, of kinds that take no mark, of what was made or adopted since ``settled``."""
    behind: tuple[str, ...] = ()
    """Addresses of which ``applied`` asks for more than was done: a commit is why they differ."""
    met: frozenset[str] = frozenset()
    """Kinds that a plan has written once which somebody had seen."""
    deleted: Counts = field(default_factory=dict)
    """When how many of a kind were deleted, in the last 24 hours."""
    lease: Lease | None = None
    approvals: tuple[Approval, ...] = ()
    """What people let pass; they lie beside the record, so that neither overwrites the other."""
    used: tuple[str, ...] = ()
    """Approvals that were spent: each is good for one apply."""
    kinds: frozenset[str] | None = None
    """Kinds that were ever written under this owner; None: written before this was noted."""
    services: frozenset[str] = frozenset()
    """Services that the catalogue ever had in our region: one that it lacks now is still there."""
    made: Counts = field(default_factory=dict)
    """When how many of a kind became ours, in the last 24 hours."""

    def spent(self, kind: str, now: float) -> int:
        """Count the deletes of a kind within a day."""
        return _within_a_day(self.deleted.get(kind, ()), now)

    def a_day_ago(self, kind: str, owned: int, now: float) -> int:
        """Count what was ours of a kind: what was made since must not make room for deletes."""
        grown = _within_a_day(self.made.get(kind, ()), now)
        return max(0, owned + self.spent(kind, now) - grown)

    def attempt(self, revision: str, now: float) -> Record:
        """Note that an apply of a revision begins."""
        known = {name for name, _ in self.attempted}
        more = () if not revision or revision in known else ((revision, now),)
        return replace(self, attempted=(*self.attempted, *more)[-ATTEMPTS:])

    def began(self, revision: str) -> float | None:
        """Say when the first apply of a revision began, if one did."""
        return next((at for name, at in self.attempted if name == revision), None)

    def spend(self, counts: Mapping[str, int], now: float) -> Record:
        """Note deletes; a negative count gives back what was not done after all."""
        return replace(self, deleted=_noted(self.deleted, counts, now))

    def grow(self, counts: Mapping[str, int], now: float) -> Record:
        """Note what becomes ours; a negative count is of what did not after all."""
        return replace(self, made=_noted(self.made, counts, now))

    def approval(self, plan_id: str, now: float) -> Approval | None:
        """Give the approval of a plan that is still good."""
        good = (a for a in self.approvals if a.plan_id == plan_id and a.until > now)
        return next((a for a in good if a.key not in self.used), None)

    def use(self, approval: Approval) -> Record:
        """Note that an approved plan is being applied: by this approval, it will not be again."""
        return replace(self, used=(*self.used, approval.key)[-USED:])


def _within_a_day(entries: tuple[tuple[float, int], ...], now: float) -> int:
    return sum(count for at, count in entries if now - at < DAY)


def _noted(counts: Counts, more: Mapping[str, int], now: float) -> Counts:
    """Add counts to those of a day."""
    kept = {
        kind: tuple((at, n) for at, n in entries if now - at < DAY)
        for kind, entries in counts.items()
    }
    at = float(round(now))  # what is given back must be forgotten with what it was taken from
    for kind, count in more.items():
        same = sum(n for when, n in kept.get(kind, ()) if when == at) + count
        others = tuple(one for one in kept.get(kind, ()) if one[0] != at)
        kept[kind] = (*others, (at, same)) if same else others
    return {kind: found for kind, found in kept.items() if found}


def attribute(owner: str) -> str:
    """Name the attribute of the project that holds an owner's record."""
    return f"reconciler_record_{owner}"


def read_record(http: Http, project_id: str, owner: str) -> Record | None:
    """Read the record of an owner; None: there is none.

    Raises:
        CloudError: it cannot be read, or is no record.

    """
    found = http.request("identity", "GET", f"/projects/{project_id}")["project"]
    text = found.get(attribute(owner))
    approvals = _approvals(found.get(approvals_attribute(owner)))
    if not text:
        return Record(approvals=approvals) if approvals else None
    return replace(parse_record(text), approvals=approvals)


def approvals_attribute(owner: str) -> str:
    """Name the attribute of the project that holds what people approved."""
    return f"reconciler_approvals_{owner}"


@cache
def _reader() -> TypeAdapter[tuple[tuple[str, float, str], ...]]:
    return TypeAdapter(tuple[tuple[str, float, str], ...])


def _approvals(text: Json) -> tuple[Approval, ...]:
    if not text:
        return ()
    try:
        return tuple(Approval(*found) for found in _reader().validate_json(str(text)))
    except ValidationError:
        return ()  # nothing passes for what cannot be read


def approve(http: Http, project_id: str, owner: str, approval: Approval, now: float) -> None:
    """Add an approval, and forget those whose time is over.

    Raises:
        CloudError: it was not taken.

    """
    found = http.request("identity", "GET", f"/projects/{project_id}")["project"]
    name = approvals_attribute(owner)
    kept = [a for a in _approvals(found.get(name)) if a.until > now and a.key != approval.key]
    text = json.dumps(
        [[a.plan_id, int(a.until), a.by] for a in (*kept, approval)], separators=(",", ":")
    )
    http.request("identity", "PATCH", f"/projects/{project_id}", json={"project": {name: text}})
    again = http.request("identity", "GET", f"/projects/{project_id}")["project"]
    if approval.key not in {a.key for a in _approvals(again.get(name))}:
        raise Rejected("the approval did not stay: somebody else wrote at the same time; try again")


def parse_record(text: Json) -> Record:
    """Read a record's text.

    Raises:
        Rejected: it is none.

    """
    try:
        stored = _Stored.model_validate_json(str(text))
    except ValidationError as error:
        raise Rejected("the record on the project is none that can be read") from error
    return Record(
        stored.settled, stored.applied, stored.attempted, stored.making, stored.taken,
        stored.behind, stored.met, stored.deleted,
        Lease(*stored.lease) if stored.lease else None,
        (), stored.used, stored.kinds, stored.services, stored.made,
    )  # fmt: skip


def write_record(http: Http, project_id: str, owner: str, record: Record) -> None:
    """Write the record, and read it back.

    Raises:
        CloudError: it was not taken, or something else stands there now.

    """
    text = record_text(_shortened(record))
    body = {"project": {attribute(owner): text}}
    http.request("identity", "PATCH", f"/projects/{project_id}", json=body)
    found = http.request("identity", "GET", f"/projects/{project_id}")["project"]
    if found.get(attribute(owner)) != text:
        raise Rejected("the record on the project is not what was written: somebody else writes it")


def _shortened(record: Record) -> Record:
    """Forget, where there is no room, what only saves a question.

    Never what was spent, nor what a held commit asks for: without that, something would pass.
    """
    if len(record_text(record)) <= LONGEST:
        return record
    while (record.making or record.taken) and len(record_text(record)) > LONGEST:
        making, taken = len(record.making) // 2, len(record.taken) // 2
        record = replace(record, making=record.making[:making], taken=record.taken[:taken])
    if len(record_text(record)) <= LONGEST:
        return record
    deleted, made = _summed(record.deleted), _summed(record.made)
    return replace(record, deleted=deleted, made=made, attempted=record.attempted[-10:])


def _summed(counts: Counts) -> Counts:
    return {kind: ((found[-1][0], sum(n for _, n in found)),) for kind, found in counts.items()}


def record_text(record: Record) -> str:
    """Write a record down, as short as it goes."""
    stored: dict[str, Json] = {
        "version": 1,
        "settled": record.settled,
        "applied": record.applied,
        "attempted": [[name, round(at)] for name, at in record.attempted],
        "making": list(record.making),
        "taken": list(record.taken),
        "behind": list(record.behind),
        "met": sorted(record.met),
        "deleted": _stored(record.deleted),
        "made": _stored(record.made),
        "services": sorted(record.services),
        "lease": [record.lease.holder, round(record.lease.until)] if record.lease else None,
        "used": list(record.used),
        "kinds": None if record.kinds is None else sorted(record.kinds),
    }
    kept = {key: value for key, value in stored.items() if value not in ("", [], {}, None)}
    return json.dumps(kept, separators=(",", ":"))


def _stored(counts: Counts) -> Json:
    return {
        kind: [[round(at), count] for at, count in entries]
        for kind, entries in sorted(counts.items())
    }
