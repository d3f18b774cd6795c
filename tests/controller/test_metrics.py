"""What a scrape is told: whole, bounded, without names, and as the page says."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse
from prometheus_client.samples import Sample

from reconciler.controller.forms import status_form
from reconciler.controller.metric_catalogue import CATALOGUE, LEFT_OUT, MEANINGS, PREFIX, page
from reconciler.controller.metrics import Metrics, families, samples
from reconciler.controller.status import (
    BUCKETS,
    CloudStatus,
    ControllerStatus,
    Histogram,
    Pause,
    Phase,
    Result,
    RunStatus,
    Scope,
    SourceStatus,
    Tried,
    Trigger,
    Written,
)
from reconciler.engine.apply import Status
from reconciler.engine.values import Action, Cause, Observed, Reason
from reconciler.errors import Trouble
from reconciler.kinds.address import Address
from reconciler.report.values import Row, Table
from reconciler.settings import Mode
from reconciler.state.parse import NOWHERE

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
CANARY = "zebra"
"""Stands in everything that nobody may read in a metric."""
LIVE_UPDATE = ("Network", Action.UPDATE, Cause.LIVE)


def a_row(name: str, action: Action = Action.UPDATE) -> Row:
    address = Address("Network", ("campus", "web", name))
    parent = Address("Project", ("campus", "web"))
    return Row(address, parent, action, Cause.LIVE, (), NOWHERE, (), None)


def a_table(*rows: Row, complete: bool = True) -> Table:
    seen = {"Network": Observed(complete, 3), "Router": Observed(complete=True, count=1)}
    return Table(CANARY, "c", CANARY, CANARY, rows, seen, 4, (CANARY,), {})


def a_cloud(name: str = "c", owner: str = "o") -> CloudStatus:
    tried = Tried(
        CANARY, CANARY, Action.UPDATE, Cause.LIVE, Status.FAILED, CANARY, (CANARY,), CANARY,
        None, CANARY,
    )  # fmt: skip
    run = RunStatus(
        7, Trigger.COMMIT, 100, 110, Result.APPLIED, CANARY, CANARY, CANARY, author=CANARY,
        approved_by=CANARY, request_id=CANARY, tried=(tried,),
    )  # fmt: skip
    source = SourceStatus(
        f"https://user:{CANARY}@git.example/state.git", "main", "a1b2c3", 50, 90,
        {"timeout": 2, f"{CANARY} odd": 3}, verified=True, problem=CANARY,
    )  # fmt: skip
    return CloudStatus(
        name, owner, Mode.ENFORCE, "main", 60, apply_commits=True, heal=False,
        source=source, run=run, table=a_table(a_row(CANARY)),
        desired={"Network": 3, "Router": 1}, managed={"Network": 2}, unmanaged={"Router": 5},
        differing={LIVE_UPDATE: 1, ("Network", Action.ADOPT, Cause.LIVE): 9},
        held={("Network", Reason.WIPE): 2}, oldest={"Network": 42},
        flapping={"Network": 1}, budget_left={"Network": 4},
        observed={"Network": 95, "Router": 95, "Volume": 1},
        pauses=(Pause(Scope.PROJECT, CANARY, CANARY, CANARY, 1, None),), approvals_pending=1,
        applied=CANARY, applied_committed=49, settled=CANARY, last_run=110, last_success=105,
        failures=2, troubles=frozenset({Trouble.DENIED}), unsettled=1,
        runs={(Trigger.COMMIT, Result.APPLIED): 6},
        changes={Written("Network", Action.UPDATE, Cause.LIVE, Status.APPLIED): 8},
        trips={Reason.WIPE: 2}, phases={Phase.PLAN: Histogram().with_one(0.3).with_one(700)},
        requests={("network", "GET", 200): 11, ("network", "GET", 429): 1},
        request_seconds={("network", "GET"): Histogram().with_one(2)}, throttled={"network": 1},
    )  # fmt: skip


def a_status(*clouds: CloudStatus) -> ControllerStatus:
    return ControllerStatus("0.1", 10, {cloud.cloud: cloud for cloud in clouds}, queued=2)


def told(status: ControllerStatus, *, names: bool = False) -> Mapping[tuple[str, ...], float]:
    """Give every series as its short name and the values of its labels but cloud and owner."""
    return {short(sample): sample.value for sample in every(families(status, names=names))}


def every(found: tuple[Family, ...]) -> Iterator[Sample]:
    return (sample for family in found for sample in family.samples)


def short(sample: Sample) -> tuple[str, ...]:
    labels = (value for key, value in sample.labels.items() if key not in {"cloud", "owner"})
    return (sample.name.removeprefix(PREFIX), *labels)


TOLD = {
    ("build_info", "0.1"): 1,
    ("queue_depth",): 2,
    ("target_info", "enforce", "main", "true", "false"): 1,
    ("interval_seconds",): 60,
    ("started_timestamp_seconds",): 10,
    ("in_sync",): 0,
    ("drift_objects", "Network", "update", "live"): 1,
    ("drift_objects", "Network", "update", "git"): 0,
    ("drift_objects", "Router", "delete", "live"): 0,
    ("drift_oldest_timestamp_seconds", "Network"): 42,
    ("desired_objects", "Network"): 3,
    ("managed_objects", "Network"): 2,
    ("unmanaged_objects", "Router"): 5,
    ("flapping_objects", "Network"): 1,
    ("unsettled",): 1,
    ("last_observation_timestamp_seconds", "Network"): 95,
    ("blocked_changes", "Network", "wipe"): 2,
    ("guard_trips_total", "wipe"): 2,
    ("guard_trips_total", "self"): 0,
    ("deletion_budget_remaining", "Network"): 4,
    ("pending_approvals",): 1,
    ("suspended", "project"): 1,
    ("suspended", "cloud"): 0,
    ("changes_total", "Network", "update", "live", "applied"): 8,
    ("runs_total", "commit", "applied"): 6,
    ("runs_total", "manual", "failed"): 0,
    ("run_duration_seconds_bucket", "plan", "0.1"): 0,
    ("run_duration_seconds_bucket", "plan", "0.5"): 1,
    ("run_duration_seconds_bucket", "plan", "600.0"): 1,
    ("run_duration_seconds_bucket", "plan", "+Inf"): 2,
    ("run_duration_seconds_count", "plan"): 2,
    ("run_duration_seconds_sum", "plan"): 700.3,
    ("run_duration_seconds_count", "fetch"): 0,
    ("last_run_timestamp_seconds",): 110,
    ("last_success_timestamp_seconds",): 105,
    ("consecutive_failures",): 2,
    ("run_trouble", "denied"): 1,
    ("run_trouble", "transient"): 0,
    ("source_info", "https://***@git.example/state.git", "main", "a1b2c3"): 1,
    ("source_last_fetch_timestamp_seconds",): 90,
    ("source_fetch_errors_total", "timeout"): 2,
    ("source_fetch_errors_total", "other"): 3,
    ("source_problem",): 1,
    ("source_verified",): 1,
    ("source_commit_timestamp_seconds",): 50,
    ("applied_commit_timestamp_seconds",): 49,
    ("api_requests_total", "network", "GET", "429"): 1,
    ("api_request_duration_seconds_bucket", "network", "GET", "1.0"): 0,
    ("api_request_duration_seconds_bucket", "network", "GET", "5.0"): 1,
    ("api_throttled_total", "network"): 1,
}


@pytest.mark.parametrize(("series", "value"), TOLD.items(), ids=str)
def test_a_scrape_tells(series: tuple[str, ...], value: float) -> None:
    assert told(a_status(a_cloud()))[series] == pytest.approx(value)


ABSENT = [
    ("blocked_changes", "Router", "wipe"),
    ("drift_oldest_timestamp_seconds", "Router"),
    ("drift_objects", "Network", "adopt", "live"),
    ("drift_objects", "Volume", "update", "live"),
    ("last_observation_timestamp_seconds", "Volume"),
    ("drift_object_info_omitted",),
]


@pytest.mark.parametrize("series", ABSENT, ids=str)
def test_a_scrape_says_nothing_of(series: tuple[str, ...]) -> None:
    assert series not in told(a_status(a_cloud()))


def test_the_table_above_leaves_no_metric_out() -> None:
    shown = {name for name, *_ in TOLD}
    missing = [
        metric.name for metric in CATALOGUE
        if not metric.asked and not shown & {s.removeprefix(PREFIX) for s in metric.series}
    ]  # fmt: skip
    assert missing == []


def calm(cloud: CloudStatus) -> CloudStatus:
    return replace(cloud, table=a_table(), differing={}, oldest={}, held={})


def failed(cloud: CloudStatus) -> CloudStatus:
    return replace(cloud, run=RunStatus(8, Trigger.RETRY, 120, 121, Result.FAILED))


IN_SYNC = {
    "nothing differs": (calm(a_cloud()), 1),
    "adoptions are no difference": (
        replace(calm(a_cloud()), differing={("Network", Action.ADOPT, Cause.LIVE): 2}), 1,
    ),
    "something differs": (a_cloud(), 0),
    "something differs in what was not seen whole": (
        replace(a_cloud(), table=a_table(a_row("a"), complete=False)), 0,
    ),
    "nothing differs in what was not seen whole": (
        replace(calm(a_cloud()), table=a_table(complete=False)), None,
    ),
    "there was no plan yet": (replace(calm(a_cloud()), table=None), None),
    "the newest run failed": (failed(calm(a_cloud())), None),
}  # fmt: skip


@pytest.mark.parametrize(("cloud", "value"), IN_SYNC.values(), ids=IN_SYNC)
def test_in_sync_is_said_only_where_it_is_known(cloud: CloudStatus, value: int | None) -> None:
    status = a_status(cloud)
    assert told(status).get(("in_sync",)) == value
    assert status_form(status, 200)["clouds"][0]["in_sync"] == value  # to people, too


def test_whether_the_newest_commit_is_in_force_is_always_told() -> None:
    good = replace(a_cloud().source, problem="")
    assert told(a_status(replace(a_cloud(), source=good)))["source_problem",] == 0


def test_where_no_commit_is_in_force_none_is_named() -> None:
    none = replace(a_cloud(), source=SourceStatus("", "main"))
    assert not [series for series in told(a_status(none)) if series[0] == "source_info"]


def test_drift_that_was_known_stays_while_runs_fail() -> None:
    assert told(a_status(failed(a_cloud())))["drift_objects", "Network", "update", "live"] == 1


def test_what_is_gone_from_the_status_is_gone_from_the_next_scrape() -> None:
    metrics = Metrics()
    metrics.publish(a_status(a_cloud()))
    assert b'kind="Router"' in metrics.exposition()[0]
    less = replace(
        a_cloud(), desired={"Network": 3}, unmanaged={}, observed={}, table=a_table()
    )  # fmt: skip
    metrics.publish(a_status(less))
    assert b'kind="Router"' not in metrics.exposition()[0]
    metrics.publish(a_status())
    assert b'cloud="c"' not in metrics.exposition()[0]


def test_a_scrape_never_mixes_two_runs() -> None:
    metrics, done = Metrics(), threading.Event()
    one, other = (
        replace(a_cloud(), failures=n, differing={LIVE_UPDATE: n}, unsettled=n, last_run=n)
        for n in (1, 2)
    )
    metrics.publish(a_status(one))

    def publish() -> None:
        while not done.is_set():
            metrics.publish(a_status(other))
            metrics.publish(a_status(one))

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for _ in range(30):
            text = metrics.exposition()[0].decode()
            found = {short(sample): sample.value for f in parse(text) for sample in f.samples}
            assert len({
                found["consecutive_failures",], found["unsettled",],
                found["drift_objects", "update", "Network", "live"],
                found["last_run_timestamp_seconds",],
            }) == 1  # fmt: skip
    finally:
        done.set()
        thread.join(10)


def test_nothing_is_told_before_the_first_status_but_the_process() -> None:
    text = Metrics().exposition()[0].decode()
    assert {f.name.split("_")[0] for f in parse(text)} == {"process"}


def test_both_text_forms_parse_and_say_the_same() -> None:
    metrics = Metrics(names=True)
    metrics.publish(a_status(a_cloud("c"), a_cloud("d")))
    plain, plain_type = metrics.exposition()
    modern, modern_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert (plain_type.split(";")[0], modern_type.split(";")[0]) == (
        "text/plain", "application/openmetrics-text",
    )  # fmt: skip
    # prometheus_client does not annotate this parser.
    read = parse_openmetrics(modern.decode())  # type: ignore[no-untyped-call]
    ours = [
        {(s.name, *sorted(s.labels.items())): s.value
         for s in every(tuple(found)) if s.name.startswith(PREFIX)}
        for found in (parse(plain.decode()), read)
    ]  # fmt: skip
    assert ours[0] == ours[1]


def test_every_series_is_in_the_catalogue_with_its_labels_and_values() -> None:
    known = {metric.name: metric for metric in CATALOGUE}
    for name, labels, _ in samples(a_status(a_cloud())):
        for label, value in zip(known[name].labels, labels, strict=True):
            assert not label.values or value in label.values, (name, label.name)


def test_no_series_is_told_twice() -> None:
    clouds = (a_cloud("c", "o"), a_cloud("d", "o"))
    found = [
        (s.name, *sorted(s.labels.items()))
        for s in every(families(a_status(*clouds), names=True))
    ]  # fmt: skip
    assert len(found) == len(set(found))


def test_every_series_of_a_cloud_has_its_owner() -> None:
    labels = [tuple(label.name for label in metric.labels) for metric in CATALOGUE]
    assert {names[:2] for names in labels if "cloud" in names} == {("cloud", "owner")}
    assert all("cloud" in names for names in labels if "owner" in names)


def test_nothing_that_has_a_name_is_told() -> None:
    metrics = Metrics()
    metrics.publish(a_status(a_cloud()))
    assert CANARY not in metrics.exposition()[0].decode()


def test_names_are_told_where_they_are_asked_for_and_no_secret_even_then() -> None:
    status = a_status(replace(a_cloud(), table=a_table(a_row("front"))))
    info = ("drift_object_info", "Network", "campus", "web", "front", "update", "live")
    assert told(status, names=True)[info] == 1
    assert not any(CANARY in word for series in told(status, names=True) for word in series)


def test_names_are_bounded_and_the_rest_is_counted() -> None:
    rows = [a_row(f"n{at:02}") for at in range(63)] + [a_row("taken", Action.ADOPT)]
    found = told(a_status(replace(a_cloud(), table=a_table(*rows))), names=True)
    assert sum(name == "drift_object_info" for name, *_ in found) == 50
    assert found["drift_object_info_omitted",] == 13


def test_a_metric_stays_within_what_prometheus_advises_a_cloud() -> None:
    kinds = [f"Kind{at}" for at in range(30)]
    full = {(k, a, c): 1 for k in kinds for a in Action for c in Cause}
    cloud = replace(a_cloud(), desired=dict.fromkeys(kinds, 1), differing=full)
    sizes = {f.name: len(f.samples) for f in families(a_status(cloud))}
    assert max(sizes.values()) == sizes["reconciler_drift_objects"] == 30 * 4 * 2


def test_a_histogram_of_ours_has_the_buckets_that_the_metrics_name() -> None:
    plan = [
        s for s in told(a_status(a_cloud())) if s[:2] == ("run_duration_seconds_bucket", "plan")
    ]
    assert [float(series[2]) for series in plan] == [*BUCKETS, float("inf")]


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_the_page_explains_every_label() -> None:
    open_labels = {label.name for m in CATALOGUE for label in m.labels if not label.values}
    assert open_labels == MEANINGS.keys()


def test_what_is_left_out_is_not_there() -> None:
    assert not LEFT_OUT.keys() & {metric.name for metric in CATALOGUE}


def test_the_canary_stands_in_every_text_of_a_run() -> None:
    texts = [f.name for f in fields(RunStatus) if f.type == "str"]
    run = a_cloud().run
    assert [name for name in texts if getattr(run, name) != CANARY] == []
