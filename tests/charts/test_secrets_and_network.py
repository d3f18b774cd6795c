"""What reaches the pod from secrets, and who reaches it over the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.charts.engine import CHART, Rendered, merged, render, values_of
from tests.charts.test_chart import LEAST, controller, settings_in, variables

FULL = values_of(CHART / "ci" / "full-values.yaml")
SSH = values_of(CHART / "ci" / "ssh-git-values.yaml")


def files(found: Rendered) -> dict[str, tuple[str, str]]:
    """Give every file of a Secret in the pod: its path, and the Secret and key it is."""
    spec = controller(found)
    places = {one["name"]: one["mountPath"] for one in spec["containers"][0]["volumeMounts"]}
    return {
        f"{places[volume['name']]}/{item['path']}": (volume["secret"]["secretName"], item["key"])
        for volume in spec["volumes"]
        for item in volume.get("secret", {}).get("items", [])
    }


def policy(values: dict[str, Any]) -> dict[str, Any]:
    spec = render(values).one("NetworkPolicy")["spec"]
    assert isinstance(spec, dict)
    return spec


def test_clouds_yaml_is_where_openstacksdk_is_told_to_look() -> None:
    found = render(FULL)
    place = variables(controller(found))["OS_CLIENT_CONFIG_FILE"]
    assert files(found)[place] == ("clouds", "all-clouds.yaml")


def test_the_key_and_the_known_hosts_are_where_the_settings_say(tmp_path: Path) -> None:
    found = render(SSH)
    source = settings_in(found, tmp_path).source
    assert source is not None
    assert source.ssh is not None
    assert files(found)[source.ssh.key] == ("deploy-key", "ssh-privatekey")
    assert files(found)[source.ssh.known_hosts] == ("deploy-key", "known_hosts")


def test_the_keys_of_signers_are_where_the_settings_say(tmp_path: Path) -> None:
    found = render(SSH)
    source = settings_in(found, tmp_path).source
    assert source is not None
    assert source.verify.mode.value == "range"
    mounts = controller(found)["containers"][0]["volumeMounts"]
    assert {"name": "keys", "mountPath": source.verify.keys, "readOnly": True} in mounts


def test_the_token_is_where_the_settings_say(tmp_path: Path) -> None:
    found = render(FULL)
    source = settings_in(found, tmp_path).source
    assert source is not None
    assert source.token is not None
    assert source.token.file is not None
    assert files(found)[source.token.file] == ("deploy-token", "token")


def test_what_the_settings_say_themselves_goes_before_what_the_chart_would_write(
    tmp_path: Path,
) -> None:
    own = {"key": "/run/more/key", "known_hosts": "/run/more/known_hosts"}
    found = render(merged(SSH, {"config": {"source": {"ssh": own}}}))
    source = settings_in(found, tmp_path).source
    assert source is not None
    assert source.ssh is not None
    assert source.ssh.model_dump() == own


def test_the_secrets_of_webhooks_and_api_come_by_reference_to_the_controller_alone() -> None:
    def references(spec: dict[str, Any]) -> dict[str, Any]:
        env = spec["containers"][0]["env"]
        return {
            one["name"]: one["valueFrom"]["secretKeyRef"]
            for one in env
            if "secretKeyRef" in one.get("valueFrom", {})
        }

    found = render(FULL)
    assert references(controller(found)) == {
        "RECONCILER_WEBHOOK_SECRET": {"name": "hooks", "key": "secret"},
        "RECONCILER_TOKEN": {"name": "api", "key": "token"},
    }
    assert references(found.one("Pod", "north")["spec"]) == {}
    assert references(controller(render(LEAST))) == {}


def test_passwords_come_as_variables_from_secrets_that_are_there() -> None:
    container = controller(render(FULL))["containers"][0]
    named = [one["secretRef"]["name"] for one in container["envFrom"]]
    assert named == ["service-passwords", "user-passwords"]
    assert "envFrom" not in controller(render(LEAST))["containers"][0]


def test_files_of_secrets_are_for_their_reader_alone() -> None:
    for values in (FULL, SSH):
        for volume in controller(render(values))["volumes"]:
            if "secret" in volume and volume["name"] != "more":
                assert volume["secret"]["defaultMode"] == 0o400, volume["name"]


def test_only_monitoring_comes_in_until_webhooks_do() -> None:
    def who(values: dict[str, Any]) -> list[str]:
        rules = policy(values)["ingress"]
        assert [rule["ports"] for rule in rules] == [[{"port": "http", "protocol": "TCP"}]]
        labels = [one["namespaceSelector"]["matchLabels"] for one in rules[0]["from"]]
        return [one["kubernetes.io/metadata.name"] for one in labels]

    assert who(LEAST) == ["monitoring"]
    assert who(FULL) == ["monitoring", "ingress-nginx"]


def test_no_peer_means_nobody_and_not_everybody() -> None:
    found = policy(values_of(CHART / "ci" / "no-monitoring-values.yaml"))
    assert found["ingress"] == []
    assert found["policyTypes"] == ["Ingress", "Egress"]


def test_what_goes_out_is_dns_git_and_the_clouds() -> None:
    dns, git, clouds = policy(FULL)["egress"]
    assert {(one["port"], one["protocol"]) for one in dns["ports"]} == {(53, "UDP"), (53, "TCP")}
    assert git["to"] == [{"ipBlock": {"cidr": "192.0.2.10/32"}}]
    assert [one["port"] for one in git["ports"]] == [443]
    assert clouds["to"][0]["ipBlock"]["except"] == ["198.51.100.7/32"]
    assert [one["port"] for one in clouds["ports"]] == [443, 5000]


def test_by_default_the_metadata_service_is_out_of_reach() -> None:
    for rule in policy(LEAST)["egress"][1:]:
        for place in rule["to"]:
            assert "169.254.169.254/32" in place["ipBlock"]["except"]


def test_the_policy_is_about_the_controller_and_the_doctor() -> None:
    found = render(LEAST)
    wanted = found.one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items()
    assert wanted <= found.one("Deployment")["spec"]["template"]["metadata"]["labels"].items()
    assert wanted <= found.one("Pod")["metadata"]["labels"].items()


def test_from_outside_only_hooks_can_be_reached_and_only_by_https() -> None:
    spec = render(FULL).one("Ingress")["spec"]
    paths = [path for rule in spec["rules"] for path in rule["http"]["paths"]]
    assert [(one["path"], one["pathType"]) for one in paths] == [("/hooks", "Prefix")]
    assert spec["tls"] == [{"hosts": ["hooks.example.com"], "secretName": "hooks-tls"}]


@pytest.mark.parametrize("values", [LEAST, SSH, FULL], ids=["least", "ssh", "full"])
def test_each_variable_is_set_once(values: dict[str, Any]) -> None:
    names = [one["name"] for one in controller(render(values))["containers"][0]["env"]]
    assert len(names) == len(set(names))
