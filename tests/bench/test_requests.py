"""A look at the cloud costs what the kinds say of their listings, and not one request more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pytest

from bench.expected import expected, pages
from bench.state import Size, files
from reconciler import errand
from reconciler.chronicle import Chronicle
from reconciler.cloud.live import Live
from reconciler.cloud.record import Record, write_record
from reconciler.engine.plan import wants_of
from reconciler.engine.policy import Policy
from reconciler.engine.values import Plan
from reconciler.errand import Job, remember
from reconciler.kinds.address import Address
from reconciler.kinds.registry import Kinds
from reconciler.line import Selection, Target
from reconciler.state.model import make_desired
from reconciler.state.values import Desired
from tests.support.fake_cloud import FakeCloud, Sent
from tests.support.full_cloud import full_cloud
from tests.support.runs import in_memory, shown

OWNER = "bench"
SERVICES = frozenset({"identity", "network", "compute", "image", "block-storage"})
RECORD = 1
"""Requests that read what earlier runs left behind."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A plan, with what was sent for it."""

    plan: Plan
    live: Live
    desired: Desired
    sent: tuple[Sent, ...]


class Look(Protocol):
    """Plans a state of this size; without a settled record nobody knows what may be ours."""

    def __call__(self, cloud: FakeCloud, size: Size, *, settled: bool = True) -> Looked: ...


@pytest.fixture
def look(kinds: Kinds, tmp_path: Path) -> Look:
    def looked(cloud: FakeCloud, size: Size, *, settled: bool = True) -> Looked:
        who = replace(cloud.who(), services=SERVICES)
        desired = make_desired(in_memory(files=dict(files(size))), kinds)[0]
        if settled:
            record = Record(settled="a revision", kinds=frozenset({"Network"}))
            write_record(cloud, who.project_id, OWNER, record)
        target = Target(cloud, who, "tests", kinds)
        job = Job(target, desired, OWNER, None, None, Chronicle(tmp_path / "chronicle.sqlite3"))
        cloud.sent.clear()
        memory = remember(job, Selection(), 0.0)
        plan, live, _ = errand.look(job, Policy(OWNER), Selection(), memory)
        return Looked(plan, live, desired, tuple(cloud.sent))

    return looked


def declared(kinds: Kinds, cloud: FakeCloud, looked: Looked) -> Counter[str]:
    """Count from the kinds, and from how many objects there are."""
    wanted = wants_of(looked.desired)

    def held(path: str, parent: Address | None) -> int:
        rows = cloud.rows.get(urlsplit(path).path, {})
        if parent is None:
            return len(rows)
        above = looked.live.objects[parent].id
        return sum(1 for row in rows.values() if row.get("domain_id") == above)

    return expected(kinds, looked.live, lambda parent, kind: (parent, kind) in wanted, held)


@pytest.mark.parametrize("projects", [10, 200, 260])
def test_a_plan_asks_for_the_pages_and_for_what_each_kind_declares_and_no_more(
    projects: int, kinds: Kinds, look: Look
) -> None:
    size = Size(projects)
    cloud = full_cloud(kinds, size, OWNER)
    found = look(cloud, size)
    assert shown(found.plan) == []
    assert found.live.incomplete == {}
    assert len(found.sent) == declared(kinds, cloud, found).total() + RECORD
    assert {one.method for one in found.sent} == {"GET"}
    assert not {"/images", "/types", "/floatingips"} & {one.path for one in found.sent}


def test_where_anything_may_be_ours_every_collection_is_read_and_still_but_once(
    kinds: Kinds, look: Look
) -> None:
    cloud = full_cloud(kinds, Size(10), OWNER)
    found = look(cloud, Size(10), settled=False)
    assert {"/images", "/types", "/floatingips"} <= {one.path for one in found.sent}
    assert len(found.sent) == declared(kinds, cloud, found).total() + RECORD


def test_only_what_kinds_declare_for_each_object_grows_with_their_number(
    kinds: Kinds, look: Look
) -> None:
    counts = []
    for projects in (10, 20):
        cloud = full_cloud(kinds, Size(projects), OWNER)
        found = look(cloud, Size(projects))
        counts.append(declared(kinds, cloud, found))
    grown = {name for name in counts[1] if counts[1][name] != counts[0][name]}
    each = {kind.name for kind in kinds if kind.listing and kind.listing.each == "Project"}
    assert grown <= each
    assert counts[0]["SecurityGroupRule"] == 0  # they lie in their groups


@pytest.mark.parametrize(
    ("objects", "page", "count"), [(0, 500, 1), (499, 500, 1), (500, 500, 2), (9999, 0, 1)]
)
def test_after_a_page_that_is_full_there_is_another(objects: int, page: int, count: int) -> None:
    assert pages(objects, page) == count
