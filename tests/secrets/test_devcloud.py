"""Real services get the password, and nothing tells of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.codes import Code
from reconciler.cloud.session import Cloud
from reconciler.errors import Denied
from reconciler.yamlio import load_all
from tests.secrets.conftest import CANARIES, Place

pytestmark = pytest.mark.devcloud


def test_real_services_take_the_password_and_nothing_tells_it(
    place: Place, cloud: Cloud, clouds_file: Path, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user can log in with it afterwards, so it was really sent."""
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds_file))
    (place.folder / "state/a.yaml").write_text(
        f"domains: {{{domain}: {{description: x}}}}\n---\ndomain: {domain}\n"
        "users:\n  ann: {password: {env: CANARY_ENV}}\n  fil: {password: {file: secret}}\n"
        "projects: {shop: {members: [{user: ann, role: member}]}}\n"
    )
    ours = (
        "--cloud", "devcloud", "--state", "state", "--owner", "canaries", "--target", "Domain",
        "--target", "User", "--target", "Project", "--target", "RoleAssignment",
    )  # fmt: skip
    for form in ("text", "json", "markdown", "html"):
        assert place.run("-v", "plan", *ours, "-o", form).exit_code == Code.DONE
    result = place.run("-v", "apply", *ours, "--auto-approve")
    assert result.exit_code == Code.DONE, result.output
    (settings,) = load_all(clouds_file.read_bytes())
    auth = dict(settings["clouds"]["devcloud"]["auth"])
    auth |= {"username": "ann", "password": CANARIES["env"], "project_name": "shop"}
    auth = {key: value for key, value in auth.items() if not key.endswith("_domain_id")}
    auth |= {"user_domain_name": domain, "project_domain_name": domain}
    log_in(monkeypatch, place, auth)
    with pytest.raises(Denied, match="the roles are member, reader: admin is needed"):
        Cloud("ann").who()
    log_in(monkeypatch, place, auth | {"password": CANARIES["login"]})
    with pytest.raises(Denied) as refusal:
        Cloud("ann").who()
    assert "requires authentication" in str(refusal.value)
    assert place.run("-v", "doctor", "--cloud", "ann").exit_code == Code.NOTHING
    place.assert_silent()
    assert cloud.region


def log_in(monkeypatch: pytest.MonkeyPatch, place: Place, auth: dict[str, str]) -> None:
    file = place.folder / "clouds.yaml"
    lines = "".join(f"      {key}: {value!r}\n" for key, value in auth.items() if key != "password")
    quoted = auth["password"].replace("'", "''")
    file.write_text(
        "clouds:\n  ann:\n    region_name: RegionOne\n    identity_api_version: 3\n    auth:\n"
        f"{lines}      password: '{quoted}'\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
