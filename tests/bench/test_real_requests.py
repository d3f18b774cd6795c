"""The same on real services: what goes over the wire is what the kinds declare, and a log-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.expected import expected
from bench.launch import counting
from bench.state import Size, files
from reconciler.cloud.session import Answer, Cloud
from reconciler.engine.plan import wants_of
from reconciler.kinds.registry import Kinds
from reconciler.state.model import make_desired
from tests.support.runs import in_memory, runner_for, shown, went_wrong

pytestmark = pytest.mark.devcloud
LOG_IN = 1


@pytest.fixture
def left_behind(cloud: Cloud, word: str) -> Iterator[None]:
    """Have a security group whose project is gone: every cloud that is a year old has some."""
    made = cloud.request("identity", "POST", "/projects", json={"project": {"name": word}})
    project = str(made["project"]["id"])
    group = {"security_group": {"name": word, "project_id": project}}
    made = cloud.request("network", "POST", "/security-groups", json=group)
    cloud.request("identity", "DELETE", f"/projects/{project}")
    yield
    found = cloud.request("network", "GET", "/security-groups", params={"project_id": project})
    for one in found["security_groups"]:
        cloud.request("network", "DELETE", f"/security-groups/{one['id']}")


@pytest.mark.alone
@pytest.mark.usefixtures("left_behind")
def test_real_services_are_asked_for_what_the_kinds_declare_and_no_more(
    cloud: Cloud, kinds: Kinds, word: str, domain: str
) -> None:
    size = Size(10, word, domain)
    texts = {**dict(files(size)), "domains.yaml": f"domains: {{{domain}: {{description: x}}}}"}
    desired = make_desired(in_memory(files=texts), kinds)[0]
    first = runner_for(cloud, cloud.who(), kinds)
    assert went_wrong(first.apply(desired)) == []
    answers: list[Answer] = []
    with counting() as wire:
        fresh = Cloud("devcloud", watch=answers.append)
        runner = runner_for(fresh, fresh.who(), kinds)
        plan, live = runner.plan(desired)
    assert shown(plan) == []
    wanted = wants_of(desired)
    # There is no list here that is longer than a page.
    declared = expected(kinds, live, lambda place, kind: (place, kind) in wanted, lambda *_: 0)
    asked = Counter(f"{one.service} {one.path}" for one in answers)
    assert len(asked) == declared.total(), sorted(asked)
    # A list that lacks what others say they lie in is read again, whatever the number of those.
    assert [one for one in asked.elements() if asked[one] > 1] == ["identity /projects"] * 2
    discovery = [path for method, _, path in wire if method == "GET" and path in ("/", "/v3")]
    assert len(wire) == len(answers) + LOG_IN + len(discovery)


def test_a_launched_command_tells_what_it_asked_for(clouds_file: Path, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    where = {"OS_CLIENT_CONFIG_FILE": str(clouds_file), "OS_CLOUD": "devcloud"}
    words = [sys.executable, "-m", "bench.launch", told, "reconciler", "doctor"]
    subprocess.run([*map(str, words)], env={**os.environ, **where}, check=False, timeout=120)
    found = json.loads(told.read_text(encoding="utf-8"))
    assert ["POST", "/v3/auth/tokens"] in [[method, path] for method, _, path in found["asked"]]
    assert found["peak"] > 10_000
