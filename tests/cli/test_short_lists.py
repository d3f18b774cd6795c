"""A list that is short with a 200 tells nothing: each time through ``reconciler apply``."""

from __future__ import annotations

from pathlib import Path

import git
import pytest

from reconciler.cli.codes import Code
from tests.cli.conftest import Call
from tests.cli.repository import Repository, actions
from tests.cli.test_guards import PRUNED, SEEN, groups, named, nets, shop
from tests.support.fake_cloud import FakeCloud, Row


@pytest.fixture
def repository(folder: Path, call: Call) -> Repository:
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings(*PRUNED)
    return found


def project(cloud: FakeCloud) -> Row:
    return next(cloud.where("/projects", name="shop"))


@pytest.mark.parametrize("path", ["/networks", "/security-groups"])
def test_what_was_there_when_all_was_done_is_looked_for_again(
    repository: Repository, cloud: FakeCloud, path: str
) -> None:
    repository.commit(shop(nets("n"), groups("a")))
    repository.apply(SEEN)
    cloud.blind[path] = 1
    assert repository.plan()["changes"] == []
    assert cloud.blind[path] == 0


def test_what_is_really_gone_is_made_again(repository: Repository, cloud: FakeCloud) -> None:
    repository.commit(shop(nets("n", "m")))
    repository.apply(SEEN)
    gone = next(cloud.where("/networks", name="n"))["id"]
    cloud.remove("/networks", gone)
    cloud.sent.clear()
    assert actions(repository.apply()) == {"Network/campus/shop/n": "create"}
    assert named(cloud, "/networks") == ["m", "n"]


def test_of_a_project_that_goes_all_that_was_ours_is_looked_for_again(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(nets("n")))
    repository.apply(SEEN)
    repository.commit("domains: {campus: {description: The campus}}")
    cloud.blind["/networks"] = 1
    assert actions(repository.plan()) == {
        "Project/campus/shop": "delete", "Network/campus/shop/n": "delete",
    }  # fmt: skip


def test_a_stranger_that_no_list_showed_saves_its_project(
    repository: Repository, cloud: FakeCloud
) -> None:
    """Right before the project goes, the service is asked for what lies in it."""
    repository.commit(shop())
    repository.apply(SEEN)
    cloud.add("/networks", {"name": "by-hand", "project_id": project(cloud)["id"]})
    repository.commit("domains: {campus: {description: The campus}}")
    cloud.blind["/networks"] = 9
    cloud.before_write = lambda _sent: cloud.blind.clear()
    answer = repository.apply("--allow-delete", "5", code=Code.HELD)
    assert "holds 1 networks by now" in str(answer["outcomes"])
    assert "shop" in named(cloud, "/projects")
