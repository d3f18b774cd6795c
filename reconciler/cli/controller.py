"""From settings to the controller that follows a repository and keeps clouds so."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable

import click

from reconciler import log
from reconciler.chronicle import Chronicle, chronicle_path
from reconciler.cli.ask import own_token
from reconciler.cli.codes import Code
from reconciler.cli.console import story
from reconciler.cli.options import CONTEXT, Common, common
from reconciler.cli.place import Place, find_place
from reconciler.cli.run import owner_of
from reconciler.cloud.last import Last
from reconciler.cloud.session import Cloud
from reconciler.controller.controller import Controller, Plans
from reconciler.controller.course import Course
from reconciler.controller.local import LocalSource
from reconciler.controller.loop import Requests
from reconciler.controller.remote import RemoteSource
from reconciler.controller.status import CloudStatus, Result
from reconciler.controller.store import Store
from reconciler.engine.values import Reason
from reconciler.errors import SettingsError, UsageError
from reconciler.kinds.registry import Kinds, load_kinds
from reconciler.ledger import repository_of
from reconciler.line import Target
from reconciler.settings import FILE, CloudSettings
from reconciler.state.follow import follow
from reconciler.state.source import toplevel

INTERVAL = 300.0
"""Seconds between two looks, where the settings say nothing of a source."""
HIGHEST_PORT = 65535
WAITS = frozenset({Reason.WINDOW, Reason.SUSPENDED})
"""What holds a change for a time, and nobody has to let through."""


@click.command("run", context_settings=CONTEXT)
@click.option("--once", is_flag=True, help="Run every cloud one time, and end.")
@click.option(
    "--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT",
    help="Where to answer /healthz, /readyz, /metrics, /api/v1/… and /hooks.",
)  # fmt: skip
@common
def run_command(once: bool, listen: str, options: Common) -> None:
    r"""Follow a repository, and keep the clouds of reconciler.yaml as it says.

    One loop a cloud: on each commit, webhook, interval, SIGHUP or wake-up it looks, plans, tells,
    and, in mode enforce, applies what no guard holds. In mode observe, the default, it never
    writes. Requests that change something need the token in $RECONCILER_TOKEN; webhooks are
    checked with $RECONCILER_WEBHOOK_SECRET. SIGTERM ends it after what is in flight.

    With --once it ends with 1 where no plan could be made, 6 where nothing was written and some of
    it only waits (a lock, a window, a pause, a switch that is off), 5 where something failed, 3
    where something is held, else 0; of several clouds, with the first of these. In mode observe
    what differs is no failure.

    \b
        reconciler run --once
        reconciler run --listen 0.0.0.0:8080
    """
    log.set_up(verbose=options.verbose, quiet=logging.INFO)
    host, port = _address(listen)
    kinds = load_kinds()
    kinds.build()
    place = find_place(options, kinds)
    controller = Controller(_plans(options, place, kinds))
    if once:
        controller.once()
        codes = {code_of(loop.status) for loop in controller.loops.values()}
        click.get_current_context().exit(next(code for code in Code if code in codes))
    name = listen.rpartition(":")[0]
    controller.serve(host, port, lambda found: story(f"listening on {name}:{found}"))


def code_of(status: CloudStatus) -> Code:
    """Say how the newest run of a cloud ended."""
    run, reasons = status.run, {reason for _, reason in status.held}
    match run and run.result:
        case None | Result.FAILED:
            return Code.NOTHING
        case Result.NOOP | Result.OBSERVED:
            return Code.DONE
        case Result.APPLIED:
            return Code.HELD if reasons else Code.DONE
        case Result.BLOCKED:
            # What is held is no error; a lock is.
            locked = run is not None and run.error
            return Code.LOCKED if locked or reasons & WAITS else Code.HELD
        case _:
            return Code.FAILED


def _address(listen: str) -> tuple[str, int]:
    """Give the host and the port.

    Raises:
        UsageError: it is no address to listen on.

    """
    host, _, port = listen.rpartition(":")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > HIGHEST_PORT:
        raise UsageError(f"--listen {listen}: takes HOST:PORT, a port of {HIGHEST_PORT} at most")
    return host.strip("[]") or "127.0.0.1", int(port)


def _plans(options: Common, place: Place, kinds: Kinds) -> Plans:
    """Put together what the settings say.

    Raises:
        ReconcilerError: something is missing that a controller needs.

    """
    settings = place.settings
    if settings is None or not settings.clouds:
        raise SettingsError(f"the controller needs a {FILE} that names an owner and clouds")
    owner = owner_of(options, place)
    if not owner:
        raise SettingsError(f"{FILE} names no owner, whose marks are written")
    if options.cloud not in (None, *settings.clouds):
        known = ", ".join(settings.clouds)
        raise UsageError(f"--cloud {options.cloud}: {FILE} names {known}")
    source = _sources(place, owner)
    courses: dict[str, Course] = {}
    requests: dict[str, Requests] = {}
    for name, cloud in settings.clouds.items():
        if options.cloud in (None, name):
            requests[name] = Requests()
            courses[name] = Course(
                name, owner, cloud, kinds, source(), _connect(name, cloud, kinds, requests[name]),
                Chronicle(chronicle_path(name, owner)),
            )  # fmt: skip
    folder = chronicle_path("controller", owner)
    return Plans(
        courses, requests, settings.source.branch if settings.source else "HEAD",
        settings.source.interval if settings.source else INTERVAL, Store(folder),
        own_token(), os.environ.get("RECONCILER_WEBHOOK_SECRET", "").strip().encode(),
        "" if settings.source else str(toplevel(place.root)), settings.metrics.names,
    )  # fmt: skip


def _sources(place: Place, owner: str) -> Callable[[], LocalSource | RemoteSource]:
    """Give what makes a source, for each cloud its own.

    Raises:
        ReconcilerError: there is nothing to follow, or no place to keep a clone in.

    """
    settings = place.settings
    if settings is not None and settings.source is not None:
        if place.state is not None:
            raise UsageError("--state: where source names a repository, its path says the folder")
        source, folder = settings.source, settings.source.path or settings.state
        clone = chronicle_path("source", owner).with_suffix("")
        return lambda: RemoteSource(follow(source, clone), folder)
    repository = repository_of(place.root, place.folder)
    if repository is None:
        raise SettingsError(f"{place.root} is in no git repository, and {FILE} names no source")
    return lambda: LocalSource(repository.root, repository.folder)


def _connect(
    name: str, cloud: CloudSettings, kinds: Kinds, requests: Requests
) -> Callable[[], Target]:
    """Give what logs in to a cloud: one token a run."""
    last = Last()

    def connect() -> Target:
        line = Cloud(cloud.cloud or name, region=cloud.region or "", watch=requests.note)
        return Target(line, line.who(), name, kinds, width=line.width, last=last)

    return connect
