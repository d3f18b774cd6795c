"""From what a controller answers to what a person reads of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.text import Text

from reconciler.kinds.values import Json
from reconciler.report.words import age, clean, count_of

COLOURS = {
    "noop": "green", "applied": "green", "observed": "yellow", "blocked": "magenta",
    "partial": "bold red", "failed": "bold red",
}  # fmt: skip


def status_text(clouds: Iterable[Json], now: str) -> Text:
    """Render each cloud in a few lines: is it as git says, and if not, why not."""
    text = Text()
    for one in clouds:
        text.append(f"{clean(one['cloud'])}", "bold")
        text.append(f" · {one['mode']} · {_in_sync(one)}")
        source = one["source"]
        text.append(
            f" · {clean(source['revision'])[:7] or 'no commit'} of {clean(source['branch'])}"
        )
        text.append(f" · settled {one['settled_revision'][:7] or 'never'}\n")
        text.append_text(_last_run(one["run"], now))
        if source["problem"]:
            text.append(f"  ! {clean(source['problem'])}\n", "bold red")
        for held in one["held"]:
            words = f"{count_of(held['count'])} {held['kind']} held {held['reason']}"
            text.append(f"  {words}\n", "magenta")
        for pause in one["pauses"]:
            until = f" until {pause['until']}" if pause["until"] else ""
            what = clean(pause["name"]) or "the cloud"
            text.append(
                f"  {what} is paused by {clean(pause['by'])}{until}: {clean(pause['reason'])}\n",
                "yellow",
            )
    return text or Text("no cloud\n")


def _in_sync(one: Json) -> str:
    if one["in_sync"] is None:
        return "nobody knows yet"
    if one["in_sync"]:
        return "as git says"
    counts = one["summary"]
    words = [
        f"{count_of(counts[word])} to {word}"
        for word in ("create", "update", "replace", "delete")
        if counts[word]
    ]
    return ", ".join(words)


def _last_run(run: Json, now: str) -> Text:
    if run is None:
        return Text("  no run yet\n", "dim")
    text = Text(f"  run {run['number']} ({run['trigger']}) ")
    at = run["finished"] or run["started"]
    ago = age(max(0.0, (datetime.fromisoformat(now) - datetime.fromisoformat(at)).total_seconds()))
    if run["result"] is None:
        text.append("applies now", "bold yellow").append(f", for {ago} already", "dim")
    else:
        text.append(run["result"], COLOURS.get(run["result"], "")).append(f" {ago} ago", "dim")
    if run["error"]:
        text.append(f"\n  ! {clean(run['error'])}", "bold red")
    return text.append("\n")
