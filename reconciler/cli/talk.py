"""From words at a terminal to what a running controller is asked, and what it answers."""

from __future__ import annotations

import getpass
import json
import os
import time
from collections.abc import Mapping
from http import HTTPStatus
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import click

from reconciler.cli.console import answer, answer_raw, story, width
from reconciler.cli.options import CONTEXT, F
from reconciler.errors import ReconcilerError, UsageError
from reconciler.kinds.registry import load_kinds
from reconciler.kinds.values import Json
from reconciler.report.historytext import history_text, run_text
from reconciler.report.jsontext import dump
from reconciler.report.statustext import status_text
from reconciler.settings import seconds

HERE = "http://127.0.0.1:8080"
PATIENCE = 10.0
WATCHED = 2.0
"""Seconds between two looks of ``status --watch``."""


class TalkError(ReconcilerError):
    """The controller did not answer, or would not do it."""


def talking(command: F) -> F:
    """Add --url and --cloud."""
    for option in (
        click.option("--cloud", default="", metavar="NAME", help="The cloud, if it has several."),
        click.option(
            "--url", envvar="RECONCILER_URL", default=HERE, show_default=True,
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
        found = ask(url, "GET", "/api/v1/status")
        clouds = [one for one in found["clouds"] if cloud in ("", one["cloud"])]
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
    found = ask(url, "GET", "/api/v1/history", {"cloud": cloud, **which})
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

    WHAT is a kind, a project as DOMAIN/PROJECT, or an address; without it, the whole cloud.

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
        "scope": scope_of(what), "name": what, "reason": reason, "by": _me(),
        "until": until,
    }  # fmt: skip
    ask(url, "POST", "/api/v1/pauses", {"cloud": cloud}, said)
    story(f"{what or 'the cloud'} is paused" + (f" for {expires}" if expires else ""))


@click.command("resume", context_settings=CONTEXT)
@click.argument("what", default="")
@talking
def resume_command(url: str, cloud: str, what: str) -> None:
    """End a pause that ``suspend`` began."""
    query = {"cloud": cloud, "scope": scope_of(what), "name": what, "by": _me()}
    ask(url, "DELETE", "/api/v1/pauses", query)
    story(f"{what or 'the cloud'} is no longer paused")


def _me() -> str:
    """Give the name of whoever sits here; a container may know none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def scope_of(what: str) -> str:
    """Tell what a pause is about by its form: nothing, a kind, a project or an address."""
    if not what:
        return "cloud"
    if "/" not in what:
        return "kind"
    # Only who calls a domain like a kind has to name the whole address of a project.
    return "object" if what.partition("/")[0] in load_kinds() else "project"


def ask(
    url: str, method: str, path: str, query: Mapping[str, str] | None = None, said: Json = None
) -> Json:
    """Ask the controller.

    Raises:
        TalkError: it did not answer, or said no.

    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url}: takes http://… or https://…")
    words = urlencode({key: value for key, value in (query or {}).items() if value})
    request = Request(  # noqa: S310 - the scheme was looked at above
        f"{url.rstrip('/')}{path}{'?' if words else ''}{words}", method=method,
        data=None if said is None else json.dumps(said).encode(),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    token = os.environ.get("RECONCILER_TOKEN")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urlopen(request, timeout=PATIENCE) as reply:  # noqa: S310 - likewise
            return json.load(reply)
    except HTTPError as error:
        raise TalkError(f"the controller said {error.code}: {_why(error)}") from error
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise TalkError(f"no controller answers at {url}: {reason}") from error


def _why(error: HTTPError) -> str:
    try:
        found = json.load(error)
    except (ValueError, OSError):
        return HTTPStatus(error.code).phrase
    return str(found.get("description") or found.get("title") or HTTPStatus(error.code).phrase)
