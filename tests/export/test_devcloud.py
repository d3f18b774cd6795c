"""Real projects, exported: a plan of the files finds nothing to do."""

from __future__ import annotations

import pytest

from reconciler.cloud.session import Cloud
from reconciler.export.cloud import Export, export_cloud
from reconciler.kinds.registry import Kinds
from reconciler.state.model import make_desired
from reconciler.yamlio import load_all
from tests.support.runs import Runner, in_memory, runner_for, shown, went_wrong

pytestmark = pytest.mark.devcloud

STATE = """
    domains:
      {domain}: {{description: Is exported}}
    ---
    domain: {domain}
    users:
      alice: {{email: alice@campus.example, password: {{env: RECONCILER_TEST_PASSWORD}}}}
    groups:
      devs: {{users: [alice]}}
    projects:
      shop:
        description: The shop
        quotas:
          compute: {{cores: 7}}
          network: {{floatingip: 3}}
        members:
          - {{user: alice, roles: [member, reader]}}
        networks:
          public-{word}:
            external: true
            provider: {{network_type: flat, physical_network: {word}}}
            subnets:
              out: {{cidr: 198.51.100.0/24, enable_dhcp: false}}
          front:
            mtu: 1400
            tags: [web]
            subnets:
              front-v4:
                cidr: 10.10.0.0/24
                gateway: 10.10.0.254
                dns_nameservers: [9.9.9.9, 1.1.1.1]
              front-v6:
                cidr: "2001:db8:1::/64"
                ipv6_address_mode: slaac
                ipv6_ra_mode: slaac
            rbac: [{{action: access_as_shared, project: other}}]
        routers:
          edge:
            gateway: {{network: public-{word}}}
            interfaces: [front-v4, front-v6]
            routes: [{{destination: 10.99.0.0/16, nexthop: 10.10.0.250}}]
        security_groups:
          web:
            rules:
              - {{direction: ingress, protocol: tcp, ports: 443}}
              - {{direction: ingress, protocol: icmp, icmp: {{type: 8, code: 0}}}}
              - {{direction: ingress, ethertype: IPv6, protocol: tcp, remote: {{group: web}}}}
          closed: {{rules: []}}
      other:
        description: Beside it
        security_groups:
          web:
            rules: [{{direction: ingress, remote: {{group: {{name: web, project: shop}}}}}}]
"""


@pytest.fixture
def runner(cloud: Cloud, kinds: Kinds) -> Runner:
    return runner_for(cloud, cloud.who(), kinds)


def assert_round_trip(runner: Runner, found: Export) -> None:
    """See that the plan of an export finds nothing, and nothing to hold either."""
    desired, _ = make_desired(in_memory(files=found.files), runner.target.kinds)
    plan, _ = runner.plan(desired)
    assert plan.empty, shown(plan)
    assert not [change for change in plan.changes if change.held], shown(plan)


def test_real_projects_round_trip(runner: Runner, domain: str, word: str) -> None:
    report = runner.apply(runner.desired(STATE.format(domain=domain, word=word)))
    assert not went_wrong(report)
    found = export_cloud(runner.target, projects=(f"{domain}/shop", f"{domain}/other"))
    assert sorted(found.files) == [f"{domain}.yaml", f"{domain}/other.yaml", f"{domain}/shop.yaml"]
    shop = load_all(found.files[f"{domain}/shop.yaml"])[0]["projects"]["shop"]
    assert shop["quotas"] == {"compute": {"cores": 7}, "network": {"floatingip": 3}}
    assert shop["networks"]["front"]["mtu"] == 1400
    assert "provider" not in shop["networks"]["front"]
    assert shop["routers"]["edge"]["interfaces"] == ["front-v4", "front-v6"]
    assert shop["security_groups"]["closed"]["rules"] == []
    assert "default" not in shop["security_groups"]
    assert_round_trip(runner, found)


def test_real_twins_round_trip(runner: Runner, cloud: Cloud, domain: str) -> None:
    report = runner.apply(
        runner.desired(
            f"""
            domain: {domain}
            projects:
              shop:
                reconcile: {{}}
                networks:
                  front: {{tags: [first], subnets: {{v4: {{cidr: 10.10.0.0/24}}}}}}
            ---
            domains: {{{domain}: {{}}}}
            """
        )
    )
    assert not went_wrong(report)
    first = cloud.request("network", "GET", "/networks?tags=first&name=front")["networks"][0]
    body = {"name": "front", "project_id": first["project_id"], "description": "the second"}
    second = cloud.request("network", "POST", "/networks", json={"network": body})["network"]
    for cidr in ("10.20.0.0/24", "10.30.0.0/24"):  # of the same name, and of none
        subnet = {
            "name": "v4" if cidr == "10.20.0.0/24" else "", "network_id": second["id"],
            "project_id": first["project_id"], "cidr": cidr, "ip_version": 4,
        }  # fmt: skip
        cloud.request("network", "POST", "/subnets", json={"subnet": subnet})
    found = export_cloud(runner.target, projects=(f"{domain}/shop",))
    networks = load_all(found.files[f"{domain}/shop.yaml"])[0]["projects"]["shop"]["networks"]
    assert {fields["reconcile"]["id"] for fields in networks.values()} == {
        first["id"],
        second["id"],
    }
    assert sorted(len(fields["subnets"]) for fields in networks.values()) == [1, 2]
    assert_round_trip(runner, found)
