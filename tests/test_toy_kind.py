"""A kind in thirty lines gets plan, apply, export, schema and documentation from that alone."""

from __future__ import annotations

from typing import Annotated

import pytest

from reconciler.export.cloud import export_cloud
from reconciler.kinds.calls import neutron
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Kinds, load_kinds
from reconciler.kinds.spec import Immutable, Ref, Reference, Spec, Via
from reconciler.kinds.values import Count, Tags, Text
from reconciler.report.reference import reference
from reconciler.schema import state_schema
from reconciler.state.model import make_desired
from tests.support import fake_identity, fake_network
from tests.support.fake_cloud import FakeCloud, Table
from tests.support.runs import Runner, in_memory, runner_for, shown, went_wrong
from tests.support.schemas import misfits
from tests.support.small_cloud import NAMES


class ToySpec(Spec):
    """Something to play with."""

    description: Text = ""
    """Free text."""
    size: Annotated[Count, Immutable()] = 1
    """How large it is."""
    network: Annotated[Reference | None, Ref("Network")] = None
    """Where it is plugged in."""
    tags: Annotated[Tags, Via("tags")] = frozenset()
    """Short words to find it by."""


TOY = Kind(
    name="Toy",
    collection="toys",
    within=("Project",),
    spec=ToySpec,
    ancestors={"project_id": "Project"},
    **neutron("/toys", "toy"),
)

BLANK = {"name": "", "description": "", "size": 1, "network_id": None, "project_id": None,
         "tags": []}  # fmt: skip
TABLE = Table("network", "/toys", "toy", "toys", BLANK, revisions=True,
              read_only=frozenset({"size"}), refers={"network_id": "/networks"})  # fmt: skip
STATE = """
domains: {d: {projects: {p: {
  reconcile: {},
  networks: {n: {reconcile: {}}},
  toys: {ball: {description: round, size: 3, network: n, tags: [red]}, bear: {}},
}, reconcile: {}}, reconcile: {}}}
"""


@pytest.fixture
def cloud() -> FakeCloud:
    cloud = FakeCloud(
        (*fake_identity.TABLES, *fake_network.TABLES, TABLE),
        (*fake_identity.ROUTES, *fake_network.ROUTES),
    )
    fake_identity.bootstrap(cloud)
    return cloud


@pytest.fixture
def runner(cloud: FakeCloud) -> Runner:
    here = [kind for kind in load_kinds() if kind.name in NAMES]
    return runner_for(cloud, cloud.who(), Kinds([*here, TOY]))


def test_it_is_planned_and_applied(cloud: FakeCloud, runner: Runner) -> None:
    desired = runner.desired(STATE)
    plan, live = runner.plan(desired)
    assert "create Toy/d/p/ball" in shown(plan)
    assert went_wrong(runner.apply(desired, (plan, live))) == []
    ball = next(cloud.where("/toys", name="ball"))
    assert (ball["size"], ball["tags"]) == (3, ["red"])
    assert ball["network_id"] == next(cloud.where("/networks", name="n"))["id"]


def test_its_drift_is_found_and_healed(cloud: FakeCloud, runner: Runner) -> None:
    desired = runner.desired(STATE)
    runner.apply(desired)
    ball = next(cloud.where("/toys", name="ball"))
    ball.update(description="flat", tags=[], network_id=None)
    plan, live = runner.plan(desired)
    (change,) = plan.changes
    assert [field.path for field in change.fields] == ["description", "network", "tags"]
    assert went_wrong(runner.apply(desired, (plan, live))) == []
    assert (ball["description"], ball["tags"]) == ("round", ["red"])


def test_what_is_fixed_is_replaced_and_what_is_absent_goes(
    cloud: FakeCloud, runner: Runner
) -> None:
    runner.apply(runner.desired(STATE))
    plan, _ = runner.plan(runner.desired(STATE.replace("size: 3", "size: 4")))
    assert "[held replace: size cannot change in place]" in shown(plan)[0]
    gone = runner.desired(STATE.replace("bear: {}", "bear: {reconcile: {lifecycle: absent}}"))
    assert went_wrong(runner.apply(gone)) == []
    assert [toy["name"] for toy in cloud.rows["/toys"].values()] == ["ball"]


def test_it_is_exported(runner: Runner) -> None:
    runner.apply(runner.desired(STATE))
    export = export_cloud(runner.target)
    assert "toys:" in export.files["d/p.yaml"]
    desired, _ = make_desired(in_memory(files=export.files), runner.target.kinds)
    assert runner.plan(desired)[0].empty


def test_editors_know_it() -> None:
    schema = state_schema(Kinds([*load_kinds(), TOY]))
    described = {"domain": "d", "project": "p", "toys": {"ball": {"size": 3, "tags": ["red"]}}}
    assert misfits(described, schema) == []
    assert misfits({"domain": "d", "project": "p", "toys": {"ball": {"colour": "red"}}}, schema)


def test_it_is_documented() -> None:
    page = reference(Kinds([*load_kinds(), TOY]))
    assert "## Toy" in page
    for words in ("Something to play with.", "How large it is.", "Where it is plugged in."):
        assert words in page
