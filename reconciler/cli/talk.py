"""From words at a terminal to what a running controller is asked, and what it answers."""

from __future__ import annotations

import getpass
import os
import time

import click

from reconciler.cli.ask import HERE, URL, ask, ask_for, no_controller
from reconciler.cli.console import answer, answer_raw, story, warn, width
from reconciler.cli.options import CONTEXT, F
from reconciler.errors import UsageError
from reconciler.kinds.registry import load_kinds
from reconciler.report.historytext import history_text, run_text
from reconciler.report.jsontext import dump
from reconciler.report.statustext import status_text
from reconciler.settings import seconds

WATCHED = 2.0
"""Seconds between two looks of ``status --watch``."""


def talking(command: F) -> F:
    """Add --url and --cloud."""
    for option in (
        click.option("--cloud", default="", metavar="NAME", help="The cloud, if it has several."),
        click.option(
            "--url", envvar=URL, default=HERE, show_default=True,
            help="Where the controller listens; $RECONCILER_TOKEN is sent along.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


form = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The form to print."
)


@click.command("status", context_settings=CONTEXT)
@click.option("--watch", is_flag=True, help="Look again and again.")
@form
@talking
def status_command(url: str, cloud: str, output: str, watch: bool) -> None:
    """Show what a running controller knows of its clouds."""
    while True:
        found = ask_for(url, "/api/v1/status", "clouds")
        clouds = [one for one in found["clouds"] if cloud in ("", one["cloud"])]
        if cloud and not clouds:
            known = ", ".join(one["cloud"] for one in found["clouds"])
            raise UsageError(f"--cloud {cloud}: the controller looks after {known or 'none'}")
        if output == "json":
            answer_raw(dump({**found, "clouds": clouds}))
        else:
            answer(status_text(clouds, found["now"]))
        if not watch:
            return
        time.sleep(WATCHED)


@click.command("history", context_settings=CONTEXT)
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@click.option("--run", "number", type=click.IntRange(1), help="Show all of this one run.")
@form
@talking
def history_command(url: str, cloud: str, output: str, limit: int, number: int | None) -> None:
    r"""Show the newest runs of a running controller, and what people did by hand.

    Beside each run stands what failed in it, with the request that the cloud's logs know it by.

    \b
        reconciler history
        reconciler history --run 12
    """
    which = {"limit": str(limit)} if number is None else {"run": str(number)}
    found = ask_for(url, "/api/v1/history", "runs", {"cloud": cloud, **which})
    if output == "json":
        answer_raw(dump(found))
    elif number is None:
        answer(history_text(found, limit, width()))
    else:
        answer(run_text(found, width()))


@click.command("suspend", context_settings=CONTEXT)
@click.argument("what", default="")
@click.option("--reason", required=True, help="Why; everybody sees it.")
@click.option("--expires", default="", metavar="TIME", help="When it ends by itself: 30m, 4h, 2d.")
@talking
def suspend_command(url: str, cloud: str, what: str, reason: str, expires: str) -> None:
    r"""Have a running controller write nothing for a while; it goes on looking and telling.

    WHAT is a kind, a project as DOMAIN/PROJECT, or an address; without it, the whole cloud. What
    nothing declares is paused, too, with a warning: it may be declared next, or be misspelt.

    \b
        reconciler suspend --reason "maintenance" --expires 4h
        reconciler suspend Network --reason "CHG-1042"
        reconciler suspend campus/web-shop --reason "they test by hand"
    """
    try:
        until = time.time() + seconds(expires) if expires else None
    except ValueError as error:
        raise UsageError(f"--expires {expires}: {error}") from error
    said = {
        "scope": scope_of(what), "name": what, "reason": reason, "by": _who(), "until": until,
    }  # fmt: skip
    found = ask(url, "POST", "/api/v1/pauses", {"cloud": cloud}, said)
    if "paused" not in found:
        raise no_controller(url)
    story(f"{what or 'the cloud'} is paused" + (f" for {expires}" if expires else ""))
    if found.get("warning"):
        warn(str(found["warning"]))


@click.command("resume", context_settings=CONTEXT)
@click.argument("what", default="")
@talking
def resume_command(url: str, cloud: str, what: str) -> None:
    """End a pause that ``suspend`` began."""
    query = {"cloud": cloud, "scope": scope_of(what), "name": what, "by": _who()}
    if "resumed" not in ask(url, "DELETE", "/api/v1/pauses", query):
        raise no_controller(url)
    story(f"{what or 'the cloud'} is no longer paused")


def scope_of(what: str) -> str:
    """Tell what a pause is about by its form: nothing, a kind, a project or an address."""
    if not what:
        return "cloud"
    if "/" not in what:
        return "kind"
    # Only who calls a domain like a kind has to name the whole address of a project.
    return "object" if what.partition("/")[0] in load_kinds() else "project"


def _who() -> str:
    """Name whoever asks; in a container a number may be all that there is."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # until Python 3.12, and since
        return f"uid {os.getuid()}"
