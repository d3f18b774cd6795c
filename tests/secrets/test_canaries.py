"""Secrets are sent to the service that needs them, and told to nobody else."""

from __future__ import annotations

import html
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from reconciler.cli.codes import Code
from reconciler.controller.store import Store
from reconciler.errors import CloudError
from reconciler.kinds.values import Json
from tests.secrets.conftest import CANARIES, OURS, Place, Witness, traces
from tests.support.commits import commit, start_repository
from tests.support.fake_cloud import refused

FORMS = ("text", "json", "markdown", "html")


def were_sent(witness: Witness) -> bool:
    """Whether both passwords left for the cloud: else none of this would mean anything."""
    sent = "".join(witness.bodies)
    quoted = json.dumps(CANARIES["env"], ensure_ascii=False)
    return quoted in sent and CANARIES["file"] in sent


def test_the_test_would_notice() -> None:
    assert traces(f"password: {CANARIES['file']}") == ["file"]
    assert traces(CANARIES["env"][:12]) == ["env"]


def test_a_good_run_tells_no_secret(place: Place, witness: Witness) -> None:
    assert place.run("validate", "state").exit_code == Code.DONE
    for form in FORMS:
        assert place.run("-v", "plan", *OURS, "-o", form).exit_code == Code.DONE
    assert place.run("plan", *OURS, "--out", "my.plan").exit_code == Code.DONE
    assert not were_sent(witness)
    result = place.run("-v", "apply", "my.plan", "-o", "json")
    assert result.exit_code == Code.DONE, result.output
    assert were_sent(witness)
    assert place.run("-v", "export", "--cloud", "prod", "out").exit_code == Code.DONE
    place.run("-v", "doctor", "--cloud", "prod")
    place.run("doctor", "--cloud", "prod", "-o", "json")
    place.run("graph", "--state", "state")
    again = (place.folder / "state/a.yaml").read_text().replace("rotation: 2", "rotation: 3")
    (place.folder / "state/a.yaml").write_text(again)
    witness.bodies.clear()
    result = place.run("-v", "apply", *OURS, "--auto-approve")
    assert CANARIES["file"] in "".join(witness.bodies), result.output
    place.assert_silent()


ECHOES: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: f"{secret} is not of type 'object'",
    "as JSON": lambda secret: json.dumps({"password": secret}),
    "as JSON with all its letters": lambda secret: json.dumps([secret], ensure_ascii=False),
    "as JSON in JSON": lambda secret: json.dumps(json.dumps({"password": secret})),
    "as Python": lambda secret: f"{ {'password': secret} } is not valid",
    "as HTML": lambda secret: f"<p>{html.escape(secret)}</p>",
    "in a URL": lambda secret: f"/v3?password={quote(secret)}",
    "in a form": lambda secret: f"/v3?password={quote(secret, safe='').replace('%20', '+')}",
    "with blanks as one": lambda secret: " ".join(secret.split()),
    "cut off early": lambda secret: "x" * 300 + secret[:12],
    "cut off late": lambda secret: "x" * 300 + secret[:-2],
    "cut off in JSON": lambda secret: "x" * 300 + json.dumps(secret)[:-4],
    "twice": lambda secret: f"{secret}{secret}",
}


@pytest.mark.parametrize("status", [400, 409, 500])
@pytest.mark.parametrize("echo", ECHOES)
def test_an_error_that_repeats_the_request_tells_no_secret(
    place: Place, witness: Witness, echo: str, status: int
) -> None:
    def answer(method: str, path: str, body: Json) -> CloudError | None:
        if method == "GET" or path != "/users":
            return None
        return refused(status, ECHOES[echo](body["user"]["password"]))

    witness.answer = answer
    for form in ("text", "json"):
        result = place.run("-v", "apply", *OURS, "--auto-approve", "-o", form)
        assert result.exit_code == Code.FAILED
    assert were_sent(witness)
    place.assert_silent()


@pytest.mark.parametrize(
    "bug",
    [
        lambda secret: ValueError(f"cannot send {secret!r}"),
        KeyError,
        lambda secret: UnicodeEncodeError("ascii", secret, 0, 1, secret),
        lambda secret: ExceptionGroup(secret, [ValueError(secret)]),
    ],
)
def test_a_bug_of_ours_tells_no_secret(
    place: Place, witness: Witness, bug: Callable[[str], Exception]
) -> None:
    def answer(method: str, path: str, body: Json) -> Exception | None:
        if method == "GET" or path != "/users":
            return None
        return bug(body["user"]["password"])

    witness.answer = answer
    result = place.run("-v", "apply", *OURS, "--auto-approve")
    assert result.exit_code == Code.FAILED
    assert "internal error" in result.output
    assert were_sent(witness)
    place.assert_silent()


@pytest.mark.parametrize("echo", ECHOES)
def test_what_a_controller_keeps_and_answers_tells_no_secret(
    place: Place, witness: Witness, echo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(method: str, path: str, body: Json) -> CloudError | None:
        if method == "GET" or path != "/users":
            return None
        return refused(400, ECHOES[echo](body["user"]["password"]), "req-4b1d")

    witness.answer = answer
    monkeypatch.setenv("RECONCILER_STATE_DIRECTORY", str(place.folder / "told"))
    start_repository(place.folder)
    settings = "owner: us\nstate: state\nclouds: {prod: {mode: enforce}}\n"
    commit(place.folder, {"reconciler.yaml": settings})
    place.run("-v", "run", "--once")
    assert were_sent(witness)
    store = Store(place.folder / "told/controller-us.sqlite3")
    (run,) = store.runs("prod", 9)
    failed = [one for one in run["outcomes"] if one["status"] == "failed"]
    assert {one["request_id"] for one in failed} == {"req-4b1d"}
    assert traces(json.dumps(run, ensure_ascii=False)) == []
    place.assert_silent()


def make_large(path: Path) -> None:
    path.write_text(CANARIES["file"] * 10_000)


KEPT: dict[str, tuple[Callable[[Path], None], str]] = {
    "a pipe": (os.mkfifo, "pass: is no plain file"),
    "a device that never ends": (lambda path: path.symlink_to("/dev/zero"), "is no plain file"),
    "a ring": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "a folder": (lambda path: path.mkdir(), "pass: is no plain file"),
    "nothing": (lambda _path: None, "pass: No such file or directory"),
    "too much": (make_large, "pass is too large"),
    "blanks": (lambda path: path.touch(), "pass is empty"),
    "no text": (lambda path: path.symlink_to(sys.executable), "pass: not UTF-8"),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_password_is_kept_in_a_plain_file(place: Place, witness: Witness, name: str) -> None:
    make, says = KEPT[name]
    make(place.folder / "pass")
    place.secret_files |= {"pass"}
    state = place.folder / "state/a.yaml"
    state.write_text(state.read_text().replace("file: secret", "file: pass"))
    result = place.run("apply", *OURS, "--auto-approve")
    assert result.exit_code == Code.FAILED
    assert says in result.output
    assert CANARIES["file"] not in "".join(witness.bodies)
    place.assert_silent()


def test_a_password_may_lie_behind_a_link_as_kubernetes_mounts_it(
    place: Place, witness: Witness
) -> None:
    (place.folder / "secret").rename(place.folder / "clouds.yaml")
    (place.folder / "secret").symlink_to("clouds.yaml")
    assert place.run("apply", *OURS, "--auto-approve").exit_code == Code.DONE
    assert were_sent(witness)


URL = f"https://me:{CANARIES['url']}@host.example/debian.raw"
CLEAR = CANARIES["file"]
IMAGE = "domain: d\nproject: p\nimages: {i: {url: 'URL'}}\n"
USER = "domain: d\nusers: {u: {password: CLEAR}}\n"
WRITTEN = {
    "a password": USER.replace("CLEAR", CLEAR),
    "a password in a list": USER.replace("CLEAR", f"[{CLEAR}]"),
    "a password in its place": USER.replace("CLEAR", f"{{env: {{x: {CLEAR}}}}}"),
    "a password beside it": USER.replace("CLEAR", f"{{clear: {CLEAR}}}"),
    "a password in a URL": IMAGE.replace("URL", URL),
    "a URL that is none": IMAGE.replace("URL", URL.replace("host", "h\u2100st")),
    "a URL in brackets": IMAGE.replace("URL", f"https://u:{CANARIES['url']}@[::1"),
    "a URL cut in two": IMAGE.replace("URL", f"https://u:{CANARIES['url']}#x@host/"),
    "a URL of another sort": IMAGE.replace("URL", f"ftp://u:{CANARIES['url']}@host/"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_secret_in_the_state_is_refused_and_not_repeated(place: Place, name: str) -> None:
    (place.folder / "state/a.yaml").write_text(WRITTEN[name])
    place.secret_files |= {"a.yaml"}
    for form in ("text", "json", "sarif"):
        assert place.run("validate", "state", "-o", form).exit_code == Code.NOTHING
    place.assert_silent()


def test_a_secret_in_the_settings_is_not_repeated(place: Place) -> None:
    settings = (
        f"owner: us\nstate: state\nsource: {{url: '{URL}', brnch: x}}\nclouds: {{prod: {{}}}}\n"
    )
    (place.folder / "reconciler.yaml").write_text(settings)
    place.secret_files |= {"reconciler.yaml"}
    assert place.run("validate", "state").exit_code == Code.NOTHING
    (place.folder / "reconciler.yaml").write_text(settings.replace("brnch", "branch"))
    assert place.run("validate").exit_code == Code.NOTHING
    assert place.run("-v", "plan").exit_code == Code.NOTHING
    place.assert_silent()
