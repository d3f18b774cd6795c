"""From a change made by hand to a page, and from the healing to its end, with real programs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.cloud.record import approvals_attribute, attribute
from reconciler.cloud.session import Cloud
from tests.support.git_server import make_work
from tests.system.monitoring import RULES, Pager, alerts, get, paged, start_monitoring
from tests.system.programs import Programs

RECONCILER = Path(sys.executable).parent / "reconciler"
SETTINGS = """
owner: {owner}
state: state
source: {{url: {url}, branch: main, interval: 6s}}
clouds:
  campus: {{cloud: devcloud, mode: enforce, heal: true}}
"""
STATE = """
domains:
  "{domain}":
    description: A test
    projects: {{shop: {{description: The shop, networks: {{"{network}": {{mtu: 1400}}}}}}}}
"""


@pytest.fixture
def pager() -> Iterator[Pager]:
    with paged() as pager:
        yield pager


@pytest.fixture
def owner(cloud: Cloud, word: str) -> Iterator[str]:
    """Give an owner of the test's own, whose record goes in the end."""
    yield word
    gone = {attribute(word): None, approvals_attribute(word): None}
    cloud.request(
        "identity", "PATCH", f"/projects/{cloud.who().project_id}", json={"project": gone}
    )


@pytest.fixture
def programs(tmp_path: Path, owner: str, domain: str, pager: Pager) -> Iterator[Programs]:
    """Give programs that end before what they work on goes."""
    assert owner in domain
    assert not pager.alerts
    programs = Programs(tmp_path)
    try:
        yield programs
    finally:
        programs.end()
        programs.tell()


@dataclass(frozen=True, slots=True)
class Controller:
    """One that runs, and what operators call to talk to it."""

    port: int
    folder: Path
    around: dict[str, str]

    def call(self, *words: str) -> str:
        done = subprocess.run(
            [RECONCILER, *words], cwd=self.folder, env=self.around, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def metrics(self) -> str:
        return get(f"{self.url}/metrics")


def start_controller(programs: Programs, clouds_file: Path, owner: str, domain: str) -> Controller:
    """Start a controller, and wait until it has brought a first commit about."""
    folder = programs.folder
    work = make_work(folder)
    work.commit(STATE.format(domain=domain, network=owner))
    settings = SETTINGS.format(owner=owner, url=work.bare)
    (folder / "reconciler.yaml").write_text(settings, encoding="utf-8")
    around = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "RECONCILER_TOKEN": "secret",
        "OS_CLIENT_CONFIG_FILE": str(clouds_file),
        "RECONCILER_STATE_DIRECTORY": str(folder / "kept"),
    }  # fmt: skip
    programs.start("controller", RECONCILER, "run", "--listen", "127.0.0.1:0", also=around)
    said = programs.wait(
        "a controller that listens",
        lambda: re.search(r"listening on 127\.0\.0\.1:(\d+)", programs.said("controller")),
    )
    found = Controller(int(said[1]), folder, around)
    in_sync = f'reconciler_in_sync{{cloud="campus",owner="{owner}"}} 1.0'
    programs.wait("a cloud that is as git says", lambda: in_sync in found.metrics)
    return found


def network(cloud: Cloud, name: str) -> dict[str, Any]:
    (found,) = cloud.request("network", "GET", "/networks", params={"name": name})["networks"]
    return dict(found)


@pytest.mark.system
def test_a_change_made_by_hand_is_paged_until_the_controller_has_healed_it(
    programs: Programs, pager: Pager, cloud: Cloud, clouds_file: Path, owner: str, domain: str
) -> None:
    controller = start_controller(programs, clouds_file, owner, domain)
    prometheus = start_monitoring(programs, pager, controller.port)
    ours = f'{{cloud="campus", owner="{owner}"}}'

    # A cloud in sync is silent, though every rule is evaluated while the controller looks twice.
    runs = f"changes(reconciler_last_run_timestamp_seconds{ours}[1h]) >= 2"
    programs.wait("two runs, as Prometheus sees them", lambda: prometheus.holds(runs))
    delivered = {rule["alert"] for rule in alerts(RULES.read_text(encoding="utf-8"))}
    assert prometheus.rules == dict.fromkeys(delivered, "ok")
    assert (prometheus.firing, pager.names) == (set(), set())

    # The controller may heal, but asks before it first changes a network in this cloud.
    path = f"/networks/{network(cloud, owner)['id']}"
    cloud.request("network", "PUT", path, json={"network": {"mtu": 1300}})
    paged = programs.wait("a page", lambda: pager.heard("firing", "ReconcilerDrift"))
    labels = {"cloud": "campus", "owner": owner, "kind": "Network", "severity": "warning"}
    assert paged["labels"].items() >= labels.items()
    assert paged["annotations"]["summary"] == "1 Network of campus differ from git"
    assert "`reconciler status` says what holds it" in paged["annotations"]["description"]
    programs.wait(
        "a page for the approval, whose four hours are seconds here",
        lambda: pager.heard("firing", "ReconcilerApprovalPending"),
    )
    assert network(cloud, owner)["mtu"] == 1300
    assert pager.heard("resolved", "ReconcilerDrift") is None

    status = json.loads(controller.call("status", "--url", controller.url, "-o", "json"))
    (campus,) = status["clouds"]
    controller.call("approve", "--cloud", "campus", campus["plan_id"])
    over = programs.wait("the end of it", lambda: pager.heard("resolved", "ReconcilerDrift"))
    assert over["fingerprint"] == paged["fingerprint"]
    assert network(cloud, owner)["mtu"] == 1400
    healed = (
        'reconciler_changes_total{kind="Network", action="update", origin="live", result="applied"}'
    )
    programs.wait("a change that is counted", lambda: prometheus.holds(f"{healed} == 1"))
    programs.wait(
        "a cloud that is as git says", lambda: prometheus.holds(f"reconciler_in_sync{ours} == 1")
    )
    programs.wait(
        "the end of the other", lambda: pager.heard("resolved", "ReconcilerApprovalPending")
    )
    programs.wait("silence", lambda: not prometheus.holds("ALERTS"))
    both = {"ReconcilerDrift", "ReconcilerApprovalPending"}
    assert (prometheus.firing, pager.names) == (both, both)
