"""From a real OpenStack of its own to what our commands cost, beside the least that it takes."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from rich.console import Console

from bench.controller_figures import markdown, put_in
from bench.measure import Bench, Pair
from bench.place import TOP, BenchError, Place
from bench.state import Size
from bench.tables import as_json, caption, section, terminal
from reconciler.devcloud.commands import up
from reconciler.devcloud.layout import open_home

FOLDER = TOP / ".bench"
PAGE = TOP / "docs" / "performance.md"
PORTS = 25500
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 170)


def main() -> int:
    asked = _asked()
    home = open_home(FOLDER / "cloud", None if (FOLDER / "cloud").exists() else PORTS)
    up(home, lambda text: _say(f"devcloud: {text}"))
    home = open_home(home.path)  # the password is written down by now
    size, key = Size(asked.projects), f"bench-{asked.projects}"
    if asked.write:
        put_in(PAGE.read_text(encoding="utf-8"), key, "")  # a page without room: before, not after
    place = Place(home, FOLDER / "kept")
    if asked.anew:
        shutil.rmtree(place.folder, ignore_errors=True)
    before = caption()
    try:
        pairs = list(Bench(place, size, _say).run(asked.rounds, asked.only))
    except BenchError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    console.print(terminal(pairs, size))
    console.print(before)
    _tell_beyond(pairs)
    if asked.json:
        asked.json.write_text(json.dumps(as_json(pairs, size), indent=2) + "\n", encoding="utf-8")
    if asked.write:
        text = markdown(section(pairs, size, asked.rounds), before)
        page = put_in(PAGE.read_text(encoding="utf-8"), key, text)
        PAGE.write_text(page, encoding="utf-8")
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench BENCH=…", description=__doc__)
    parser.add_argument("--projects", type=int, default=10, metavar="P", help="default: 10")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--only", default="", metavar="TEXT", help="what has this in its name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there, too")
    parser.add_argument("--write", action="store_true", help="write the table into docs/")
    parser.add_argument("--anew", action="store_true", help="keep nothing of earlier runs")
    return parser.parse_args()


def _say(text: str) -> None:
    console.print(text, style="dim", markup=False)


def _tell_beyond(pairs: list[Pair]) -> None:
    """Say which requests are ours alone: what the next saving is about."""
    for pair in pairs:
        more, less = pair.beyond()
        for sign, found in (("+", more), ("-", less)):
            for shape, count in found.most_common():
                console.print(f"{pair.name}: {sign}{count} {shape}", style="dim", markup=False)


if __name__ == "__main__":
    sys.exit(main())
