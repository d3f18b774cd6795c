"""From the history that a controller answers to what a person reads of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from textwrap import wrap

from rich.text import Text

from reconciler.engine.apply import Status
from reconciler.engine.values import Action
from reconciler.kinds.values import Json
from reconciler.report.statustext import COLOURS
from reconciler.report.text import COLOURS as ACTION_COLOURS, MARKS, SIGNS
from reconciler.report.words import clean, count_of

FAILED = 3
"""Failed changes that stand below a run; all of them are in the view of that run alone."""
WIDE = 100
"""Columns from which on a line has room for the plan's id."""
FEWEST = 40
"""Columns that an error is wrapped to at least."""


def history_text(found: Json, limit: int, width: int) -> Text:
    """Render runs and what people did, one a line, the newest first, and what failed."""
    lines = [(event["at"], _event_line(event)) for event in found.get("events", ())]
    lines += [(run["started"], _run_lines(run, width)) for run in found["runs"]]
    newest = sorted(lines, key=lambda line: line[0], reverse=True)[:limit]
    text = Text()
    for at, words in newest:
        text.append(f"{_time(at)}  ", "dim").append_text(words)
    return text or Text("no runs yet\n")


def run_text(found: Json, width: int) -> Text:
    """Render all that is kept of one run."""
    text = Text()
    for run in found["runs"]:
        text.append(f"run {run['number']}", "bold").append(f" of {clean(found['cloud'])} · ")
        text.append(*_result(run)).append(f" · {run['trigger']} · {_time(run['started'])}\n")
        for name, words in _facts(run):
            text.append(f"  {name:<9}{words}\n")
        outcomes = run.get("outcomes", ())
        text.append_text(_own_error(run, outcomes, 2, width))
        if outcomes:
            text.append("\n")
        for one in outcomes:
            text.append_text(_outcome(one, width))
        if run.get("more_outcomes"):
            text.append(f"  and {count_of(run['more_outcomes'])} more that are not kept\n", "dim")
    return text


def _run_lines(run: Json, width: int) -> Text:
    text = Text(f"{run['number']:>5}  ")
    word, colour = _result(run)
    text.append(f"{word:<9}", colour).append(f" {run['trigger']:<9}{run['revision'][:7]:<7}")
    if width >= WIDE:
        text.append(f"  {run['plan_id']:<16}")
    counts = ", ".join(_counts(run))
    text.append(f"  {counts}\n" if counts else "\n")
    failed = [one for one in run.get("outcomes", ()) if one["status"] == Status.FAILED]
    text.append_text(_own_error(run, failed, 4, width))
    for one in failed[:FAILED]:
        text.append_text(_outcome(one, width))
    if len(failed) > FAILED:
        more = f"{count_of(len(failed) - FAILED)} more: reconciler history --run {run['number']}"
        text.append(f"    {more}\n", "dim")
    return text


def _own_error(run: Json, outcomes: Iterable[Json], indent: int, width: int) -> Text:
    """Say what went wrong with the run itself, and not only with a change that stands below."""
    told = (str(one["error"]).removesuffix("…") for one in outcomes if one["error"])
    if not run["error"] or any(words in run["error"] for words in told):
        return Text()
    return _error(run["error"], run.get("request_id"), indent, width)


def _result(run: Json) -> tuple[str, str]:
    return run["result"] or "running", COLOURS.get(run["result"] or "", "")


def _counts(run: Json) -> Iterator[str]:
    found: Counter[str] = Counter()
    for one in run["written"]:
        found[one["status"]] += one["count"]
    return (f"{count_of(found[one])} {one.value}" for one in Status if found[one])


def _facts(run: Json) -> Iterator[tuple[str, str]]:
    author = f" by {clean(run['author'])}" if run.get("author") else ""
    if run["revision"]:
        yield "commit", f"{run['revision'][:7]}{author}"
    if run["plan_id"]:
        yield "plan", f"{run['plan_id']}{_planned(run.get('plan'))}"
    if run.get("approved_by"):
        yield "approved", f"by {clean(run['approved_by'])}"
    counts = ", ".join(_counts(run))
    if counts:
        yield "changes", counts
    if run.get("troubles"):
        yield "trouble", ", ".join(run["troubles"])
    if run["seconds"]:
        took = (f"{phase} {seconds:.1f} s" for phase, seconds in run["seconds"].items())
        yield "took", ", ".join(took)


def _planned(plan: Json) -> str:
    if not plan:
        return ""
    counts = plan["summary"]
    words = [f"{count_of(counts[a])} to {a.value}" for a in Action if counts[a]]
    held = [f"{count_of(h['count'])} {h['kind']} {h['reason']}" for h in plan["held"]]
    return f": {', '.join(words) or 'nothing to do'}" + (
        f" · held: {', '.join(held)}" if held else ""
    )


def _outcome(one: Json, width: int) -> Text:
    """Say what became of one change, and below it why, and which request it was."""
    mark, colour = MARKS[Status(one["status"])]
    action = Action(one["action"])
    text = Text("    ").append(mark, colour)
    text.append(f" {SIGNS[action]} ", ACTION_COLOURS[action]).append(clean(one["address"]))
    if one["part"]:
        text.append(f"  {clean(one['part'])}")
    about = [
        "by hand" if one["origin"] == "live" else "",
        clean(one["reason"]),
        clean(", ".join(one["fields"])),
        f"held {one['left']}" if one["left"] else "",
    ]
    words = "  ".join(word for word in about if word)
    gap = "  " if len(text) + len(words) + 2 <= width else f"\n{' ' * 8}"
    text.append(f"{gap}{words}\n" if words else "\n", "dim")
    if one["error"]:
        text.append_text(_error(one["error"], one["request_id"], 8, width))
    return text


def _error(words: str, request: str | None, indent: int, width: int) -> Text:
    """Wrap an error below what it is about; the request stands by itself, to be copied whole."""
    gap = " " * indent
    room = max(FEWEST, width - indent)
    lines: Iterable[str] = wrap(clean(words), room, break_long_words=False, break_on_hyphens=False)
    asked = (f"request {clean(request)}",) if request else ()
    return Text("".join(f"{gap}{line}\n" for line in chain(lines, asked)), "red")


def _event_line(event: Json) -> Text:
    who, reason = clean(event["by"]) or "somebody", clean(event["reason"])
    what = clean(event["name"]) or "the cloud"
    until = f" until {_time(event['until'])}" if event["until"] else ""
    told = {
        "paused": f"{who} paused {what}{until}",
        "resumed": f"{who} resumed {what}",
        "woken": f"{who} had it look",
        "approved": f"{who}'s approval let plan {event['plan_id']} pass",
    }.get(event["event"], f"{who}: {clean(event['event'])}")
    words = f": {reason}\n" if reason else "\n"
    return Text("       ").append(told, "cyan").append(words)


def _time(at: str) -> str:
    """Write a time in as few columns as say it."""
    return at.replace("T", " ").replace("+00:00", "Z")
