"""From what was measured to figures: spreads, percentiles, slopes, and the tables of them."""

from __future__ import annotations

import math
import re
import statistics
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

WIDTH = 120
"""Of lines of prose in the docs."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, of all the times that it was done."""

    count: int
    least: float
    median: float
    most: float

    def cells(self) -> tuple[str, ...]:
        """Give median, least and most as they are printed, in seconds."""
        return tuple(f"{value:.2f} s" for value in (self.median, self.least, self.most))


def spread(values: Sequence[float]) -> Spread:
    """Sum up what was measured; there has to be something."""
    return Spread(len(values), min(values), statistics.median(values), max(values))


def percentile(values: Iterable[float], part: float) -> float:
    """Give the least value that so large a part of all is not above: always one of them."""
    found = sorted(values)
    return found[max(0, math.ceil(part * len(found)) - 1)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Give by how much the second number grows with each one of the first: least squares."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    middle_x, middle_y = statistics.fmean(xs), statistics.fmean(ys)
    across = sum((x - middle_x) ** 2 for x in xs)
    if not across:
        return 0.0
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / across


@dataclass(frozen=True, slots=True)
class Section:
    """One table of figures, with what there is to say of it."""

    key: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    raw: Mapping[str, object] = field(default_factory=dict)
    """The same as numbers, for programs."""
    wrong: tuple[str, ...] = ()
    """What is not as it has to be."""


def markdown(section: Section, caption: str) -> str:
    """Write a section as a page has it."""
    head = "| " + " | ".join(section.columns) + " |"
    rule = "|---" + "|---:" * (len(section.columns) - 1) + "|"
    rows = ["| " + " | ".join(row) + " |" for row in section.rows]
    note = textwrap.fill(section.note, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join([f"### {section.title}", "", note, "", head, rule, *rows, "", caption])


def put_in(page: str, key: str, text: str) -> str:
    """Give a page with another text between the two markers of this name.

    Raises:
        ValueError: it does not have each of them once.

    """
    begin, end = f"<!-- figures: {key} -->", f"<!-- end: {key} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"the page has not one {begin} and one {end}")
    inside = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not inside.search(page):
        raise ValueError(f"the page has {end} before {begin}")
    return inside.sub(lambda _match: f"{begin}\n{text}\n{end}", page)
