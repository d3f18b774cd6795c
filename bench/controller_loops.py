"""From many runs of one controller to whether it grows: memory, descriptors, threads, children."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from bench.controller_cloud import Hand
from bench.controller_figures import Section, percentile, slope
from bench.controller_place import PROJECTS, Controller, Place, State, controller_in

COMMIT_EVERY, HAND_EVERY = 10, 25
NAMES = ("memory (RSS)", "file descriptors", "threads", "child processes")
MOST_GROWTH = (5.0, 0.5, 0.5, 0.5)
"""What each may grow by in 1 000 loops: an allocator takes some MiB without anything being kept,
and one descriptor more at the end of many samples is a connection that is about to close."""
LONG = 3600.0
LONG_ENOUGH = 400
"""Loops after the warm-up from which on a slope says something."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process holds at rest."""

    memory: float
    """MiB."""
    files: int
    threads: int
    children: int


Samples = Sequence[tuple[int, Sample]]
"""What was held, and after how many loops."""


@dataclass(frozen=True, slots=True)
class Walk:
    """How many loops, and when to look."""

    loops: int
    warm_up: int
    every: int

    def looks(self, number: int) -> bool:
        """Say whether to look after so many: at both ends of what counts, whatever the step."""
        return number % self.every == 0 or number in (self.warm_up, self.loops)

    @property
    def long(self) -> bool:
        return self.loops - self.warm_up >= LONG_ENOUGH


def loops(
    place: Place, hand: Hand, walk: Walk, say: Callable[[str], None], key: str, where: str
) -> Section:
    """Run one controller again and again, with commits and changes by hand now and then."""
    place.settle(interval=LONG, heal=True)
    samples: list[tuple[int, Sample]] = []
    seconds: list[float] = []
    with controller_in(place) as controller:
        pid = controller.process.pid
        for number in range(1, walk.loops + 1):
            seconds.append(_loop(place, hand, controller, number))
            if walk.looks(number):
                time.sleep(0.3)  # what ended with the run is reaped and closed
                samples.append((number, sample(pid)))
                told = " ".join(f"{value:.1f}" for value in astuple(samples[-1][1]))
                say(f"{number} loops: {told}, {sum(seconds) / number:.2f} s each")
        stopped = controller.stop()
    return _section(walk, samples, seconds, stopped, key, where)


def _loop(place: Place, hand: Hand, controller: Controller, number: int) -> float:
    """Have the controller walk once, and give how long that took."""
    since = controller.mark()
    also = ""
    if number % HAND_EVERY == 0:
        hand.change(f"p{number // HAND_EVERY % PROJECTS}", f"by hand {number}")
        also = "result=applied"
    began = time.monotonic()
    if number % COMMIT_EVERY == 0:
        commit, _, _ = place.push(State(word=f"loop {number}"))
        also = f"result=applied revision={commit[:7]}"
        began = time.monotonic()
        controller.deliver()
    else:
        controller.wake()
    ended = controller.wait("run ended", since)
    if also not in ended.text or "error=none" not in ended.text:
        plan = controller.ask("GET", "/api/v1/plan").decode()
        raise RuntimeError(f"loop {number} was to be {also or 'good'}: {ended.text}\n{plan}")
    controller.ask("GET", "/metrics")
    return ended.at - began


def sample(pid: int) -> Sample:
    """Look at what a process holds."""
    place = Path("/proc") / str(pid)
    said = dict(
        line.split(":", 1) for line in (place / "status").read_text(encoding="utf-8").splitlines()
    )
    children = [
        word
        for task in (place / "task").iterdir()
        for word in (task / "children").read_text(encoding="utf-8").split()
    ]
    memory = int(said["VmRSS"].split()[0]) / 1024
    files = len([*(place / "fd").iterdir()])
    return Sample(memory, files, int(said["Threads"]), len(children))


def growth(walk: Walk, samples: Samples) -> tuple[float, ...]:
    """Give by how much each grew after the warm-up, in 1 000 loops; of few loops in all of them."""
    warm = [(float(number), astuple(found)) for number, found in samples if number >= walk.warm_up]
    found = []
    for at in range(len(NAMES)):
        values = [(number, float(one[at])) for number, one in warm]
        # Of few loops a slope tells nothing of many.
        found.append(slope(values) * 1000 if walk.long else values[-1][1] - values[0][1])
    return tuple(found)


def complaints(walk: Walk, samples: Samples) -> tuple[str, ...]:
    """Say what grew, if anything did."""
    where = "in 1 000 loops" if walk.long else f"in {walk.loops} loops"
    grown = zip(NAMES, growth(walk, samples), MOST_GROWTH, strict=True)
    return tuple(f"{name}: {more:+.1f} {where}" for name, more, most in grown if more > most)


def _section(
    walk: Walk,
    samples: Samples,
    seconds: Sequence[float],
    stopped: float,
    key: str,
    where: str,
) -> Section:
    warm = [(number, astuple(found)) for number, found in samples if number >= walk.warm_up]
    shown = (warm[0], warm[len(warm) // 2], warm[-1])
    grown = growth(walk, samples)
    rows = []
    for at, (name, more) in enumerate(zip(NAMES, grown, strict=True)):
        form, unit = (".1f", " MiB") if at == 0 else (".0f", "")
        values = [found[at] for _, found in shown] + [max(found[at] for _, found in warm)]
        rows.append((name, *(f"{value:{form}}{unit}" for value in values), f"{more:+.1f}{unit}"))
    middle, slow = percentile(seconds, 0.5), percentile(seconds, 0.99)
    note = (
        f"{where} The process is the real one, with the real git server, HTTP server and metrics; "
        f"a commit every {COMMIT_EVERY} loops, a change by hand that is healed every {HAND_EVERY}, "
        f"a scrape after each; what it holds is looked at between runs. A loop took {middle:.2f} s "
        f"(p99 {slow:.2f} s), the end after SIGTERM {stopped:.1f} s."
    )
    loops_of = [f"{number} loops" for number, _ in shown]
    growing = "growth in 1 000 loops" if walk.long else "growth"
    raw = {
        "samples": [(number, *astuple(found)) for number, found in samples],
        "growth": dict(zip(NAMES, grown, strict=True)), "seconds": list(seconds),
    }  # fmt: skip
    return Section(
        key, f"What it holds over {walk.loops} loops, {key.partition('-')[2]}", note,
        ("after", *loops_of, "most", growing), tuple(rows), raw, complaints(walk, samples),
    )  # fmt: skip
