"""The data of images on a real cloud: from files and URLs, checked, broken off, and replaced."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconciler import line
from reconciler.cloud.session import Cloud
from reconciler.engine.apply import Status
from reconciler.engine.policy import Policy, Releases
from reconciler.engine.values import Action, Reason
from reconciler.errors import Transient
from reconciler.kinds.registry import Kinds
from reconciler.kinds.values import Json
from reconciler.state.model import make_desired
from reconciler.state.values import Desired
from tests.support.runs import OWNER, Runner, only, runner_for, went_wrong, write_state

pytestmark = pytest.mark.devcloud
DATA = b"the data of an image\n" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
SHA512 = hashlib.sha512(DATA).hexdigest()
FORMATS = "disk_format: raw, container_format: bare"
HERE = "127.0.0.1"


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/data")
            self.end_headers()
        elif self.path in ("/data", "/short"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            self.wfile.write(DATA if self.path == "/data" else DATA[:100])
        else:
            self.send_error(404)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = ThreadingHTTPServer((HERE, 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{HERE}:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@dataclass(frozen=True, slots=True)
class Place:
    """A project for images, and ways to bring one there."""

    cloud: Cloud
    kinds: Kinds
    domain: str
    folder: Path
    near: frozenset[str] = frozenset({HERE})

    def desired(self, image: str, data: bytes = DATA) -> Desired:
        (self.folder / "i.raw").write_bytes(data)
        head = f"domain: {self.domain}\nproject: web\n"
        files = {
            "scope.yaml": f"domains: {{{self.domain}: {{enabled: true, projects: {{web: {{}}}}}}}}",
            "image.yaml": f"{head}images: {{i: {{{image}}}}}",
        }
        return make_desired(write_state(files, self.folder), self.kinds)[0]

    def runner(self, desired: Desired, *allowed: str) -> Runner:
        policy = Policy(OWNER, releases=Releases(frozenset(allowed)))
        runner = runner_for(self.cloud, self.cloud.who(), only(self.kinds, [desired]), policy)
        return Runner(replace(runner.target, allowed_hosts=self.near), policy)

    def apply(self, image: str, data: bytes = DATA, *allowed: str) -> line.Report:
        desired = self.desired(image, data)
        return self.runner(desired, *allowed).apply(desired)

    def images(self) -> list[Json]:
        """Give all images of the project, hidden ones, too."""
        domain = self.cloud.request("identity", "GET", f"/domains?name={self.domain}")
        path = f"/projects?domain_id={domain['domains'][0]['id']}&name=web"
        project = self.cloud.request("identity", "GET", path)["projects"][0]["id"]
        found: list[Json] = []
        for hidden in ("false", "true"):
            path = f"/images?owner={project}&os_hidden={hidden}"
            found += self.cloud.request("image", "GET", path)["images"]
        return found


@pytest.fixture
def place(cloud: Cloud, kinds: Kinds, domain: str, tmp_path: Path) -> Place:
    return Place(cloud, kinds, domain, tmp_path)


def errors(report: line.Report) -> list[str]:
    return [outcome.error for outcome in report.outcomes if outcome.status is Status.FAILED]


def test_data_come_from_a_url_and_the_checksum_is_noted(place: Place, web: str) -> None:
    image = f'url: "{web}/moved", checksum: "sha256:{SHA256}", {FORMATS}'
    assert went_wrong(place.apply(image)) == []
    (found,) = place.images()
    assert found["os_hash_value"] == SHA512
    assert found["reconciler_checksum"] == f"sha256:{SHA256}"


def test_the_cloud_can_fetch_the_data_itself(place: Place, web: str) -> None:
    image = (
        f'url: "{web}/data", import_method: web-download, checksum: "sha512:{SHA512}", {FORMATS}'
    )
    assert went_wrong(place.apply(image)) == []
    assert [found["os_hash_value"] for found in place.images()] == [SHA512]


@pytest.mark.parametrize("method", ["", "import_method: web-download,"])
def test_nothing_is_fetched_from_the_loopback(place: Place, web: str, method: str) -> None:
    strict = replace(place, near=frozenset())
    image = f'url: "{web}/data", {method} checksum: "sha512:{SHA512}", {FORMATS}'
    (error,) = errors(strict.apply(image))
    assert "nothing is fetched from the loopback" in error
    assert [found["status"] for found in place.images()] == ["queued"]
    assert went_wrong(place.apply(image)) == []


@pytest.mark.parametrize("method", ["", "import_method: web-download,"])
def test_other_data_than_stated_are_deleted(place: Place, web: str, method: str) -> None:
    image = f'url: "{web}/data", {method} checksum: "md5:{"0" * 32}", {FORMATS}, protected: true'
    (error,) = errors(place.apply(image))
    assert "another one than stated; the image was deleted" in error
    assert place.images() == []


def test_a_file_of_another_checksum_is_not_kept(place: Place) -> None:
    image = f'file: i.raw, checksum: "sha512:{"0" * 128}", {FORMATS}'
    (error,) = errors(place.apply(image))
    assert f"the data have sha512:{SHA512}" in error
    assert place.images() == []


@pytest.mark.parametrize("path", ["none", "short"])
def test_what_cannot_be_fetched_whole_leaves_no_image_in_use(
    place: Place, web: str, path: str
) -> None:
    image = f'url: "{web}/{path}", checksum: "sha512:{SHA512}", {FORMATS}'
    assert len(errors(place.apply(image))) == 1
    assert [found["status"] for found in place.images()] in ([], ["queued"])
    image = f'url: "{web}/data", checksum: "sha512:{SHA512}", {FORMATS}'
    assert went_wrong(place.apply(image)) == []


def test_an_image_without_its_data_gets_them_in_the_next_run(place: Place) -> None:
    place.apply("visibility: private")
    assert [found["status"] for found in place.images()] == ["queued"]
    desired = place.desired(f"file: i.raw, {FORMATS}, visibility: private, active: false")
    plan, _ = place.runner(desired).plan(desired)
    (change,) = plan.changes
    assert change.action is Action.UPDATE
    assert not change.held
    assert went_wrong(place.runner(desired).apply(desired)) == []
    assert [found["status"] for found in place.images()] == ["deactivated"]


def test_other_data_are_another_image_once_that_is_allowed(place: Place) -> None:
    image = f"file: i.raw, {FORMATS}, tags: [blue]"
    assert went_wrong(place.apply(image)) == []
    (before,) = place.images()
    desired = place.desired(image, b"other data")
    plan, _ = place.runner(desired).plan(desired)
    assert [(c.action, c.held and c.held.reason) for c in plan.changes] == [
        (Action.REPLACE, Reason.REPLACE)
    ]
    assert went_wrong(place.apply(f"reconcile: {{replace: allow}}, {image}", b"other data")) == []
    (after,) = place.images()
    assert after["id"] != before["id"]
    assert after["size"] == len(b"other data")
    assert sorted(after["tags"]) == ["blue", f"reconciler:{OWNER}"]


def test_a_replacement_that_was_broken_off_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = f"file: i.raw, {FORMATS}"
    assert went_wrong(place.apply(image)) == []
    ask = place.cloud.request

    def breaks(service: str, method: str, path: str, **more: Json) -> Json:
        if path.endswith("/file"):
            raise Transient("the line broke")
        return ask(service, method, path, **more)

    again = f"reconcile: {{replace: allow}}, {image}"
    with monkeypatch.context() as patch:
        patch.setattr(place.cloud, "request", breaks)
        assert errors(place.apply(again, b"other data")) == ["the line broke"]
    assert sorted(found["status"] for found in place.images()) == ["active", "queued"]
    assert went_wrong(place.apply(image, b"other data")) == []
    sizes = {found["size"]: found["tags"] for found in place.images()}
    assert f"reconciler:{OWNER}:retired" in sizes[len(DATA)]
    assert sizes[len(b"other data")] == [f"reconciler:{OWNER}"]


def test_a_protected_image_goes_only_where_it_is_declared_absent(place: Place) -> None:
    image = f"file: i.raw, {FORMATS}"
    assert went_wrong(place.apply(f"{image}, protected: true")) == []
    held = place.desired(f"reconcile: {{replace: allow}}, {image}", b"other data")
    plan, _ = place.runner(held).plan(held)
    assert [c.held and c.held.reason for c in plan.changes] == [Reason.PROTECTED]
    assert went_wrong(place.apply("reconcile: {lifecycle: absent}")) == []
    assert place.images() == []
