"""From a scenario or a point to kill at, to what became of the cloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.chaos.census import Verdict, Whole
from tests.chaos.crash import Point, kill_at, points
from tests.chaos.rig import Rig, Run
from tests.chaos.scenarios import Scenario
from tests.chaos.strangers import add_strangers

BROAD = Path(__file__).parent / "broad"
YES = {
    "broad": ("--auto-approve", "--allow-first-meeting"),
    "campus": ("--auto-approve", "--allow-first-meeting", "--allow-adopt"),
}
"""What whoever applies a state says beforehand: the campus takes over what a cloud is born with."""
BOUND = 120.0
"""Seconds within which a run ends, whatever goes wrong."""
_BAD_WORDS = ("Traceback", "internal error", "this is a bug")


@dataclass(frozen=True, slots=True)
class Stage:
    """A cloud with strangers, a state, and what the cloud is after an apply without faults."""

    rig: Rig
    state: Path
    words: tuple[str, ...]
    whole: Whole
    points: tuple[Point, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What one fault, or all faults of one run, led to."""

    name: str
    group: str
    faults: int
    expected: int
    verdict: Verdict
    complaints: tuple[str, ...]
    """What else was not as it must be."""
    seconds: float
    codes: tuple[int, ...]

    @property
    def unconverged(self) -> int:
        return len(self.verdict.missing) + len(self.complaints)

    @property
    def good(self) -> bool:
        return not (self.verdict.duplicates or self.verdict.wrong or self.unconverged)

    def problems(self) -> Iterator[str]:
        yield from (f"not wanted: {key}" for key in self.verdict.duplicates)
        yield from (f"not ours: {key}" for key in self.verdict.wrong)
        yield from (f"missing: {key}" for key in self.verdict.missing)
        yield from self.complaints


def set_up(rig: Rig, state: Path) -> Stage:
    """Make the strangers, and see what an apply without faults does.

    Raises:
        RuntimeError: that does not even work.

    """
    rig.go_empty()
    add_strangers(rig.reader)
    before = rig.reader.read()
    rig.keep("start")
    words = YES[state.name]
    run = rig.apply(state, words=words)
    if run.ended.code:
        raise RuntimeError(f"{state}: {run.ended.stdout}{run.ended.stderr}")
    rig.keep("applied")
    whole = Whole(before, rig.reader.read())
    return Stage(rig, state, words, whole, tuple(points(run.seen)), run.ended.seconds)


def play(stage: Stage, scenario: Scenario) -> Result:
    """Run once with the faults and once without; judge what is there then."""
    rig = stage.rig
    rig.go_back("applied" if scenario.applied else "start")
    with _set_for(rig, scenario):
        first = rig.apply(stage.state, *scenario.faults, words=stage.words, patience=BOUND)
    complaints = [*_wrong_end(first, scenario), *_wrong_requests(first, scenario)]
    result = _finish(stage, scenario.name, scenario.group, first)
    faults = first.hits + len(scenario.elsewhere) + len(scenario.clouds)
    return replace(result, faults=faults, complaints=(*complaints, *result.complaints))


@contextmanager
def _set_for(rig: Rig, scenario: Scenario) -> Iterator[None]:
    rig.proxy.page, rig.proxy.elsewhere = scenario.page, scenario.elsewhere
    rig.write_clouds(**scenario.clouds)
    try:
        yield
    finally:
        rig.proxy.page, rig.proxy.elsewhere = 0, {}
        rig.write_clouds()


def _wrong_end(run: Run, scenario: Scenario) -> Iterator[str]:
    ended = run.ended
    said = ended.stdout + ended.stderr
    if ended.late:
        yield f"it did not end within {BOUND:.0f} s"
    elif ended.code not in scenario.codes:
        yield f"it ended with {ended.code}, not with one of {sorted(scenario.codes)}: {_gist(said)}"
    yield from (f"it said {word!r}: {said[-1500:]}" for word in _BAD_WORDS if word in said)
    if scenario.says not in said:
        yield f"it did not say {scenario.says!r}: {_gist(said)}"
    if scenario.faults and not run.hits:
        yield "no request matched the fault"


def _gist(said: str) -> str:
    """Give the lines that say what was wrong, each with its reason in the next one."""
    lines = said.splitlines()
    told = ("✗", "HELD", "error", "warning")
    found = [n for n, line in enumerate(lines) if any(word in line for word in told)]
    return "\n".join(lines[m] for n in found[:9] for m in (n - 1, n, n + 1) if m < len(lines))


def _wrong_requests(run: Run, scenario: Scenario) -> Iterator[str]:
    """See that nothing was sent twice blindly, nor anything deleted that was to stay."""
    sent: Counter[tuple[str, str, bytes]] = Counter()
    logins = 0
    for one in run.seen:
        request = one.request
        logins += request.is_login
        # What was refused for the token alone was not looked at, and may be sent again.
        if request.method == "POST" and not request.is_login and one.status != 401:
            sent[request.service, request.path, request.body] += 1
        if request.method == "DELETE" and scenario.applied:
            yield f"it deleted {request.path}"
    yield from (f"sent {n} times: POST {key[1]}" for key, n in sent.items() if n > 1)
    if scenario.logins and logins > scenario.logins:
        yield f"it logged in {logins} times"


def crash(stage: Stage, point: Point) -> Result:
    """Kill an apply at a point, and apply again."""
    rig = stage.rig
    rig.go_back("start")
    first = rig.apply(stage.state, kill_at(point, rig.commands.kill), words=stage.words)
    killed = first.ended.code == -9 and not first.ended.late
    group = f"{stage.state.name}: killed {'after' if point.after else 'before'} a request"
    result = _finish(stage, f"killed {point}", group, first)
    missed = () if killed else (f"not killed: the run ended with {first.ended.code}",)
    return replace(result, faults=int(killed), complaints=(*missed, *result.complaints))


def _finish(stage: Stage, name: str, group: str, first: Run) -> Result:
    """Apply without faults, and judge."""
    again = stage.rig.apply(stage.state, words=stage.words)
    complaints = []
    if again.ended.code:
        said = again.ended.stdout + again.ended.stderr
        complaints.append(f"the next run ended with {again.ended.code}: {_gist(said)}")
    verdict = stage.whole.judge(stage.rig.reader.read())
    return Result(
        name, group, 0, stage.whole.made, verdict, tuple(complaints),
        first.ended.seconds + again.ended.seconds, (first.ended.code, again.ended.code),
    )  # fmt: skip
