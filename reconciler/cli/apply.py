"""From a plan that somebody approved to a cloud that is so, and a report of what became of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli.codes import Code
from reconciler.cli.console import answer, can_ask, err, story, width
from reconciler.cli.make import let_through, make, prepare
from reconciler.cli.options import CONTEXT, Common, WithOptionalValues, common, locking, selecting
from reconciler.cli.outcome import code_of, tell
from reconciler.cli.place import check_writable, find_place
from reconciler.cli.releases import releasing
from reconciler.cli.run import Run, open_run, owner_of
from reconciler.engine.policy import Releases
from reconciler.errors import StaleError, UsageError
from reconciler.line import Selection
from reconciler.planfile import PlanFile, check_files, check_plan, read_plan_file
from reconciler.report.text import plan_text
from reconciler.report.values import Table


@click.command("apply", cls=WithOptionalValues, context_settings=CONTEXT)
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--plan-id", metavar="ID", help="Apply only if the plan still has this id.")
@click.option("--at", metavar="REV", help="Apply this commit, branch or tag instead of HEAD.")
@click.option("--auto-approve", is_flag=True, help="Do not ask. It releases nothing that is held.")
@selecting
@releasing
@locking
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The form to print."
)
@common
@click.pass_context
def apply_command(
    ctx: click.Context,
    file: Path | None,
    plan_id: str | None,
    at: str | None,
    auto_approve: bool,
    targets: tuple[str, ...],
    excludes: tuple[str, ...],
    releases: Releases,
    lock_timeout: float,
    reason: str,
    output: str,
    options: Common,
) -> None:
    r"""Make the cloud what the state says.

    Plans, shows the plan, asks, makes the changes in parallel, and looks again: what is left then
    is told. With FILE (from `plan --out`) or --plan-id the plan is made anew and must come out the
    same, or nothing is touched and it ends with 4. Where nobody can be asked, it needs one of
    these or --auto-approve, which answers the question and releases nothing that is held. The
    first Ctrl-C lets requests in flight end and reports; run it again to go on.

    \b
        reconciler apply
        reconciler plan --out today.plan && reconciler apply today.plan
        reconciler apply --plan-id f43e25092d17ddb9
        reconciler apply --allow-replace=Flavor/m1.large
    """
    asked = Asked(at, Selection(targets, excludes), releases, plan_id, None)
    if file:
        if plan_id or at or targets or excludes or releases != Releases():
            raise UsageError("the options of a saved plan are in it: leave them out")
        asked, options = _of_file(read_plan_file(file), options)
    approved = bool(file or plan_id or auto_approve)
    if not approved and not can_ask():
        raise UsageError("nobody can be asked here: say --auto-approve, --plan-id ID, or FILE")
    run = _open(options, asked)
    ready = prepare(run, asked.selection, asked.releases)
    _check(asked, ready.table)
    if asked.saved or asked.plan_id:
        ready = let_through(run, ready, ready.policy.seen())
    if output == "text":
        answer(plan_text(ready.table, width()))
    if not approved and (ready.todo or ready.would_be_released_by_a_yes):
        _ask(ready.table, output)
        ready = let_through(run, ready, ready.policy.seen())
    started = time.monotonic()
    report = make(run, ready, patience=lock_timeout, reason=reason)
    tell(run, report, ready.table, output, time.monotonic() - started)
    ctx.exit(code_of(report))


@dataclass(frozen=True, slots=True)
class Asked:
    """What shall be applied."""

    at: str | None
    selection: Selection
    releases: Releases
    plan_id: str | None
    saved: PlanFile | None


def _of_file(saved: PlanFile, options: Common) -> tuple[Asked, Common]:
    asked = Asked(
        None if saved.state else saved.revision,
        Selection(saved.targets, saved.excludes),
        saved.releases.releases(),
        saved.plan_id,
        saved,
    )
    return asked, _saved_options(options, saved)


def _open(options: Common, asked: Asked) -> Run:
    """Refuse what cannot be written before anything is asked of the cloud; then log in.

    Raises:
        ReconcilerError: there is no owner, the mode is observe, or the files are other ones.

    """
    place = find_place(options)
    if not owner_of(options, place):
        raise UsageError("writing needs an owner, whose marks are written: --owner NAME")
    check_writable(options, place)
    run = open_run(options, at=asked.at)
    if asked.saved:
        check_files(asked.saved, run.revision)
    return run


def _check(asked: Asked, table: Table) -> None:
    """Refuse a plan that is not the one that was approved.

    Raises:
        StaleError: it comes out otherwise by now.

    """
    if asked.saved:
        check_plan(asked.saved, table)
    if asked.plan_id and asked.plan_id != table.plan_id:
        raise StaleError(
            f"the plan is {table.plan_id} by now, not {asked.plan_id}: look at it, apply again"
        )


def _saved_options(options: Common, saved: PlanFile) -> Common:
    """Take cloud, owner and folder from a saved plan; refuse others.

    Raises:
        UsageError: the command line says something else.

    """
    for name, said, kept in (
        ("cloud", options.cloud, saved.cloud), ("owner", options.owner, saved.owner),
    ):  # fmt: skip
        if said and said != kept:
            raise UsageError(f"--{name} {said}: the plan is for {kept or 'none'}")
    state = Path(saved.state) if saved.state else None
    if options.state and options.state.resolve() != state:
        raise UsageError(f"--state {options.state}: the plan is of {state or saved.revision}")
    return Common(saved.cloud, options.config, state, saved.owner or None, options.verbose)


def _ask(table: Table, output: str) -> None:
    """Ask the person at the terminal.

    Raises:
        click.Abort: the answer is not yes.

    """
    if output != "text":
        err().print(plan_text(table, width()), end="")
    reply = click.prompt(
        f"Make these changes to cloud {table.cloud}? Only yes is taken",
        default="no", show_default=False, err=True,
    )  # fmt: skip
    if reply != "yes":
        story("nothing was changed")
        click.get_current_context().exit(Code.NOTHING)
