"""From a state and selectors to our mark on what is declared, there already and nobody's."""

from __future__ import annotations

import time

import click

from reconciler.cli.codes import Code
from reconciler.cli.console import answer, can_ask, err, story, width
from reconciler.cli.make import make, prepare
from reconciler.cli.options import CONTEXT, Common, common, locking
from reconciler.cli.outcome import code_of, tell
from reconciler.cli.place import check_writable, find_place
from reconciler.cli.run import Run, open_run, owner_of
from reconciler.engine.adopt import standing
from reconciler.engine.policy import Releases
from reconciler.errand import Ready
from reconciler.errors import UsageError
from reconciler.line import Selection
from reconciler.report.adoption import adoption_text, standing_words


@click.command("adopt", context_settings=CONTEXT)
@click.argument("selectors", nargs=-1, required=True, metavar="SELECTOR…")
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--at", metavar="REV", help="What this commit, branch or tag declares, not HEAD.")
@locking
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The form to print."
)
@common
@click.pass_context
def adopt_command(
    ctx: click.Context,
    selectors: tuple[str, ...],
    auto_approve: bool,
    at: str | None,
    lock_timeout: float,
    reason: str,
    output: str,
    options: Common,
) -> None:
    r"""Mark as ours what is declared, there already, and nobody's.

    Only the mark is written: no field is changed, nothing is made or deleted. From then on a plan
    treats these objects as our own: it corrects them, and prunes them once they leave git, each as
    far as its guards let it. A SELECTOR is an address, a kind, or a pattern, as for --target: what
    lies right in an object that it means is meant, too.

    What carries another owner's mark, or has twins of its name, is refused by name, and it ends
    with 3. Some kinds take no mark (volume types, key pairs): of these git alone decides, and there
    is nothing to write. Shows what it would mark, and asks; where nobody can be asked, it needs
    --auto-approve.

    \b
        reconciler adopt Network/campus/web-shop/front
        reconciler adopt 'SecurityGroup/campus/*' --reason "CHG-1042"
        reconciler export state && reconciler adopt --state state --owner my-team '*'
    """
    place = find_place(options)
    if not owner_of(options, place):
        raise UsageError("adopting needs an owner, whose marks are written: --owner NAME")
    check_writable(options, place)
    if not auto_approve and not can_ask():
        raise UsageError("nobody can be asked here: say --auto-approve")
    run = open_run(options, at=at)
    ready = prepare(run, Selection(selectors, marks_only=True), Releases())
    counts = standing(run.desired, ready.live, selectors, run.owner)
    if counts.unknown:
        raise UsageError(f"the state declares nothing that {' or '.join(counts.unknown)} means")
    for word in standing_words(counts, run.owner):
        story(word)
    if output == "text":
        answer(adoption_text(ready.table, run.owner, width()))
    if ready.todo and not auto_approve:
        _ask(run, ready, output)
    started = time.monotonic()
    report = make(run, ready, patience=lock_timeout, reason=reason)
    tell(run, report, ready.table, output, time.monotonic() - started)
    ctx.exit(code_of(report))


def _ask(run: Run, ready: Ready, output: str) -> None:
    """Ask the person at the terminal; without a yes it ends here."""
    if output != "text":
        err().print(adoption_text(ready.table, run.owner, width()), end="")
    reply = click.prompt(
        f"Mark these as {run.owner}'s on cloud {ready.table.cloud}? Only yes is taken",
        default="no", show_default=False, err=True,
    )  # fmt: skip
    if reply != "yes":
        story("nothing was changed")
        click.get_current_context().exit(Code.NOTHING)
