"""From a branch that was rewritten to one that may be followed again."""

from __future__ import annotations

import logging

import click

from reconciler import log
from reconciler.chronicle import chronicle_path
from reconciler.cli.console import story
from reconciler.cli.options import CONTEXT, Common, common
from reconciler.cli.place import find_place
from reconciler.cli.run import owner_of
from reconciler.errors import SettingsError
from reconciler.settings import FILE
from reconciler.state.follow import accept, follow


@click.command("accept", context_settings=CONTEXT)
@click.argument("revision")
@click.option("--reason", default="", metavar="TEXT", help="Why; it goes into the log.")
@common
def accept_command(revision: str, reason: str, options: Common) -> None:
    r"""Let a commit, and what comes after it, follow although the branch was rewritten.

    The controller puts no commit in force that does not come after the one before it. Run this
    where the controller runs: what it accepts lies beside its clone. Signatures are asked for all
    the same.

    \b
        reconciler accept 4be21c7 --reason "squashed by mistake, looked through by two"
    """
    place = find_place(options)
    owner = owner_of(options, place)
    if place.settings is None or place.settings.source is None or not owner:
        raise SettingsError(f"nothing is followed: {FILE} names no source, or no owner")
    clone = chronicle_path("source", owner).with_suffix("")
    commit = accept(follow(place.settings.source, clone), revision)
    log.event(logging.WARNING, "accepted", revision=commit, reason=reason)
    story(f"{commit[:7]} may be put in force")
