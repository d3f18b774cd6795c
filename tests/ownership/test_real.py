"""From a commit that takes a project away to its end on real services, guard by guard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import git
import pytest
from click.testing import CliRunner, Result

from reconciler.cli.codes import Code
from reconciler.cli.main import cli
from reconciler.cloud.record import approvals_attribute, attribute, read_record
from reconciler.cloud.session import Cloud
from tests.cli.repository import Repository, actions, held

PRUNED = (
    "Domain", "Project", "Network", "Subnet", "Router", "SecurityGroup", "QosSpecs",
)  # fmt: skip
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


@pytest.fixture
def repository(
    cloud: Cloud, clouds_file: Path, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Repository]:
    """Give a repository with an owner of its own, whose record goes in the end."""
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds_file))
    monkeypatch.setenv("OS_CLOUD", "devcloud")
    monkeypatch.setenv("RECONCILER_STATE_DIRECTORY", str(tmp_path / "chronicle"))
    monkeypatch.chdir(tmp_path)
    git.Repo.init(tmp_path).close()

    def call(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(cli, list(words), input=stdin, prog_name="reconciler")

    found = Repository(tmp_path, call)
    found.settings(*PRUNED)
    settings = (tmp_path / "reconciler.yaml").read_text()
    words = settings.replace("owner: us", f"owner: {word}").replace("prod:", "devcloud:")
    (tmp_path / "reconciler.yaml").write_text(words)
    yield found
    project = cloud.who().project_id
    gone = {attribute(word): None, approvals_attribute(word): None}
    cloud.request("identity", "PATCH", f"/projects/{project}", json={"project": gone})


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
