"""Which region is meant, and what others hold, where a catalogue has several, on real services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli.codes import Code
from reconciler.cloud.session import Cloud
from tests.cli.repository import Repository, actions, held

# The catalogue is everybody's: a project that goes meanwhile would be held.
pytestmark = [pytest.mark.devcloud, pytest.mark.alone]


@pytest.fixture
def second(cloud: Cloud, word: str, domain: str) -> Iterator[str]:
    """Give the name of another region, which has networks; the domain's end is its, too."""
    assert word in domain
    region = f"region-{word}"
    cloud.request("identity", "POST", "/regions", json={"region": {"id": region}})
    services = cloud.request("identity", "GET", "/services")["services"]
    neutron = next(one["id"] for one in services if one["type"] == "network")
    endpoint = {
        "service_id": neutron, "interface": "public", "region_id": region,
        "url": f"http://127.0.0.1:9/{word}",
    }  # fmt: skip
    made = cloud.request("identity", "POST", "/endpoints", json={"endpoint": endpoint})
    yield region
    cloud.request("identity", "DELETE", f"/endpoints/{made['endpoint']['id']}")
    cloud.request("identity", "DELETE", f"/regions/{region}")


def say_region(clouds_file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Have clouds.yaml say this instead of the region."""
    text = clouds_file.read_text().replace("region_name: devcloud", line)
    (folder / "clouds.yaml").write_text(text)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(folder / "clouds.yaml"))


def state(domain: str, *projects: str) -> str:
    said = ", ".join(f"{name}: {{description: {name}}}" for name in projects)
    return f'domains: {{"{domain}": {{description: A test, projects: {{{said}}}}}}}'


def names(cloud: Cloud, domain: str) -> set[str]:
    (found,) = cloud.request("identity", "GET", "/domains", params={"name": domain})["domains"]
    inside = {"domain_id": str(found["id"])}
    rows = cloud.request("identity", "GET", "/projects", params=inside)["projects"]
    return {str(row["name"]) for row in rows}


def test_a_region_that_is_not_there_is_refused_by_name(
    repository: Repository, cloud: Cloud, domain: str, clouds_file: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    repository.commit(state(domain, "a", "b"))
    repository.apply("--allow-first-meeting")
    repository.commit(state(domain, "a"))
    say_region(clouds_file, tmp_path, monkeypatch, "region_name: mars")
    for words in (("plan",), ("apply", "--auto-approve", "--allow-delete", "5"), ("doctor",)):
        result = repository.text(*words)
        assert result.exit_code == Code.NOTHING, result.output
        assert "no region mars" in result.output
        assert "devcloud" in result.output
    assert names(cloud, domain) == {"a", "b"}


def test_of_two_regions_one_is_to_be_named_and_the_other_may_hold_something(
    repository: Repository, cloud: Cloud, domain: str, second: str, clouds_file: Path,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    repository.commit(state(domain, "a", "b"))
    repository.apply("--allow-first-meeting")
    repository.commit(state(domain, "a"))
    answer = repository.apply("--allow-delete", "5", code=Code.HELD)
    assert held(answer) == {f"Project/{domain}/b": "incomplete"}
    assert f"nobody looked into network in {second}" in str(answer["changes"])
    say_region(clouds_file, tmp_path, monkeypatch, "verify: true")
    result = repository.text("plan")
    assert result.exit_code == Code.NOTHING, result.output
    assert "say which by region_name" in result.output
    say_region(clouds_file, tmp_path, monkeypatch, f"region_name: {second}")
    result = repository.text("apply", "--auto-approve", "--allow-delete", "5", "--allow-unlisted")
    assert result.exit_code != Code.DONE
    assert names(cloud, domain) == {"a", "b"}
    say_region(clouds_file, tmp_path, monkeypatch, "region_name: devcloud")
    repository.apply("--allow-delete", "5", "--allow-unlisted")
    assert names(cloud, domain) == {"a"}
    assert actions(repository.plan()) == {}
