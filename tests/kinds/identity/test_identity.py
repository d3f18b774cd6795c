"""What the cases cannot say of the identity service: secrets, twins, locks and the system."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from reconciler.cloud.session import Cloud
from reconciler.engine.apply import Status
from reconciler.engine.policy import Policy
from reconciler.engine.values import Action, Plan, Reason
from reconciler.kinds.address import Address
from reconciler.kinds.registry import Kinds
from reconciler.kinds.values import Json
from reconciler.state.model import make_desired
from reconciler.state.values import Desired
from tests.support.runs import OWNER, PASSWORD, Runner, in_memory, only, runner_for, went_wrong

pytestmark = pytest.mark.devcloud


@dataclass(frozen=True, slots=True)
class Place:
    """A domain of the test's own, and ways to change what is there."""

    cloud: Cloud
    kinds: Kinds
    domain: str

    def desired(self, text: str) -> Desired:
        own = f"domains: {{{self.domain}: {{enabled: true}}}}\n"
        return make_desired(in_memory(own + text.replace("DOMAIN", self.domain)), self.kinds)[0]

    def runner(self, desired: Desired) -> Runner:
        kinds = only(self.kinds, [desired])
        return runner_for(self.cloud, self.cloud.who(), kinds, Policy(OWNER))

    def plan(self, text: str) -> Plan:
        desired = self.desired(text)
        return self.runner(desired).plan(desired)[0]

    def apply(self, text: str) -> None:
        desired = self.desired(text)
        assert went_wrong(self.runner(desired).apply(desired)) == []

    def ask(self, method: str, path: str, body: Json = None) -> Json:
        return self.cloud.request("identity", method, path, json=body)

    def one(self, path: str) -> Json:
        (found,) = next(v for v in self.ask("GET", path).values() if isinstance(v, list))
        return found

    def logs_in(self, user: str, password: str) -> bool:
        body = {
            "methods": ["password"],
            "password": {
                "user": {"name": user, "domain": {"name": self.domain}, "password": password}
            },
        }
        try:
            self.ask("POST", "/auth/tokens", {"auth": {"identity": body, "scope": "unscoped"}})
        except Exception as error:  # noqa: BLE001 - whatever the refusal is
            assert "401" in repr(error) or "requires authentication" in str(error)  # noqa: PT017
            return False
        return True


@pytest.fixture
def place(cloud: Cloud, kinds: Kinds, domain: str) -> Place:
    return Place(cloud, kinds, domain)


def alice(rotation: int) -> str:
    password = f"{{env: SECRET, rotation: {rotation}}}"
    return f"---\ndomain: DOMAIN\nusers: {{alice: {{password: {password}}}}}"


def test_a_password_is_sent_when_its_rotation_changes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", PASSWORD)
    place.apply(alice(1))
    assert place.logs_in("alice", PASSWORD)
    monkeypatch.setenv("SECRET", "another one of these")
    assert place.plan(alice(1)).empty
    plan = place.plan(alice(2))
    assert [f.path for c in plan.changes for f in c.fields] == ["password.rotation"]
    assert "another one" not in repr(plan)
    assert PASSWORD not in repr(plan)
    place.apply(alice(2))
    assert place.logs_in("alice", "another one of these")
    assert not place.logs_in("alice", PASSWORD)


def test_adopting_a_user_sends_no_password(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.apply("")
    domain = place.one(f"/domains?name={place.domain}")["id"]
    user = {"name": "alice", "domain_id": domain, "password": PASSWORD}
    place.ask("POST", "/users", {"user": user})
    monkeypatch.setenv("SECRET", "another one of these")
    place.apply(alice(7))
    assert place.logs_in("alice", PASSWORD)
    assert place.one(f"/users?domain_id={domain}")["reconciler_rotation"] == 7
    place.apply(alice(8))
    assert place.logs_in("alice", "another one of these")


def test_a_refused_password_is_not_repeated(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x" * 5000)
    desired = place.desired(alice(1))
    report = place.runner(desired).apply(desired)
    failed = [o for o in report.outcomes if o.status is Status.FAILED]
    assert [o.change.address.kind for o in failed] in ([], ["User"])
    assert "xxxxx" not in repr(report)
    monkeypatch.delenv("SECRET")
    text = alice(2).replace("alice", "bob")
    desired = place.desired(text)
    (outcome,) = (
        o for o in place.runner(desired).apply(desired).outcomes if o.change.address.kind == "User"
    )
    assert outcome.error == "the environment variable SECRET is not set"


SERVICE = """
regions: {WORD: {}}
services: {WORD: {type: WORD, endpoints: [{region: WORD, interface: public, url: "http://a/"}]}}
"""


def test_two_endpoints_of_one_place_are_held(place: Place, word: str) -> None:
    text = SERVICE.replace("WORD", word)
    place.apply(text)
    service = place.one(f"/services?name={word}")["id"]
    body = {"service_id": service, "region_id": word, "interface": "public", "url": "http://b/"}
    twin = place.ask("POST", "/endpoints", {"endpoint": body})["endpoint"]["id"]
    assert place.plan(text).empty  # only one carries our mark
    ours = next(
        e for e in place.ask("GET", f"/endpoints?service_id={service}")["endpoints"]
        if e["id"] != twin
    )  # fmt: skip
    place.ask("PATCH", f"/endpoints/{twin}", {"endpoint": {"reconciler_owner": OWNER}})
    (change,) = place.plan(text).changes
    assert change.held
    assert change.held.reason is Reason.AMBIGUOUS
    place.ask("DELETE", f"/endpoints/{ours['id']}")
    (change,) = place.plan(text).changes
    assert [f.path for f in change.fields] == ["url"]


def test_an_immutable_object_is_held_until_that_is_taken_away(place: Place, word: str) -> None:
    body = {"role": {"name": word, "options": {"immutable": True}}}
    place.ask("POST", "/roles", body)
    for fields in ("description: Ours", "options: {immutable: true}"):
        (change,) = (
            c for c in place.plan(f"roles: {{{word}: {{{fields}}}}}").changes
            if c.address.kind == "Role"
        )  # fmt: skip
        assert change.held
        assert change.held.reason is Reason.PROTECTED
    place.apply(f"roles: {{{word}: {{description: Ours, options: {{immutable: false}}}}}}")
    assert place.one(f"/roles?name={word}")["description"] == "Ours"
    place.apply(f"roles: {{{word}: {{options: {{immutable: true}}}}}}")
    place.apply(f"roles: {{{word}: {{reconcile: {{lifecycle: absent}}}}}}")


def test_the_system_is_claimed_only_where_it_says_so(place: Place, word: str) -> None:
    role = f"roles: {{{word}: {{}}}}\n"
    user = "---\ndomain: DOMAIN\nusers: {alice: {}}\n---\n"
    one = f"{{user: {{name: alice, domain: DOMAIN}}, role: {word}}}"
    place.apply(f"{role}system: {{members: [{one}]}}\n{user}")
    assert place.plan(f"{role}system: {{members: []}}\n{user}").empty
    plan = place.plan(f"{role}system: {{claim: true, members: []}}\n{user}")
    gone = {c.address for c in plan.changes if c.action is Action.DELETE}
    alices = Address("RoleAssignment", ("system", "user", place.domain, "alice", word))
    assert alices in gone
    assert Address("RoleAssignment", ("system", "user", "Default", "admin", "admin")) not in gone


def test_nobody_takes_the_controllers_own_rights_away(place: Place) -> None:
    plan = place.plan(
        "---\ndomain: Default\nprojects: {admin: {description: Bootstrap, members: []}}\n"
    )
    gone = [str(c.address) for c in plan.changes if c.action is Action.DELETE]
    assert not [address for address in gone if "user/Default/admin/" in address]
