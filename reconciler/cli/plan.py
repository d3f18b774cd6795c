"""From a state and a cloud to the plan of what would change, in the form that was asked for."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.codes import Code
from reconciler.cli.console import answer, answer_raw, story, warn, width
from reconciler.cli.options import (
    CONTEXT,
    Common,
    WithOptionalValues,
    common,
    selecting,
)
from reconciler.cli.releases import releasing
from reconciler.cli.run import changed_since, look, memory_of, open_run, policy_of, state_path
from reconciler.engine.policy import Releases
from reconciler.errors import UsageError
from reconciler.line import Selection
from reconciler.report.table import only_at
from reconciler.report.text import plan_text
from reconciler.report.values import Table

FORMS = ("text", "json", "markdown", "html")


@click.command("plan", cls=WithOptionalValues, context_settings=CONTEXT)
@click.option("--at", metavar="REV", help="Plan this commit, branch or tag instead of HEAD.")
@click.option(
    "--since",
    metavar="REV",
    help="Show only what commits after this one speak of otherwise: a merge request's part.",
)
@selecting
@releasing
@click.option(
    "--out", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write the plan to a file, for `reconciler apply FILE`.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Choice(FORMS), default="text", help="The form to print.")
@click.option(
    "--detailed-exitcode", "detailed", is_flag=True,
    help="End with 2 where something differs, and with 3 where something is held.",
)  # fmt: skip
@common
@click.pass_context
def plan_command(
    ctx: click.Context,
    at: str | None,
    since: str | None,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    releases: Releases,
    file: Path | None,
    output: str,
    detailed: bool,
    options: Common,
) -> None:
    r"""Show what would change, and change nothing.

    In a repository with a reconciler.yaml, the plan is of the newest commit; --state DIR plans a
    folder as it lies. + is made, ~ changed, ± made again, = adopted, - deleted. A change that is
    HELD is not made by any apply; the line says why and what releases it.

    \b
        reconciler plan
        reconciler plan --at feature/new-team -o markdown
        reconciler plan --since origin/main -o markdown
        reconciler plan --target 'Network/campus/*' --out today.plan
        reconciler plan --detailed-exitcode || echo "the cloud differs"
    """
    if since and file:
        raise UsageError("--since shows a part of the plan, and apply FILE makes all of it")
    run = open_run(options, at=at)
    selection = Selection(targets, excludes)
    _, _, table = look(run, policy_of(run, releases), selection, memory_of(run, selection))
    if since:
        table = only_at(table, changed_since(run, since))
    if file:
        from reconciler import planfile  # noqa: PLC0415 - see show

        made = planfile.make_plan_file(
            table, run.revision, owner=run.owner, state=state_path(run), targets=targets,
            excludes=excludes, releases=releases,
        )  # fmt: skip
        planfile.write_plan_file(file, made)
    show(table, output)
    if file:
        story(f"written to {file}; `reconciler apply {file}` makes just this")
    if detailed:
        ctx.exit(code_of(table))


def show(table: Table, output: str, *, ages: bool = False) -> None:
    """Print a plan in one of its forms; who wants another is not made to wait for it."""
    match output:
        case "json":
            from reconciler.report.jsonform import plan_json  # noqa: PLC0415

            for word in table.warnings:
                warn(word)
            answer_raw(plan_json(table, ages=ages))
        case "markdown":
            from reconciler.report.markdown import plan_markdown  # noqa: PLC0415

            answer_raw(plan_markdown(table))
        case "html":
            from reconciler.report.html import plan_html  # noqa: PLC0415

            answer_raw(plan_html(table))
        case _:
            answer(plan_text(table, width()))


def code_of(table: Table) -> Code:
    """Say how a plan ends that was asked for details."""
    if table.summary["held"]:
        return Code.HELD
    return Code.DONE if table.empty else Code.DIFFERS
