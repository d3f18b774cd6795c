"""From the table to one HTML file that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from reconciler.engine.apply import Status
from reconciler.engine.values import Action
from reconciler.kinds.address import Address
from reconciler.report.text import SIGNS, header
from reconciler.report.values import Line, Result, Row, Table
from reconciler.report.words import bare, clean, count_of, shown

STYLE = """
:root { color-scheme: light dark; --bg: #fbfbfa; --card: #fff; --ink: #1d2126; --dim: #68717c;
  --rule: #e2e5e8; --create: #17793c; --update: #96630a; --replace: #8a3ea8; --adopt: #0b7285;
  --delete: #c02d2d; --held: #8a3ea8; --chip: #f0f2f4; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171a; --card: #1c2024; --ink: #e6e9ec;
  --dim: #97a1ac; --rule: #2e343a; --create: #5fce87; --update: #e6b45a; --replace: #cf94e8;
  --adopt: #66c9da; --delete: #f58585; --held: #cf94e8; --chip: #2a3037; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem; background: var(--bg);
  color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
.dim { color: var(--dim); }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1.25rem 0; padding: 0;
  list-style: none; }
.counts li { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem;
  padding: .4rem .9rem; min-width: 6rem; }
.counts b { display: block; font-size: 1.35rem; line-height: 1.2; }
details.place { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem;
  margin: .75rem 0; overflow: hidden; }
details.place > summary { cursor: pointer; padding: .6rem 1rem; font-weight: 600; }
details.place > summary:hover { background: var(--chip); }
article { border-top: 1px solid var(--rule); padding: .6rem 1rem .7rem; }
article header { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  overflow-wrap: anywhere; white-space: pre-wrap; }
.sign { font-weight: 700; display: inline-block; width: 1ch; }
.where { margin-left: auto; font-size: .85rem; }
table { border-collapse: collapse; margin: .35rem 0 0 1.6rem; }
td { padding: .05rem 1.25rem .05rem 0; vertical-align: top; }
ul.items { margin: 0; padding: 0; list-style: none; }
.old { color: var(--delete); } .new { color: var(--create); }
p.held { margin: .35rem 0 0 1.6rem; color: var(--held); }
.counts .held { color: var(--held); }
p.held b { border: 1px solid; border-radius: .3rem; padding: 0 .35rem; margin-right: .4rem;
  font-size: .8rem; }
.failed { margin: .35rem 0 0 1.6rem; color: var(--delete); }
.warning { border-left: 3px solid var(--update); padding: .2rem .8rem; margin: .5rem 0; }
""" + "".join(f".{action.value} {{ color: var(--{action.value}); }}\n" for action in Action)


def plan_html(table: Table) -> str:
    """Render a plan, or what an apply did, as a page; a project's changes fold up together."""
    results = {result.address: result for result in table.results or ()}
    places: dict[tuple[str, ...], list[Row]] = {}
    for row in table.rows:
        places.setdefault(row.place, []).append(row)
    title = f"Plan {table.plan_id} for {table.cloud}"
    body = [
        f"<h1>{_text(title)}</h1>",
        f'<p class="dim">{_text(header(table).plain)}</p>',
        _counts(table),
        *(f'<p class="warning">{_text(word)}</p>' for word in _warnings(table)),
        *(_place(place, rows, results) for place, rows in sorted(places.items())),
    ]
    if not table.rows:
        body.append("<p>Nothing differs: the cloud is what the state says.</p>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    return escape(clean(text), quote=True)


def _code(text: str, name: str = "") -> str:
    return f'<code class="{name}">{_text(text)}</code>' if name else f"<code>{_text(text)}</code>"


def _warnings(table: Table) -> Iterable[str]:
    for kind, seen in sorted(table.observed.items()):
        if not seen.complete:
            yield f"{kind}: its listing did not finish: {seen.why}"
    yield from table.warnings


def _counts(table: Table) -> str:
    cells = [
        f'<li><b class="{word}">{count_of(number)}</b>{word}</li>'
        for word, number in table.summary.items()
        if number or word == "unchanged"
    ]
    return f'<ul class="counts">{"".join(cells)}</ul>'


def _place(place: tuple[str, ...], rows: list[Row], results: Mapping[Address, Result]) -> str:
    label = "/".join(place) if place else "The whole cloud"
    signs = " ".join(
        f'<span class="{action.value}">{SIGNS[action]}{count}</span>'
        for action in SIGNS
        if (count := sum(row.action is action for row in rows))
    )
    inner = "\n".join(_row(row, results.get(row.address)) for row in rows)
    return (
        f'<details class="place" open><summary>{_text(label)} '
        f'<span class="dim">{signs}</span></summary>\n{inner}\n</details>'
    )


def _row(row: Row, result: Result | None) -> str:
    where = f'<span class="where dim">{_text(str(row.source))}</span>' if row.source.file else ""
    status = f'<span class="dim">{result.status.value}</span>' if result else ""
    word = row.action.value
    sign = f'<span class="sign" title="{word}">{SIGNS[row.action]}</span>'
    head = f'<span class="{word}">{sign} {_code(str(row.address))}</span>'
    parts = [f"<article><header>{head}{status}{where}</header>"]
    fields = "".join(_field(line) for line in row.lines if not line.told)
    if fields:
        parts.append(f"<table>{fields}</table>")
    if row.held:
        release = f" Released by {_code(row.held.release)}" if row.held.release else ""
        reason = f"<b>held: {row.held.reason.value}</b>"
        parts.append(f'<p class="held">{reason}{_text(row.held.detail)}.{release}</p>')
    if result and result.status is not Status.APPLIED and result.error:
        parts.append(f'<p class="failed">{_text(result.error)}</p>')
    return "\n".join([*parts, "</article>"])


def _field(line: Line) -> str:
    forced = ' <span class="replace">cannot change in place</span>' if line.forces_replace else ""
    note = f' <span class="dim">({_text(line.note)})</span>' if line.note else ""
    old, new = shown(line.before), shown(line.after)
    if line.item:
        old, new = bare(line.before), bare(line.after)
        value = _code(f"- {old}", "old") if line.after is None else _code(f"+ {new}", "new")
    elif line.before is None:
        value = _code(new, "new")
    else:
        value = f"{_code(old, 'old')} → {_code(new, 'new')}"
    return f"<tr><td>{_code(line.path)}</td><td>{value}{forced}{note}</td></tr>"
