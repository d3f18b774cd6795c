"""What programs can ask, who may change something, and which webhooks are believed."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from falcon import testing

from reconciler.controller.forms import schemas
from reconciler.controller.history import past_form
from reconciler.controller.metrics import Metrics
from reconciler.controller.server import Doors, make_app
from reconciler.controller.status import (
    CloudStatus,
    ControllerStatus,
    Pause,
    Result,
    RunStatus,
    Scope,
    SourceStatus,
    Trigger,
)
from reconciler.controller.store import Store
from reconciler.controller.webhooks import LARGEST
from reconciler.kinds.values import Json
from reconciler.report.values import Table
from reconciler.settings import Mode
from reconciler.state.model import make_desired
from reconciler.state.source import Revision
from reconciler.state.values import Desired
from tests.support.schemas import misfits
from tests.support.small_cloud import small_kinds

TOKEN, SECRET = "let me in", b"shared with the forge"
RUN = RunStatus(7, Trigger.COMMIT, 1000.0, 1004.0, Result.APPLIED, "4be21c7", "f43e25092d17ddb9")
ONE = CloudStatus(
    "prod", "us", Mode.ENFORCE, "main", 60.0, apply_commits=True, heal=False,
    source=SourceStatus("https://git.example/cloud.git", "main", "4be21c7"), run=RUN,
)  # fmt: skip


@dataclass(slots=True)
class House:
    """A server, and what it was asked to do."""

    store: Store
    status: ControllerStatus
    woken: list[tuple[str, Trigger]] = field(default_factory=list)
    now: float = 2000.0
    token: str = TOKEN
    metrics: Metrics = field(default_factory=Metrics)
    declared: Desired | None = None

    def client(self) -> testing.TestClient:
        doors = Doors(
            lambda: self.status, self.metrics.exposition,
            lambda cloud, trigger: self.woken.append((cloud, trigger)), self.store,
            self.token, SECRET, frozenset({"Network", "Project"}), lambda _cloud: self.declared,
            clock=lambda: self.now,
        )  # fmt: skip
        return testing.TestClient(make_app(doors))


@pytest.fixture
def house(tmp_path: Path) -> House:
    status = ControllerStatus("0.1.0", 900.0, {"prod": ONE}, deadlines={"prod": 2500.0})
    return House(Store(tmp_path / "store.sqlite3"), status)


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_alive_is_what_the_loops_say(house: House) -> None:
    client = house.client()
    assert client.simulate_get("/healthz").status_code == 200
    house.now = 2501.0
    late = client.simulate_get("/healthz")
    assert misfits(late.json, schemas()["healthz"]) == []
    assert (late.status_code, late.json) == (503, {"alive": False, "late": ["prod"]})


def test_ready_is_who_has_looked_once(house: House) -> None:
    def ask(one: CloudStatus) -> tuple[int, Json]:
        house.status = replace(house.status, clouds={"prod": one})
        answer = house.client().simulate_get("/readyz")
        assert misfits(answer.json, schemas()["readyz"]) == []
        return answer.status_code, answer.json

    waiting = (503, {"ready": False, "waiting": ["prod"]})
    failed = replace(RUN, result=Result.FAILED)
    plan = Table("", "prod", "", "", (), {}, 0, (), {})
    assert ask(replace(ONE, run=None)) == waiting
    assert ask(replace(ONE, run=failed)) == waiting  # who could not log in saw nothing
    assert ask(replace(ONE, table=plan)) == (200, {"ready": True, "waiting": []})
    assert ask(replace(ONE, run=failed, table=plan))[0] == 200  # it was looked at before


def test_the_status_fits_its_schema_and_needs_the_token(house: House) -> None:
    client = house.client()
    assert client.simulate_get("/api/v1/status").status_code == 401
    assert client.simulate_get("/api/v1/status", headers=bearer("other")).status_code == 401
    answer = client.simulate_get("/api/v1/status", headers=bearer())
    assert misfits(answer.json, schemas()["status"]) == []
    assert answer.json["clouds"][0]["run"]["result"] == "applied"
    house.token = ""
    assert house.client().simulate_get("/api/v1/status").status_code == 200


def test_metrics_and_health_need_no_token(house: House) -> None:
    client = house.client()
    assert client.simulate_get("/metrics").status_code == 200


def test_there_is_no_plan_before_one_was_made(house: House) -> None:
    assert house.client().simulate_get("/api/v1/plan", headers=bearer()).status_code == 404


def test_history_gives_the_newest_runs_first(house: House) -> None:
    for number in range(5):
        run = replace(RUN, number=number, started=1000.0 + number)
        house.store.keep("prod", number, run.started, past_form(run))
    answer = house.client().simulate_get("/api/v1/history?limit=2", headers=bearer())
    assert misfits(answer.json, schemas()["history"]) == []
    assert [run["number"] for run in answer.json["runs"]] == [4, 3]


def test_history_gives_one_run_alone(house: House) -> None:
    for number in (1, 2):
        run = replace(RUN, number=number, started=1000.0 + number)
        house.store.keep("prod", number, run.started, past_form(run))
    client = house.client()
    answer = client.simulate_get("/api/v1/history?run=1", headers=bearer())
    assert [run["number"] for run in answer.json["runs"]] == [1]
    assert misfits(answer.json, schemas()["history"]) == []
    for query, code in (("3", 404), ("-1", 404), ("9" * 30, 400), ("x", 400)):
        found = client.simulate_get(f"/api/v1/history?run={query}", headers=bearer())
        assert found.status_code == code


def test_half_a_character_in_what_a_cloud_said_ends_no_answer(house: House) -> None:
    run = replace(RUN, error="fake: \ud83d")
    house.store.keep("prod", 1, 1.0, past_form(run))
    house.status = replace(house.status, clouds={"prod": replace(ONE, run=run)})
    for path in ("/api/v1/history", "/api/v1/status"):
        answer = house.client().simulate_get(path, headers=bearer())
        assert (answer.status_code, "\\ud83d" in answer.text) == (200, True)


def test_history_tells_who_paused_resumed_and_woke_it(house: House) -> None:
    client = house.client()
    said = {"scope": "kind", "name": "Network", "reason": "a look", "by": "ann", "until": 3000}
    client.simulate_post("/api/v1/pauses", json=said, headers=bearer())
    house.now += 1
    query = {"scope": "kind", "name": "Network", "by": "bob", "reason": "enough"}
    client.simulate_delete("/api/v1/pauses", params=query, headers=bearer())
    client.simulate_delete("/api/v1/pauses", params=query, headers=bearer())  # there is none
    house.now += 1
    client.simulate_post("/api/v1/wake", headers=bearer())
    client.simulate_post("/api/v1/wake")  # without the token
    house.now += 1
    client.simulate_post("/api/v1/wake", params={"by": "ci", "reason": "deploy"}, headers=bearer())
    answer = client.simulate_get("/api/v1/history", headers=bearer()).json
    assert misfits(answer, schemas()["history"]) == []
    told = [(one["event"], one["by"], one["reason"], one["name"]) for one in answer["events"]]
    assert told == [
        ("woken", "ci", "deploy", ""),
        ("woken", "", "", ""),
        ("resumed", "bob", "enough", "Network"),
        ("paused", "ann", "a look", "Network"),
    ]
    assert answer["events"][-1]["until"] == "1970-01-01T00:50:00+00:00"


def test_who_calls_themselves_too_much_wakes_nobody(house: House) -> None:
    answer = house.client().simulate_post(
        "/api/v1/wake", params={"by": "x" * 501}, headers=bearer()
    )
    assert answer.status_code == 400
    assert (house.woken, house.store.events("prod", 9)) == ([], [])


def test_only_the_token_changes_anything(house: House) -> None:
    client = house.client()
    assert client.simulate_post("/api/v1/wake").status_code == 401
    assert house.woken == []
    assert client.simulate_post("/api/v1/wake", headers=bearer()).status_code == 202
    assert house.woken == [("prod", Trigger.MANUAL)]
    house.token = ""
    assert house.client().simulate_post("/api/v1/wake", headers=bearer("")).status_code == 403


def test_a_pause_is_kept_and_ended(house: House) -> None:
    client = house.client()
    said = {"scope": "kind", "name": "Network", "reason": "a look", "by": "ann", "until": 3000}
    assert client.simulate_post("/api/v1/pauses", json=said).status_code == 401
    done = client.simulate_post("/api/v1/pauses", json=said, headers=bearer())
    assert done.status_code == 201
    (pause,) = house.store.pauses("prod")
    assert (pause.name, pause.reason, pause.until) == ("Network", "a look", 3000)
    query = {"scope": "kind", "name": "Network"}
    ended = client.simulate_delete("/api/v1/pauses", params=query, headers=bearer())
    assert ended.status_code == 200
    assert house.store.pauses("prod") == ()
    again = client.simulate_delete("/api/v1/pauses", params=query, headers=bearer())
    assert again.status_code == 404


def test_pauses_that_are_over_are_forgotten(house: House) -> None:
    for name, since, until in (("Network", 1.0, 10.0), ("Router", 2.0, None), ("Subnet", 20.0, 30)):
        pause = Pause(Scope.KIND, name, "a look", "ann", since, until)
        assert house.store.pause("prod", pause)
    assert [pause.name for pause in house.store.pauses("prod")] == ["Router", "Subnet"]


def spoil(store: Store) -> None:
    store.path.write_bytes(b"this is no database, but it is long enough to be read as one" * 9)


def test_a_file_that_breaks_right_after_a_pause_ends_none_and_brings_none_back(
    house: House,
) -> None:
    over = Pause(Scope.KIND, "Router", "a look", "ann", 1.0, None)
    lasting = Pause(Scope.KIND, "Network", "a look", "ann", 2.0, None)
    house.store.pause("prod", over)
    house.store.pauses("prod")
    house.store.pause("prod", lasting)
    house.store.resume("prod", Scope.KIND, "Router")
    spoil(house.store)
    assert house.store.pauses("prod") == (lasting,)
    assert Store(house.store.path).pauses("prod") == (lasting,)


def test_a_file_that_breaks_ends_no_pause(house: House) -> None:
    pause = Pause(Scope.KIND, "Network", "a look", "ann", 1.0, None)
    house.store.pause("prod", pause)
    assert house.store.pauses("prod") == (pause,)
    spoil(house.store)
    assert house.store.pauses("prod") == (pause,)
    assert house.store.path.with_name(f"{house.store.path.name}.broken").exists()
    assert Store(house.store.path).pauses("prod") == (pause,)  # it stands in the new file
    house.store.keep("prod", 1, 1.0, {})
    assert house.store.runs("prod", 1) == [{}]


@pytest.mark.parametrize(
    "said",
    [
        {"scope": "kind", "reason": "x"},
        {"scope": "kind", "name": "Netwrok", "reason": "x"},
        {"scope": "project", "name": "campus", "reason": "x"},
        {"scope": "object", "name": "Netwrok/campus/shop/a", "reason": "x"},
        {"name": "Network", "reason": "x"},
        {"reason": "x", "until": True},
        {"reason": "x", "until": 1999},
        {"reason": "x", "until": 1e300},
        {"reason": "x", "until": float("nan")},
        {"reason": "x", "until": float("inf")},
        {"scope": "planet", "reason": "x"},
        {"scope": "cloud"},
        {"reason": "x", "until": "tomorrow"},
        {"reason": 7},
        {"reason": "x" * 501},
        [],
    ],
)
def test_a_pause_that_makes_no_sense_is_refused(house: House, said: object) -> None:
    answer = house.client().simulate_post("/api/v1/pauses", json=said, headers=bearer())
    assert answer.status_code == 400
    assert house.store.pauses("prod") == ()


@pytest.mark.parametrize(
    ("scope", "name", "warns"),
    [
        ("cloud", "", False), ("kind", "Network", False),
        ("project", "campus/shop", False), ("project", "campus/shpo", True),
        ("object", "Project/campus/shop", False), ("object", "Network/campus/shop/nope", True),
    ],
)  # fmt: skip
def test_a_pause_that_covers_nothing_declared_is_kept_and_says_so(
    house: House, scope: str, name: str, warns: bool
) -> None:
    said = {"scope": scope, "name": name, "reason": "a look"}

    def pause() -> Json:
        answer = house.client().simulate_post("/api/v1/pauses", json=said, headers=bearer())
        assert answer.status_code == 201
        return answer.json

    assert "warning" not in pause()  # nobody knows yet
    text = b"domains: {campus: {projects: {shop: {}}}}"
    revision = Revision("4be21c7", "", {"all.yaml": text}, lambda _path: io.BytesIO())
    house.declared = make_desired(revision, small_kinds())[0]
    assert ("warning" in pause()) is warns
    assert [kept.name for kept in house.store.pauses("prod")] == [name]


PUSH = json.dumps({"ref": "refs/heads/main"}).encode()
DIGEST = hmac.new(SECRET, PUSH, hashlib.sha256).hexdigest()
OWN = hmac.new(SECRET, b"2000." + PUSH, hashlib.sha256).hexdigest()
BELIEVED = [
    {"X-Hub-Signature-256": f"sha256={DIGEST}", "X-GitHub-Delivery": "1"},
    {"X-Gitea-Signature": DIGEST, "X-Gitea-Delivery": "2"},
    {"X-Forgejo-Signature": DIGEST, "X-Forgejo-Delivery": "3"},
    {"X-Gitlab-Token": SECRET.decode(), "X-Gitlab-Event-UUID": "4"},
    {"X-Reconciler-Signature": f"t=2000,v1={OWN}"},
]


def hook(client: testing.TestClient, body: bytes) -> testing.Result:
    digest = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return client.simulate_post("/hooks", body=body, headers={"X-Hub-Signature-256": digest})


@pytest.mark.parametrize("headers", BELIEVED, ids=lambda found: next(iter(found)))
def test_a_signed_webhook_wakes_every_loop_once(house: House, headers: dict[str, str]) -> None:
    client = house.client()
    first = client.simulate_post("/hooks", body=PUSH, headers=headers)
    assert (first.status_code, first.json) == (202, {"taken": True})
    assert house.woken == [("prod", Trigger.WEBHOOK)]
    # What nobody signed is another: whoever captured the request can change it.
    for name in ("X-GitHub-Delivery", "X-Gitea-Delivery", "X-Forgejo-Delivery",
                 "X-Gitlab-Event-UUID"):  # fmt: skip
        again = client.simulate_post("/hooks", body=PUSH, headers={**headers, name: "another"})
        assert (again.status_code, again.json) == (202, {"taken": False})
    assert len(house.woken) == 1


def test_what_is_sent_again_leaves_its_room_to_those_that_push(house: House) -> None:
    client = house.client()
    codes = [hook(client, PUSH).status_code for _ in range(100)]
    assert set(codes) == {202}
    assert hook(client, PUSH.replace(b"main", b"other")).json == {"taken": True}
    assert len(house.woken) == 2


def test_the_same_words_wake_again_when_no_signed_time_can_be_good_any_more(house: House) -> None:
    client = house.client()
    for seconds, woken in ((0, 1), (599, 1), (1, 2)):
        house.now += seconds
        hook(client, PUSH)
        assert len(house.woken) == woken


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature": f"sha1={DIGEST}"},
        {"X-Gitlab-Token": "guess"},
        {"X-Gitlab-Token": "\u00e4"},
        {"X-Reconciler-Signature": f"t=1000,v1={OWN}"},
        {"X-Reconciler-Signature": "t=,v1="},
        {"X-Reconciler-Signature": "v1"},
        {"X-Reconciler-Signature": f"t={'9' * 400},v1=a"},
        {"X-Reconciler-Signature": f"t={'9' * 5000},v1=a"},
        {"X-Reconciler-Signature": "t=\u00b2,v1=a"},
        {"X-Reconciler-Signature": f"t= 2000,v1={OWN}"},
    ],
)
def test_any_other_webhook_wakes_nobody(house: House, headers: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1").decode("latin-1") for name, value in headers.items()}
    answer = house.client().simulate_post("/hooks", body=PUSH, headers=raw)
    assert answer.status_code == 403
    assert SECRET.decode() not in answer.text
    assert house.woken == []


def test_pushes_of_gitlab_are_told_apart_by_what_they_say(house: House) -> None:
    client, headers = house.client(), {"X-Gitlab-Token": SECRET.decode()}
    for body in (PUSH, PUSH.replace(b"main", b"other")):
        assert client.simulate_post("/hooks", body=body, headers=headers).json == {"taken": True}
    assert client.simulate_post("/hooks", body=PUSH, headers=headers).json == {"taken": False}


def test_whoever_floods_us_does_not_fill_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    client = house.client()
    for _ in range(30):
        assert client.simulate_post("/hooks", body=PUSH).status_code == 403
    assert caplog.text.count("webhook refused") == 1
    house.now += 11
    client.simulate_post("/hooks", body=PUSH)
    assert caplog.text.count("webhook refused") == 2


def test_a_webhook_may_be_of_a_mebibyte_and_no_more(house: House) -> None:
    assert hook(house.client(), b"x" * (LARGEST + 1)).status_code == 413


def test_a_flood_of_webhooks_is_cut(house: House) -> None:
    client = house.client()
    codes = [hook(client, b"%d" % number).status_code for number in range(80)]
    assert codes.count(202) == 60
    assert codes.count(429) == 20
    house.now += 61
    assert hook(client, b"79").json == {"taken": True}


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_brackets_without_an_end_are_refused(house: House, depth: int) -> None:
    headers = {**bearer(), "Content-Type": "application/json"}
    answer = house.client().simulate_post("/api/v1/pauses", body="[" * depth, headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/html", "text/plain"),
        ("application/openmetrics-text", "application/openmetrics-text"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
         "application/openmetrics-text"),
        ("application/openmetrics-text;q=0.5,text/plain;version=1.0.0", "text/plain"),
        ("application/openmetrics-text; version=abc", "application/openmetrics-text"),
        ("text/plain; version=x.y; escaping=", "text/plain"),
        (";;;,,,;q=x", "text/plain"),
    ],
)  # fmt: skip
def test_scrapes_are_answered_whatever_they_accept(
    house: House, accept: str, media_type: str
) -> None:
    house.metrics.publish(house.status)
    answer = house.client().simulate_get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert "reconciler_build_info" in answer.text
