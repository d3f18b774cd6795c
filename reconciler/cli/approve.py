"""From a plan that somebody looked at to its approval in the record, for one apply."""

from __future__ import annotations

import logging
import os
import re
import time

import click

from reconciler import log
from reconciler.cli.ask import HERE, URL, TalkError, ask, own_token
from reconciler.cli.console import story
from reconciler.cli.options import CONTEXT, Common, common
from reconciler.cli.place import choose_cloud, find_place
from reconciler.cli.run import open_cloud, owner_of
from reconciler.cloud.record import Approval, approve
from reconciler.errors import UsageError
from reconciler.settings import seconds

LIFE = "24h"


@click.command("approve", context_settings=CONTEXT)
@click.argument("plan_id")
@click.option(
    "--expires", default=LIFE, show_default=True, metavar="TIME",
    help="How long the approval is good: 30m, 4h, 2d.",
)  # fmt: skip
@click.option("--reason", default="", metavar="TEXT", help="Why; it goes into the log.")
@common
def approve_command(plan_id: str, expires: str, reason: str, options: Common) -> None:
    r"""Let one plan pass the guards that a person can release, once.

    The plan is made again when it is applied, and passes only if it still has this id: the same
    changes to the same objects. It is let through by budgets, wipes, first meetings, adoptions,
    replacements, and where a history is missing; never by protection, ownership, or what keeps
    the controller itself alive. The approval lies in the cloud, in the record on the controller's
    project: any apply of this owner, from anywhere, finds it.

    A controller finds it at its next look. Where $RECONCILER_TOKEN is set, the one that status
    asks ($RECONCILER_URL, else on this machine) is told to look now, if it answers.

    \b
        reconciler plan
        reconciler approve f43e25092d17ddb9 --expires 2h --reason "CHG-1042"
        reconciler apply --auto-approve
    """
    if not re.fullmatch(r"[0-9a-f]{16}", plan_id):
        raise UsageError(f"{plan_id} is no plan's id: 16 hexadecimal digits, as plan prints it")
    try:
        life = seconds(expires)
    except ValueError as error:
        raise UsageError(f"--expires {expires}: {error}") from error
    place = find_place(options)
    owner = owner_of(options, place)
    if not owner:
        raise UsageError("approving needs an owner, whose plan it is: --owner NAME")
    cloud = open_cloud(options, place)
    who, now = cloud.who(), time.time()
    approve(cloud, who.project_id, owner, Approval(plan_id, now + life, who.user_name), now)
    log.event(logging.WARNING, "approved", plan=plan_id, by=who.user_name, reason=reason)
    story(f"plan {plan_id} may pass once, within {expires}")
    if _wake(choose_cloud(options, place)[0]):
        story("the controller looks now")


def _wake(cloud: str) -> bool:
    """Have the controller look now, where one can be asked; without, it does so by itself later."""
    try:
        # Without a token it would refuse.
        return bool(own_token()) and "woken" in ask(
            os.environ.get(URL) or HERE, "POST", "/api/v1/wake", {"cloud": cloud}
        )
    except (TalkError, UsageError):
        return False
