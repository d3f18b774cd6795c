"""From credentials to a table of what is missing for which kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click
from rich.text import Text

from reconciler.cli.codes import Code
from reconciler.cli.console import answer, answer_raw
from reconciler.cli.options import Common, common
from reconciler.cli.place import find_place
from reconciler.cli.run import open_cloud
from reconciler.doctor import Check, Verdict, examine, missing
from reconciler.kinds.registry import load_kinds
from reconciler.report.jsontext import dump
from reconciler.report.words import clean


@click.command("doctor")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The form to print."
)
@common
@click.pass_context
def doctor_command(ctx: click.Context, output: str, options: Common) -> None:
    r"""Say what is missing on a cloud for which kind.

    Changes nothing. Looks at the credentials (a project's admin; tokens of the system or of a
    domain are refused, since their lists are partial), the catalogue, extensions, every listing,
    and the clock. Ends with 1 where something is missing.

    \b
        reconciler doctor --cloud mycloud
    """
    kinds = load_kinds()
    place = find_place(options, kinds)
    checks = examine(open_cloud(options, place), kinds, datetime.now(UTC))
    if output == "json":
        answer_raw(dump({"format_version": "1.0", "checks": [_form(check) for check in checks]}))
    else:
        answer(checks_text(checks))
    ctx.exit(Code.NOTHING if missing(checks) else Code.DONE)


def _form(check: Check) -> dict[str, str]:
    return {
        "about": check.about, "service": check.service, "verdict": check.verdict.value,
        "found": check.found, "advice": check.advice,
    }  # fmt: skip


def checks_text(checks: Sequence[Check]) -> Text:
    """Render the checks, one a line, with advice below what is missing."""
    wide = max(len(check.about) for check in checks)
    service = max(len(check.service) for check in checks)
    text = Text()
    for check in checks:
        good = check.verdict is Verdict.OK
        text.append("✓ " if good else "✗ ", "green" if good else "bold red")
        text.append(f"{check.about:<{wide}}  ").append(f"{check.service:<{service}}  ", "dim")
        text.append(clean(check.found), "" if good else "red").append("\n")
        if check.advice:
            text.append(f"  {'':<{wide}}  {'':<{service}}  {check.advice}\n", "dim")
    lacking = len(missing(checks))
    if lacking:
        return text.append(f"{lacking} of {len(checks)} checks failed\n", "bold red")
    return text.append("nothing is missing\n", "green")
