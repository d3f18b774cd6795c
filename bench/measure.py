"""From a size and a devcloud to what each command costs, and what the least would: in turn."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.place import BenchError, Measured, Place
from bench.state import Size

PART = 0.01
"""The part of all objects that another hand changes."""
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MARK = re.compile(r"reconciler(:|%3A)[a-z]+$")


@dataclass(slots=True)
class Pair:
    """One thing that is done, by ours and by the floor, as often as there were rounds."""

    name: str
    ours: list[Measured] = field(default_factory=list)
    floor: list[Measured] = field(default_factory=list)

    def ratios(self, cost: Callable[[Measured], float]) -> list[float]:
        """Give what ours cost of what the floor did, round by round."""
        pairs = zip(self.ours, self.floor, strict=True)
        return [cost(one) / max(cost(other), 1e-9) for one, other in pairs]

    def beyond(self) -> tuple[Counter[str], Counter[str]]:
        """Give the requests that only ours sends, and those that only the floor does."""
        ours, floor = (Counter(map(_shape, found[-1].asked)) for found in (self.ours, self.floor))
        return ours - floor, floor - ours


def _shape(asked: tuple[str, int, str]) -> str:
    """Tell a request without the ids in it, and whose mark it writes."""
    method, port, url = asked
    path = _MARK.sub("MARK", urlsplit(url).path)
    return f"{method} :{port % 10} {_ID.sub('*', path)}"


@dataclass(frozen=True, slots=True)
class _Task:
    """How something is done, from which state of the cloud, and what shows that it was."""

    name: str
    stage: str
    """What the cloud holds before it."""
    ours: Callable[[], Measured]
    floor: Callable[[], Measured]
    code: int = 0
    told: str = ""
    """What the floor says when it has done it."""
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """Guards what the cloud holds between one measurement and the next."""

    place: Place
    size: Size
    say: Callable[[str], None]

    @property
    def drift(self) -> int:
        return max(1, round(self.size.objects * PART))

    @property
    def files(self) -> Path:
        """Give the folder of the YAML that both read."""
        return self.place.folder / f"state-{self.size.projects}" / "desired_state"

    def run(self, rounds: int, only: str) -> Iterator[Pair]:
        """Measure whatever has the text in its name."""
        repository = self.place.repository(self.size)
        chosen = [task for task in self._tasks(repository) if only in task.name]
        for task in chosen:
            self._set_up(task.stage, repository)
            if not task.writes:
                self._floor("plan")  # so that neither is the first to ask
            pair = Pair(task.name)
            for number in range(rounds):
                both = [(task.ours, pair.ours), (task.floor, pair.floor)]
                for do, found in both if number % 2 == 0 else reversed(both):
                    if task.writes:
                        self._go(task.stage)
                    found.append(do())
                    self.say(f"{task.name}: {found[-1].wall:.2f} s")
                    self._check(task, found[-1], ours=found is pair.ours)
                    if task.stage == "empty" and task.writes and found is pair.ours:
                        self.place.keep(self._kept("filled"))
            yield pair

    def _tasks(self, repository: Path) -> Iterator[_Task]:
        count, out = self.size.projects, self.place.folder / "export"
        apply = ("apply", "--auto-approve", "--allow-first-meeting")
        allowed = ("--allow-update", self.drift, "--allow-delete", self.drift)

        def ours(*words: object) -> Callable[[], Measured]:
            return lambda: self.place.run("reconciler", *words, folder=repository)

        def floor(verb: str, *words: object) -> Callable[[], Measured]:
            return lambda: self._floor(verb, *words)

        def export() -> Measured:
            shutil.rmtree(out, ignore_errors=True)
            return self.place.run("reconciler", "export", out, folder=repository)

        detailed = ("plan", "--detailed-exitcode")
        same, drift = '{"differences": 0}', f'{{"differences": {self.drift}}}'
        yield _Task("validate", "empty", ours("validate"),
                    lambda: self.place.run("yaml", self.files, count))  # fmt: skip
        yield _Task("first apply", "empty", ours(*apply), floor("create"), writes=True,
                    told=f'{{"done": {self.size.objects}}}')  # fmt: skip
        yield _Task("plan, nothing differs", "filled", ours(*detailed), floor("plan"), told=same)
        yield _Task("plan, 1 % differs", "drifted", ours(*detailed), floor("plan"), 2, drift)
        yield _Task("apply of 1 %", "drifted", ours(*apply, *allowed), floor("correct"),
                    told=f'{{"done": {self.drift}}}', writes=True)  # fmt: skip
        yield _Task("export", "filled", export, floor("export", out.with_suffix(".json")))

    def _floor(self, verb: str, *words: object) -> Measured:
        return self.place.run("floor", verb, self.size.projects, *(words or (self.files,)))

    def _set_up(self, stage: str, repository: Path) -> None:
        """Have the cloud hold what the task begins with, made once for all runs of this size."""
        if stage != "empty" and not self.place.has(self._kept(stage)):
            self.say(f"making a cloud that is {stage}")
            self._set_up("empty" if stage == "filled" else "filled", repository)
            if stage == "filled":
                words = ("apply", "--auto-approve", "--allow-first-meeting")
                made = self.place.run("reconciler", *words, folder=repository)
            else:
                made = self._floor("meddle", self.drift)
            if made.code:
                raise BenchError(f"the cloud cannot be {stage}:\n{made.told}")
            self.place.keep(self._kept(stage))
        self._go(stage)

    def _go(self, stage: str) -> None:
        if stage == "empty":
            self.place.go_empty()
        else:
            self.place.go_back(self._kept(stage))

    def _kept(self, stage: str) -> str:
        return f"{stage}-{self.size.projects}"

    def _check(self, task: _Task, found: Measured, *, ours: bool) -> None:
        """See that what was measured was done; a wrong figure is worse than none.

        Raises:
            BenchError: it was not.

        """
        if found.code != (task.code if ours else 0):
            raise BenchError(f"{task.name} ended with {found.code}:\n{found.told}")
        if not ours and task.told not in found.told:
            raise BenchError(f"{task.name}: the floor found {found.told}, not {task.told}")
        if task.writes:
            left = self._floor("plan")
            if '{"differences": 0}' not in left.told:
                raise BenchError(f"{task.name}: it is not all done: {left.told}\n{found.told}")
