"""The doctor: scope, services, extensions, refused listings and the clock, each by name."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.cloud.session import Who
from reconciler.doctor import Check, Verdict, examine, missing
from reconciler.errors import Denied
from reconciler.kinds.values import NOTHING, Json
from tests.cli.conftest import Call
from tests.support.fake_cloud import FakeCloud
from tests.support.small_cloud import small_cloud, small_kinds

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OFFERED = frozenset({"security-group", "standard-attr-tag", "revision-if-match"})


class Patient:
    """A cloud in memory with something wrong with it."""

    region = "RegionOne"

    def __init__(
        self,
        *,
        login: Exception | None = None,
        services: frozenset[str] = frozenset({"identity", "network"}),
        extensions: frozenset[str] = OFFERED,
        refuses: str = "",
        time: datetime | None = NOW,
    ) -> None:
        self.cloud: FakeCloud = small_cloud()
        self.login = login
        self.services = services
        self.extensions = extensions
        self.refuses = refuses
        self.time = time

    def who(self) -> Who:
        if self.login:
            raise self.login
        return replace(self.cloud.who(), services=self.services)

    def clock(self) -> datetime | None:
        return self.time

    def request(
        self, service: str, method: str, path: str, *, json: Json = None, content: object = None,
        headers: Mapping[str, str] = NOTHING, params: Mapping[str, str | int] = NOTHING,
        version: str = "",
    ) -> Json:  # fmt: skip
        if path == "/extensions":
            return {"extensions": [{"alias": alias} for alias in self.extensions]}
        if self.refuses and path.startswith(self.refuses):
            raise Denied("rule:admin_required is disallowed by policy", service=service, status=403)
        return self.cloud.request(
            service, method, path, json=json, content=content, headers=headers, params=params,
            version=version,
        )  # fmt: skip


def lacking(patient: Patient) -> dict[str, Check]:
    return {check.about: check for check in missing(examine(patient, small_kinds(), NOW))}


def test_nothing_is_missing_where_all_is_well() -> None:
    checks = examine(Patient(), small_kinds(), NOW)
    assert missing(checks) == []
    assert {"login", "clock", "Network", "RoleAssignment"} <= {check.about for check in checks}


@pytest.mark.parametrize("scope", ["system-scoped", "domain scope"])
def test_a_wrong_scope_is_refused_by_name(scope: str) -> None:
    found = lacking(Patient(login=Denied(f"a {scope} token")))
    assert list(found) == ["login"]
    assert scope in found["login"].found
    assert "scoped to a project" in found["login"].advice


def test_a_service_that_the_catalogue_lacks() -> None:
    found = lacking(Patient(services=frozenset({"identity"})))
    assert set(found) == {"Network", "Subnet", "SecurityGroup", "SecurityGroupRule"}
    assert found["Network"].found == "no network service in region RegionOne"


def test_an_extension_that_is_off() -> None:
    found = lacking(Patient(extensions=OFFERED - {"security-group"}))
    assert list(found) == ["SecurityGroup"]
    assert found["SecurityGroup"].found == "no extension security-group"


def test_a_listing_that_is_refused() -> None:
    found = lacking(Patient(refuses="/role_assignments"))
    assert "RoleAssignment" in found
    assert "disallowed by policy" in found["RoleAssignment"].found
    assert "the policy refuses" in found["RoleAssignment"].advice
    assert "Project" not in found


@pytest.mark.parametrize(("seconds", "bad"), [(0, False), (59, False), (-61, True), (3600, True)])
def test_a_clock_that_is_wrong(seconds: int, *, bad: bool) -> None:
    found = lacking(Patient(time=NOW + timedelta(seconds=seconds)))
    assert ("clock" in found) is bad


def test_a_cloud_that_does_not_tell_the_time() -> None:
    assert "clock" not in {c.about for c in examine(Patient(time=None), small_kinds(), NOW)}


@pytest.mark.parametrize(
    ("patient", "code"),
    [
        (Patient(time=None), 0),
        (Patient(time=None, refuses="/role_assignments"), 1),
        (Patient(login=Denied("no")), 1),
    ],
)
def test_the_command_ends_with_1_where_something_is_missing(
    call: Call, monkeypatch: pytest.MonkeyPatch, patient: Patient, code: int
) -> None:
    monkeypatch.setattr("reconciler.cli.run.Cloud", lambda *_words, **_more: patient)
    monkeypatch.setattr("reconciler.cli.doctor.load_kinds", small_kinds)
    result = call("doctor", "--cloud", "prod")
    assert result.exit_code == code
    assert ("nothing is missing" in result.stdout) is (code == 0)
    checks = jsonlib.loads(call("doctor", "--cloud", "prod", "-o", "json").stdout)["checks"]
    assert any(check["verdict"] == Verdict.MISSING for check in checks) is (code == 1)
