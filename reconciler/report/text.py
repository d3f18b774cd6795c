"""From the table to what a person reads in a terminal, in a log or in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from rich.text import Text

from reconciler.engine.apply import Status
from reconciler.engine.values import Action, Cause, Held
from reconciler.report.values import Line, Result, Row, Table
from reconciler.report.words import age, bare, clean, count_of, shown

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.ADOPT: "=",
    Action.DELETE: "-",
}
COLOURS = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.REPLACE: "magenta",
    Action.ADOPT: "cyan",
    Action.DELETE: "red",
}
MARKS = {
    Status.APPLIED: ("✓", "green"),
    Status.FAILED: ("✗", "bold red"),
    Status.SKIPPED: ("·", "yellow"),
    Status.PENDING: ("…", "yellow"),
}
OFTEN = 3
"""So many rows that are held for the same reason have it told once, below them."""
WIDEST = 60
"""Columns that addresses are padded to; a longer one pushes what follows to the right."""


def plan_text(table: Table, width: int = 100) -> Text:
    """Render a plan: a header, the changes and nothing else, and a line that sums up."""
    text = Text()
    text.append_text(header(table)).append("\n\n")
    for kind, seen in sorted(table.observed.items()):
        if not seen.complete:
            text.append("  ! ", "bold red")
            text.append(f"{kind}: its listing did not finish: {clean(seen.why)}\n")
    for warning in table.warnings:
        text.append("  ! ", "bold yellow").append(f"{clean(warning)}\n")
    text.append_text(rows_text(table, width))
    if table.rows:
        text.append("\n")
    return text.append_text(summary(table))


def rows_text(table: Table, width: int = 100) -> Text:
    """Render the changes and nothing else."""
    column = min(WIDEST, max((len(clean(str(row.address))) for row in table.rows), default=0)) + 2
    # Without a history every difference comes from the cloud: not worth a word on each line.
    with_cause = any(row.cause is Cause.GIT for row in table.rows)
    counts = Counter(row.held for row in table.rows if row.held)
    often = {held: count for held, count in counts.items() if count >= OFTEN}
    text = Text()
    for row in table.rows:
        text.append_text(_row(row, column, width, table.now, often.keys(), with_cause=with_cause))
    for held, count in often.items():
        text.append(f"\n  HELD {held.reason}", "bold magenta")
        text.append(f" ({count_of(count)}): {clean(held.detail)}\n")
        text.append(f"      {clean(held.release)}\n" if held.release else "", "bold magenta")
    return text


def header(table: Table) -> Text:
    """Say what was compared with what."""
    parts = [f"cloud {clean(table.cloud)}"]
    if table.folder:
        parts.append(f"{clean(table.folder)} as it lies, committed or not")
    elif table.revision:
        subject = f' "{clean(table.subject)}"' if table.subject else ""
        parts.append(f"{table.revision[:7]}{subject}")
    if table.settled:
        parts.append(f"settled {table.settled[:7]}")
    seen = [o for o in table.observed.values() if o.complete]
    took = f" in {table.seconds:.1f} s" if table.seconds is not None else ""
    count = sum(o.count for o in seen)
    parts.append(f"{len(seen)} kinds, {count_of(count)} objects observed{took}")
    return Text(" · ".join(parts), "bold")


def summary(table: Table) -> Text:
    """Sum a plan up in one line."""
    counts = table.summary
    words = [
        f"{count_of(counts[action])} to {action.value}" for action in SIGNS if counts[action.value]
    ]
    text = Text(f"Plan {table.plan_id}: ", "bold")
    text.append(", ".join(words) or "nothing differs", "" if words else "green")
    if counts["held"]:
        text.append(f" · {count_of(counts['held'])} held", "bold magenta")
    return text.append(f" · {count_of(counts['unchanged'])} unchanged", "dim").append("\n")


def _row(
    row: Row,
    column: int,
    width: int,
    now: float | None,
    often: Collection[Held],
    *,
    with_cause: bool,
) -> Text:
    colour = COLOURS[row.action]
    text = Text("  ").append(SIGNS[row.action], f"bold {colour}")
    place = row.reason if row.action is Action.DELETE and not row.source.file else str(row.source)
    address = clean(str(row.address))
    text.append(" ").append(f"{address:<{column - 2}}  " if place else address, colour)
    text.append(clean(place), "dim")
    if (with_cause or row.since is not None) and row.cause is Cause.LIVE:
        text.append("   live", "dim")
        if row.since is not None and now is not None and now - row.since >= 1:
            text.append(f", {age(now - row.since)}", "dim")
    shown_held = row.held in often
    if row.held and shown_held:
        text.append(f"   HELD {row.held.reason}", "bold magenta")
    text.append("\n")
    for group in _grouped(row.lines):
        line = Text("      ").append_text(_field(group, row, width))
        forced = any(one.forces_replace for one in group)
        if row.held and not shown_held and (forced or any(one.held for one in group)):
            shown_held = True
            _hold(line, row.held, width, detail=not forced)
        text.append_text(line).append("\n")
    if row.held and not shown_held:
        line = Text("      ").append(clean(row.held.detail))
        _hold(line, row.held, width, detail=False)
        text.append_text(line).append("\n")
    return text


def _grouped(lines: tuple[Line, ...]) -> list[list[Line]]:
    """Give the items of one list together, every other field by itself."""
    groups: list[list[Line]] = []
    for line in (line for line in lines if not line.told):
        if line.item and groups and groups[-1][0].item and groups[-1][0].path == line.path:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _field(group: list[Line], row: Row, width: int) -> Text:
    first = group[0]
    path = clean(first.path)
    if first.item:
        return _items(path, [_item(line) for line in group], width)
    if isinstance(first.before, list) and isinstance(first.after, list) and row.lines:
        return _items(path, _difference(first), width)
    text = Text()
    if first.forces_replace:
        text.append("! ", "bold magenta")
    elif row.action is Action.CREATE:
        text.append("+ ", "green")
    text.append(path)
    if first.before is None and (row.action is Action.CREATE or "." in path):
        text.append("  ").append(shown(first.after), "green")
    elif first.after is None:
        text.append("  ").append(shown(first.before), "red").append(" → none")
    else:
        text.append("  ").append(shown(first.before), "red").append(" → ")
        text.append(shown(first.after), "green")
    if first.forces_replace:
        text.append("   cannot change in place", "dim")
    return text


def _item(line: Line) -> Text:
    if line.after is None:
        note = f"   ({clean(line.note)})" if line.note else ""
        return Text(f"- {bare(line.before)}", "red").append(note, "dim")
    return Text(f"+ {bare(line.after)}", "green")


def _difference(line: Line) -> list[Text]:
    """Say two lists by what was added and removed, or whole where only the order differs."""
    added = [item for item in line.after if item not in line.before]
    removed = [item for item in line.before if item not in line.after]
    if not added and not removed:
        return [Text(f"{shown(line.before)} → {shown(line.after)}")]
    return [
        *(Text(f"+ {shown(item)}", "green") for item in added),
        *(Text(f"- {shown(item)}", "red") for item in removed),
    ]


def _items(path: str, items: list[Text], width: int) -> Text:
    """Put items behind their path, or below one another where they do not fit."""
    room = width - len(path) - 10
    if sum(len(item) + 4 for item in items) <= room:
        return Text(f"{path}  ").append_text(Text("    ").join(items))
    return Text(f"{path}  ").append_text(Text("\n" + " " * (len(path) + 8)).join(items))


def _hold(text: Text, held: Held, width: int, *, detail: bool) -> None:
    if detail:
        text.append(f"   {clean(held.detail)}")
    release = f": {clean(held.release)}" if held.release else ""
    words = f"HELD {held.reason}{release}"
    gap = max(3, 72 - len(text))
    fits = len(text) + gap + len(words) <= width
    text.append(" " * gap if fits else "\n          ").append(words, "bold magenta")


def result_text(result: Result, column: int = WIDEST) -> Text:
    """Say in one line what became of a row."""
    mark, colour = MARKS[result.status]
    text = Text("  ").append(mark, colour).append(" ")
    text.append(f"{SIGNS[result.action]} ", COLOURS[result.action])
    address = clean(str(result.address))
    if result.status is Status.APPLIED:
        return text.append(address.ljust(column)).append(f"  {result.seconds:.1f} s", "dim")
    text.append(f"{address}  {result.status.value}", colour)
    if result.error and result.status is not Status.PENDING:
        request = f" (request {clean(result.request_id)})" if result.request_id else ""
        text.append(f"\n      {clean(result.error)}{request}")
    return text


def outcome_text(table: Table, seconds: float | None = None) -> Text:
    """Sum up an apply, and name what was not done."""
    results = table.results or ()
    text = Text()
    for result in results:
        if result.status is not Status.APPLIED:
            text.append_text(result_text(result)).append("\n")
    counts = {s: sum(r.status is s for r in results) for s in Status}
    words = [f"{count_of(n)} {s.value}" for s, n in counts.items() if n or s is Status.APPLIED]
    took = f" in {seconds:.1f} s" if seconds is not None else ""
    colour = "bold red" if counts[Status.FAILED] else "bold"
    return text.append(f"Done: {', '.join(words)}{took}\n", colour)
