"""Every metric there is, as data: the families, their page and the tests all come from this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from reconciler.controller.status import DRIFT, Phase, Result, Scope, Trigger
from reconciler.engine.apply import Status
from reconciler.engine.values import Action, Cause, Reason
from reconciler.errors import Trouble
from reconciler.settings import Mode

PREFIX = "reconciler_"
SHOWN_OBJECTS = 50
"""Objects that are named one by one at most, where they are."""
FETCH_ERRORS = (
    "unreachable", "timeout", "authentication", "rewritten", "invalid", "unverified", "other",
)  # fmt: skip


class Type(StrEnum):
    """How a metric behaves."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Label:
    """What sets the series of a metric apart, and its values where there are only so many."""

    name: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, its name without the prefix."""

    name: str
    type: Type
    labels: tuple[Label, ...]
    text: str
    asked: bool = False
    """Whether it is there only where somebody asked for names."""

    @property
    def series(self) -> tuple[str, ...]:
        """Give the names that its samples have."""
        name = PREFIX + self.name
        if self.type is Type.HISTOGRAM:
            return (f"{name}_bucket", f"{name}_count", f"{name}_sum")
        return (name,)


def _closed(name: str, values: Iterable[str]) -> Label:
    return Label(name, tuple(str(value) for value in values))


_CLOUD = (Label("cloud"), Label("owner"))
_KIND = (*_CLOUD, Label("kind"))
_SERVICE = (*_CLOUD, Label("service"))
_ORIGIN = _closed("origin", Cause)
_REASON = _closed("reason", Reason)
_SWITCH = ("true", "false")


def _gauge(name: str, labels: tuple[Label, ...], text: str, *, asked: bool = False) -> Metric:
    return Metric(name, Type.GAUGE, labels, text, asked)


def _counter(name: str, labels: tuple[Label, ...], text: str) -> Metric:
    return Metric(name, Type.COUNTER, labels, text)


def _histogram(name: str, labels: tuple[Label, ...], text: str) -> Metric:
    return Metric(name, Type.HISTOGRAM, labels, text)


_SETTINGS = (
    _gauge("build_info", (Label("version"),), "Always 1: which version runs."),
    _gauge(
        "target_info",
        (
            *_CLOUD, _closed("mode", Mode), Label("branch"), _closed("apply_commits", _SWITCH),
            _closed("heal", _SWITCH),
        ),
        "Always 1: what the controller is set to do with the cloud.",
    ),
    _gauge("interval_seconds", _CLOUD, "Time between two runs, as set."),
    _gauge(
        "started_timestamp_seconds", _CLOUD, "When this process began to look after the cloud."
    ),
    _gauge("queue_depth", (), "Wake-ups that wait."),
)  # fmt: skip
_DRIFT = (
    _gauge(
        "in_sync", _CLOUD,
        "1 where nothing differs from git, 0 where something does; absent while that is not "
        "known: before the first plan, after a run that failed, and where nothing differs in a "
        "cloud that was not seen whole.",
    ),
    _gauge(
        "drift_objects", (*_KIND, _closed("action", DRIFT), _ORIGIN),
        "Objects that differ now, by what would mend it: origin git where a commit is not "
        "applied, live where the cloud was changed. What has no address of its own, such as a "
        "rule, counts with what it lies in. 0 for every declared kind that does not.",
    ),
    _gauge(
        "drift_oldest_timestamp_seconds", _KIND,
        "When the oldest difference of origin live that is still open was first seen; absent "
        "where there is none.",
    ),
    _gauge(
        "drift_object_info",
        (*_KIND, Label("domain"), Label("project"), Label("name"), _closed("action", DRIFT),
         _ORIGIN),
        f"Always 1: an object that differs; the first {SHOWN_OBJECTS} only.",
        asked=True,
    ),
    _gauge(
        "drift_object_info_omitted", _CLOUD,
        "Objects that differ beyond those that drift_object_info names.", asked=True,
    ),
    _gauge("desired_objects", _KIND, "Objects that git declares."),
    _gauge("managed_objects", _KIND, "Objects in the cloud that are ours."),
    _gauge("unmanaged_objects", _KIND, "Objects in the cloud that are neither declared nor ours."),
    _gauge(
        "flapping_objects", _KIND,
        "Objects that were corrected in the same way again and again, and are left alone now.",
    ),
    _gauge(
        "unsettled", _CLOUD,
        "Runs in a row after which another look still found something to do.",
    ),
    _gauge(
        "last_observation_timestamp_seconds", _KIND, "When the kind was last listed whole.",
    ),
)  # fmt: skip
_GUARDS = (
    _gauge(
        "blocked_changes", (*_KIND, _REASON),
        "Changes that are planned and held; a reason that holds nothing is absent.",
    ),
    _counter(
        "guard_trips_total", (*_CLOUD, _REASON),
        "Times that a reason held something and had held nothing in the run before.",
    ),
    _gauge(
        "deletion_budget_remaining", _KIND,
        "Objects that may still be deleted within 24 hours without an approval.",
    ),
    _gauge("pending_approvals", _CLOUD, "Plans that wait for an approval; none in mode observe."),
    _gauge("suspended", (*_CLOUD, _closed("scope", Scope)), "1 while a pause of this scope holds."),
)  # fmt: skip
_RUNS = (
    _counter(
        "changes_total", (*_KIND, _closed("action", Action), _ORIGIN, _closed("result", Status)),
        "Changes that were made or tried; from the first run on 0 for what may be applied or fail "
        "of every declared kind.",
    ),
    _counter(
        "runs_total", (*_CLOUD, _closed("trigger", Trigger), _closed("result", Result)),
        "Runs that ended.",
    ),
    _histogram("run_duration_seconds", (*_CLOUD, _closed("phase", Phase)), "Time a phase took."),
    _gauge("last_run_timestamp_seconds", _CLOUD, "When a run last ended, however it did."),
    _gauge("last_success_timestamp_seconds", _CLOUD, "When a run last ended without an error."),
    _gauge("consecutive_failures", _CLOUD, "Runs in a row that failed."),
    _gauge(
        "run_trouble", (*_CLOUD, _closed("class", Trouble)),
        "1 where the newest run that ended met trouble of this class: transient is tried again "
        "soon and ever later, rejected (by the cloud) and denied (to us) at the next interval.",
    ),
)  # fmt: skip
_SOURCE = (
    _gauge(
        "source_info", (*_CLOUD, Label("repo"), Label("branch"), Label("revision")),
        "Always 1: the commit in force; absent where none is.",
    ),
    _gauge("source_last_fetch_timestamp_seconds", _CLOUD, "When the repository was last reached."),
    _counter(
        "source_fetch_errors_total", (*_CLOUD, _closed("reason", FETCH_ERRORS)),
        "Times the repository could not be read.",
    ),
    _gauge(
        "source_problem", _CLOUD,
        "1 where the newest commit is not in force, whatever the reason: it cannot be had, was "
        "not verified, does not come after the one that is, or is not valid; else 0.",
    ),
    _gauge(
        "source_verified", _CLOUD,
        "1 where the head's signature is good, 0 where it is not; absent where none is asked for.",
    ),
    _gauge("source_commit_timestamp_seconds", _CLOUD, "When the commit in force was made."),
    _gauge(
        "applied_commit_timestamp_seconds", _CLOUD,
        "When the commit was made that was last applied to its end.",
    ),
)  # fmt: skip
_API = (
    _counter(
        "api_requests_total", (*_SERVICE, Label("method"), Label("code")),
        "Requests to OpenStack that were answered.",
    ),
    _histogram(
        "api_request_duration_seconds", (*_SERVICE, Label("method")), "Time a request took."
    ),
    _counter("api_throttled_total", _SERVICE, "Answers 413 and 429."),
)  # fmt: skip
CATALOGUE: tuple[Metric, ...] = (*_SETTINGS, *_DRIFT, *_GUARDS, *_RUNS, *_SOURCE, *_API)

PROCESS = (
    "process_cpu_seconds_total", "process_max_fds", "process_open_fds",
    "process_resident_memory_bytes", "process_start_time_seconds", "process_virtual_memory_bytes",
)  # fmt: skip
"""What prometheus_client tells of the process."""

MEANINGS = {
    "cloud": "the name of the cloud in `reconciler.yaml`",
    "owner": "the owner that the marks name: two owners may share a cloud, so sum and join by both",
    "kind": "a kind of the [reference](reference.md)",
    "repo": "the URL of the repository without credentials",
    "branch": "the branch that is followed",
    "revision": "the commit, one series at a time",
    "version": "the reconciler's own",
    "service": "the service's type in the catalogue: `identity`, `network` and so on",
    "method": "the HTTP method",
    "code": "the HTTP status",
    "domain": "only with names: the domain that the object lies in",
    "project": "only with names: the project that the object lies in",
    "name": "only with names: the rest of the object's address",
}
LEFT_OUT = {
    "leader": "there is one replica, so it would always say 1. `ReconcilerRunsTwice` counts who "
    "looks after a cloud by `target_info` instead, which also finds two installations",
    "notifications_total": "nothing is notified yet",
    "build_info{revision}": "a release is known by its version",
}
HEAD = """# Metrics and alerts

Generated from `reconciler/controller/metric_catalogue.py` by `make docs`; do not edit.

The controller tells its metrics at `/metrics`, in Prometheus' text format or OpenMetrics. They
change all at once, twice a run: when its plan is made and is to be applied, and when it has ended.
What is counted or timed is counted at the end. What is gone is absent. Times are seconds since the
epoch. Nothing names an object, an id, a commit's words or an error, except the metrics that are
marked *asked*: they are there only where `reconciler.yaml` asks for names:
`metrics: {names: true}`.

`deploy/prometheus/rules.yaml` holds the alerts, each with what to do in its `description`;
`deploy/prometheus/rules_test.yaml` their tests, for `promtool test rules`;
`deploy/grafana/dashboard.json` a dashboard. Counters begin at 0 when the controller does.
"""


def page() -> str:
    """Give the whole page as Markdown."""
    return "\n".join([HEAD, *_table(), "", *_labels(), "", *_rest()]) + "\n"


def _table() -> Iterator[str]:
    yield "| metric | type | labels | |"
    yield "|---|---|---|---|"
    for metric in CATALOGUE:
        labels = ", ".join(f"`{label.name}`" for label in metric.labels) or "none"
        asked = "*asked* " if metric.asked else ""
        yield f"| `{PREFIX}{metric.name}` | {metric.type} | {labels} | {asked}{metric.text} |"


def _labels() -> Iterator[str]:
    yield "## Labels"
    yield ""
    yield "| label | values |"
    yield "|---|---|"
    yield from (f"| `{name}` | {text} |" for name, text in MEANINGS.items())
    for name, values in _closed_sets():
        where = [m.name for m in CATALOGUE for label in m.labels if label == Label(name, values)]
        words = " ".join(f"`{value}`" for value in values)
        yield f"| `{name}` of {', '.join(f'`{n}`' for n in where)} | {words} |"


def _closed_sets() -> list[tuple[str, tuple[str, ...]]]:
    every = (label for metric in CATALOGUE for label in metric.labels if label.values)
    return sorted({(label.name, label.values) for label in every})


def _rest() -> Iterator[str]:
    yield "## Of the process"
    yield ""
    yield f"{', '.join(f'`{name}`' for name in PROCESS)}, as `prometheus_client` tells them."
    yield ""
    yield "## Left out"
    yield ""
    yield from (f"- `{PREFIX}{name}`: {why}." for name, why in LEFT_OUT.items())
