"""What runs do to each other and leave behind when they are stopped, on real services."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.cli.codes import Code
from reconciler.cloud.record import read_record
from reconciler.cloud.session import Cloud
from tests.chaos.proxy import Proxy
from tests.cli.repository import Repository, actions, held
from tests.ownership.conftest import PATIENCE, Hosts, Running, when

pytestmark = pytest.mark.devcloud
SEEN = "--allow-first-meeting"


def project(domain: str, *lines: str) -> str:
    inside = "\n        ".join(lines)
    return f"""
domains:
  "{domain}":
    description: A test
    projects:
      shop:
        description: The shop
        {inside}
"""


def groups(*names: str) -> str:
    said = ", ".join(f"{name}: {{description: {name}}}" for name in names)
    return f"security_groups: {{{said}}}"


def lying_in(cloud: Cloud, domain: str, items: str) -> Counter[str]:
    """Count what lies in the shop by name."""
    (found,) = cloud.request("identity", "GET", "/domains", params={"name": domain})["domains"]
    inside = {"domain_id": str(found["id"]), "name": "shop"}
    (shop,) = cloud.request("identity", "GET", "/projects", params=inside)["projects"]
    path = f"/{items.replace('_', '-')}?project_id={shop['id']}"
    rows = cloud.request("network", "GET", path)[items]
    return Counter(str(row["name"]) for row in rows if row["name"] != "default")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_stop_ends_what_it_began_and_frees_the_cloud(
    repository: Repository, hosts: Hosts, proxy: Proxy, cloud: Cloud, domain: str, word: str,
    sign: signal.Signals,
) -> None:  # fmt: skip
    nets = (
        f"n{at}: {{mtu: 1400, subnets: {{s{at}: {{cidr: 10.{at}.0.0/24}}}}}}" for at in range(6)
    )
    repository.commit(project(domain, f"networks: {{{', '.join(nets)}}}"))
    host, began = hosts("host"), threading.Event()
    running: list[Running] = []

    def stop() -> None:
        assert began.wait(PATIENCE)
        running[0].process.send_signal(sign)

    proxy.begin(when(stop, "POST", "/networks", after=True))
    running.append(host.start())
    began.set()
    code, stdout, stderr = running[0].end()
    assert code == Code.FAILED, stderr
    assert "interrupted" in stderr
    assert "pending" in stdout
    assert len(lying_in(cloud, domain, "networks")) >= 1
    assert len(lying_in(cloud, domain, "subnets")) < 6
    record = read_record(cloud, cloud.who().project_id, word)
    assert record is not None
    assert record.lease is None
    proxy.begin()
    code, answer = host.apply()
    assert code == Code.DONE, answer
    assert lying_in(cloud, domain, "networks") == Counter(f"n{at}" for at in range(6))
    assert lying_in(cloud, domain, "subnets") == Counter(f"s{at}" for at in range(6))


def test_of_two_hosts_one_writes_and_the_other_is_told(
    repository: Repository, hosts: Hosts, proxy: Proxy, cloud: Cloud, domain: str
) -> None:
    names = ["a", "b", "c"]
    repository.commit(project(domain, groups(*names)))
    one, two = hosts("first"), hosts("second")
    reached, ended = threading.Event(), threading.Event()

    def wait() -> None:
        reached.set()
        assert ended.wait(PATIENCE)

    proxy.begin(when(wait, "POST", "/security-groups"))
    first = one.start()
    try:
        assert reached.wait(PATIENCE)
        code, _, stderr = two.start().end()
        assert code == Code.LOCKED
        assert "another run holds the cloud" in stderr
    finally:
        ended.set()
    assert first.end()[0] == Code.DONE
    assert lying_in(cloud, domain, "security_groups") == Counter(names)
    assert two.apply()[0] == Code.DONE


def test_two_hosts_that_start_together_make_nothing_twice(
    repository: Repository, hosts: Hosts, cloud: Cloud, domain: str
) -> None:
    names = ["a", "b", "c", "d"]
    repository.commit(project(domain, groups(*names)))
    both = [hosts(name).start() for name in ("first", "second")]
    codes = sorted(running.end()[0] for running in both)
    assert codes[0] == Code.DONE
    assert codes[1] in (Code.DONE, Code.LOCKED, Code.STALE)
    assert lying_in(cloud, domain, "security_groups") == Counter(names)


def test_two_owners_at_once_touch_nothing_of_each_other(
    repository: Repository, hosts: Hosts, cloud: Cloud, domain: str, word: str
) -> None:
    theirs = f"{domain}-other"
    repository.commit(project(domain, groups("a", "b")))
    us = hosts("us")
    repository.commit(project(theirs, groups("a", "c")))
    them, other = hosts("them"), ("--owner", f"{word}-other")
    both = [us.start(SEEN), them.start(SEEN, *other)]
    assert [running.end()[0] for running in both] == [Code.DONE, Code.DONE]
    Repository(us.folder, repository.call).commit(project(domain, groups("a")))
    Repository(them.folder, repository.call).commit(project(theirs, groups("c")))
    both = [us.start(), them.start(*other)]
    assert [running.end()[0] for running in both] == [Code.DONE, Code.DONE]
    assert lying_in(cloud, domain, "security_groups") == Counter("a")
    assert lying_in(cloud, theirs, "security_groups") == Counter("c")


def test_more_that_shall_be_absent_than_may_go_waits_for_somebody(
    repository: Repository, cloud: Cloud, domain: str
) -> None:
    names = [f"g{number}" for number in range(5)]
    repository.commit(project(domain, groups(*names, "stays")))
    repository.apply(SEEN)
    absent = (f"{name}: {{reconcile: {{lifecycle: absent}}}}" for name in names)
    stays = "stays: {description: stays}"
    repository.commit(project(domain, f"security_groups: {{{stays}, {', '.join(absent)}}}"))
    answer = repository.apply(code=Code.HELD)
    doomed = {f"SecurityGroup/{domain}/shop/{name}" for name in names}
    assert held(answer) == dict.fromkeys(doomed, "budget")
    assert lying_in(cloud, domain, "security_groups") == Counter([*names, "stays"])
    plan = repository.plan()["plan_id"]
    assert repository.text("approve", plan).exit_code == Code.DONE
    answer = repository.apply()
    assert actions(answer) == dict.fromkeys(doomed, "delete")
    assert lying_in(cloud, domain, "security_groups") == Counter(["stays"])


POINTS: Mapping[str, tuple[str, str, bool]] = {
    "the old one is tagged": ("PUT", ":retired", True),
    "its data are there": ("PUT", "/file", True),
    "the old one is to be deleted": ("DELETE", "/v2/images/", False),
}


def images(cloud: Cloud, name: str) -> list[dict[str, Any]]:
    """Give all images of a name, hidden ones too."""
    found: list[dict[str, Any]] = []
    for hidden in ("false", "true"):
        asked = {"os_hidden": hidden, "name": name, "limit": "100"}
        found += cloud.request("image", "GET", "/images", params=asked)["images"]
    return found


@pytest.mark.parametrize("point", POINTS)
def test_an_image_that_is_half_replaced_is_replaced_by_the_next_run(
    repository: Repository, hosts: Hosts, proxy: Proxy, cloud: Cloud, domain: str, word: str,
    point: str,
) -> None:  # fmt: skip
    name, state = f"img-{word}", repository.folder / "desired_state"
    entry = "{file: disk.raw, disk_format: raw, container_format: bare}"
    stranger = cloud.request("image", "POST", "/images", json={"name": name, "owner": "nobody"})
    text = project(domain, f'images: {{"{name}": {entry}}}')
    repository.commit(text)
    (state / "disk.raw").write_bytes(b"one" * 100)
    repository.commit(f"{text}\n")
    repository.apply(SEEN)
    (state / "disk.raw").write_bytes(b"two" * 100)
    repository.commit(text)
    host, started = hosts("host"), threading.Event()
    running: list[Running] = []

    def kill() -> None:
        assert started.wait(PATIENCE)
        running[0].process.kill()

    method, path, after = POINTS[point]
    proxy.begin(when(kill, method, path, after=after, answer=False))
    running.append(host.start("--allow-replace", "--allow-delete", "1"))
    started.set()
    assert running[0].end()[0] == -signal.SIGKILL
    proxy.begin()
    code, _ = host.apply("--allow-replace", "--allow-delete", "1")
    if code == Code.HELD:  # the old one waited for the new one, and nobody had seen it go
        host.apply("--allow-delete", "1")
    assert repository.plan()["changes"] == []
    there = {found["id"]: found for found in images(cloud, name)}
    theirs = there.pop(stranger["id"])
    assert (theirs["tags"], theirs["os_hidden"]) == ([], False)
    (ours,) = there.values()
    assert ours["tags"] == [f"reconciler:{word}"]
    assert (ours["status"], ours["size"], ours["os_hidden"]) == ("active", 300, False)
