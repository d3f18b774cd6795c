"""From a plan to a file that can be reviewed and applied later, and back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler.engine.policy import Releases
from reconciler.errors import SourceError, StaleError
from reconciler.kinds.values import Json
from reconciler.report.jsonform import plan_form
from reconciler.report.jsontext import dump
from reconciler.report.values import Table
from reconciler.report.words import clean, shown
from reconciler.state.source import Revision, fingerprint

LONGEST = 20
"""Differences that are told one by one."""


class Let(BaseModel):
    """What was let through the guards when the plan was made."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    replace: tuple[str, ...] = ()
    delete: int = 0
    update: int = 0
    wipe: tuple[str, ...] = ()
    first_meeting: bool = False
    adopt: bool = False
    unsettled: bool = False
    history: bool = False
    flap: bool = False
    unlisted: bool = False

    @classmethod
    def of(cls, releases: Releases) -> Let:
        """Write releases down."""
        return cls(
            replace=tuple(sorted(releases.replace)), delete=releases.delete,
            update=releases.update, wipe=tuple(sorted(releases.wipe)),
            first_meeting=releases.first_meeting, adopt=releases.adopt,
            unsettled=releases.unsettled, history=releases.history, flap=releases.flap,
            unlisted=releases.unlisted,
        )  # fmt: skip

    def releases(self) -> Releases:
        """Give them back."""
        return Releases(
            frozenset(self.replace), self.delete, self.update, frozenset(self.wipe),
            first_meeting=self.first_meeting, adopt=self.adopt, unsettled=self.unsettled,
            history=self.history, flap=self.flap, unlisted=self.unlisted,
        )  # fmt: skip


class PlanFile(BaseModel):
    """What ``plan --out`` writes: what was looked at, with what options, and what came of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    format_version: Literal["1.0"] = "1.0"
    plan_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    cloud: str
    owner: str
    revision: str | None
    state: str | None
    files: str
    """A hash of the names and the contents of the state's files."""
    targets: tuple[str, ...]
    excludes: tuple[str, ...]
    releases: Let
    changes: list[dict[str, Json]]


def make_plan_file(
    table: Table,
    revision: Revision,
    *,
    owner: str,
    state: Path | None,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    releases: Releases,
) -> PlanFile:
    """Gather what an apply needs to make the same plan again."""
    return PlanFile(
        plan_id=table.plan_id,
        cloud=table.cloud,
        owner=owner,
        revision=revision.name or None,
        state=str(state.resolve()) if state else None,
        files=fingerprint(revision),
        targets=targets,
        excludes=excludes,
        releases=Let.of(releases),
        changes=[dict(change) for change in plan_form(table)["changes"]],
    )


def write_plan_file(path: Path, plan: PlanFile) -> None:
    """Write a plan that only its owner can read.

    Raises:
        SourceError: it cannot be written.

    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(dump(plan.model_dump(mode="json")) + "\n")
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def read_plan_file(path: Path) -> PlanFile:
    """Read what ``write_plan_file`` wrote.

    Raises:
        SourceError: there is no such file, or it is no plan.

    """
    try:
        return PlanFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SourceError(
            f"{path}: is no plan that `reconciler plan --out` wrote: {place}: {first['msg']}"
        ) from error


def check_files(plan: PlanFile, revision: Revision) -> None:
    """Refuse a plan whose files are other ones by now.

    Raises:
        StaleError: they are.

    """
    if fingerprint(revision) != plan.files:
        raise StaleError("the files of the state changed since the plan was made; plan again")


def check_plan(plan: PlanFile, table: Table) -> None:
    """Refuse a plan that would come out otherwise by now, and say how.

    Raises:
        StaleError: it would.

    """
    if plan.plan_id == table.plan_id:
        return
    old = {str(change["address"]): change for change in plan.changes}
    new = {change["address"]: dict(change) for change in plan_form(table)["changes"]}
    lines = []
    for address in sorted(old.keys() | new.keys()):
        before, now = old.get(address), new.get(address)
        if now is None and before is not None:
            lines.append(f"{address}: no longer needs {before['action']}")
        elif before is None and now is not None:
            lines.append(f"{address}: now needs {now['action']}")
        elif before is not None and now is not None and before != now:
            lines.append(f"{address}: {_difference(before, now)}")
    more = [f"and {len(lines) - LONGEST} more"] if len(lines) > LONGEST else []
    told = "\n".join(f"  {clean(line)}" for line in [*lines[:LONGEST], *more])
    told = told or "  an object that the plan touches was made again, or changed its mark"
    raise StaleError(
        f"plan {plan.plan_id} is stale: by now it would be {table.plan_id}; plan again\n{told}"
    )


def _difference(before: dict[str, Json], now: dict[str, Json]) -> str:
    if before["action"] != now["action"]:
        return f"was to {before['action']}, is now to {now['action']}"
    old = {json.dumps(f, sort_keys=True): f for f in before["fields"]}
    new = {json.dumps(f, sort_keys=True): f for f in now["fields"]}
    words = [f"{old[k]['path']} no longer differs so" for k in old if k not in new]
    words += [
        f"{f['path']} {shown(f['before'])} → {shown(f['after'])}"
        for key, f in new.items()
        if key not in old
    ]
    return "; ".join(words) or "is held otherwise, or waits for something else"
