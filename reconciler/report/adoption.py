"""From what would be marked as ours to what a person reads before saying yes."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from reconciler.engine.adopt import Standing
from reconciler.report.text import header, rows_text
from reconciler.report.values import Table
from reconciler.report.words import clean, count_of


def adoption_text(table: Table, owner: str, width: int = 100) -> Text:
    """Render what is marked and what is refused, and a line that sums up."""
    text = header(table).append("\n\n")
    text.append_text(rows_text(table, width))
    if table.rows:
        text.append("\n")
    held = table.summary["held"]
    todo = len(table.rows) - held
    text.append(f"{count_of(todo)} to mark as {clean(owner)}'s", "bold")
    if held:
        text.append(f" · {count_of(held)} refused", "bold magenta")
    return text.append(" · no field is changed\n", "dim")


def standing_words(counts: Standing, owner: str) -> Iterator[str]:
    """Say of what the selectors mean why the rest is not marked."""
    if counts.ours:
        yield f"{count_of(counts.ours)} carry the mark of {owner} already"
    if counts.absent:
        yield f"{count_of(counts.absent)} are declared and not there: an apply makes them"
    for kind, count in sorted(counts.unmarked.items()):
        yield f"{count_of(count)} {kind}: takes no mark, so git alone decides whose it is"
