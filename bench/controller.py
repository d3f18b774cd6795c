"""From a real OpenStack and a real controller to how quick it is, how small, and that it stays so.

It stands in docs/operations.md; ``--write`` puts what was measured there.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))  # it stands on what the tests stand on

from rich.console import Console  # noqa: E402 - after the line above
from rich.table import Table  # noqa: E402 - likewise

from bench.controller_cloud import Hand, watched, write_clouds  # noqa: E402 - likewise
from bench.controller_figures import Section, markdown, put_in  # noqa: E402 - likewise
from bench.controller_loops import Walk, loops  # noqa: E402 - likewise
from bench.controller_memory import memory_cloud  # noqa: E402 - likewise
from bench.controller_place import Place, place_in  # noqa: E402 - likewise
from bench.controller_scrape import scrapes  # noqa: E402 - likewise
from bench.controller_speed import (  # noqa: E402 - likewise
    Stage,
    hand_to_healed,
    hand_to_metric,
    push_with_poll,
    push_with_webhook,
)
from reconciler.devcloud.commands import down, reset  # noqa: E402 - likewise
from reconciler.devcloud.layout import open_home  # noqa: E402 - likewise

HOME = TOP / ".bench" / "controller"
PORTS = 23000
PAGE = TOP / "docs" / "operations.md"
FEWEST = 20
REAL_LOOPS = Walk(50, 10, 10)
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
SPEED: dict[str, Callable[[Stage], Section]] = {
    "push-webhook": push_with_webhook,
    "push-poll": push_with_poll,
    "hand-metric": hand_to_metric,
    "hand-healed": hand_to_healed,
}
NAMES = (*SPEED, "scrapes", "loops-devcloud", "loops-memory")


def main() -> int:
    asked = _asked()
    # The end that is wished for takes along what was started.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    chosen = [name for name in NAMES if asked.only in name]
    found = [_shown(section, caption) for section, caption in _measure(asked, chosen)]
    if asked.json:
        told = {one.key: {"title": one.title, "wrong": one.wrong, **one.raw} for one, _ in found}
        asked.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if asked.write:
        for section, caption in found:
            page = PAGE.read_text(encoding="utf-8")
            PAGE.write_text(put_in(page, section.key, markdown(section, caption)), encoding="utf-8")
    wrong = [word for section, _ in found for word in section.wrong]
    for word in wrong:
        console.print(f"[red]{word}[/]")
    return 1 if wrong or not found else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--times", type=int, default=10, help="how often to measure each time")
    parser.add_argument("--loops", type=int, default=1000, help="on the cloud in memory")
    parser.add_argument("--seconds", type=float, default=20.0, help="of scrapes, for each load")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it there, too")
    parser.add_argument("--write", action="store_true", help="put the tables into the docs")
    parser.add_argument("--home", type=Path, default=HOME, help="where the devcloud lives")
    asked = parser.parse_args()
    if asked.loops < FEWEST:
        parser.error(f"--loops: fewer than {FEWEST} tell nothing")
    return asked


def _measure(asked: argparse.Namespace, chosen: list[str]) -> Iterator[tuple[Section, str]]:
    real = [name for name in chosen if name != "loops-memory"]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        if real:
            (Path(folder) / "real").mkdir()
            yield from _on_devcloud(Path(folder) / "real", asked, real)
        if "loops-memory" in chosen:
            (Path(folder) / "memory").mkdir()
            with _told("loops-memory") as caption:
                yield _in_memory(Path(folder) / "memory", asked.loops), caption


def _on_devcloud(
    folder: Path, asked: argparse.Namespace, names: list[str]
) -> Iterator[tuple[Section, str]]:
    """Measure on a real OpenStack, which is stopped in the end."""
    home = open_home(asked.home, None if (asked.home / "devcloud.json").exists() else PORTS)
    reset(home, _say)
    home = open_home(asked.home)
    straight = write_clouds(folder, home.identity, home.password)
    through = folder / "through"
    through.mkdir()
    try:
        with watched(home, through) as (watch, clouds), place_in(folder, straight) as place:
            place.settle(interval=3600, heal=True)
            around = {**place.environ, "OS_CLIENT_CONFIG_FILE": str(clouds)}
            stage = Stage(replace(place, environ=around), watch, Hand(straight), asked.times, _say)
            for name in names:
                with _told(name) as caption:
                    yield _part(name, stage, place, asked), caption
    finally:
        down(home, _say)


def _part(name: str, stage: Stage, place: Place, asked: argparse.Namespace) -> Section:
    if name in SPEED:
        return SPEED[name](stage)
    if name == "scrapes":
        return scrapes(place, asked.seconds, _say)
    where = "On the real services of the devcloud."
    return loops(place, stage.hand, REAL_LOOPS, _say, name, where)


def _in_memory(folder: Path, count: int) -> Section:
    walk = Walk(count, min(100, count // 2), 50)
    where = (
        "The cloud is one **in memory**, behind HTTP in another process, because so many loops on "
        "real services take an hour: it has as many objects, and answers at once."
    )
    with memory_cloud(folder) as clouds, place_in(folder, clouds) as place:
        place.settle(interval=3600, heal=True)
        return loops(place, Hand(clouds), walk, _say, "loops-memory", where)


@contextmanager
def _told(name: str) -> Iterator[str]:
    """Say what is measured, and give when and on what."""
    console.print(f"\n[bold cyan]── {name}[/]")
    began = time.monotonic()
    yield _caption()
    _say(f"took {time.monotonic() - began:.0f} s")


def _caption() -> str:
    """Say when this was measured, and on what; hosts have no name here."""
    cpu = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    day = dt.datetime.now(dt.UTC).date().isoformat()
    what = f"{os.cpu_count()} cores ({cpu[0] if cpu else os.uname().machine})"
    memory, load = pages / (1 << 30), os.getloadavg()[0]
    return f"*{day}, {what}, {memory:.0f} GiB; load average before it: {load:.1f}.*"


def _say(text: str) -> None:
    console.print(f"  {text}", style="dim", markup=False)


def _shown(section: Section, caption: str) -> tuple[Section, str]:
    """Print a section, and give it on."""
    table = Table(title=section.title, caption=f"{section.note}\n{caption.strip('*')}")
    for at, column in enumerate(section.columns):
        table.add_column(column, justify="right" if at else "left", no_wrap=not at)
    for row in section.rows:
        table.add_row(*(cell.replace("**", "").replace("`", "") for cell in row))
    console.print(table)
    return section, caption


if __name__ == "__main__":
    sys.exit(main())
