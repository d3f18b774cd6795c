"""From what git does not declare to a table for people, and JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from rich.text import Text

from reconciler.cloud.live import Live, LiveObject, owners
from reconciler.engine.unmanaged import Unmanaged
from reconciler.kinds.edges import label
from reconciler.report.answers import StrangerForm, UnmanagedForm
from reconciler.report.jsonform import FORMAT_VERSION
from reconciler.report.jsontext import dump
from reconciler.report.words import clean, count_of

WIDEST = 60
"""Columns that addresses are padded to."""
FOR_THE_PLAN = "plan shows what becomes of it"


@dataclass(frozen=True, slots=True)
class Context:
    """What was looked at, and what of it was seen whole."""

    cloud: str
    place: str
    """The commit, or the folder, of the state."""
    owner: str
    live: Live


def unmanaged_text(found: Unmanaged, context: Context) -> Text:
    """Render the strangers by kind, what is ours apart, and a line that sums up."""
    text = Text(f"cloud {clean(context.cloud)} · not in {clean(context.place)}\n", "bold")
    text.append_text(_tables(found.strangers, context))
    parts = {
        "ours, no longer declared": tuple(one for one in found.ours if not one.kind.edge),
        "left out of a list that git states whole": tuple(o for o in found.ours if o.kind.edge),
    }
    for title, part in parts.items():
        if part:
            text.append(f"\n{title}: {FOR_THE_PLAN}\n", "bold yellow")
            text.append_text(_tables(part, context))
    text.append("\n")
    counts = Counter(one.kind.name for one in found.strangers)
    text.append(f"{count_of(len(found.strangers))} not in git", "bold")
    if counts:
        text.append(": " + ", ".join(f"{count_of(n)} {k}" for k, n in sorted(counts.items())))
    others = sum(bool(owners(one.kind, one.raw)) for one in found.strangers)
    if others:
        text.append(f" · {count_of(others)} of them another owner's", "magenta")
    for title, part in parts.items():
        if part:
            text.append(f" · {count_of(len(part))} {title}", "yellow")
    return text.append("\n")


def _tables(found: tuple[LiveObject, ...], context: Context) -> Text:
    text = Text()
    for kind, group in groupby(found, key=lambda one: one.kind):
        rows = list(_rows(list(group), context))
        count = len([one for one in found if one.kind is kind])
        text.append(f"\n{kind.name}", "bold cyan").append(f"  {count_of(count)}\n", "dim")
        column = min(WIDEST, max(len(address) for address, _, _ in rows)) + 2
        for address, words, mark in rows:
            line = Text("  ").append(f"{address:<{column}}" if words or mark else address)
            text.append_text(line.append(words).append(mark, "magenta")).append("\n")
    return text


def _rows(group: list[LiveObject], context: Context) -> Iterator[tuple[str, str, str]]:
    """Give address, words and mark; what has no address of its own under that of its parent."""
    if not group[0].kind.folded:
        for one in group:
            others = sorted(owners(one.kind, one.raw) - {context.owner})
            mark = f"mark of {clean(', '.join(others))}" if others else ""
            named = one.name in ("", one.address.name) or one.kind.edge
            words = "" if named else f"named {clean(one.name)}, id {clean(one.id)}  "
            yield clean(str(one.address)), words, mark
        return
    for parent, items in groupby(sorted(group, key=lambda o: o.parent), key=lambda o: o.parent):
        words = "; ".join(clean(_item(one, context.live)) for one in items)
        yield clean(str(parent)), words, ""


def _item(edge: LiveObject, live: Live) -> str:
    return label(edge.kind, edge.parent, live.fields(edge))


def unmanaged_json(found: Unmanaged, context: Context) -> str:
    """Write it as one JSON object, of which fields are added and never changed."""
    counts = Counter(one.kind.name for one in found.strangers)
    return dump(UnmanagedForm(
        format_version=FORMAT_VERSION,
        cloud=context.cloud,
        unmanaged=list(_forms(found.strangers, context)),
        ours=list(_forms(found.ours, context)),
        summary=dict(sorted(counts.items())),
        incomplete=dict(sorted(context.live.incomplete.items())),
    ))  # fmt: skip


def _forms(found: Iterable[LiveObject], context: Context) -> Iterator[StrangerForm]:
    for one in found:
        yield StrangerForm(
            address=str(one.address),
            kind=one.kind.name,
            id=one.id or None,
            owners=sorted(owners(one.kind, one.raw)),
            parent=str(one.parent) if one.parent.names or one.kind.edge else None,
            item=_item(one, context.live) if one.kind.edge else None,
        )
