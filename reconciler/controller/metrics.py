"""From what the controller knows of itself to Prometheus metrics, whole at every scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate, product

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from reconciler.controller.metric_catalogue import (
    CATALOGUE,
    FETCH_ERRORS,
    PREFIX,
    SHOWN_OBJECTS,
    Metric,
    Type,
)
from reconciler.controller.status import (
    BUCKETS,
    DRIFT,
    CloudStatus,
    ControllerStatus,
    Histogram,
    Phase,
    Result,
    Scope,
    Trigger,
)
from reconciler.engine.values import Action, Cause, Reason
from reconciler.errors import Trouble
from reconciler.hide import hide
from reconciler.kinds.address import Address
from reconciler.report.values import Row

NOTHING = Histogram()
QUEUE = next(metric for metric in CATALOGUE if metric.name == "queue_depth")
BOUNDS = (*(str(bound) for bound in BUCKETS), "+Inf")
Sample = tuple[str, tuple[str, ...], float | Histogram]
"""A name in the catalogue, the values of its labels in their order there, and what was measured."""


class Snapshot(Collector):
    """Guards the newest families: they change all at once, so a scrape sees old or new ones."""

    def __init__(self, queued: Callable[[], int]) -> None:
        self._families: tuple[Family, ...] = ()
        self._queued = queued

    def publish(self, families: Iterable[Family]) -> None:
        """Take the place of what was published before."""
        self._families = tuple(families)

    def collect(self) -> tuple[Family, ...]:
        """Give what was published last, and what waits now."""
        waiting = _family(QUEUE, [(QUEUE.name, (), self._queued())])
        return tuple(waiting if f.name == PREFIX + QUEUE.name else f for f in self._families)

    def describe(self) -> list[Family]:
        """Say nothing: otherwise the registry would collect when this is registered."""
        return []


class Metrics:
    """Guards what scrapes are answered with: the newest snapshot, and the process as it is."""

    def __init__(self, *, names: bool = False, queued: Callable[[], int] = lambda: 0) -> None:
        self._names = names
        self._snapshot = Snapshot(queued)
        self._registry = CollectorRegistry()
        self._registry.register(self._snapshot)
        ProcessCollector(registry=self._registry)

    def publish(self, status: ControllerStatus) -> None:
        """Answer scrapes with this from now on."""
        self._snapshot.publish(families(status, names=self._names))

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Give what a scrape that accepts this is answered with, and its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type


def families(status: ControllerStatus, *, names: bool = False) -> tuple[Family, ...]:
    """Give every metric of the catalogue; those that name objects only where that is asked for."""
    found: dict[str, list[Sample]] = {}
    for sample in samples(status):
        found.setdefault(sample[0], []).append(sample)
    return tuple(
        _family(metric, found.get(metric.name, ()))
        for metric in CATALOGUE
        if names or not metric.asked
    )


def samples(status: ControllerStatus) -> Iterator[Sample]:
    """Give every series and its value."""
    yield "build_info", (status.version,), 1
    yield "queue_depth", (), status.queued
    for cloud in status.clouds.values():
        own = (cloud.cloud, cloud.owner)
        yield "started_timestamp_seconds", own, status.started
        for part in (_settings, _sync, _objects, _named, _guards, _runs, _source, _api):
            for name, labels, value in part(cloud):
                yield name, (*own, *labels), value


def _family(metric: Metric, found: Iterable[Sample]) -> Family:
    name, labels = PREFIX + metric.name, [label.name for label in metric.labels]
    if metric.type is Type.HISTOGRAM:
        timed = HistogramMetricFamily(name, metric.text, labels=labels)
        for _, values, value in found:
            assert isinstance(value, Histogram)
            counts = zip(BOUNDS, accumulate(value.counts), strict=True)
            timed.add_metric(values, list(counts), value.total)
        return timed
    make = CounterMetricFamily if metric.type is Type.COUNTER else GaugeMetricFamily
    family = make(name, metric.text, labels=labels)
    for _, values, value in found:
        assert not isinstance(value, Histogram)
        family.add_metric(values, value)
    return family


def _settings(cloud: CloudStatus) -> Iterator[Sample]:
    switches = (_word(cloud.apply_commits), _word(cloud.heal))
    yield "target_info", (cloud.mode, cloud.branch, *switches), 1
    yield "interval_seconds", (), cloud.interval


def _sync(cloud: CloudStatus) -> Iterator[Sample]:
    if cloud.table is None:
        return
    counts = _differing(cloud)
    yield from _known("in_sync", cloud.in_sync)
    # A kind that is declared says 0, so that an alert resolves and a panel shows a line.
    kinds = sorted({*cloud.desired, *(kind for kind, _, _ in counts)})
    for kind, action, cause in product(kinds, DRIFT, Cause):
        yield "drift_objects", (kind, action, cause), counts.get((kind, action, cause), 0)


def _differing(cloud: CloudStatus) -> Mapping[tuple[str, Action, Cause], int]:
    return {key: count for key, count in cloud.differing.items() if key[1] in DRIFT}


def _objects(cloud: CloudStatus) -> Iterator[Sample]:
    yield from _by_kind("desired_objects", cloud.desired)
    yield from _by_kind("managed_objects", cloud.managed)
    yield from _by_kind("unmanaged_objects", cloud.unmanaged)
    yield from _by_kind("flapping_objects", cloud.flapping)
    yield from _by_kind("drift_oldest_timestamp_seconds", cloud.oldest)
    # A kind that nobody looks at any more grows no older.
    looked = cloud.observed if cloud.table is None else cloud.table.observed
    seen = {kind: at for kind, at in cloud.observed.items() if kind in looked}
    yield from _by_kind("last_observation_timestamp_seconds", seen)
    yield from _by_kind("deletion_budget_remaining", cloud.budget_left)
    yield "unsettled", (), cloud.unsettled


def _by_kind(name: str, values: Mapping[str, float]) -> Iterator[Sample]:
    for kind, value in sorted(values.items()):
        yield name, (kind,), value


def _named(cloud: CloudStatus) -> Iterator[Sample]:
    if cloud.table is None:
        return
    rows = [row for row in cloud.table.rows if row.action in DRIFT]
    for row in rows[:SHOWN_OBJECTS]:
        yield "drift_object_info", _names(row), 1
    yield "drift_object_info_omitted", (), max(0, len(rows) - SHOWN_OBJECTS)


def _names(row: Row) -> tuple[str, ...]:
    domain, project, *_ = (*row.place, "", "")
    # What stands in no place, and what is a place, keeps its own name.
    rest = Address(row.address.kind, row.address.names[len(row.place) :])
    name = str(rest).removeprefix(f"{row.address.kind}/")
    return (row.address.kind, domain, project, name, row.action, row.cause)


def _guards(cloud: CloudStatus) -> Iterator[Sample]:
    for (kind, reason), count in sorted(cloud.held.items()):
        yield "blocked_changes", (kind, reason), count
    for reason in Reason:
        yield "guard_trips_total", (reason,), cloud.trips.get(reason, 0)
    yield "pending_approvals", (), cloud.approvals_pending
    paused = {pause.scope for pause in cloud.pauses}
    for scope in Scope:
        yield "suspended", (scope,), int(scope in paused)


def _runs(cloud: CloudStatus) -> Iterator[Sample]:
    for done, count in cloud.changes.items():
        yield "changes_total", (done.kind, done.action, done.cause, done.status), count
    for trigger, result in product(Trigger, Result):
        yield "runs_total", (trigger, result), cloud.runs.get((trigger, result), 0)
    for phase in Phase:
        yield "run_duration_seconds", (phase,), cloud.phases.get(phase, NOTHING)
    yield from _known("last_run_timestamp_seconds", cloud.last_run)
    yield from _known("last_success_timestamp_seconds", cloud.last_success)
    yield "consecutive_failures", (), cloud.failures
    for trouble in Trouble:
        yield "run_trouble", (trouble,), int(trouble in cloud.troubles)


def _source(cloud: CloudStatus) -> Iterator[Sample]:
    source = cloud.source
    repository = hide(source.repository, ())
    if source.revision:
        yield "source_info", (repository, source.branch, source.revision), 1
    yield from _known("source_last_fetch_timestamp_seconds", source.fetched)
    yield "source_problem", (), int(bool(source.problem))
    yield from _known("source_verified", source.verified)
    yield from _known("source_commit_timestamp_seconds", source.committed)
    yield from _known("applied_commit_timestamp_seconds", cloud.applied_committed)
    errors = dict.fromkeys(FETCH_ERRORS, 0)
    for reason, count in source.fetch_errors.items():
        errors[reason if reason in errors else "other"] += count
    for reason, count in errors.items():
        yield "source_fetch_errors_total", (reason,), count


def _known(name: str, value: float | None) -> Iterator[Sample]:
    if value is not None:
        yield name, (), value


def _api(cloud: CloudStatus) -> Iterator[Sample]:
    for (service, method, code), count in sorted(cloud.requests.items()):
        yield "api_requests_total", (service, method, str(code)), count
    for (service, method), times in sorted(cloud.request_seconds.items()):
        yield "api_request_duration_seconds", (service, method), times
    services = {service for service, _, _ in cloud.requests} | cloud.throttled.keys()
    for service in sorted(services):
        yield "api_throttled_total", (service,), cloud.throttled.get(service, 0)


def _word(switch: bool) -> str:
    return str(switch).lower()
