"""What the line itself costs, without services: own CPU a stage, peak memory, and how both grow.

`python -m bench.line` measures each size in processes of their own; see docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bench.line_cloud import OWNER, lay_down_pages, lay_down_state, page_name, record
from reconciler import line
from reconciler.cloud.last import Last
from reconciler.cloud.session import Who
from reconciler.engine.policy import Policy
from reconciler.garbage import collect_seldom
from reconciler.kinds.registry import load_kinds
from reconciler.ledger import Repository, recall
from reconciler.state import model, parse, source
from reconciler.state.values import Desired

SIZES = (10_000, 30_000, 100_000)
FOLDER = "desired_state"
T = TypeVar("T")


class Recorded:
    """Answers every request from pages on the disk, and holds the record."""

    def __init__(self, folder: Path, settled: str) -> None:
        self.folder = folder
        self.settled = settled

    def request(
        self, service: str, method: str, path: str, *,
        params: Mapping[str, str | int] | None = None, **_more: object,
    ) -> Any:  # fmt: skip
        assert method == "GET", f"{method} {path}: nothing is written here"
        if service == "identity" and path.startswith("/projects/"):
            text = json.dumps({"version": 1, "settled": self.settled, "applied": self.settled})
            return {"project": {"id": path, f"reconciler_record_{OWNER}": text}}
        marker = int((params or {}).get("marker", 0))
        found = self.folder / page_name(service, path, marker)
        if not found.is_file() and "?domain_id=" in path:
            return {path[1:].split("?", maxsplit=1)[0]: []}
        return json.loads(found.read_bytes())


class Stopwatch:
    """Adds up own CPU by stage; what runs inside a stage that is timed itself counts there only."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.inner: list[float] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.process_time()
        self.inner.append(0.0)
        try:
            yield
        finally:
            spent = time.process_time() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + spent - self.inner.pop()
            if self.inner:
                self.inner[-1] += spent

    def around(self, name: str, work: Callable[..., T]) -> Callable[..., T]:
        def timed(*args: Any, **more: Any) -> T:
            with self.stage(name):
                return work(*args, **more)

        return timed


@dataclass(slots=True)
class Before:
    """What a controller has of its last run."""

    desired: Desired | None = None
    last: Last = field(default_factory=Last)


def walk(
    repository: Path, pages: Path, revision: str, settled: str, before: Before | None = None
) -> dict[str, float]:
    """Walk the line once over recorded pages; give the own CPU of each stage.

    As the controller does, a revision that is the one of the last run is not read again.
    """
    watch = Stopwatch()
    started, names = time.process_time(), vars(parse)
    desired = before.desired if before else None
    load_all = names["load_all"]
    names["load_all"] = watch.around("parse", load_all)  # a stage of its own, inside of the model
    try:
        name, earlier = (source.head_of(repository, word)[0] for word in (revision, settled))
        if desired is None or desired.revision.name != name:
            with watch.stage("source"):
                found = source.read_commit(repository, revision, FOLDER)
            with watch.stage("model"):
                desired, _ = model.make_desired(found, load_kinds())
        if before is not None:
            at_hand = (before.desired,) if before.desired else ()
            before.desired = desired
        else:
            at_hand = ()
        history = Repository(repository, FOLDER, at_hand=at_hand)
        _look(watch, desired, Recorded(pages, earlier), history, before.last if before else None)
    finally:
        names["load_all"] = load_all
    return {**watch.seconds, "all": time.process_time() - started}


def _look(
    watch: Stopwatch, desired: Desired, http: Recorded, repository: Repository, last: Last | None
) -> None:
    services = frozenset(kind.service for kind in load_kinds())
    user, project = (_born(http.folder, word) for word in ("users?domain_id=default", "projects"))
    who = Who(user, "admin", project, "admin", frozenset({"admin"}), services)
    target = line.Target(http, who, "bench", load_kinds(), last=last)
    with watch.stage("recall"):
        memory = recall(target, desired, OWNER, line.Selection(), repository, time.time())
    with watch.stage("observe"):
        live = line.look(target, desired, OWNER, lambda _kind, _count: None)
    with watch.stage("compare and plan"):
        plan = line.compare_with(
            live, target, desired, Policy(OWNER), line.Selection(), memory
        )  # fmt: skip
    assert not plan.changes, f"the recorded cloud differs: {plan.changes[:3]}"
    assert memory.prior.known, "a plan without a history is another plan"
    watch.seconds["listed"] = float(sum(live.counts.values()))
    watch.seconds["declared"] = float(sum(r.managed for r in desired.resources.values()))


def _born(pages: Path, path: str) -> str:
    service_page = pages / page_name("identity", f"/{path}", 0)
    rows = json.loads(service_page.read_bytes())[path.split("?", maxsplit=1)[0]]
    return str(next(row["id"] for row in rows if row["name"] == "admin"))


NEXT = 5
RUNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "cold": (("first", "first"),),
    "the next run of a controller": (("first", "first"),) * (1 + NEXT),
    "a controller's run after a commit": (("first", "first"), ("second", "first")),
}
"""What is run, as revisions and what is settled.

What is told is the last of them, or, where nothing is new, the mean of all after the first: Python
looks through all that lasts in one of a few.
"""


def child(name: str, folder: Path) -> None:
    """Measure one run in this process, and print it as JSON."""
    collect_seldom()
    started = time.process_time()
    before = Before() if len(RUNS[name]) > 1 else None
    runs = [
        walk(folder / "state.git", folder / "pages", revision, settled, before)
        for revision, settled in RUNS[name]
    ]
    told = runs[1:] or runs
    found = {key: sum(run.get(key, 0.0) for run in told) / len(told) for key in told[-1]}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"start": started, "peak": peak, **found}))


def measure(size: int, home: Path) -> dict[str, dict[str, float]]:
    """Make a cloud and a state of a size, and run everything over it."""
    folder = home / str(size)
    made, projects = record(size)
    lay_down_pages(made, folder / "pages")
    lay_down_state(projects, folder / "state.git")
    found = {}
    for name in RUNS:
        words = [sys.executable, "-m", "bench.line", "--child", name, "--folder", str(folder)]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE)
        found[name] = json.loads(done.stdout)
    return found


def exponent(costs: Mapping[int, float]) -> float:
    """Give the power by which cost grows with size: least squares of the logarithms."""
    xs, ys = [math.log(size) for size in costs], [math.log(cost) for cost in costs.values()]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - x_mean) ** 2 for x in xs)


STAGES = ("source", "parse", "model", "recall", "observe", "compare and plan", "all")


def tell(found: Mapping[int, Mapping[str, Mapping[str, float]]]) -> None:
    """Print a table a run: seconds of own CPU by stage and size, memory, and the exponent."""
    for name in RUNS:
        sizes = {size: runs[name] for size, runs in found.items()}
        print(f"\n{name}: seconds of own CPU")
        counts = [f"{int(one['listed']):>9}" for one in sizes.values()]
        print(f"  {'objects listed':<18}", *counts, " exponent" if len(sizes) > 1 else "")
        for stage in (*STAGES, "peak"):
            costs = {size: one.get(stage, 0.0) for size, one in sizes.items()}
            cells = [
                f"{cost:9.2f}" if stage != "peak" else f"{cost:6.0f} MB" for cost in costs.values()
            ]
            grown = len(costs) > 1 and min(costs.values()) > 0 and stage != "peak"
            print(f"  {stage:<18}", *cells, f"{exponent(costs):9.2f}" if grown else "")
    start = next(iter(found.values()))["cold"]["start"]
    print(f"\nbeside all that, once a process: {start:.2f} s for Python and imports")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--child", choices=RUNS)
    parser.add_argument("--folder", type=Path)
    said = parser.parse_args()
    if said.child:
        child(said.child, said.folder)
        return
    with tempfile.TemporaryDirectory(prefix="bench-line-") as home:
        tell({size: measure(size, Path(home)) for size in said.sizes})


if __name__ == "__main__":
    main()
