"""From scrapers that ask for the metrics while runs go on, to how long each waits."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.controller_figures import Section, percentile
from bench.controller_place import HOST, Controller, Place, controller_in

BACK_TO_BACK = 0.2
"""An interval at which one run follows the other."""


@dataclass(frozen=True, slots=True)
class Load:
    """So many scrapers, and how long each waits before it asks again."""

    scrapers: int
    pause: float


@dataclass(frozen=True, slots=True)
class Scrape:
    """How long one took, and how much came."""

    seconds: float
    size: int


LOADS = (Load(0, 0), Load(1, 1.0), Load(20, 1.0), Load(1, 0), Load(20, 0))


def scrapes(place: Place, seconds: float, say: Callable[[str], None]) -> Section:
    """Measure scrapes of one controller, whose runs follow one another."""
    place.settle(interval=BACK_TO_BACK, heal=True)
    rows, raw = [], {}
    with controller_in(place) as controller:
        for load in LOADS:
            since = controller.mark()
            found = _scrape(controller, load, seconds)
            controller.wait("run ended", since)
            runs = _run_seconds(controller, since)
            name = _name(load)
            say(f"{name}: {len(found)} scrapes, {len(runs)} runs")
            rows.append((name, *_cells(found, seconds), f"{percentile(runs, 0.5):.2f} s"))
            raw[name] = {"seconds": [one.seconds for one in found], "runs": runs}
    return Section(
        "scrapes", "Scrapes under load",
        f"`/metrics` over connections that are kept, {seconds:.0f} s each, while one run follows "
        "the other without a pause; the last column is what that does to a run. The scrapers share "
        "the cores with the controller and the services.",
        ("", "scrapes/s", "p50", "p99", "longest", "size", "a run (median)"), tuple(rows), raw,
    )  # fmt: skip


def _name(load: Load) -> str:
    if not load.scrapers:
        return "nobody asks"
    who = "1 scraper" if load.scrapers == 1 else f"{load.scrapers} scrapers"
    return f"{who}, {f'every {load.pause:.0f} s' if load.pause else 'without a pause'}"


def _cells(found: Sequence[Scrape], seconds: float) -> tuple[str, ...]:
    if not found:
        return ("",) * 5
    times = [one.seconds for one in found]
    shown = (percentile(times, part) * 1000 for part in (0.5, 0.99, 1.0))
    size = percentile((one.size for one in found), 0.5)
    return (
        f"{len(found) / seconds:.0f}", *(f"{value:.0f} ms" for value in shown),
        f"{size / 1024:.0f} KiB",
    )  # fmt: skip


def _scrape(controller: Controller, load: Load, seconds: float) -> list[Scrape]:
    found: list[Scrape] = []
    errors: list[BaseException] = []
    until = time.monotonic() + seconds

    def one() -> None:
        try:
            found.extend(_one(controller.port, load.pause, until))
        except BaseException as error:  # noqa: BLE001 - raised below, in the caller's thread
            errors.append(error)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(load.scrapers)]
    for thread in threads:
        time.sleep(load.pause / load.scrapers)  # as Prometheus does: not all at once
        thread.start()
    time.sleep(max(0.0, until - time.monotonic()))
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return found


def _one(port: int, pause: float, until: float) -> list[Scrape]:
    line = http.client.HTTPConnection(HOST, port, timeout=60)
    found = []
    while time.monotonic() < until:
        began = time.monotonic()
        line.request("GET", "/metrics", headers={"Accept": "text/plain"})
        answer = line.getresponse()
        body = answer.read()
        if answer.status != 200 or b"reconciler_in_sync" not in body:  # noqa: PLR2004 - HTTP
            raise RuntimeError(f"a scrape was answered {answer.status}")
        found.append(Scrape(time.monotonic() - began, len(body)))
        time.sleep(pause)
    line.close()
    return found


def _run_seconds(controller: Controller, since: int) -> list[float]:
    lines = [line for line in controller.lines[since:] if "run ended" in line.text]
    return [float(line.fields()["seconds"]) for line in lines]
