"""Which collections a plan lists: what it depends on, and all of them before anything goes."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import git
import pytest

from reconciler.cli.codes import Code
from reconciler.cloud.record import Record
from reconciler.engine.memory import Memory
from reconciler.engine.policy import Policy
from reconciler.engine.scope import scope_of
from reconciler.kinds.address import Address
from reconciler.kinds.registry import load_kinds
from reconciler.state.history import Prior
from reconciler.state.model import make_desired
from tests.cli.conftest import Call
from tests.cli.repository import Repository, held
from tests.support.fake_cloud import FakeCloud
from tests.support.runs import in_memory

PEOPLE = "domains: {campus: {description: The campus, users: {alice: {}}}}"
NETWORK = """
domains:
  campus:
    description: The campus
    users: {alice: {}}
    projects: {shop: {description: The shop, networks: {front: {mtu: 1400}}}}
"""


@pytest.fixture
def repository(folder: Path, call: Call) -> Repository:
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings()
    return found


def listed(cloud: FakeCloud) -> set[str]:
    return {urlsplit(one.path).path for one in cloud.sent if one.method == "GET"}


def looked_at(repository: Repository, cloud: FakeCloud) -> set[str]:
    cloud.sent.clear()
    repository.plan()
    return listed(cloud) & set(cloud.rows)


def test_what_nothing_declares_and_nobody_ever_wrote_is_not_listed(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(PEOPLE)
    assert "/security-groups" in looked_at(repository, cloud)  # no record yet: anything may be ours
    repository.apply()
    seen = looked_at(repository, cloud)
    assert seen >= {"/projects", "/users", "/groups"}
    assert not seen & {"/networks", "/subnets", "/security-groups"}


def test_a_kind_that_was_written_once_is_listed_although_nothing_declares_it_any_more(
    repository: Repository,
) -> None:
    repository.commit(NETWORK)
    repository.apply("--allow-first-meeting")
    repository.commit(NETWORK.replace(", networks: {front: {mtu: 1400}}", ""))
    assert held(repository.plan()) == {"Network/campus/shop/front": "prune_off"}


def test_before_anything_goes_all_there_is_was_looked_at(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(PEOPLE)
    repository.apply()
    repository.settings("User")
    repository.commit(PEOPLE.replace("alice", "bob"))
    assert looked_at(repository, cloud) >= {"/networks", "/security-groups"}


def test_a_mark_of_ours_that_the_record_does_not_know_of_is_found_where_the_record_is_gone(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(NETWORK)
    repository.apply("--allow-first-meeting")
    for project in cloud.rows["/projects"].values():
        for name in [n for n in project if n.startswith("reconciler_record")]:
            del project[name]
    repository.commit(PEOPLE)
    found = repository.plan()
    assert "Network/campus/shop/front" in held(found)


def test_an_admin_is_not_disabled_unseen_by_a_state_that_speaks_of_nobody_else(
    repository: Repository,
) -> None:
    repository.commit("domains: {Default: {users: {admin: {description: It}}}}")
    repository.apply("--allow-first-meeting", "--allow-adopt")
    repository.commit("domains: {Default: {users: {admin: {description: It, enabled: false}}}}")
    answer = repository.apply("--allow-first-meeting", code=Code.HELD)
    assert held(answer) == {"User/Default/admin": "self"}


def test_what_the_settled_commit_declared_is_listed_although_nothing_of_it_was_ever_written() -> (
    None
):
    kinds = load_kinds()
    region, nobody = Address("Region", ("north",)), make_desired(in_memory(""), kinds)[0]
    resource = make_desired(in_memory("regions: {north: {description: x}}"), kinds)[0]
    record = Record(settled="abc", kinds=frozenset())
    before = Memory(record, Prior(known=True))
    after = Memory(record, Prior(known=True, settled={region: resource.resources[region]}))
    scopes = [scope_of(nobody, kinds, Policy("us"), memory) for memory in (before, after)]
    assert [scope is not None and "Region" in scope for scope in scopes] == [False, True]
