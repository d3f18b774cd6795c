"""From a run's plan and outcomes to what history tells of them: no value of any object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reconciler.controller.course import Walked
from reconciler.controller.status import Planned, Tried
from reconciler.engine.apply import Outcome
from reconciler.engine.values import Action
from reconciler.report.table import WORST, make_table, part_of, shown_address

KEPT = 500
"""Changes of a run that are told one by one."""
LONGEST = 500
"""Characters of an error that are told: services repeat whole requests."""
STAYING = (Action.UPDATE, Action.REPLACE)


def tried(outcomes: Iterable[Outcome]) -> tuple[Tried, ...]:
    """Give what became of each change: what failed stands first, and is never what is cut."""
    worst_first = sorted(outcomes, key=lambda outcome: WORST.index(outcome.status))
    return tuple(_one(outcome) for outcome in worst_first[:KEPT])


def _one(outcome: Outcome) -> Tried:
    change, error = outcome.change, outcome.error
    return Tried(
        str(shown_address(change)), part_of(change), change.action, change.cause, outcome.status,
        change.reason,
        tuple(field.path for field in change.fields) if change.action in STAYING else (),
        error if len(error) <= LONGEST else f"{error[:LONGEST]}…",
        outcome.left, outcome.request_id,
    )  # fmt: skip


def planned(walked: Walked) -> Planned | None:
    """Count what the plan was about that a run followed; None where it could make none."""
    ready, report = walked.ready, walked.report
    if ready is None:
        return None
    # Once changes were made, what is ready is what is left of them.
    plan = report.plan if report else ready.plan
    summary = ready.table.summary if plan is ready.plan else make_table(plan).summary
    held = Counter((shown_address(c).kind, c.held.reason) for c in plan.changes if c.held)
    return Planned(summary, dict(held))
