"""From the table to Markdown, as the comment on a merge request shows it."""

from __future__ import annotations

import re

from reconciler.report.text import SIGNS, header, plan_text, summary
from reconciler.report.values import Table
from reconciler.report.words import clean

OPEN_ROWS = 30
"""A longer list of changes is folded up."""
WIDE = 10_000
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|~$@])")


def plan_markdown(table: Table) -> str:
    """Render a plan: a headline, counts, and the changes as a coloured diff."""
    counts = {action: table.summary[action.value] for action in SIGNS}
    parts = [
        f"### Plan for {escape(table.cloud)}: {_headline(table)}",
        escape(header(table).plain.strip()),
    ]
    if any(counts.values()):
        names = " | ".join(action.value for action in counts)
        numbers = " | ".join(str(number) for number in counts.values())
        parts.append(
            f"| {names} | held | unchanged |\n|{'---:|' * (len(counts) + 2)}\n"
            f"| {numbers} | {table.summary['held']} | {table.summary['unchanged']} |"
        )
    if table.rows or table.warnings:
        parts.append(_changes(table))
    if any(row.held for row in table.rows):
        parts.append("Held changes are not made; each says why, and what releases it.")
    parts.append(f"Plan `{table.plan_id}`")
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Write text that Markdown and HTML take for nothing but text."""
    safe = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", safe)


def _headline(table: Table) -> str:
    words = [f"{n} to {w}" for w, n in table.summary.items() if n and w in set(SIGNS)]
    return ", ".join(words) or "nothing differs"


def _changes(table: Table) -> str:
    """Show the rows in a fence that nothing in them can close."""
    body = plan_text(table, WIDE).plain.split("\n\n", 1)[1].removesuffix(summary(table).plain)
    lines = [_as_diff(line) for line in body.rstrip("\n").split("\n")]
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    block = f"{fence}diff\n" + "\n".join(lines) + f"\n{fence}"
    if len(table.rows) <= OPEN_ROWS:
        return block
    return f"<details><summary>{len(table.rows)} changes</summary>\n\n{block}\n\n</details>"


def _as_diff(line: str) -> str:
    """Move the sign of a change to the first column, where it gives the line its colour."""
    sign = line[2:3] if line.startswith("  ") else ""
    known = {"+": "+", "-": "-", "~": "! ~", "±": "! ±", "=": "  =", "!": "!"}
    return f"{known[sign]}{line[3:]}" if sign in known else f"  {line[2:]}"
