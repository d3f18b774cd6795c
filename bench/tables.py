"""From what was measured to tables: for a terminal, a page and a program."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict

from rich.table import Table

from bench.controller_figures import Section
from bench.machine import described, load
from bench.measure import Pair
from bench.place import Measured
from bench.state import Size

Cost = Callable[[Measured], float]
COSTS: dict[str, tuple[str, Cost, str]] = {
    "wall": ("wall, s", lambda one: one.wall, ".2f"),
    "cpu": ("own CPU, s", lambda one: one.cpu, ".2f"),
    "peak": ("peak, MiB", lambda one: one.peak / 1024, ".0f"),
    "requests": ("requests", lambda one: len(one.asked), ".0f"),
    "services": ("services' CPU, s", lambda one: one.services, ".2f"),
}
COLUMNS = ("", "who", *(words for words, _, _ in COSTS.values()), "wall / floor", "CPU / floor")


def rows(pairs: Iterable[Pair]) -> Iterable[tuple[str, ...]]:
    """Give two rows a pair: ours with the ratios, and the floor."""
    for pair in pairs:
        ratios = [
            _spread(pair.ratios(cost), ".2f")
            for cost in (COSTS["wall"][1], COSTS["cpu"][1])
        ]  # fmt: skip
        yield pair.name, "ours", *_cells(pair.ours), *ratios
        yield "", "floor", *_cells(pair.floor), "", ""


def _cells(found: list[Measured]) -> tuple[str, ...]:
    return tuple(_spread([cost(one) for one in found], form) for _, cost, form in COSTS.values())


def _spread(values: list[float], form: str) -> str:
    """Give the median, with the least and the most where these are others."""
    middle, least, most = (
        format(value, form) for value in (statistics.median(values), min(values), max(values))
    )
    return middle if least == most else f"{middle} ({least}..{most})"


def terminal(pairs: list[Pair], size: Size) -> Table:
    table = Table(title=f"{size.projects} projects, {size.objects} objects")
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="left" if number < 2 else "right", no_wrap=True)  # noqa: PLR2004 - the words
    for row in rows(pairs):
        table.add_row(*row, end_section=not row[0])
    return table


def section(pairs: list[Pair], size: Size, rounds: int) -> Section:
    """Give what a page has of it."""
    count = "one run" if rounds == 1 else f"{rounds} runs in turn"
    note = f"Median of {count} (least..most); / floor: of ratios of one run to the one beside it."
    title = f"{size.projects} projects, {size.objects} objects"
    return Section(f"bench-{size.projects}", title, note, COLUMNS, tuple(rows(pairs)))


def caption() -> str:
    today = dt.datetime.now(dt.UTC).date()
    return f"Measured {today} on {described()}; load before it {load():.1f}."


def as_json(pairs: list[Pair], size: Size) -> dict[str, object]:
    """Give every run as it was, with the machine."""
    return {
        "machine": described(), "load": load(), "projects": size.projects,
        "objects": size.objects,
        "lines": [
            {
                "name": pair.name,
                "ours": [_plain(one) for one in pair.ours],
                "floor": [_plain(one) for one in pair.floor],
                "beyond": dict(pair.beyond()[0]),
                "spared": dict(pair.beyond()[1]),
            }
            for pair in pairs
        ],
    }  # fmt: skip


def _plain(one: Measured) -> dict[str, object]:
    kept = {key: value for key, value in asdict(one).items() if key not in ("asked", "told")}
    return {**kept, "requests": len(one.asked)}
