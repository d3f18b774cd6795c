"""What the commands say that talk to a controller, whatever answers, and what they never tell."""

from __future__ import annotations

import getpass
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from io import BufferedReader
from itertools import takewhile

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.main import cli
from reconciler.kinds.values import Json
from tests.cli.conftest import Call

TOKEN = "s3cret-token"
Serve = Callable[[bytes], str]


class Heard:
    """Guards what was sent to a server that answers the same to everybody."""

    def __init__(self) -> None:
        self.requests: list[str] = []


def whole(lines: BufferedReader) -> str:
    """Read one request, with its body."""
    head = b"".join(takewhile(lambda line: line != b"\r\n", lines)).decode()
    said = re.search(r"Content-Length: (\d+)", head)
    return head + lines.read(int(said[1]) if said else 0).decode()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def serve(heard: Heard) -> Iterator[Serve]:
    """Give what starts a server and says its URL."""
    sockets: list[socket.socket] = []

    def start(reply: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)

        def go() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                with caller, caller.makefile("rb") as lines:
                    heard.requests.append(whole(lines))
                    caller.sendall(reply)

        threading.Thread(target=go, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for one in sockets:
        one.shutdown(socket.SHUT_RDWR)
        one.close()


def reply(answer: object, status: str = "200 OK") -> bytes:
    body = json.dumps(answer).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def status_of(*clouds: str) -> bytes:
    rows: list[Json] = [
        {
            "cloud": name, "mode": "observe", "in_sync": None, "settled_revision": "", "run": None,
            "source": {"revision": "", "branch": "main", "problem": ""}, "held": [], "pauses": [],
        }
        for name in clouds
    ]  # fmt: skip
    return reply({"format_version": "1.0", "now": "2026-01-01T00:00:00+00:00", "clouds": rows})


def talk(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words), prog_name="reconciler")


@pytest.mark.parametrize("command", ["status", "history", "suspend"])
@pytest.mark.parametrize(
    "odd",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 500 X\r\nContent-Length: 100\r\n\r\n{}",
        reply([]), reply({}), reply([], "500 X"), reply("no", "999 X"),
        reply({"format_version": "1.0", "clouds": 7, "runs": [7]}),
        reply({"format_version": "2.0", "clouds": [], "runs": []}),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_controller_is_told_in_plain_words(
    serve: Serve, command: str, odd: bytes
) -> None:
    more = ["--reason", "a look"] if command == "suspend" else []
    result = talk(command, "--url", serve(odd), *more)
    assert result.exit_code == 1
    assert "controller" in result.output
    assert "this is a bug" not in result.output
    assert "is paused" not in result.output


@pytest.mark.parametrize("blanks", ["", "\n", "\r\n", " \t"])
def test_blanks_around_the_token_are_none_of_it(
    serve: Serve, heard: Heard, monkeypatch: pytest.MonkeyPatch, blanks: str
) -> None:
    monkeypatch.setenv("RECONCILER_TOKEN", f"{TOKEN}{blanks}")
    result = talk("status", "--url", serve(status_of("prod")))
    assert result.exit_code == 0, result.output
    assert f"Authorization: Bearer {TOKEN}\r\n" in heard.requests[0]


@pytest.mark.parametrize("odd", ["\n", "\r\nX: y", "\x7f", "\u20ac"])
def test_a_token_that_no_header_holds_is_refused_and_never_told(
    serve: Serve, heard: Heard, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    monkeypatch.setenv("RECONCILER_TOKEN", f"{TOKEN}{odd}more")
    result = talk("status", "--url", serve(status_of("prod")))
    assert result.exit_code == 64
    assert "RECONCILER_TOKEN" in result.output
    assert TOKEN not in result.output
    assert heard.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_nothing_for_this_machine_goes_through_a_proxy(
    serve: Serve, heard: Heard, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("http_proxy", serve(reply({}, "502 Bad Gateway")))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("RECONCILER_TOKEN", TOKEN)
    assert "no controller answers" in talk("status", "--url", f"http://{host}:9").output
    assert heard.requests == []
    assert "502" in talk("status", "--url", "http://controller.example:8080").output
    assert len(heard.requests) == 1


def test_a_cloud_that_the_controller_does_not_know_is_no_answer(serve: Serve) -> None:
    url = serve(status_of("north", "south"))
    wrong = talk("status", "--url", url, "--cloud", "nroth")
    assert wrong.exit_code == 64
    assert "--cloud nroth: the controller looks after north, south" in wrong.output
    right = talk("status", "--url", url, "--cloud", "south")
    assert (right.exit_code, "south" in right.output, "north" in right.output) == (0, True, False)


@pytest.mark.parametrize("error", [KeyError("uid not found: 4711"), OSError("No username set")])
def test_who_has_no_name_pauses_by_number(
    serve: Serve, heard: Heard, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    url = serve(reply({"paused": "prod"}, "201 Created"))
    result = talk("suspend", "--url", url, "--reason", "a look")
    assert result.exit_code == 0, result.output
    assert '"by": "uid 4711"' in heard.requests[0]


APPROVAL = ("approve", "f43e25092d17ddb9", "--cloud", "prod", "--owner", "us")


def test_an_approval_has_the_controller_look_now(
    serve: Serve, heard: Heard, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_TOKEN", TOKEN)
    monkeypatch.setenv("RECONCILER_URL", serve(reply({"woken": "prod"}, "202 Accepted")))
    result = call(*APPROVAL)
    assert result.exit_code == 0, result.output
    assert "the controller looks now" in result.output
    assert heard.requests[0].startswith("POST /api/v1/wake?cloud=prod ")
    assert f"Bearer {TOKEN}" in heard.requests[0]


@pytest.mark.parametrize(
    ("token", "answer"),
    [
        ("", reply({"woken": "prod"})),
        (TOKEN, reply({"title": "404 Not Found"}, "404 Not Found")),
        (TOKEN, b"SSH-2.0-OpenSSH\r\n"),
        (f"{TOKEN}\nmore", reply({"woken": "prod"})),
    ],
)
def test_an_approval_is_good_without_a_controller(
    serve: Serve, call: Call, monkeypatch: pytest.MonkeyPatch, token: str, answer: bytes
) -> None:
    monkeypatch.setenv("RECONCILER_TOKEN", token)
    monkeypatch.setenv("RECONCILER_URL", serve(answer))
    result = call(*APPROVAL)
    assert result.exit_code == 0, result.output
    assert "may pass once" in result.output
    assert "controller" not in result.output


@pytest.mark.parametrize("url", ["ftp://x", "http://[::1", "http://a:b:c", "http://127.0.0.1:port"])
def test_a_url_that_is_none_is_told_in_plain_words(url: str) -> None:
    result = talk("status", "--url", url)
    assert result.exit_code in (1, 64)
    assert url in result.output
    assert "this is a bug" not in result.output
