"""The options that let held changes through: one for each guard, and none for all."""

from __future__ import annotations

import functools
from typing import Any

import click

from reconciler.cli.options import F
from reconciler.engine.policy import Releases

FLAGS = {
    "first_meeting": "Change objects of kinds that were never changed here before.",
    "adopt": "Take over what is declared, there already, and nobody's.",
    "unsettled": "Delete what only an apply declared that did not come to its end.",
    "history": "Delete and replace although the record, or its revision, is gone.",
    "flap": "Go on correcting what somebody else changes back again and again.",
    "unlisted": "Delete projects whose things in other services and regions nobody can list.",
}


def releasing(command: F) -> F:
    """Add --allow-…, and give them over as ``releases``."""

    @functools.wraps(command)
    def wrapped(
        *args: Any,
        allow_replace: tuple[str, ...],
        allow_delete: int,
        allow_update: int,
        allow_wipe: tuple[str, ...],
        **more: Any,
    ) -> Any:
        flags = {name: more.pop(f"allow_{name}") for name in FLAGS}
        releases = Releases(
            frozenset(allow_replace), allow_delete, allow_update, frozenset(allow_wipe), **flags
        )
        return command(*args, releases=releases, **more)

    for name, text in reversed(FLAGS.items()):
        option = click.option(f"--allow-{name.replace('_', '-')}", is_flag=True, help=text)
        wrapped = option(wrapped)
    for option in (
        click.option(
            "--allow-wipe", multiple=True, metavar="KIND",
            help="Let none of a kind survive, or none of a list that gives access.",
        ),
        click.option(
            "--allow-update", type=click.IntRange(0), default=0, metavar="N",
            help="Change up to N objects of a kind.",
        ),
        click.option(
            "--allow-delete", type=click.IntRange(0), default=0, metavar="N",
            help="Delete up to N objects of a kind, and in all, whatever the budgets say.",
        ),
        click.option(
            "--allow-replace", multiple=True, metavar="[=ADDRESS]",
            help="Make an object again where a field cannot change in place;"
            " without an address: all of them.",
        ),
    ):  # fmt: skip
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value] # the same with options in front
