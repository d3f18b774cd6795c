"""A second pass of an apply does what the first was to do, and nothing that nobody saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import git
import pytest

from reconciler.cli.codes import Code
from tests.cli.conftest import Call
from tests.cli.repository import Repository
from tests.cli.test_guards import SEEN, groups, named, record_of, shop
from tests.support.fake_cloud import FakeCloud, Row, Sent

PRUNED = ("Network", "SecurityGroup")


@pytest.fixture
def repository(folder: Path, call: Call) -> Repository:
    git.Repo.init(folder).close()
    found = Repository(folder, call)
    found.settings(*PRUNED)
    return found


def test_what_a_service_makes_otherwise_is_not_made_again_and_again(
    repository: Repository, cloud: FakeCloud
) -> None:
    wanted = "networks: {{a: {{mtu: 1400, provider: {{network_type: {}}}}}}}"
    repository.commit(shop(wanted.format("geneve")))
    repository.apply(SEEN)
    repository.commit(shop(wanted.format("vlan")))
    table = cloud.tables["/networks"]

    def make_otherwise(of: FakeCloud, row: Row) -> None:
        table.on_create(of, row)
        row["provider:network_type"] = "vxlan"

    cloud.tables["/networks"] = replace(table, on_create=make_otherwise)
    allowed = ("--allow-replace", "--allow-delete", "1", "--allow-wipe", "Network")
    repository.apply(SEEN, *allowed, code=Code.FAILED)
    deletes = [one for one in cloud.writes if one.method == "DELETE" and "/networks/" in one.path]
    assert len(deletes) == 1
    assert [count for _, count in record_of(cloud).deleted["Network"]] == [1]


def test_what_another_hand_makes_in_place_of_what_went_is_not_deleted(
    repository: Repository, cloud: FakeCloud
) -> None:
    repository.commit(shop(groups("a", "b")))
    repository.apply(SEEN)
    absent = "{a: {reconcile: {lifecycle: absent}}, b: {description: b}}"
    repository.commit(shop(f"security_groups: {absent}"))
    table = cloud.tables["/security-groups"]

    def make_another(of: FakeCloud, row: Row) -> None:
        table.on_delete(of, row)
        if row["description"] == "a":
            theirs = {"name": "a", "project_id": row["project_id"], "description": "another's"}
            of.add("/security-groups", theirs)

    cloud.tables["/security-groups"] = replace(table, on_delete=make_another)
    repository.apply(SEEN, code=Code.FAILED)
    assert named(cloud, "/security-groups") == ["a", "b"]


@pytest.fixture
def network(repository: Repository, cloud: FakeCloud) -> Row:
    """Give a network that a commit gives another mtu, and whose description stays as it is."""
    repository.commit(shop("networks: {n: {mtu: 1400, description: x}}"))
    repository.apply(SEEN)
    repository.commit(shop("networks: {n: {mtu: 1300, description: x}}"))
    return next(row for row in cloud.rows["/networks"].values() if row["name"] == "n")


def test_what_is_stated_of_an_object_is_looked_at_before_any_of_it_is_changed(
    repository: Repository, cloud: FakeCloud, network: Row
) -> None:
    def meddle(_sent: Sent) -> None:
        if network["description"] == "x":
            network["description"] = "by hand"
            network["revision_number"] += 1

    cloud.before_write = meddle
    repository.apply(SEEN, code=Code.HELD)
    assert (network["description"], network["mtu"]) == ("by hand", 1400)


def test_what_another_hand_changes_right_after_us_waits_for_the_next_run(
    repository: Repository, cloud: FakeCloud, network: Row
) -> None:
    table = cloud.tables["/networks"]

    def meddle(of: FakeCloud, row: Row, body: Row) -> None:
        table.on_update(of, row, body)
        row["description"] = "by hand"

    cloud.tables["/networks"] = replace(table, on_update=meddle)
    repository.apply(SEEN, code=Code.FAILED)
    assert (network["description"], network["mtu"]) == ("by hand", 1300)
