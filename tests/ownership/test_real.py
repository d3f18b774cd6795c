"""From a commit that takes a project away to its end on real services, guard by guard."""

from __future__ import annotations

import pytest

from reconciler.cli.codes import Code
from reconciler.cloud.record import read_record
from reconciler.cloud.session import Cloud
from tests.cli.repository import Repository, actions, held

STATE = """
domains:
  "{domain}":
    description: A test
    projects:
      stays: {{description: Stays}}
      goes:
        description: Goes
        networks: {{front: {{mtu: 1400, subnets: {{v4: {{cidr: 10.3.0.0/24}}}}}}}}
        routers: {{edge: {{description: Edge, interfaces: [v4]}}}}
        security_groups: {{web: {{rules: [{{direction: ingress, protocol: tcp, ports: 443}}]}}}}
qos_specs: {{"{domain}-fast": {{consumer: front-end}}}}
"""


@pytest.mark.devcloud
def test_a_project_goes_with_what_is_ours_in_it_once_somebody_approves(
    repository: Repository, cloud: Cloud, domain: str, word: str
) -> None:
    state = STATE.format(domain=domain)
    repository.commit(state)
    repository.apply("--allow-first-meeting")
    record = read_record(cloud, cloud.who().project_id, word)
    assert record is not None
    assert record.settled == record.applied
    assert record.lease is None
    assert "Router" in record.met

    start, end = state.index("      goes:"), state.index("qos_specs")
    left = state[:start]
    assert end > start  # the specs go, too: only the settled commit knows them as ours
    gone = repository.commit(left, author="carol")
    answer = repository.apply(code=Code.HELD)
    why = held(answer)
    assert why[f"Project/{domain}/goes"] == why[f"Network/{domain}/goes/front"] == "budget"
    assert actions(answer)[f"QosSpecs/{domain}-fast"] == "delete"
    assert f"removed in {gone[:7]} by carol" in repository.text("plan").output

    plan = repository.plan()["plan_id"]
    assert repository.text("approve", plan).exit_code == Code.DONE
    assert held(repository.apply()) == {}
    assert repository.plan()["changes"] == []
    found = cloud.request("identity", "GET", "/domains", params={"name": domain})
    (there,) = found["domains"]
    inside = {"domain_id": str(there["id"])}
    projects = cloud.request("identity", "GET", "/projects", params=inside)["projects"]
    assert [project["name"] for project in projects] == ["stays"]


@pytest.mark.devcloud
def test_another_owner_neither_sees_nor_touches_what_is_ours(
    repository: Repository, domain: str, word: str
) -> None:
    repository.commit(f'domains: {{"{domain}": {{description: Ours}}}}')
    repository.apply("--allow-first-meeting")
    other = ("--owner", f"{word}-other", "--allow-first-meeting", "--allow-adopt")
    repository.commit(f'domains: {{"{domain}": {{description: Theirs}}}}')
    assert held(repository.apply(*other, code=Code.HELD)) == {f"Domain/{domain}": "ownership"}
    repository.commit("{}")
    assert actions(repository.apply(*other)) == {}
