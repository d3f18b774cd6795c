"""From a real OpenStack of its own, and everything that goes wrong on the way to it, to a table."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))  # the harness is part of the tests

from rich.console import Console  # noqa: E402 - after the line above
from rich.table import Table  # noqa: E402 - likewise

from reconciler.devcloud.commands import up  # noqa: E402 - likewise
from reconciler.devcloud.layout import open_home  # noqa: E402 - likewise
from tests.chaos.crash import distinct  # noqa: E402 - likewise
from tests.chaos.play import BROAD, Result, Stage, crash, play, set_up  # noqa: E402 - likewise
from tests.chaos.rig import Rig, rig_on  # noqa: E402 - likewise
from tests.chaos.scenarios import scenarios  # noqa: E402 - likewise

CAMPUS = TOP / "desired_state" / "campus"
HOME = TOP / ".chaos"
PORTS = 29000
MOST_TOLD = 12
console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    asked = _asked()
    started = time.monotonic()
    home = open_home(asked.home, asked.port_base)
    up(home, lambda text: console.print(f"devcloud: {text}", style="dim", markup=False))
    with rig_on(home) as rig:
        results = [result for part in _parts(rig, asked) for result in part]
    seconds = time.monotonic() - started
    console.print(_table(results))
    bad = [result for result in results if not result.good]
    console.print(f"{len(results)} runs that went wrong, {len(bad)} badly, in {seconds:.0f} s")
    if asked.json:
        asked.json.write_text(json.dumps(_as_json(results, seconds), indent=2) + "\n")
    return 1 if bad or not results else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="kill at reads between two writes, too")
    parser.add_argument("--only", default="", metavar="TEXT", help="what has this in its name")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth of them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    parser.add_argument("--home", type=Path, default=HOME, help="where the devcloud lives")
    parser.add_argument("--port-base", type=int, default=None, help=f"default: {PORTS}")
    asked = parser.parse_args()
    if asked.port_base is None and not (asked.home / "devcloud.json").exists():
        asked.port_base = PORTS
    return asked


def _parts(rig: Rig, asked: argparse.Namespace) -> Iterator[list[Result]]:
    chosen = [one for one in scenarios() if asked.only in one.name][:: asked.every]
    if chosen:
        stage = _begin(rig, BROAD, f"{len(chosen)} faults on the way")
        yield _all((one.name for one in chosen), [_of(play, stage, one) for one in chosen])
    for state in (BROAD, CAMPUS):
        name = f"killed, {state.name}"
        if asked.only not in name:
            continue
        stage = _begin(rig, state, name)
        found = (stage.points if asked.all else distinct(stage.points))[:: asked.every]
        console.print(f"  {len(found)} of {len(stage.points)} points")
        names = (f"{state.name}: killed {point}" for point in found)
        yield _all(names, [_of(crash, stage, point) for point in found])


def _of(do: Callable[..., Result], stage: Stage, one: object) -> Callable[[], Result]:
    return lambda: do(stage, one)


def _begin(rig: Rig, state: Path, what: str) -> Stage:
    console.print(f"\n[bold cyan]── {what}[/]")
    stage = set_up(rig, state)
    console.print(f"  without any: {stage.whole.made} objects in {stage.seconds:.1f} s")
    return stage


def _all(names: Iterator[str], todo: list[Callable[[], Result]]) -> list[Result]:
    results = []
    for at, (name, do) in enumerate(zip(names, todo, strict=True), 1):
        result = do()
        mark = "[green]✓[/]" if result.good else "[red]✗[/]"
        console.print(f"{mark} {at}/{len(todo)}", end=" ")
        console.print(f"{name}  {result.codes} {result.seconds:.1f} s", markup=False)
        for problem in [*result.problems()][:MOST_TOLD]:
            console.print(f"    {problem}", markup=False, style="red")
        results.append(result)
    return results


def _rows(results: list[Result]) -> Iterator[tuple[str, list[Result]]]:
    """Put what belongs together into one row."""
    rows: dict[str, list[Result]] = {}
    for result in results:
        rows.setdefault(result.group, []).append(result)
    yield from rows.items()


def _numbers(row: list[Result]) -> tuple[int, int, int, int, int, int]:
    return (
        len(row),
        sum(result.faults for result in row),
        max(result.expected for result in row),
        sum(len(result.verdict.duplicates) for result in row),
        sum(len(result.verdict.wrong) for result in row),
        sum(result.unconverged for result in row),
    )


COLUMNS = (
    "runs", "faults injected", "objects expected", "duplicates", "wrong deletes", "unconverged",
)  # fmt: skip


def _table(results: list[Result]) -> Table:
    table = Table("scenario", title="What went wrong, and what came of it")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for name, row in _rows(results):
        table.add_row(name, *map(str, _numbers(row)))
    table.add_section()
    table.add_row("all", *map(str, _numbers(results)))
    return table


def _as_json(results: list[Result], seconds: float) -> dict[str, object]:
    keys = [column.replace(" ", "_") for column in COLUMNS]
    return {
        "seconds": round(seconds, 1),
        "rows": [
            {"scenario": name, **dict(zip(keys, _numbers(row), strict=True))}
            for name, row in _rows(results)
        ],
        "runs": [
            {
                "name": one.name, "group": one.group, "faults": one.faults, "codes": one.codes,
                "seconds": round(one.seconds, 1), "problems": [*one.problems()],
            }
            for one in results
        ],
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
