"""From a push, or a change by hand, to what it does: how long that takes on a real OpenStack."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.controller_cloud import Hand, Watch, wait_for
from bench.controller_figures import Section, spread
from bench.controller_place import PROJECTS, Controller, Place, State, controller_in

LONG, SHORT = 3600.0, 5.0
"""Intervals: one that never comes while we measure, and one that does."""
DRIFT = re.compile(rb'^reconciler_drift_objects\{(?=.*origin="live").*\} (\S+)$', re.MULTILINE)
HEALED = re.compile(
    rb'^reconciler_changes_total\{(?=.*origin="live")(?=.*result="applied").*\} (\S+)$',
    re.MULTILINE,
)
PHASES = {
    "— of it, the commit fetched": "fetch",
    "— of it, the cloud observed": "observe",
    "— of it, changed under the lease, and looked again": "apply",
}
COUNTS = ("requests", "writes")
Times = Mapping[str, float]
"""Seconds, by what they are of."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A real cloud that is watched, and somebody who can change it by hand."""

    place: Place
    watch: Watch
    hand: Hand
    count: int
    """How often each thing is measured."""
    say: Callable[[str], None]


def push_with_webhook(stage: Stage) -> Section:
    """Measure a push that a webhook tells of: the controller was idle before."""
    stage.place.settle(interval=LONG, heal=True)
    with controller_in(stage.place) as controller:
        found = [_pushed(stage, controller, hook=True) for _ in range(stage.count)]
    requests, writes = (spread([one[name] for one in found]).median for name in COUNTS)
    return _section(
        "push-webhook", "From a push to the last API call, with a webhook",
        "One line changed: the description of a project. The forge tells of the push as soon as it "
        "has it; the loop was idle. This is the common case. After the change the run looks "
        "whether anything is left, and gives back the lease; the last of that is the last call. A "
        "proxy before the services notes the calls; its time is in all of these. The run sent "
        f"{requests:.0f} requests, {writes:.0f} of them writes.",
        ("`git push` itself", "the webhook, and until the run began", "the change itself made",
         "**last API call for it**", "the run, from its first word to its last", *PHASES), found,
    )  # fmt: skip


def push_with_poll(stage: Stage) -> Section:
    """Measure a push that nobody tells of: the controller finds it at its next look."""
    stage.place.settle(interval=SHORT, heal=True)
    with controller_in(stage.place) as controller:
        found = []
        for _ in range(stage.count):
            time.sleep(random.random() * SHORT)  # noqa: S311 - a phase, no secret
            found.append(_pushed(stage, controller, hook=False))
    return _section(
        "push-poll", "From a push to the last API call, with polling",
        f"The same at any moment of an interval of {SHORT:.0f} s (`source.interval`). Waiting for "
        "the poll is at most that interval, a tenth more, and a run that goes on already; with the "
        "default of 60 s only that line grows, to half a minute in the middle.",
        ("`git push` itself", "waiting for the poll", "the run: to the change itself",
         "the run: to the last API call", "**last API call for it**"), found,
    )  # fmt: skip


def _pushed(stage: Stage, controller: Controller, *, hook: bool) -> Times:
    """Push a commit, and give what took how long until it was in the cloud."""
    time.sleep(0.5)
    watch = stage.watch
    watch.start_anew()
    since = controller.mark()
    commit, began, pushed = stage.place.push(State(word=f"pushed at {time.time():.3f}"))
    if hook:
        controller.deliver()
    ended = controller.wait("run ended", since, f"result=applied revision={commit[:7]}")
    lines = controller.lines[since : controller.lines.index(ended)]
    run = next(line for line in reversed(lines) if "run began" in line.text)
    calls = [call for call in watch.calls if run.at <= call.at <= ended.at]
    # A run that was on its way as we pushed may not have had the commit: ours is the last one.
    path = f"/projects/{stage.hand.projects['p0']}"
    change = next(c for c in calls if c.writes and c.path.endswith(path))
    last = calls[-1]
    stage.say(f"pushed: {last.at - began:.2f} s")
    phases = json.loads(controller.ask("GET", "/api/v1/status"))["clouds"][0]["run"]["seconds"]
    return {
        **{name: phases[phase] for name, phase in PHASES.items()},
        **dict(zip(COUNTS, (len(calls), sum(call.writes for call in calls)), strict=True)),
        "`git push` itself": pushed - began,
        "the webhook, and until the run began": run.at - pushed,
        "waiting for the poll": run.at - pushed,
        "the change itself made": change.at - began,
        "the run: to the change itself": change.at - run.at,
        "the run: to the last API call": last.at - run.at,
        "**last API call for it**": last.at - began,
        "the run, from its first word to its last": ended.at - run.at,
    }


def hand_to_metric(stage: Stage) -> Section:
    """Measure how soon a change by hand is a metric: after a wake-up, and at a short interval."""
    rows: dict[str, list[Times]] = {}
    for name, interval in (("told by SIGHUP", LONG), (f"interval of {SHORT:.0f} s", SHORT)):
        stage.place.settle(interval=interval, heal=False)
        with controller_in(stage.place) as controller:
            for number in range(stage.count):
                if interval == SHORT:
                    time.sleep(random.random() * SHORT)  # noqa: S311 - a phase, no secret
                seen = _seen(stage, controller, number, wake=interval == LONG)
                rows.setdefault(f"metric, {name}", []).append({f"metric, {name}": seen})
    return _merged(
        "hand-metric", "From a change by hand to its metric",
        "The description of a security group was changed past the controller; the time is until "
        "`/metrics` has it as `reconciler_drift_objects`, with healing off. Nothing tells a "
        "controller of a change by hand: it is seen at the next look, so it takes up to "
        "`source.interval` and the time of a run. `SIGHUP` and `POST /api/v1/wake` have it look "
        "at once.",
        rows,
    )  # fmt: skip


def _seen(stage: Stage, controller: Controller, number: int, *, wake: bool) -> float:
    project = f"p{number % PROJECTS}"
    changed = stage.hand.change(project, f"by hand {time.time():.3f}")
    if wake:
        controller.hang_up()
    at = wait_for(lambda: _sum(DRIFT, controller) > 0)
    stage.say(f"seen: {at - changed:.2f} s")
    stage.hand.undo(project)
    controller.hang_up()
    wait_for(lambda: _sum(DRIFT, controller) == 0)
    return at - changed


def hand_to_healed(stage: Stage) -> Section:
    """Measure how soon a change by hand is put back."""
    stage.place.settle(interval=LONG, heal=True)
    with controller_in(stage.place) as controller:
        found = [_healed(stage, controller, number) for number in range(stage.count)]
    return _section(
        "hand-healed", "From a change by hand to its healing",
        "The same with `heal: true` and `POST /api/v1/wake` right after the change; at an interval "
        "the wait for the next look comes on top.",
        ("put back in the cloud", "last API call of the run", "`reconciler_changes_total` tells"),
        found,
    )  # fmt: skip


def _healed(stage: Stage, controller: Controller, number: int) -> Times:
    stage.watch.start_anew()
    since, before = controller.mark(), _sum(HEALED, controller)
    project = f"p{number % PROJECTS}"
    changed = stage.hand.change(project, f"by hand {time.time():.3f}")
    controller.wake()
    told = wait_for(lambda: _sum(HEALED, controller) > before)
    controller.wait("run ended", since, "result=applied")
    path = f"/security-groups/{stage.hand.groups[project][0]}"
    back = next(c for c in stage.watch.calls if c.writes and c.path.endswith(path))
    last = stage.watch.calls[-1]
    stage.say(f"healed: {back.at - changed:.2f} s")
    return {
        "put back in the cloud": back.at - changed,
        "last API call of the run": last.at - changed,
        "`reconciler_changes_total` tells": told - changed,
    }


def _sum(pattern: re.Pattern[bytes], controller: Controller) -> float:
    return sum(float(value) for value in pattern.findall(controller.ask("GET", "/metrics")))


COLUMNS = ("", "median", "least", "most")


def _section(
    key: str, title: str, note: str, names: Sequence[str], found: Sequence[Times]
) -> Section:
    return _merged(key, title, note, dict.fromkeys(names, found))


def _merged(key: str, title: str, note: str, rows: Mapping[str, Sequence[Times]]) -> Section:
    """Make one row of each thing that was timed."""
    values = {name: [one[name] for one in found] for name, found in rows.items()}
    count = min(len(found) for found in values.values())
    return Section(
        key, title, f"{note} Measured {count} times.", COLUMNS,
        tuple((name, *spread(found).cells()) for name, found in values.items()),
        {name.strip("*"): found for name, found in values.items()},
    )  # fmt: skip
