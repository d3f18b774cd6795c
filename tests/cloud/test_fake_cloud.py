"""The cloud in memory and the real services give the same answers to the same requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.errors import CloudError, Conflict, Denied, Exists, Missing, Rejected, Stale
from reconciler.kinds.calls import Http
from reconciler.kinds.values import NOTHING
from tests.support.cleanup import clean_up
from tests.support.small_cloud import small_cloud

Json = Any


@dataclass(frozen=True, slots=True)
class Place:
    """A project in a domain of its own, in one cloud or the other."""

    http: Http
    word: str
    domain: str
    project: str

    def make(self, service: str, path: str, one: str, **fields: Json) -> Json:
        return self.http.request(service, "POST", path, json={one: fields})[one]

    def net(self, path: str, one: str, **fields: Json) -> Json:
        return self.make("network", path, one, project_id=self.project, **fields)

    def refused(
        self,
        service: str,
        method: str,
        path: str,
        json: Json = None,
        headers: Mapping[str, str] = NOTHING,
    ) -> type[CloudError]:
        with pytest.raises(CloudError) as refusal:
            self.http.request(service, method, path, json=json, headers=headers)
        return refusal.type

    def get(self, service: str, path: str) -> Json:
        return self.http.request(service, "GET", path)


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.devcloud)])
def place(request: pytest.FixtureRequest, word: str) -> Iterator[Place]:
    real = request.param == "real"
    http: Http = request.getfixturevalue("cloud") if real else small_cloud()
    body = {"domain": {"name": f"dom-{word}"}}
    domain = http.request("identity", "POST", "/domains", json=body)["domain"]["id"]
    body = {"project": {"name": "shop", "domain_id": domain}}
    project = http.request("identity", "POST", "/projects", json=body)["project"]["id"]
    yield Place(http, word, domain, project)
    if real:
        clean_up(http, word)


def has(found: Mapping[str, Json], **wanted: Json) -> bool:
    return {name: found.get(name, "not there") for name in wanted} == wanted


def test_what_keystone_leaves_out_and_fills_in(place: Place) -> None:
    project = place.make("identity", "/projects", "project", name="p", domain_id=place.domain)
    assert has(project, description="", enabled=True, parent_id=place.domain, tags=[], options={})
    user = place.make("identity", "/users", "user", name="u", domain_id=place.domain, password="x")
    assert has(user, enabled=True, options={}, description="not there", password="not there")
    group = place.make("identity", "/groups", "group", name="g", domain_id=place.domain)
    assert has(group, description="", domain_id=place.domain)
    role = place.make("identity", "/roles", "role", name="r", domain_id=place.domain)
    assert has(role, description=None, options={})


def test_keystone_keeps_names_unique_in_their_domain(place: Place) -> None:
    for path, one in (("/projects", "project"), ("/users", "user"), ("/groups", "group")):
        body = {one: {"name": "same", "domain_id": place.domain}}
        place.http.request("identity", "POST", path, json=body)
        assert place.refused("identity", "POST", path, body) is Exists
    body = {"domain": {"name": f"dom-{place.word}"}}
    assert place.refused("identity", "POST", "/domains", body) is Exists


def test_keystone_keeps_attributes_that_it_does_not_know(place: Place) -> None:
    fields = {"name": "u", "domain_id": place.domain, "reconciler_owner": "me"}
    user = place.make("identity", "/users", "user", **fields)["id"]
    body = {"user": {"email": "u@example.org"}}
    place.http.request("identity", "PATCH", f"/users/{user}", json=body)
    found = place.get("identity", f"/users?domain_id={place.domain}")["users"]
    assert [has(u, reconciler_owner="me", email="u@example.org") for u in found] == [True]


def test_a_domain_goes_only_when_disabled_and_takes_all_along(place: Place) -> None:
    path = f"/domains/{place.domain}"
    place.make("identity", "/users", "user", name="u", domain_id=place.domain)
    assert place.refused("identity", "DELETE", path) is Denied
    place.http.request("identity", "PATCH", path, json={"domain": {"enabled": False}})
    place.http.request("identity", "DELETE", path)
    assert place.refused("identity", "GET", f"/projects/{place.project}") is Missing
    assert place.get("identity", f"/users?domain_id={place.domain}")["users"] == []


def test_a_project_with_others_below_it_stays(place: Place) -> None:
    fields = {"name": "below", "domain_id": place.domain, "parent_id": place.project}
    below = place.make("identity", "/projects", "project", **fields)
    assert below["parent_id"] == place.project
    assert place.refused("identity", "DELETE", f"/projects/{place.project}") is Denied


def test_what_is_immutable_is_only_made_mutable(place: Place) -> None:
    path = f"/projects/{place.project}"
    place.http.request(
        "identity", "PATCH", path, json={"project": {"options": {"immutable": True}}}
    )
    assert place.refused("identity", "PATCH", path, {"project": {"description": "x"}}) is Denied
    assert place.refused("identity", "DELETE", path) is Denied
    body = {"project": {"options": {"immutable": None}}}
    found = place.http.request("identity", "PATCH", path, json=body)["project"]
    assert found["options"] == {}


def test_projects_take_tags(place: Place) -> None:
    path = f"/projects/{place.project}"
    place.http.request("identity", "PATCH", path, json={"project": {"tags": ["b", "a"]}})
    place.http.request("identity", "PUT", f"{path}/tags/c%3Ad")
    assert sorted(place.get("identity", path)["project"]["tags"]) == ["a", "b", "c:d"]
    assert place.refused("identity", "PUT", f"{path}/tags/c%3Ad") is Rejected


def test_keystone_gives_pages(place: Place) -> None:
    for name in ("a", "b"):
        place.make("identity", "/projects", "project", name=name, domain_id=place.domain)
    found = _pages(place, "identity", f"/projects?domain_id={place.domain}", "projects")
    assert [len(page) for page in found][:2] == [2, 1]
    assert sorted(p["name"] for page in found for p in page) == ["a", "b", "shop"]


def test_neutron_gives_pages(place: Place) -> None:
    for name in ("a", "b"):
        place.net("/networks", "network", name=name)
    found = _pages(place, "network", f"/networks?project_id={place.project}", "networks")
    # There is a link to a next page even on a last one that is full.
    assert [len(page) for page in found] == [2, 0]


def _pages(place: Place, service: str, path: str, items: str) -> list[list[Json]]:
    """Give every page, two items each, as long as there is a link to a next one."""
    pages, marker = [], ""
    while True:
        body = place.get(service, f"{path}&limit=2{marker}")
        pages.append(body[items])
        links = body.get(f"{items}_links", [])
        links += [{"rel": "next"}] if body.get("links", {}).get("next") else []
        if not any(link["rel"] == "next" for link in links) or not body[items]:
            return pages
        marker = f"&marker={body[items][-1]['id']}"


def test_members_of_a_group(place: Place) -> None:
    user = place.make("identity", "/users", "user", name="u", domain_id=place.domain)["id"]
    group = place.make("identity", "/groups", "group", name="g", domain_id=place.domain)["id"]
    path = f"/groups/{group}/users"
    for _ in range(2):
        place.http.request("identity", "PUT", f"{path}/{user}")
    assert [u["id"] for u in place.get("identity", path)["users"]] == [user]
    place.http.request("identity", "DELETE", f"{path}/{user}")
    assert place.refused("identity", "DELETE", f"{path}/{user}") is Missing
    assert place.refused("identity", "GET", "/groups/nobody/users") is Missing


def test_role_assignments(place: Place) -> None:
    user = place.make("identity", "/users", "user", name="u", domain_id=place.domain)["id"]
    role = place.make("identity", "/roles", "role", name="r", domain_id=place.domain)["id"]
    plain = f"/projects/{place.project}/users/{user}/roles/{role}"
    inherited = f"/OS-INHERIT/domains/{place.domain}/users/{user}/roles/{role}"
    for path in (plain, plain, f"{inherited}/inherited_to_projects"):
        place.http.request("identity", "PUT", path)
    found = place.get("identity", "/role_assignments")["role_assignments"]
    scopes = [one["scope"] for one in found if one.get("user") == {"id": user}]
    assert sorted(scopes, key=str) == sorted([
        {"project": {"id": place.project}},
        {"domain": {"id": place.domain}, "OS-INHERIT:inherited_to": "projects"},
    ], key=str)  # fmt: skip
    place.http.request("identity", "DELETE", plain)
    assert place.refused("identity", "DELETE", plain) is Missing
    nowhere = f"/projects/nowhere/users/{user}/roles/{role}"
    assert place.refused("identity", "PUT", nowhere) is Missing
    place.http.request("identity", "DELETE", f"/roles/{role}")
    found = place.get("identity", "/role_assignments")["role_assignments"]
    assert not [one for one in found if one.get("user") == {"id": user}]


def test_the_roles_of_a_domain_are_listed_apart(place: Place) -> None:
    place.make("identity", "/roles", "role", name=place.word, domain_id=place.domain)
    names = [r["name"] for r in place.get("identity", "/roles")["roles"]]
    assert "member" in names
    assert place.word not in names
    own = place.get("identity", f"/roles?domain_id={place.domain}")["roles"]
    assert [r["name"] for r in own] == [place.word]


def test_what_neutron_leaves_out_and_fills_in(place: Place) -> None:
    network = place.net("/networks", "network", name="n")
    blank = {"mtu": 1450, "shared": False, "router:external": False, "dns_domain": "", "tags": []}
    assert has(network, **blank, admin_state_up=True, subnets=[], revision_number=1)
    place.net("/networks", "network", name="n")  # names may repeat
    for field in ("tags", "nonsense"):
        body = {"network": {"name": "n", field: ["x"]}}
        assert place.refused("network", "POST", "/networks", body) is Rejected


def test_subnets(place: Place) -> None:
    network = place.net("/networks", "network", name="n")["id"]
    four = place.net(
        "/subnets", "subnet", name="four", network_id=network, cidr="10.0.0.7/24", ip_version=4
    )
    pool = [{"start": "10.0.0.2", "end": "10.0.0.254"}]
    assert has(four, cidr="10.0.0.0/24", gateway_ip="10.0.0.1", allocation_pools=pool)
    six = place.net("/subnets", "subnet", network_id=network, cidr="fd00::/64", ip_version=6)
    pool = [{"start": "fd00::1", "end": "fd00::ffff:ffff:ffff:ffff"}]
    assert has(six, gateway_ip="fd00::", allocation_pools=pool, name="")
    none = place.net("/subnets", "subnet", network_id=network, cidr="10.1.0.0/30", ip_version=4,
                     gateway_ip=None)  # fmt: skip
    assert has(none, gateway_ip=None, allocation_pools=[{"start": "10.1.0.1", "end": "10.1.0.2"}])
    body = {"subnet": {"network_id": network, "cidr": "10.0.0.128/25", "ip_version": 4}}
    assert place.refused("network", "POST", "/subnets", body) is Rejected
    body = {"subnet": {"cidr": "10.2.0.0/24"}}
    assert place.refused("network", "PUT", f"/subnets/{four['id']}", body) is Rejected
    found = place.get("network", f"/networks/{network}")["network"]["subnets"]
    assert sorted(found) == sorted([four["id"], six["id"], none["id"]])
    place.http.request("network", "DELETE", f"/networks/{network}")
    assert place.refused("network", "GET", f"/subnets/{six['id']}") is Missing


def test_revisions_count_every_change(place: Place) -> None:
    path = f"/networks/{place.net('/networks', 'network', name='n')['id']}"
    stale = {"If-Match": "revision_number=1"}
    body = {"network": {"description": "x"}}
    place.http.request("network", "PUT", path, json=body, headers=stale)
    assert place.refused("network", "PUT", path, body, stale) is Stale
    before = place.get("network", path)["network"]["revision_number"]
    place.http.request("network", "PUT", f"{path}/tags", json={"tags": ["b", "a"]})
    for _ in range(2):
        place.http.request("network", "PUT", f"{path}/tags/c")
    found = place.get("network", path)["network"]
    assert found["tags"] == ["a", "b", "c"]
    assert found["revision_number"] > before


def test_a_new_group_has_two_rules(place: Place) -> None:
    group = place.net("/security-groups", "security_group", name="web")
    rules = group["security_group_rules"]
    assert sorted((r["direction"], r["ethertype"], r["protocol"]) for r in rules) == [
        ("egress", "IPv4", None),
        ("egress", "IPv6", None),
    ]
    assert has(group, stateful=True, description="", tags=[])


def test_every_project_has_a_default_group(place: Place) -> None:
    path = f"/security-groups?project_id={place.project}"
    (group,) = place.get("network", path)["security_groups"]
    assert group["name"] == "default"
    rules = group["security_group_rules"]
    said = sorted((r["direction"], r["remote_group_id"] == group["id"]) for r in rules)
    assert said == [("egress", False)] * 2 + [("ingress", True)] * 2
    body: Json = {"security_group": {"name": "default", "project_id": place.project}}
    assert place.refused("network", "POST", "/security-groups", body) is Exists
    body = {"security_group": {"name": "other"}}
    assert issubclass(
        place.refused("network", "PUT", f"/security-groups/{group['id']}", body), Conflict
    )


def test_a_network_makes_the_default_group_of_its_project(place: Place) -> None:
    place.net("/networks", "network", name="n")
    found = place.get("network", "/security-groups")["security_groups"]
    assert "default" in [g["name"] for g in found if g["project_id"] == place.project]


RULES = [
    ({"protocol": "tcp", "port_range_min": 1, "port_range_max": 65535}, {"port_range_min": None}),
    ({"protocol": "icmpv6", "ethertype": "IPv6"}, {"protocol": "ipv6-icmp"}),
    ({"protocol": "any"}, {"protocol": None, "description": ""}),
    ({"remote_ip_prefix": "10.0.0.5/8"},
     {"remote_ip_prefix": "10.0.0.5/8", "normalized_cidr": "10.0.0.0/8"}),
    ({"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}, {"port_range_max": 22}),
]  # fmt: skip


@pytest.mark.parametrize(("said", "kept"), RULES)
def test_what_neutron_makes_of_a_rule(
    place: Place, said: Mapping[str, Json], kept: Mapping[str, Json]
) -> None:
    group = place.net("/security-groups", "security_group", name="web")
    fields = {"security_group_id": group["id"], "direction": "ingress", **said}
    rule = place.net("/security-group-rules", "security_group_rule", **fields)
    assert has(rule, **kept)
    body = {"security_group_rule": {**fields, "project_id": place.project}}
    assert place.refused("network", "POST", "/security-group-rules", body) is Exists
    after = place.get("network", f"/security-groups/{group['id']}")["security_group"]
    assert rule["id"] in [r["id"] for r in after["security_group_rules"]]
    assert after["revision_number"] > group["revision_number"]


def test_a_group_takes_along_the_rules_that_admit_it(place: Place) -> None:
    web = place.net("/security-groups", "security_group", name="web")["id"]
    other = place.net("/security-groups", "security_group", name="other")["id"]
    place.net("/security-group-rules", "security_group_rule", security_group_id=web,
              direction="ingress", remote_group_id=other)  # fmt: skip
    place.http.request("network", "DELETE", f"/security-groups/{other}")
    left = place.get("network", f"/security-groups/{web}")["security_group"]
    assert {r["direction"] for r in left["security_group_rules"]} == {"egress"}


def test_what_is_plugged_into_a_router_stays(place: Place) -> None:
    network = place.net("/networks", "network", name="n")["id"]
    subnet = place.net(
        "/subnets", "subnet", network_id=network, cidr="10.0.0.0/24", ip_version=4
    )["id"]  # fmt: skip
    router = place.net("/routers", "router", name="r")["id"]
    body = {"subnet_id": subnet}
    plug = f"/routers/{router}/add_router_interface"
    place.http.request("network", "PUT", plug, json=body)
    assert place.refused("network", "PUT", plug, body) is Rejected
    (port,) = place.get("network", f"/ports?device_id={router}")["ports"]
    address = [{"subnet_id": subnet, "ip_address": "10.0.0.1"}]
    assert has(port, device_owner="network:router_interface", fixed_ips=address)
    for path in (f"/routers/{router}", f"/subnets/{subnet}", f"/networks/{network}"):
        assert place.refused("network", "DELETE", path) is Conflict
    place.http.request("network", "PUT", f"/routers/{router}/remove_router_interface", json=body)
    for path in (f"/routers/{router}", f"/subnets/{subnet}", f"/networks/{network}"):
        place.http.request("network", "DELETE", path)
        assert place.refused("network", "GET", path) is Missing


def test_a_project_leaves_its_networks_behind(place: Place) -> None:
    network = place.net("/networks", "network", name="n")["id"]
    place.http.request("identity", "DELETE", f"/projects/{place.project}")
    assert place.get("network", f"/networks/{network}")["network"]["project_id"] == place.project
    place.http.request("network", "DELETE", f"/networks/{network}")
