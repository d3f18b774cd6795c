"""What states mean: scopes, references, options and claims."""

from __future__ import annotations

import os
import time

import pytest

from reconciler.errors import StateError
from reconciler.kinds.address import Address
from reconciler.kinds.registry import Kinds
from reconciler.state.model import make_desired
from reconciler.state.values import Desired, Lifecycle
from tests.support.runs import in_memory


def desired(kinds: Kinds, *texts: str) -> Desired:
    return make_desired(in_memory(*texts), kinds)[0]


def managed(found: Desired) -> set[str]:
    return {str(address) for address, one in found.resources.items() if one.managed}


def test_one_state_can_be_written_in_many_ways(kinds: Kinds) -> None:
    nested = "domains: {d: {projects: {p: {networks: {n: {subnets: {s: {cidr: 10.0.0.0/8}}}}}}}}"
    headed = "domain: d\nproject: p\nnetworks: {n: {subnets: {s: {cidr: 10.0.0.0/8}}}}"
    half = "domain: d\nprojects: {p: {networks: {n: {subnets: {s: {cidr: 10.0.0.0/8}}}}}}"
    wanted = {"Subnet/d/p/n/s"}
    assert [managed(desired(kinds, text)) for text in (nested, headed, half)] == [wanted] * 3


def test_a_collection_can_be_spread_over_files(kinds: Kinds) -> None:
    found = desired(
        kinds,
        "domain: d\nusers: {u: {}, v: {}}\ngroups: {g: {users: [u]}}\n",
        "domain: d\ngroups: {g: {users: [v]}, h: {}}\n",
        "domain: d\ngroups: {g: {description: ours}}\n---\ndomain: d\nusers: {w: {}}\n",
    )
    members = {a for a in managed(found) if a.startswith("GroupMember/")}
    assert members == {"GroupMember/d/g/u", "GroupMember/d/g/v"}
    assert found.resources[Address("Group", ("d", "g"))].fields == {"description": "ours"}
    assert Address("User", ("d", "w")) in found.resources


def test_a_scope_declares_nothing(kinds: Kinds) -> None:
    found = desired(kinds, "domain: d\nproject: p\nnetworks: {n: {}}\n")
    for address in (Address("Domain", ("d",)), Address("Project", ("d", "p"))):
        assert found.resources[address].lifecycle is Lifecycle.EXTERNAL
        assert found.resources[address].implied


@pytest.mark.parametrize("entry", ["{}", "{description: x}", "{reconcile: {}}", "{members: []}"])
def test_what_makes_a_declaration(kinds: Kinds, entry: str) -> None:
    found = desired(kinds, f"domain: d\nprojects: {{p: {entry}}}\n")
    assert "Project/d/p" in managed(found)


def test_what_the_cloud_was_born_with_is_external_unless_stated(kinds: Kinds) -> None:
    found = desired(kinds, "domains: {Default: {projects: {admin: {}}}}\nroles: {member: {}}\n")
    assert managed(found) == set()
    found = desired(kinds, "domain: Default\nprojects: {admin: {description: x}}\n")
    assert managed(found) == {"Project/Default/admin"}


def test_three_states_of_a_field(kinds: Kinds) -> None:
    text = "domain: d\nprojects: {p: {description: null, tags: []}, q: {description: ''}}\n"
    found = desired(kinds, text)
    assert found.resources[Address("Project", ("d", "p"))].fields == {
        "description": "", "tags": frozenset(),
    }  # fmt: skip
    assert found.resources[Address("Project", ("d", "q"))].fields == {"description": ""}


HEAD = """
domains:
  d:
    users: {u: {}, "d/x": {}, x: {}}
    roles: {member: {}}
    projects:
      p:
        security_groups: {web: {}, other: {}}
        networks: {net: {}, both: {}}
      q:
        security_groups: {web: {}, single: {}}
        networks: {both: {}}
  e:
    users: {u: {}, only: {}}
    projects: {r: {}}
"""
GROUP = ("domain: d\nproject: p\nsecurity_groups: {z: {rules: [{direction: ingress, "
         "remote: {group: %s}}]}}")  # fmt: skip
MEMBER = "domain: d\ngroups: {z: {users: [%s]}}"
ROLE = "domain: d\ngroups: {z: {}}\nprojects: {s: {members: [{group: z, role: %s}]}}"
MEANT = [
    (GROUP, "web", "SecurityGroup/d/p/web"),
    (GROUP, "z", "SecurityGroup/d/p/z"),
    (GROUP, "default", "SecurityGroup/d/p/default"),
    (GROUP, "{name: web, project: q}", "SecurityGroup/d/q/web"),
    (GROUP, "{name: single, project: q, domain: d}", "SecurityGroup/d/q/single"),
    (MEMBER, "u", "User/d/u"),
    (MEMBER, "d/x", "User/d/d%2Fx"),
    (MEMBER, "{name: u, domain: e}", "User/e/u"),
    (MEMBER, "e/only", "User/e/only"),
    (ROLE, "member", "Role/d/member"),
    (ROLE, "reader", "Role/reader"),
    (ROLE, "{name: member, domain: null}", "Role/member"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "word", "meant"), MEANT)
def test_a_name_means_what_lies_nearest(kinds: Kinds, text: str, word: str, meant: str) -> None:
    found = desired(kinds, HEAD, text % word)
    edges = [r for r in found.resources.values() if r.kind.edge and "z" in str(r.address)]
    assert meant in {str(v) for r in edges for v in r.fields.values() if isinstance(v, Address)}


NOT_MEANT = [
    (GROUP, "single", "which is not visible from here; there is SecurityGroup/d/q/single"),
    (MEMBER, "only", "which is not visible from here; there is User/e/only"),
    (GROUP, "{name: webb, project: q}", "which nothing declares; did you mean web?"),
]


@pytest.mark.parametrize(("text", "word", "says"), NOT_MEANT)
def test_what_cannot_be_seen_cannot_be_meant(kinds: Kinds, text: str, word: str, says: str) -> None:
    with pytest.raises(StateError) as refusal:
        desired(kinds, HEAD, text % word)
    assert says in str(refusal.value)


ROUTED = """
domain: d
projects:
  lab: {routers: {r: {gateway: {network: up}}}}
  ops: {networks: {up: {%s}}}
"""


@pytest.mark.parametrize("flag", ["external: true", "shared: true"])
def test_what_is_shared_is_seen_from_everywhere(kinds: Kinds, flag: str) -> None:
    found = desired(kinds, ROUTED % flag)
    router = found.resources[Address("Router", ("d", "lab", "r"))]
    assert router.fields["gateway"]["network"] == Address("Network", ("d", "ops", "up"))


def test_what_is_not_shared_is_not_seen(kinds: Kinds) -> None:
    with pytest.raises(StateError, match="not visible from here"):
        desired(kinds, ROUTED % "mtu: 1400")


def test_more_than_one_hit_names_all_candidates(kinds: Kinds) -> None:
    other = "domain: d\nproject: dev\nnetworks: {up: {external: true}}\n"
    with pytest.raises(StateError) as refusal:
        desired(kinds, ROUTED % "external: true", other)
    assert "can mean Network/d/dev/up, Network/d/ops/up; say {name:, project:" in str(refusal.value)


def test_what_lies_in_the_same_object_is_nearest(kinds: Kinds) -> None:
    found = desired(
        kinds,
        """
        domain: d
        project: p
        networks:
          n: {subnets: {s: {cidr: 10.0.0.0/24}}, ports: {a: {fixed_ips: [{subnet: s}]}}}
          m: {subnets: {s: {cidr: 10.1.0.0/24}}}
        """,
    )
    (part,) = found.resources[Address("Port", ("d", "p", "n", "a"))].fields["fixed_ips"]
    assert dict(part)["subnet"] == Address("Subnet", ("d", "p", "n", "s"))


def test_a_stated_list_claims_and_an_unstated_one_does_not(kinds: Kinds) -> None:
    text = "domain: d\nusers: {u: {}}\ngroups: {g: {users: []}, h: {}, i: {users: [u]}}\n"
    claims = {(str(parent), kind) for parent, kind in desired(kinds, text).claims}
    assert claims == {("Group/d/g", "GroupMember"), ("Group/d/i", "GroupMember")}


def test_names_can_hold_anything(kinds: Kinds) -> None:
    text = """
    domain: "a/b%c"
    projects: {"ü: #{x}": {networks: {"*": {}}}}
    users: {"*": {}}
    groups: {g: {users: ["*"]}}
    """
    found = managed(desired(kinds, text))
    assert {"Network/a%2Fb%25c/ü: #{x}/*", "GroupMember/a%2Fb%25c/g/*"} <= found


def test_a_thousand_files_are_read_in_seconds(kinds: Kinds) -> None:
    texts = [
        f"domain: d\nprojects:\n  p{n}:\n    description: one of many\n    tags: [a, b]\n"
        f"    members: [{{user: u{n}, role: member}}]\n"
        f"    networks: {{n: {{mtu: 1400, subnets: {{s: {{cidr: 10.0.0.0/24}}}}}}}}\n"
        f"    security_groups: {{web: {{rules: [{{direction: ingress, protocol: tcp}}]}}}}\n"
        f"users: {{u{n}: {{}}}}\n"
        for n in range(1000)
    ]  # fmt: skip
    files = {f"f{n}.yaml": text for n, text in enumerate(texts)}
    began = time.process_time()
    found, warnings = make_desired(in_memory(files=files), kinds)
    seconds = time.process_time() - began
    assert len(managed(found)) == 7000
    assert warnings == []
    # About 3 s on a slow machine; "quickly" is what a person waits for, so a wide margin.
    assert seconds < float(os.environ.get("RECONCILER_TEST_SECONDS", "20"))
