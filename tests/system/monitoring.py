"""A real Prometheus and a real Alertmanager over our rules, and somebody who is paged."""

from __future__ import annotations

import json
import re
import signal
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.support.git_server import free_port
from tests.system.programs import Programs, installed

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules.yaml"
FOR = 5
"""Seconds that a condition lasts here before its alert fires."""
LATE_FOR = 60
"""The same where the condition is that a run is late: here one may take many short intervals."""
TICK = "1s"
"""Between two scrapes, two evaluations, two notifications of a group."""


class Pager(ThreadingHTTPServer):
    """Takes what Alertmanager sends, and keeps it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.alerts: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def heard(self, status: str, name: str) -> dict[str, Any] | None:
        """Give the newest alert of this name that was sent as firing, or as resolved."""
        told = [a for a in self.alerts if (a["status"], a["labels"]["alertname"]) == (status, name)]
        return told[-1] if told else None

    @property
    def names(self) -> set[str]:
        return {str(alert["labels"]["alertname"]) for alert in self.alerts}


class _Page(BaseHTTPRequestHandler):
    server: Pager

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.alerts += sent["alerts"]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the one above
        """Say nothing: what was heard is looked at by the test."""


@contextmanager
def paged() -> Iterator[Pager]:
    """Listen for pages."""
    with Pager() as pager:
        listening = threading.Thread(target=pager.serve_forever, kwargs={"poll_interval": 0.1})
        listening.start()
        try:
            yield pager
        finally:
            pager.shutdown()
            listening.join()


def get(url: str) -> str:
    """Read what is there, or nothing where nobody answers or somebody says no."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - ours, on loopback
            return str(answer.read().decode())
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that scrapes, and evaluates the rules that we deliver."""

    url: str

    def ask(self, path: str, **words: str) -> Any:
        """Ask its API."""
        answer = get(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(words)}")
        assert answer, f"Prometheus does not answer to {path} {words}"
        return json.loads(answer)["data"]

    def series(self, expr: str) -> list[Mapping[str, str]]:
        """Give the labels of all that an expression finds."""
        return [found["metric"] for found in self.ask("query", query=expr)["result"]]

    def holds(self, expr: str) -> bool:
        return bool(self.series(expr))

    @property
    def rules(self) -> dict[str, str]:
        """Say of each rule, by its name, whether it can be evaluated."""
        groups = self.ask("rules")["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    @property
    def firing(self) -> set[str]:
        """Give the names of the alerts that fire, or fired at any time."""
        lately = self.series('max_over_time(ALERTS{alertstate="firing"}[1h])')
        return {found["alertname"] for found in lately}


def shortened(rules: str) -> str:
    """Have every alert fire after seconds: nothing else of the rules changes."""
    parts = re.split(r"(?m)^(?= *- alert:)", rules)
    made, count = "", 0
    for part in parts:
        seconds = LATE_FOR if "reconciler_interval_seconds" in part else FOR
        text, found = re.subn(r"(?m)^( +for:) \S+$", rf"\1 {seconds}s", part)
        made, count = made + text, count + found
    assert 0 < count == sum("for" in rule for rule in alerts(rules))
    assert {rule.get("for") for rule in alerts(made)} == {None, f"{FOR}s", f"{LATE_FOR}s"}
    return made


def alerts(rules: str) -> list[dict[str, Any]]:
    """Give the rules that a file of them has."""
    return [rule for group in yaml.safe_load(rules)["groups"] for rule in group["rules"]]


def start_monitoring(programs: Programs, pager: Pager, scraped: int) -> Prometheus:
    """Start both; gives the Prometheus that scrapes a port and alerts by way of the other."""
    notifying = _start_alertmanager(programs, pager)
    folder, asking = programs.folder, free_port()
    ticks = {"scrape_interval": TICK, "scrape_timeout": TICK, "evaluation_interval": TICK}
    settings = {
        "global": ticks, "alerting": {"alertmanagers": [_at(notifying)]},
        "scrape_configs": [{"job_name": "reconciler", **_at(scraped)}],
    }  # fmt: skip
    _write(folder / "prometheus.yml", settings)
    programs.start(
        "prometheus", installed("prometheus", "prometheus"),
        "--config.file=prometheus.yml", "--storage.tsdb.path=prometheus",
        f"--web.listen-address=127.0.0.1:{asking}",
    )  # fmt: skip
    found = Prometheus(f"http://127.0.0.1:{asking}")
    programs.wait("a Prometheus that is ready", lambda: get(f"{found.url}/-/ready"))
    programs.wait("a scrape", lambda: found.holds("up == 1"))
    # It takes seconds to the first scrape, in which ReconcilerAbsent would be right to fire here.
    (folder / "rules.yaml").write_text(shortened(RULES.read_text(encoding="utf-8")), "utf-8")
    _write(folder / "prometheus.yml", {**settings, "rule_files": ["rules.yaml"]})
    programs.running["prometheus"].send_signal(signal.SIGHUP)
    programs.wait("rules that are loaded", lambda: found.rules)
    return found


def _start_alertmanager(programs: Programs, pager: Pager) -> int:
    """Start an Alertmanager that pages for each alert by itself; gives its port."""
    port = free_port()
    route = {
        "receiver": "pager", "group_by": ["..."], "group_wait": "0s", "group_interval": TICK,
        "repeat_interval": "1h",
    }  # fmt: skip
    pages = {"url": pager.url, "send_resolved": True}
    receiver = {"name": "pager", "webhook_configs": [pages]}
    _write(programs.folder / "alertmanager.yml", {"route": route, "receivers": [receiver]})
    programs.start(
        "alertmanager", installed("prometheus-alertmanager", "prometheus-alertmanager"),
        "--config.file=alertmanager.yml", "--storage.path=alertmanager",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    )  # fmt: skip
    ready = f"http://127.0.0.1:{port}/-/ready"
    programs.wait("an Alertmanager that is ready", lambda: get(ready))
    return port


def _at(port: int) -> dict[str, Any]:
    return {"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}


def _write(path: Path, content: Any) -> None:
    # JSON is YAML.
    path.write_text(json.dumps(content), encoding="utf-8")
