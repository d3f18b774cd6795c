"""Each example, applied to an empty cloud, is what openstacksdk reads there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.export.cloud import export_cloud
from reconciler.kinds.values import Json
from reconciler.state.model import make_desired
from tests.support.runs import Runner, in_memory, shown

pytestmark = [
    pytest.mark.devcloud,
    pytest.mark.alone,
    # openstacksdk warns of calls that it makes itself.
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

Applied = Callable[[str], Runner]
GIB = 1024


def assert_exports(runner: Runner) -> None:
    """See that a plan of what is exported finds nothing."""
    found = export_cloud(runner.target)
    desired, _ = make_desired(in_memory(files=found.files), runner.target.kinds)
    plan, _ = runner.plan(desired)
    assert plan.empty, shown(plan)
    assert not [change for change in plan.changes if change.held], shown(plan)


def endpoints(cloud: Json, region: str) -> dict[tuple[str, str], str]:
    """Give the addresses of a region's services, by type and interface."""
    types = {service.id: service.type for service in cloud.identity.services()}
    return {
        (types[one.service_id], one.interface): one.url
        for one in cloud.identity.endpoints(region_id=region)
    }


def roles_on(cloud: Json, project: str, user: str) -> set[str]:
    """Give the names of the roles that a user of the domain Default has on a project."""
    names = {role.id: role.name for role in cloud.identity.roles()}
    where = cloud.identity.find_project(project, ignore_missing=False)
    who = cloud.identity.find_user(user, ignore_missing=False)
    found = cloud.identity.role_assignments(scope_project_id=where.id, user_id=who.id)
    return {names[one.role["id"]] for one in found}


def test_campus(applied: Applied, connection: Json) -> None:
    runner = applied("campus")
    assert connection.identity.get_region("IFSC-SJ-01")
    found = endpoints(connection, "IFSC-SJ-01")
    assert len(found) == 15
    assert {kind for kind, _ in found} == {"identity", "compute", "volume", "image", "network"}
    assert {interface for _, interface in found} == {"public", "internal", "admin"}
    assert {url.split("/")[2].split(":")[0] for url in found.values()} == {
        "200.135.233.10",
        "10.100.0.10",
    }
    assert len(endpoints(connection, "devcloud")) == 18
    assert {"IFSC", "admin", "service"} <= {p.name for p in connection.identity.projects()}
    users = {user.name for user in connection.identity.users()}
    assert {"rafael", "marcos", "ederson", "nova", "glance", "cinder", "neutron"} <= users
    assert roles_on(connection, "IFSC", "rafael") == {"Member"}
    assert roles_on(connection, "IFSC", "ederson") == {"Member", "admin"}
    assert roles_on(connection, "admin", "ederson") == {"admin"}
    assert roles_on(connection, "service", "nova") == {"admin", "service"}
    # SQLite tells case apart; a database that does not would refuse the second of the two.
    assert {"Member", "member"} <= {role.name for role in connection.identity.roles()}
    images = {image.name: image for image in connection.image.images(visibility="public")}
    assert set(images) == {"ubuntu-22.04", "ubuntu-24.04"}
    assert {image.disk_format for image in images.values()} == {"qcow2"}
    assert {image.status for image in images.values()} == {"active"}
    assert images["ubuntu-24.04"].os_version == "24.04"
    assert_exports(runner)


def test_training_lab(applied: Applied, connection: Json) -> None:
    runner = applied("training-lab")
    domain = connection.identity.find_domain("training", ignore_missing=False).id
    projects = {p.name: p.id for p in connection.identity.projects(domain_id=domain)}
    students = sorted(name for name in projects if name.startswith("student-"))
    assert len(students) == 30
    assert len(projects) == 31
    kevin = connection.identity.find_user("kevin", domain_id=domain, ignore_missing=False)
    assert kevin.default_project_id == projects["uplooking"]
    outside = connection.network.find_network("all-pub", ignore_missing=False)
    assert outside.is_router_external
    pool = connection.network.find_subnet("net1", network_id=outside.id, ignore_missing=False)
    assert pool.allocation_pools == [{"start": "172.25.254.50", "end": "172.25.254.200"}]
    private = connection.network.find_network(
        "uplooking-pri1", project_id=projects["uplooking"], ignore_missing=False
    )
    subnet = connection.network.find_subnet("pri-net1", network_id=private.id, ignore_missing=False)
    route1 = connection.network.find_router("route1", ignore_missing=False)
    assert route1.external_gateway_info["network_id"] == outside.id
    [port] = connection.network.ports(
        device_id=route1.id, device_owner="network:router_interface"
    )  # fmt: skip
    assert [ip["subnet_id"] for ip in port.fixed_ips] == [subnet.id]
    assert len(list(connection.network.networks(name="lab"))) == 30
    routers = list(connection.network.routers(name="out"))
    assert {router.project_id for router in routers} == {projects[name] for name in students}
    assert {router.external_gateway_info["network_id"] for router in routers} == {outside.id}
    for name in (students[0], students[-1]):
        assert connection.compute.get_quota_set(projects[name]).cores == 4
        assert connection.network.get_quota(projects[name]).routers == 1
        assert connection.block_storage.get_quota_set(projects[name]).gigabytes == 20
    assert_exports(runner)


def test_operations(applied: Applied, connection: Json) -> None:
    runner = applied("operations")
    flavors = {f.name: (f.vcpus, f.ram, f.disk, f.ephemeral) for f in connection.compute.flavors()}
    assert flavors == {
        "m1.tiny": (1, 512, 0, 0),
        "m1.small": (1, 2 * GIB, 10, 20),
        "m1.medium": (2, 4 * GIB, 10, 40),
        "m1.large": (4, 8 * GIB, 10, 80),
        "m1.xlarge": (8, 16 * GIB, 10, 160),
    }
    domain = connection.identity.find_domain("operations", ignore_missing=False).id
    projects = {p.name: p.id for p in connection.identity.projects(domain_id=domain)}
    for name, cores, instances in (("web", 20, 10), ("office", 20, 10), ("batch", 2048, 1024)):
        compute = connection.compute.get_quota_set(projects[name])
        assert (compute.cores, compute.instances, compute.ram) == (cores, instances, 51200)
        volume = connection.block_storage.get_quota_set(projects[name])
        assert (volume.gigabytes, volume.volumes) == (1000, 10)
        network = connection.network.get_quota(projects[name])
        assert (network.floating_ips, network.security_groups) == (10, 10)
        assert network.security_group_rules == 20
    groups = {g.name: g for g in connection.network.security_groups(project_id=projects["web"])}
    assert set(groups) == {"default", "open", "global_http", "cluster"}

    def admitted(name: str) -> set[tuple[object, ...]]:
        return {
            (rule["protocol"], rule["port_range_min"], rule["remote_group_id"])
            for rule in groups[name].security_group_rules
            if rule["direction"] == "ingress"
        }

    # Neutron keeps all ports as no ports.
    assert admitted("open") == {("icmp", None, None), ("tcp", None, None), ("udp", None, None)}
    assert admitted("global_http") == {("tcp", 80, None), ("tcp", 443, None)}
    assert admitted("cluster") == {("tcp", 22, groups["global_http"].id)}
    assert_exports(runner)


def test_vlan_cloud(applied: Applied, connection: Json) -> None:
    runner = applied("vlan-cloud")
    roles = {role.name for role in connection.identity.roles()}
    assert roles >= {
        "cloudadmin", "itsec", "projectmanager", "netadmin", "sysadmin", "developer",
    }  # fmt: skip
    networks = list(connection.network.networks())
    assert {net.provider_segmentation_id for net in networks} == {171, 172, 173, 174}
    assert {net.provider_network_type for net in networks} == {"vlan"}
    assert len({net.project_id for net in networks}) == 4
    subnets = {net.name: list(connection.network.subnets(network_id=net.id)) for net in networks}
    for number in range(171, 175):
        [four] = [one for one in subnets[f"vlan{number}"] if one.ip_version == 4]
        assert four.cidr == f"10.1.{number}.0/24"
        assert four.gateway_ip == f"10.1.{number}.7"
        assert four.allocation_pools == [{"start": f"10.1.{number}.8", "end": f"10.1.{number}.254"}]
    [six] = [one for one in subnets["vlan171"] if one.ip_version == 6]
    assert six.cidr == "fd00:1::/48"
    assert_exports(runner)


def test_ha_cloud(applied: Applied, connection: Json) -> None:
    runner = applied("ha-cloud")
    found = endpoints(connection, "RegionOne")
    assert len(found) == 21
    assert found["identity", "public"] == "http://10.204.128.2:5000/v3"
    assert found["identity", "admin"] == "http://10.204.128.2:35357/v3"
    starts = {
        "compute": "http://10.204.128.3:8774",
        "image": "http://10.204.128.5:9292",
        "volume": "http://10.204.128.6:8776",
        "volumev2": "http://10.204.128.6:8776",
        "network": "http://10.204.128.7:9696",
        "object-store": "http://10.204.128.8",
    }
    for (kind, _), url in found.items():
        assert kind == "identity" or url.startswith(starts[kind])
    images = {image.name: image for image in connection.image.images()}
    assert set(images) == {"cirros-x86_64", "Ubuntu14.04-x86_64"}
    assert {(i.visibility, i.disk_format, i.status) for i in images.values()} == {
        ("public", "qcow2", "active")
    }
    admin = connection.identity.find_project("admin", ignore_missing=False).id
    inside = connection.network.find_network("net04", ignore_missing=False)
    [subnet] = connection.network.subnets(network_id=inside.id)
    assert (subnet.cidr, inside.project_id) == ("10.5.5.0/24", admin)
    router = connection.network.find_router("router04", ignore_missing=False)
    outside = connection.network.find_network("net04_ext", ignore_missing=False)
    assert router.external_gateway_info["network_id"] == outside.id
    assert outside.is_router_external
    [port] = connection.network.ports(
        device_id=router.id, device_owner="network:router_interface"
    )  # fmt: skip
    assert [ip["subnet_id"] for ip in port.fixed_ips] == [subnet.id]
    types = {one.name: one.extra_specs for one in connection.block_storage.types()}
    assert types["replicated"] == {"volume_backend_name": "ceph"}
    assert connection.network.get_quota(admin).networks == 100
    assert_exports(runner)
