"""From options to what a command works on: settings, the state, the cloud, and a plan of them."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import errand, log
from reconciler.chronicle import Chronicle, chronicle_path
from reconciler.cli.console import err, is_seen, story, warn
from reconciler.cli.options import Common
from reconciler.cli.place import Place, choose_cloud, find_place
from reconciler.cloud.live import Live
from reconciler.cloud.session import Answer, Cloud
from reconciler.engine.cause import said_otherwise
from reconciler.engine.memory import Memory
from reconciler.engine.policy import Policy, Releases
from reconciler.engine.values import Plan
from reconciler.errand import Job, policy_for, remember
from reconciler.errors import UsageError
from reconciler.kinds.address import Address
from reconciler.kinds.registry import Kinds, load_kinds
from reconciler.ledger import repository_of
from reconciler.line import Selection, Target
from reconciler.meanwhile import meanwhile
from reconciler.report.values import Table
from reconciler.settings import OWNER, CloudSettings
from reconciler.state.model import make_desired
from reconciler.state.source import Revision
from reconciler.state.values import Desired

if TYPE_CHECKING:
    from rich.progress import Progress


@dataclass(frozen=True, slots=True)
class Run:
    """What a plan is made of."""

    place: Place
    kinds: Kinds
    revision: Revision
    folder: str
    desired: Desired
    target: Target
    owner: str
    settings: CloudSettings | None

    @property
    def job(self) -> Job:
        """Give what a run is about."""
        in_git = not self.folder
        repository = repository_of(self.place.root, self.place.folder) if in_git else None
        chronicle = Chronicle(chronicle_path(self.target.name, self.owner))
        return Job(
            self.target, self.desired, self.owner, self.settings, repository, chronicle,
            self.folder,
        )  # fmt: skip


def open_cloud(options: Common, place: Place) -> Cloud:
    """Find the credentials of the cloud that is meant; nothing is sent yet."""
    name, settings = choose_cloud(options, place)
    return Cloud(
        (settings.cloud if settings else None) or name,
        region=(settings.region if settings else None) or "",
        watch=_watch if options.verbose else None,
    )


def _watch(answer: Answer) -> None:
    log.event(
        logging.DEBUG, "requested", service=answer.service, method=answer.method,
        path=answer.path, status=answer.status,
    )  # fmt: skip


def owner_of(options: Common, place: Place) -> str:
    """Give the owner whose marks are written, or nothing where nobody said.

    Raises:
        UsageError: it is no name that a mark can hold.

    """
    said = options.owner or (place.settings.owner if place.settings else None)
    owner = said or os.environ.get("RECONCILER_OWNER") or ""
    if owner and not re.match(OWNER, owner):
        raise UsageError(
            f"--owner {owner}: takes lower-case letters, digits and dashes, 41 at most"
        )
    return owner


def open_run(options: Common, *, at: str | None = None) -> Run:
    """Read the settings and the state, and log in.

    Raises:
        ReconcilerError: any of it cannot be used; the message says what to do.

    """
    kinds = load_kinds()
    place = find_place(options, kinds)
    owner = owner_of(options, place)
    name, settings = choose_cloud(options, place)
    cloud = open_cloud(options, place)
    who = meanwhile(cloud.who)  # Keystone takes as long for that as we do for the state
    revision, folder = place.read_state(at)
    desired, warnings = make_desired(revision, kinds)
    for problem in warnings:
        warn(str(problem).replace("warning: ", "", 1))
    target = Target(cloud, who(), name, kinds, width=cloud.width)
    return Run(place, kinds, revision, folder, desired, target, owner, settings)


def policy_of(run: Run, releases: Releases) -> Policy:
    """Put together what the settings and the person at the terminal allow."""
    return policy_for(run.owner, run.settings, releases)


def changed_since(run: Run, revision: str) -> frozenset[Address]:
    """Give what the state says otherwise than at a revision.

    Raises:
        UsageError: the state is a folder as it lies.
        SourceError: there is no such revision.

    """
    if run.folder:
        raise UsageError(f"--since {revision}: {run.folder} is read as it lies, not from git")
    earlier, _ = run.place.read_state(revision)
    return said_otherwise(make_desired(earlier, run.kinds)[0], run.desired)


def memory_of(run: Run, selection: Selection) -> Memory | None:
    """Recall what earlier runs left behind; without an owner there were none."""
    return remember(run.job, selection, time.time()) if run.owner else None


def look(
    run: Run, policy: Policy, selection: Selection, memory: Memory | None
) -> tuple[Plan, Live, Table]:
    """Observe, with progress, and plan."""
    with observing(len([*run.kinds])) as step:
        return errand.look(run.job, policy, selection, memory, step)


class _Step:
    """Told of every kind that was listed; moves the bar, where there is one."""

    def __init__(self, bar: Progress | None, total: int) -> None:
        self.bar = bar
        self.task = bar.add_task("observing", total=total) if bar else None

    def __call__(self, kind: str, count: int) -> None:
        log.event(logging.DEBUG, "listed", kind=kind, count=count)
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, advance=1, description=f"observing {kind}")


@contextmanager
def observing(total: int) -> Iterator[_Step]:
    """Show how far observing is: a bar on a terminal, a line elsewhere."""
    if not is_seen(stderr=True):
        story("observing the cloud")
        yield _Step(None, total)
        return
    from rich import progress as show  # noqa: PLC0415 - not where nobody sees it

    columns = (
        show.SpinnerColumn(), show.TextColumn("{task.description:<36}"), show.BarColumn(),
        show.MofNCompleteColumn(),
    )  # fmt: skip
    with show.Progress(*columns, console=err(), transient=True) as bar:
        yield _Step(bar, total)


def state_path(run: Run) -> Path | None:
    """Give the folder that was read as it lies, if one was."""
    return Path(run.folder) if run.folder else None
