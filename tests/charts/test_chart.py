"""The chart, rendered by Helm's own engine: sound for each example, and hardened in all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate  # type: ignore[import-untyped] # it has no types
import pytest

from reconciler.kinds.registry import load_kinds
from reconciler.settings import Mode, Settings
from reconciler.settingsfile import read_settings
from tests.charts.engine import (
    CASES,
    CHART,
    MONITORING,
    TOP,
    Rendered,
    _render,
    merged,
    render,
    values_of,
)

OLDEST, NEWEST = "1.27", "1.37"
LEAST = values_of(CHART / "ci" / "default-values.yaml")
OF_THE_OPERATOR = ("ServiceMonitor", "PrometheusRule")

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)


@pytest.fixture(params=CASES, ids=lambda case: case.stem)
def rendered(request: pytest.FixtureRequest) -> Rendered:
    return render(values_of(request.param))


def settings_in(found: Rendered, folder: Path) -> Settings:
    path = folder / "reconciler.yaml"
    for one in found.all("ConfigMap"):
        if "reconciler.yaml" in one["data"]:
            path.write_text(one["data"]["reconciler.yaml"], encoding="utf-8")
    return read_settings(path, {}, [kind.name for kind in load_kinds()])


def controller(found: Rendered) -> dict[str, Any]:
    spec = found.one("Deployment")["spec"]["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


def variables(spec: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in spec["containers"][0]["env"]}


def test_there_is_an_example_for_each_way_to_run_it() -> None:
    names = {case.name.removesuffix("-values.yaml") for case in CASES}
    assert names == {"default", "full", "ssh-git", "pvc", "no-monitoring"}


@each_case
def test_helm_has_nothing_to_say_against_it(case: Path) -> None:
    report = helm_python.lint(CHART, values_of(case), strict=True)
    # An icon is recommended (1: information); there is none.
    assert [one for one in report["messages"] if one["severity"] > 1] == []
    assert report["errors"] == []


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_is_one_that_kubernetes_takes(rendered: Rendered, version: str) -> None:
    for one in rendered.objects:
        if one["apiVersion"] != MONITORING:
            kubernetes_validate.validate(one, version, strict=True)


def test_every_name_fits_a_label(rendered: Rendered) -> None:
    long = render(LEAST, name="n" * 53)
    for one in (*rendered.objects, *long.objects):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", one["metadata"]["name"])


@each_case
def test_our_own_settings_take_what_the_values_say(case: Path, tmp_path: Path) -> None:
    settings = settings_in(render(values_of(case)), tmp_path)
    assert settings.owner == "acme-infra"
    assert settings.source is not None
    assert set(settings.clouds) == set(values_of(case)["config"]["clouds"])


def test_by_default_nothing_is_written_and_nothing_deleted(tmp_path: Path) -> None:
    found = render(LEAST)
    cloud = settings_in(found, tmp_path).clouds["mycloud"]
    assert (cloud.mode, cloud.prune, cloud.heal) == (Mode.OBSERVE, {}, False)
    assert "observe: what differs is told, and nothing is ever written" in found.notes


def test_the_notes_say_which_cloud_is_written() -> None:
    assert "north: enforce" in render(values_of(CHART / "ci" / "full-values.yaml")).notes


def test_every_pod_is_hardened(rendered: Rendered) -> None:
    for spec in rendered.pods():
        pod = spec["securityContext"]
        assert (pod["runAsNonRoot"], pod["runAsUser"], pod["fsGroup"]) == (True, 10001, 10001)
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert not any("hostPath" in volume for volume in spec["volumes"])
        for container in spec["containers"]:
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"] is True
            assert (own["allowPrivilegeEscalation"], own["privileged"]) == (False, False)
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"]


def test_the_chart_makes_no_secret_and_no_rights(rendered: Rendered) -> None:
    assert not {"Secret", "Role", "ClusterRole", "RoleBinding"} & set(rendered.kinds())
    for account in rendered.all("ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_everything_writable_is_a_volume_and_secrets_are_not(rendered: Rendered) -> None:
    for spec in rendered.pods():
        mounts = spec["containers"][0]["volumeMounts"]
        writable = {one["mountPath"] for one in mounts if not one.get("readOnly")}
        assert writable == {"/var/lib/reconciler", "/tmp"}  # noqa: S108 - a path in a container
        assert {one["name"] for one in mounts} == {one["name"] for one in spec["volumes"]}


def test_the_container_runs_what_the_image_has() -> None:
    container = controller(render(LEAST))["containers"][0]
    words = ["run", "--config", "/etc/reconciler/reconciler.yaml", "--listen", "0.0.0.0:8080"]
    assert container["args"] == words
    assert f"CMD {json.dumps(words)}" in (TOP / "deploy/Containerfile").read_text(encoding="utf-8")
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]
    assert container["image"] == "openstack-reconciler:0.1.0"


def test_there_is_one_and_the_old_goes_before_the_new_comes(rendered: Rendered) -> None:
    spec = rendered.one("Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_another_setting_starts_the_pod_anew_and_the_same_does_not() -> None:
    def checksum(values: dict[str, Any]) -> str:
        template = render(values).one("Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    other = merged(LEAST, {"config": {"clouds": {"mycloud": {"mode": "enforce"}}}})
    assert checksum(other) != checksum(LEAST) == checksum(merged(LEAST, {"user": 20000}))


def test_the_selector_never_changes_with_the_version_and_leaves_the_doctor_out() -> None:
    found = render(LEAST)
    wanted = found.one("Deployment")["spec"]["selector"]["matchLabels"]
    assert set(wanted) == {f"app.kubernetes.io/{w}" for w in ("name", "instance", "component")}
    assert wanted == found.one("Service")["spec"]["selector"]
    doctor = found.one("Pod")["metadata"]["labels"]
    assert (
        wanted.items() <= found.one("Deployment")["spec"]["template"]["metadata"]["labels"].items()
    )
    assert not wanted.items() <= doctor.items()


def test_helm_test_asks_the_doctor_about_each_cloud() -> None:
    found = render(values_of(CHART / "ci" / "full-values.yaml")).all("Pod")
    assert [pod["metadata"]["name"] for pod in found] == [
        "watcher-doctor-north", "watcher-doctor-south-1-6e70e7cf",
    ]  # fmt: skip
    assert [pod["spec"]["containers"][0]["args"][-1] for pod in found] == ["north", "south_1"]
    assert {pod["metadata"]["annotations"]["helm.sh/hook"] for pod in found} == {"test"}


@pytest.mark.parametrize(
    ("name", "clouds"),
    [
        ("demo", ["My Cloud/1", "Köln", "-", "ß/"]),
        ("demo", ["prod_a", "prod-a", "prod.a", "PROD-A"]),
        ("n" * 53, ["production-europe-1", "production-europe-2", "p"]),
    ],
)
def test_each_cloud_has_a_doctor_of_its_own_whatever_it_is_called(
    name: str, clouds: list[str]
) -> None:
    values = merged(LEAST, {"config": {"clouds": {key: {} for key in clouds}}})
    found = render(values, name=name).all("Pod")
    names = {pod["metadata"]["name"] for pod in found}
    asked = {pod["spec"]["containers"][0]["args"][-1] for pod in found}
    assert asked == {*clouds, "mycloud"}
    assert len(names) == len(asked)
    for one in names:
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", one)


NUMBERS: dict[str, Any] = {
    "openstack": {"existingSecret": "123"},
    "webhook": {"existingSecret": "1e3"},
    "api": {"existingSecret": "0x1f"},
    "caBundle": {"existingConfigMap": "0123"},
    "git": {
        "token": {"existingSecret": "0123"}, "ssh": {"existingSecret": "1.0"},
        "verification": {"existingSecret": "12"},
    },
    "passwords": {"existingSecrets": ["123", "true", "null"]},
    "persistence": {"enabled": True, "existingClaim": "123", "size": "5"},
    "ingress": {
        "enabled": True, "className": "1", "host": "1.0", "existingTlsSecret": "7",
    },
    "serviceAccount": {"existingName": "123"},
    "priorityClassName": "123",
    "dashboards": {"label": "true"},
    "nameOverride": "123",
}  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"fullnameOverride": "0123"}], ids=["name", "fullname"])
@pytest.mark.parametrize("claim", ["123", ""], ids=["claim", "own claim"])
def test_what_looks_like_a_number_stays_a_name(more: dict[str, Any], claim: str) -> None:
    own = {"persistence": {**NUMBERS["persistence"], "existingClaim": claim, "storageClass": "1"}}
    found = render(merged(LEAST, {**NUMBERS, **own, **more}), name="123")
    for one in found.objects:
        if one["apiVersion"] != MONITORING:
            kubernetes_validate.validate(one, NEWEST, strict=True)
        labels = one["metadata"]["labels"]
        assert all(isinstance(word, str) for pair in labels.items() for word in pair)
        assert isinstance(one["metadata"]["name"], str)
    selector = found.one("ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert all(isinstance(value, str) for value in selector.values())


def test_the_numbers_of_users_stay_whole() -> None:
    spec = controller(render(merged(LEAST, {"user": 1_000_810_000})))["securityContext"]
    for name in ("runAsUser", "runAsGroup", "fsGroup"):
        assert (spec[name], type(spec[name])) == (1_000_810_000, int)


def test_the_operators_kinds_come_only_where_the_cluster_knows_them(rendered: Rendered) -> None:
    assert set(render(LEAST).kinds()) >= set(OF_THE_OPERATOR)
    without = render(LEAST, apis=())
    assert not set(without.kinds()) & set(OF_THE_OPERATOR)
    assert "does not know monitoring.coreos.com/v1" in without.notes
    assert "does not know" not in rendered.notes


def test_monitoring_can_be_left_out_whole() -> None:
    kinds = render(values_of(CHART / "ci" / "no-monitoring-values.yaml")).kinds()
    assert kinds == ["ConfigMap", "Deployment", "NetworkPolicy", "Pod", "ServiceAccount"]


def test_who_could_not_look_at_a_cloud_yet_can_be_asked_why(rendered: Rendered) -> None:
    for service in rendered.all("Service"):
        assert service["spec"]["publishNotReadyAddresses"] is True


def test_metrics_are_scraped_where_the_pod_offers_them() -> None:
    found = render(values_of(CHART / "ci" / "full-values.yaml"))
    monitor = found.one("ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    endpoint = monitor["spec"]["endpoints"][0]
    assert (endpoint["port"], endpoint["path"], endpoint["interval"]) == ("http", "/metrics", "15s")
    labels = found.one("Service")["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_the_state_directory_is_a_claim_only_where_one_is_asked_for() -> None:
    def state(name: str) -> tuple[dict[str, Any], int]:
        found = render(values_of(CHART / "ci" / f"{name}-values.yaml"))
        volume = next(v for v in controller(found)["volumes"] if v["name"] == "state")
        return volume, len(found.all("PersistentVolumeClaim"))

    assert state("default") == ({"name": "state", "emptyDir": {"sizeLimit": "2Gi"}}, 0)
    claim = {"name": "state", "persistentVolumeClaim": {"claimName": "demo-reconciler"}}
    assert state("pvc") == (claim, 1)
    kept = {"name": "state", "persistentVolumeClaim": {"claimName": "kept"}}
    assert state("full") == (kept, 0)


def test_whoever_may_choose_users_is_left_to_choose() -> None:
    spec = controller(render({**LEAST, "user": None}))["securityContext"]
    assert spec == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_rendering_twice_gives_the_same() -> None:
    values = values_of(CHART / "ci" / "full-values.yaml")
    first = render(values)
    _render.cache_clear()
    assert render(values).texts == first.texts


def test_what_is_rendered_has_no_blanks_at_the_end_of_a_line(rendered: Rendered) -> None:
    for path, text in rendered.texts.items():
        # Those two have what is included, as it is.
        if not path.endswith(("prometheusrule.yaml", "dashboard.yaml", "NOTES.txt")):
            assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
