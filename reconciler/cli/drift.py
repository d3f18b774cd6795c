"""From a cloud and what was applied to it, to what somebody changed since."""

from __future__ import annotations

import click

from reconciler.cli.options import CONTEXT, Common, common, selecting
from reconciler.cli.plan import FORMS, code_of, show
from reconciler.cli.run import look, memory_of, open_run, policy_of
from reconciler.engine.policy import Releases
from reconciler.errors import UsageError
from reconciler.line import Selection
from reconciler.report.table import only_live


@click.command("drift", context_settings=CONTEXT)
@selecting
@click.option("-o", "--output", type=click.Choice(FORMS), default="text", help="The form to print.")
@click.option(
    "--detailed-exitcode", "detailed", is_flag=True,
    help="End with 2 where something drifted, and with 3 where its correction is held.",
)  # fmt: skip
@common
@click.pass_context
def drift_command(
    ctx: click.Context,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    output: str,
    detailed: bool,
    options: Common,
) -> None:
    r"""Show what somebody changed in the cloud, and since when it is seen.

    What a commit says that was not applied yet is no drift, and not shown; `plan` shows both.
    Since when: as far as plan, drift and apply were run here by this user.

    \b
        reconciler drift
        reconciler drift --detailed-exitcode || mail -s "the cloud drifted" ops@example.org
    """
    run = open_run(options)
    if not run.owner:
        raise UsageError("drift is told by what an owner applied: say --owner NAME")
    selection = Selection(targets, excludes)
    _, _, table = look(run, policy_of(run, Releases()), selection, memory_of(run, selection))
    found = only_live(table)
    show(found, output, ages=True)
    if detailed:
        ctx.exit(code_of(found))
