"""What an entry said last in git decides what becomes of its object, whatever it was called."""

from __future__ import annotations

from pathlib import Path

import git
import pytest

from reconciler.cli.codes import Code
from tests.cli.conftest import Call
from tests.cli.repository import Repository, actions, held
from tests.cli.test_guards import PRUNED, SEEN, groups, named, nets, shop
from tests.support.fake_cloud import FakeCloud


@pytest.fixture
def repository(folder: Path, call: Call) -> Repository:
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings(*PRUNED)
    return found


def group(name: str, options: str) -> str:
    return f"security_groups: {{{name}: {{reconcile: {{{options}}}}}, z: {{description: z}}}}"


def tags(cloud: FakeCloud, name: str) -> list[str]:
    rows = cloud.rows["/security-groups"].values()
    return [str(tag) for row in rows if row["name"] == name for tag in row["tags"]]


def test_a_new_name_that_was_never_applied_says_that_it_stays(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "z")))
    repository.apply(SEEN)
    repository.commit(shop(group("b", "previously: [a], on_remove: detach")))
    repository.commit(shop(group("c", "previously: [b], on_remove: detach")))
    repository.commit(shop(groups("z")))
    assert actions(repository.apply()) == {"SecurityGroup/campus/shop/a": "update"}
    assert named(cloud, "/security-groups") == ["a", "z"]
    assert tags(cloud, "a") == []


def test_a_new_name_that_was_never_applied_protects(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "z")))
    repository.apply(SEEN)
    repository.commit(shop(group("b", "previously: [a], protect: true")))
    gone = repository.commit(shop(groups("z")), author="carol")
    assert f"removed in {gone[:7]} by carol" in repository.text("plan").stdout
    answer = repository.apply(code=Code.HELD)
    assert held(answer) == {"SecurityGroup/campus/shop/a": "protected"}
    assert named(cloud, "/security-groups") == ["a", "z"]


def test_an_entry_that_went_with_the_old_name_of_its_project_said_that_it_stays(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "z")))
    repository.apply(SEEN)
    repository.commit(shop(group("a", "on_remove: detach")))
    renamed = shop("reconcile: {previously: [shop]}", groups("z"))
    repository.commit(renamed.replace("      shop:\n", "      store:\n"))
    repository.apply()
    assert named(cloud, "/security-groups") == ["a", "z"]
    assert tags(cloud, "a") == []
    assert "store" in named(cloud, "/projects")


def test_an_entry_of_a_project_that_had_another_name_for_a_while_stays(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "z")))
    repository.apply(SEEN)
    renamed = shop("reconcile: {previously: [shop]}", group("a", "on_remove: detach"))
    repository.commit(renamed.replace("      shop:\n", "      store:\n"))
    repository.commit(shop(groups("z"), "reconcile: {previously: [store]}"))
    repository.apply()
    assert named(cloud, "/security-groups") == ["a", "z"]
    assert tags(cloud, "a") == []


def test_what_was_declared_for_one_commit_since_all_was_settled_is_remembered(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("z"), nets("n", "m")))
    repository.apply(SEEN)
    repository.commit(shop(groups("z"), nets("m")))  # a network is held: nothing settles
    repository.commit(shop(group("x", "on_remove: detach"), nets("m")))
    repository.apply(code=Code.HELD)
    for number in range(4):
        repository.commit(shop(groups("z"), nets("m"), f"# {number}"))
    repository.apply(code=Code.HELD)
    assert named(cloud, "/security-groups") == ["x", "z"]
    assert tags(cloud, "x") == []


def test_a_name_that_goes_round_in_a_circle_comes_to_an_end(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "z")))
    repository.apply(SEEN)
    for new, old in ("ba", "ab", "ba"):
        repository.commit(shop(group(new, f"previously: [{old}], on_remove: detach")))
    repository.commit(shop(groups("z")))
    repository.apply()
    assert named(cloud, "/security-groups") == ["a", "z"]
