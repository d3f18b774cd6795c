"""From what an apply did to what it says, and how it ends."""

from __future__ import annotations

from reconciler.cli.codes import Code
from reconciler.cli.console import answer, answer_raw, story, warn, width
from reconciler.cli.run import Run
from reconciler.engine.apply import Status, failures
from reconciler.line import Report
from reconciler.report.jsonform import plan_json
from reconciler.report.table import make_table, with_outcomes
from reconciler.report.text import outcome_text, rows_text
from reconciler.report.values import Table


def tell(run: Run, report: Report, table: Table, output: str, seconds: float) -> None:
    """Say what became of a plan, and what is left."""
    outcomes = (*report.outcomes, *report.later)
    whole = with_outcomes(table, outcomes)
    left = make_table(report.left, folder=run.folder) if report.left else None
    if output == "json":
        for word in table.warnings:
            warn(word)
        answer_raw(plan_json(whole))
    elif outcomes:
        answer(outcome_text(whole, seconds))
    if report.interrupted:
        warn("interrupted: what is pending was not begun; run it again to go on")
    if report.unseen:
        warn(f"nobody knows what is left, for another look failed: {report.unseen}")
    if left is not None and outcomes:
        _tell_left(report, left, output)


def _tell_left(report: Report, left: Table, output: str) -> None:
    """Say what a look after the changes still found, and why."""
    if not left.rows:
        story("another look found nothing left to do", "green")
        return
    if failures((*report.outcomes, *report.later)):
        warn("not everything was done; another look finds these changes left")
    elif not report.settled:
        warn("unsettled: another look still finds these changes to make")
    else:
        story("another look finds nothing left but what is held:")
    if output == "text":
        answer(rows_text(left, width()))


def code_of(report: Report) -> Code:
    """Say how an apply ends."""
    undone = failures((*report.outcomes, *report.later))
    if undone and all(o.status is Status.SKIPPED for o in undone) and not report.interrupted:
        return Code.HELD  # by another hand's change, and what waits for it
    if report.interrupted or failures((*report.outcomes, *report.later)) or not report.settled:
        return Code.FAILED
    last = report.left or report.plan
    return Code.HELD if last.changes else Code.DONE
