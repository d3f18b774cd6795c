"""From a real OpenStack to one whose requests carry a time, and that somebody changes by hand."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.controller_place import CLOUD, DOMAIN
from reconciler.cloud.session import Cloud
from reconciler.devcloud.layout import HOST, Home
from reconciler.devcloud.services import SERVICES
from tests.chaos.proxy import Proxy, Reply, Request


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the controller, and when it was answered, on our clock."""

    at: float
    service: str
    method: str
    path: str
    writes: bool


class Watch(Proxy):
    """Stands before each service, and notes when it answered what. It changes nothing."""

    def __init__(self, home: Home) -> None:
        self.calls: list[Call] = []
        super().__init__({one.type: (HOST, home.port(one)) for one in SERVICES})

    def answer(self, server: Any, request: Request) -> Reply | None:
        """Give what the service gives."""
        reply = super().answer(server, request)
        found = Call(
            time.monotonic(), request.service, request.method, request.path, request.writes
        )
        self.calls.append(found)
        return reply

    def start_anew(self) -> None:
        """Forget what was seen."""
        self.wait_quiet()
        self.begin()
        self.calls = []


@contextmanager
def watched(home: Home, folder: Path) -> Iterator[tuple[Watch, Path]]:
    """Give a watch over a devcloud, and the clouds.yaml that leads through it."""
    watch = Watch(home)
    try:
        yield watch, write_clouds(folder, watch.url("identity") + "/v3", home.password)
    finally:
        watch.close()


def write_clouds(folder: Path, url: str, password: str) -> Path:
    """Write a clouds.yaml with one cloud, and give its path."""
    auth = {
        "auth_url": url, "username": "admin", "password": password, "project_name": "admin",
        "user_domain_name": "Default", "project_domain_name": "Default",
    }  # fmt: skip
    path = folder / "clouds.yaml"
    cloud = {"region_name": "devcloud", "auth": auth}
    path.write_text(json.dumps({"clouds": {CLOUD: cloud}}), encoding="utf-8")
    return path


class Hand:
    """Somebody at a dashboard, who goes straight to the services. Guards what ids things have."""

    def __init__(self, clouds: Path) -> None:
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(clouds)
        self._cloud = Cloud(CLOUD)
        ask = self._cloud.request
        query = {"name": DOMAIN}
        (domain,) = ask("identity", "GET", "/domains", params=query)["domains"]
        found = ask("identity", "GET", "/projects", params={"domain_id": domain["id"]})["projects"]
        names = {project["id"]: project["name"] for project in found}
        self.projects = {name: key for key, name in names.items()}
        groups = ask("network", "GET", "/security-groups", params={"name": "web"})
        self.groups = {
            names[group["project_id"]]: (group["id"], group["description"])
            for group in groups["security_groups"]
            if group["project_id"] in names
        }

    def change(self, project: str, text: str) -> float:
        """Change the description of a project's group; gives when that was answered."""
        body = {"security_group": {"description": text}}
        self._cloud.request(
            "network", "PUT", f"/security-groups/{self.groups[project][0]}", json=body
        )
        return time.monotonic()

    def undo(self, project: str) -> None:
        """Change it back."""
        self.change(project, self.groups[project][1])


def wait_for(true: Callable[[], bool], seconds: float = 180.0, step: float = 0.02) -> float:
    """Wait until something is so, and give when it was seen."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise TimeoutError("it does not come to pass")
        time.sleep(step)
    return time.monotonic()
