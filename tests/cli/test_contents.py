"""What a project holds beside our kinds, and where nobody can look, each through ``apply``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import git
import pytest

from reconciler.cli.codes import Code
from tests.cli.conftest import Call
from tests.cli.repository import Repository
from tests.cli.test_guards import PRUNED, SEEN, named, shop
from tests.support.fake_cloud import FakeCloud, Route, Sent, refused

WITHOUT = "domains: {campus: {description: The campus}}"
PROJECT = "Project/campus/shop"
OURS = frozenset({"identity", "network"})
Catalogue = Callable[..., None]


@pytest.fixture
def repository(folder: Path, call: Call) -> Repository:
    """Give a repository whose last commit takes a project away that was applied before."""
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings(*PRUNED)
    return found


@pytest.fixture
def catalogue(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """Say which services there are beside our own, and which in other regions."""

    def say(*services: str, elsewhere: tuple[tuple[str, str], ...] = ()) -> None:
        who = replace(
            FakeCloud.who(cloud), services=OURS | {*services}, elsewhere=frozenset(elsewhere)
        )
        monkeypatch.setattr(cloud, "who", lambda: who)

    return say


def serve(cloud: FakeCloud, service: str, path: str, items: str, *found: str) -> None:
    """Have a service answer this listing of all projects."""
    body = {items: [{"id": one} for one in found]}

    def answer(_cloud: FakeCloud, _words: tuple[str, ...], asked: Any) -> Any:
        assert asked["all_tenants"] == "1"
        assert asked["project_id"]
        return body

    route = Route(service, "GET", re.compile(path), answer)
    cloud.routes = (route, *cloud.routes)


def take_away(repository: Repository, *words: str, code: Code = Code.DONE) -> dict[str, Any]:
    repository.commit(WITHOUT)
    return repository.apply("--allow-delete", "5", *words, code=code)


def why(answer: dict[str, Any]) -> str:
    found = next(c["held"] for c in answer["changes"] if c["address"] == PROJECT)
    return f"{found['reason']}: {found['detail']}"


@pytest.mark.parametrize(
    ("service", "path", "items", "word"),
    [
        ("compute", "/servers", "servers", "servers"),
        ("block-storage", "/volumes", "volumes", "volumes"),
        ("block-storage", "/snapshots", "snapshots", "volume snapshots"),
        ("block-storage", "/backups", "backups", "volume backups"),
    ],
)
def test_a_project_stays_that_holds(
    repository: Repository, cloud: FakeCloud, catalogue: Catalogue,
    service: str, path: str, items: str, word: str,
) -> None:  # fmt: skip
    catalogue(service)
    for other in ("volumes", "snapshots", "backups"):
        serve(cloud, "block-storage", f"/{other}", other)
    serve(cloud, service, path, items, "1", "2")
    repository.commit(shop())
    repository.apply(SEEN)
    answer = take_away(repository, "--allow-unlisted", code=Code.HELD)
    assert why(answer) == f"dependency: holds 2 {word}"
    assert "shop" in named(cloud, "/projects")


@pytest.mark.parametrize(
    "service",
    ["object-store", "load-balancer", "orchestration", "key-manager", "dns", "shared-file-system"],
)
def test_somebody_looks_first_where_nobody_here_can(
    repository: Repository, cloud: FakeCloud, catalogue: Catalogue, service: str
) -> None:
    catalogue(service)
    repository.commit(shop())
    repository.apply(SEEN)
    answer = take_away(repository, code=Code.HELD)
    assert "incomplete: may hold more: nobody looked into" in why(answer)
    assert service in why(answer)
    assert "shop" in named(cloud, "/projects")
    take_away(repository, "--allow-unlisted")
    assert "shop" not in named(cloud, "/projects")


def test_an_approved_plan_says_that_somebody_looked(
    repository: Repository, cloud: FakeCloud, catalogue: Catalogue
) -> None:
    catalogue("object-store")
    repository.commit(shop())
    repository.apply(SEEN)
    repository.commit(WITHOUT)
    plan = repository.plan()["plan_id"]
    assert repository.text("approve", plan).exit_code == Code.DONE
    repository.apply()
    assert "shop" not in named(cloud, "/projects")


def test_a_saved_plan_remembers_that_somebody_looked(
    repository: Repository, cloud: FakeCloud, catalogue: Catalogue
) -> None:
    catalogue("object-store")
    repository.commit(shop())
    repository.apply(SEEN)
    repository.commit(WITHOUT)
    words = ("--allow-delete", "1", "--allow-unlisted")
    assert repository.text("plan", "--out", "a.plan", *words).exit_code == Code.DONE
    assert repository.text("apply", "a.plan").exit_code == Code.DONE
    assert "shop" not in named(cloud, "/projects")


def test_what_another_region_may_hold_is_named(
    repository: Repository, cloud: FakeCloud, catalogue: Catalogue
) -> None:
    catalogue(elsewhere=(("compute", "two"), ("network", "two"), ("placement", "two")))
    repository.commit(shop())
    repository.apply(SEEN)
    answer = take_away(repository, code=Code.HELD)
    assert why(answer).endswith("nobody looked into compute in two, network in two")
    take_away(repository, "--allow-unlisted")
    assert "shop" not in named(cloud, "/projects")


def test_a_service_that_is_gone_from_the_catalogue_is_not_gone(
    repository: Repository, cloud: FakeCloud, catalogue: Catalogue
) -> None:
    """Its servers run on, whatever Keystone tells of it today."""
    catalogue("compute")
    serve(cloud, "compute", "/servers", "servers", "1")
    repository.commit(shop())
    repository.apply(SEEN)
    catalogue()
    answer = take_away(repository, code=Code.HELD)
    assert why(answer).endswith("compute, which the catalogue lacks")
    assert "shop" in named(cloud, "/projects")
    take_away(repository, "--allow-unlisted")
    assert "shop" not in named(cloud, "/projects")


def test_what_was_never_there_holds_nothing(
    repository: Repository, cloud: FakeCloud, catalogue: Catalogue
) -> None:
    catalogue("placement", "metering")
    repository.commit(shop())
    repository.apply(SEEN)
    take_away(repository)
    assert "shop" not in named(cloud, "/projects")


def test_a_list_that_is_gone_at_the_last_look_does_not_say_that_nothing_is_there(
    repository: Repository, cloud: FakeCloud, catalogue: Catalogue
) -> None:
    writes: list[Sent] = []

    def answer(_cloud: FakeCloud, _words: tuple[str, ...], _body: Any) -> Any:
        if writes:
            raise refused(404, "no such resource")
        return {"servers": []}

    catalogue("compute")
    cloud.routes = (Route("compute", "GET", re.compile("/servers"), answer), *cloud.routes)
    repository.commit(shop())
    repository.apply(SEEN)
    cloud.before_write = writes.append
    answered = take_away(repository, code=Code.HELD)
    assert [o["status"] for o in answered["outcomes"] if o["address"] == PROJECT] == ["skipped"]
    assert "shop" in named(cloud, "/projects")
