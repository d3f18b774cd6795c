"""From nothing to a cloud in memory as it is born, and to the kinds that it has."""

from __future__ import annotations

from reconciler.kinds.registry import Kinds, load_kinds
from tests.support import fake_identity, fake_network
from tests.support.fake_cloud import FakeCloud
from tests.support.runs import Runner, runner_for

NAMES = frozenset({
    "Domain", "Project", "User", "Group", "GroupMember", "Role", "ImpliedRole", "System",
    "RoleAssignment", "Network", "Subnet", "SecurityGroup", "SecurityGroupRule",
})  # fmt: skip


def small_kinds() -> Kinds:
    """Give the kinds that the cloud in memory has."""
    return Kinds(kind for kind in load_kinds() if kind.name in NAMES)


def small_cloud() -> FakeCloud:
    tables = (*fake_identity.TABLES, *fake_network.TABLES)
    cloud = FakeCloud(tables, (*fake_identity.ROUTES, *fake_network.ROUTES))
    fake_identity.bootstrap(cloud)
    return cloud


def small_runner(cloud: FakeCloud) -> Runner:
    return runner_for(cloud, cloud.who(), small_kinds())
