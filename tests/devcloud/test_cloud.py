"""From the commands, to a real OpenStack that can be relied on, whatever was done to it."""

import os
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from reconciler.devcloud import commands, processes
from reconciler.devcloud.api import Client, Json, Reply, log_in, request
from reconciler.devcloud.layout import HOST, Home, open_home
from reconciler.devcloud.services import (
    CINDER,
    GLANCE,
    KEYSTONE,
    NEUTRON,
    NOVA,
    SERVICES,
    Service,
)

# Each run starts clouds of its own, so parallel workers must not each do it.
pytestmark = [pytest.mark.devcloud, pytest.mark.alone]

LISTS = (
    (NEUTRON, "/v2.0/networks"),
    (NEUTRON, "/v2.0/subnets"),
    (NEUTRON, "/v2.0/security-groups"),
    (NEUTRON, "/v2.0/security-group-rules"),
    (NEUTRON, "/v2.0/routers"),
    (NEUTRON, "/v2.0/rbac-policies"),
    (NOVA, "/v2.1/flavors/detail"),
    (NOVA, "/v2.1/os-server-groups"),
    (CINDER, "/v3/types"),
    (GLANCE, "/v2/images"),
    (KEYSTONE, "/v3/projects"),
    (KEYSTONE, "/v3/role_assignments"),
)
MEBIBYTE = b"x" * (1 << 20)


def quiet(text: str) -> None:
    """Nobody listens."""


def find_ports() -> int:
    """The first of six ports that are free, below those that clients are given."""
    while True:
        base = random.randrange(26000, 32000, 10)  # noqa: S311
        if not any(is_taken(base + offset) for offset in range(len(SERVICES))):
            return base


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def make_home(path: Path) -> Home:
    return open_home(path, find_ports())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = make_home(tmp_path_factory.mktemp("devcloud"))
    try:
        commands.up(home, quiet)
        yield open_home(home.path)
    finally:
        commands.down(home, quiet)


@pytest.fixture
def client(home: Home) -> Client:
    """The cloud, up, whatever the test before has left."""
    commands.up(home, quiet)
    return log_in(home)


def pids(home: Home) -> dict[str, tuple[int, ...]]:
    return {each.service.name: each.pids for each in commands.status(home)}


def list_all(client: Client, service: Service, path: str) -> tuple[int, int]:
    """What a list answers, and how many it names."""
    reply = request(client.home, service, "GET", path, token=client.token)
    lists = [value for value in (reply.json or {}).values() if isinstance(value, list)]
    return reply.status, sum(map(len, lists))


def volley(client: Client) -> list[tuple[int, int]]:
    """Every list at once, from eight clients."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda each: list_all(client, *each), LISTS * 2))


def make_network(client: Client, name: str) -> str:
    body = {"network": {"name": name}}
    return str(client.call(NEUTRON, "POST", "/v2.0/networks", body)["network"]["id"])


def network_names(client: Client) -> set[str]:
    return {each["name"] for each in client.call(NEUTRON, "GET", "/v2.0/networks")["networks"]}


def test_every_service_is_up_in_one_process(home: Home, client: Client) -> None:
    assert client.token
    assert [(each.healthy, len(each.pids)) for each in commands.status(home)] == [(True, 1)] * 6
    region = client.call(KEYSTONE, "GET", "/v3/regions/devcloud")["region"]
    assert region["id"] == "devcloud"


@pytest.mark.parametrize(
    "scope",
    [
        {"project": {"name": "admin", "domain": {"name": "Default"}}},
        {"domain": {"name": "Default"}},
        {"system": {"all": True}},
    ],
)
def test_the_admin_gets_in_by_every_scope_that_clouds_yaml_names(
    client: Client, scope: Json
) -> None:
    user = {"name": "admin", "domain": {"name": "Default"}, "password": client.home.password}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": scope}}
    reply = request(client.home, KEYSTONE, "POST", "/v3/auth/tokens", body=body)
    assert reply.status == 201
    assert "admin" in {role["name"] for role in reply.json["token"]["roles"]}


def test_up_again_changes_nothing(home: Home, client: Client) -> None:
    before = pids(home)
    started = time.monotonic()
    commands.up(home, quiet)
    assert time.monotonic() - started < 10
    assert pids(home) == before
    assert log_in(client.home).token


def test_after_a_crash_the_data_is_there_and_the_first_lists_are_whole(
    home: Home, client: Client
) -> None:
    names = {f"before-{number}" for number in range(20)}
    body = {"networks": [{"name": name} for name in names]}
    client.call(NEUTRON, "POST", "/v2.0/networks", body)
    before, expected = pids(home), volley(client)
    for pid in processes.find(home):
        os.kill(pid, signal.SIGKILL)
    commands.up(home, quiet)
    after = log_in(home)
    assert volley(after) == expected
    assert names <= network_names(after)
    assert not set(before.values()) & set(pids(home).values())


def test_one_service_that_died_is_started_and_the_others_stay(home: Home, client: Client) -> None:
    before = pids(home)
    os.kill(before["placement"][0], signal.SIGKILL)
    commands.up(home, quiet)
    after = pids(home)
    assert {name for name in after if after[name] != before[name]} == {"placement"}
    assert network_names(client) is not None


def test_reset_drops_what_was_made_also_when_it_is_down(home: Home, client: Client) -> None:
    make_network(client, "made")
    body = {"project": {"name": "made", "domain_id": "default"}}
    client.call(KEYSTONE, "POST", "/v3/projects", body)
    assert commands.down(home, quiet) == 6
    assert commands.down(home, quiet) == 0
    assert not any(each.healthy for each in commands.status(home))
    commands.reset(home, quiet)
    after = log_in(home)
    first, second = volley(after), volley(after)
    assert first == second
    assert {status for status, _ in first} == {200}
    assert network_names(after) == set()
    projects = after.call(KEYSTONE, "GET", "/v3/projects")["projects"]
    assert {each["name"] for each in projects} == {"admin", "service"}


def test_clouds_stand_side_by_side(home: Home, client: Client, tmp_path: Path) -> None:
    other = make_home(tmp_path / "other")
    try:
        commands.up(other, quiet)
        other_client = log_in(open_home(other.path))
        make_network(other_client, "only-there")
        assert "only-there" not in network_names(client)
        listed = other_client.call(KEYSTONE, "GET", "/v3/endpoints")["endpoints"]
        ports = {int(re.findall(r":(\d+)", each["url"])[0]) for each in listed}
        assert ports == set(range(other.port_base, other.port_base + 6))
    finally:
        assert commands.down(other, quiet) == 6
    assert all(each.healthy for each in commands.status(home))


def test_only_the_loopback_interface_is_listened_on(client: Client) -> None:
    ports = {client.home.port(service) for service in SERVICES}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1].split(":") for row in rows if row[3] == "0A"]
    ours = [address for address, port in listening if int(port, 16) in ports]
    assert ours == ["0100007F"] * 6
    rows6 = [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    assert not [row for row in rows6 if row[3] == "0A" and int(row[1][-4:], 16) in ports]


def test_the_client_that_comes_with_it_works_as_env_says(home: Home, client: Client) -> None:
    make_network(client, "seen")
    script = f'eval "{commands.env(home)}"; {home.path}/bin/openstack network list -f value -c Name'
    environment = {"PATH": os.environ["PATH"], "HOME": str(home.path)}
    done = subprocess.run(
        ["sh", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert "seen" in done.stdout.split()


def test_projects_have_usual_limits_and_the_admins_has_none(client: Client) -> None:
    body = {"project": {"name": f"limits-{time.monotonic_ns()}", "domain_id": "default"}}
    project = client.call(KEYSTONE, "POST", "/v3/projects", body)["project"]["id"]
    usual = client.call(NEUTRON, "GET", f"/v2.0/quotas/{project}")["quota"]
    assert (usual["network"], usual["security_group"], usual["router"]) == (100, 10, 10)

    path = "/v3/projects?name=admin&domain_id=default"
    admins = client.call(KEYSTONE, "GET", path)["projects"][0]["id"]
    lifted = client.call(NEUTRON, "GET", f"/v2.0/quotas/{admins}")["quota"]
    assert (lifted["network"], lifted["security_group_rule"]) == (-1, -1)
    lifted = client.call(NOVA, "GET", f"/v2.1/os-quota-sets/{admins}")["quota_set"]
    assert (lifted["key_pairs"], lifted["cores"]) == (-1, -1)


def test_sixteen_clients_that_write_at_once_are_all_served(client: Client) -> None:
    def post(service: Service, path: str, body: Json) -> Reply:
        return request(client.home, service, "POST", path, body=body, token=client.token)

    def write(number: int) -> list[int]:
        name = f"busy-{number}-{time.monotonic_ns()}"
        network = post(NEUTRON, "/v2.0/networks", {"network": {"name": name}})
        subnet = {"network_id": network.json["network"]["id"], "ip_version": 4}
        replies = (
            network,
            post(NEUTRON, "/v2.0/subnets", {"subnet": {**subnet, "cidr": "10.0.0.0/24"}}),
            post(NEUTRON, "/v2.0/routers", {"router": {"name": name}}),
            post(NEUTRON, "/v2.0/security-groups", {"security_group": {"name": name}}),
            post(KEYSTONE, "/v3/projects", {"project": {"name": name, "domain_id": "default"}}),
            post(
                NOVA, "/v2.1/flavors", {"flavor": {"name": name, "ram": 1, "vcpus": 1, "disk": 0}}
            ),
            post(CINDER, "/v3/types", {"volume_type": {"name": name}}),
            post(GLANCE, "/v2/images", {"name": name}),
        )
        return [reply.status for reply in replies]

    with ThreadPoolExecutor(16) as pool:
        statuses = [status for each in pool.map(write, range(16)) for status in each]
    assert set(statuses) <= {200, 201}
    assert len(statuses) == 16 * 8


def test_an_image_streams_in_and_out_without_filling_memory(client: Client) -> None:
    image = client.call(
        GLANCE,
        "POST",
        "/v2/images",
        {"name": "large", "disk_format": "raw", "container_format": "bare"},
    )["id"]
    path = f"/v2/images/{image}/file"
    before = peak_memory(client.home)
    assert exchange(client, "PUT", path, lambda: iter([MEBIBYTE] * 64)) == (204, 0)
    assert client.call(GLANCE, "GET", f"/v2/images/{image}")["size"] == 64 << 20
    assert exchange(client, "GET", path) == (200, 64 << 20)
    assert peak_memory(client.home) - before < 40 << 20


def exchange(
    client: Client, method: str, path: str, chunks: Callable[[], Iterator[bytes]] | None = None
) -> tuple[int, int]:
    """The status, and the size of what came back; chunks go out without a length."""
    connection = HTTPConnection(HOST, client.home.port(GLANCE), timeout=60)
    headers = {"X-Auth-Token": client.token, "Content-Type": "application/octet-stream"}
    if chunks:
        headers["Transfer-Encoding"] = "chunked"
    try:
        body = chunks() if chunks else None
        connection.request(method, path, body, headers, encode_chunked=bool(chunks))
        reply = connection.getresponse()
        size = 0
        while part := reply.read(1 << 20):
            size += len(part)
        return reply.status, size
    finally:
        connection.close()


def peak_memory(home: Home) -> int:
    (pid,) = processes.find(home, GLANCE)
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024
