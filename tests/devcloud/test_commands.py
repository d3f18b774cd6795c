"""From what is in a home, to what the commands make of it without starting a service."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.devcloud import commands
from reconciler.devcloud.cli import devcloud
from reconciler.devcloud.errors import DevcloudError
from reconciler.devcloud.health import is_healthy, reason, wait_until_healthy
from reconciler.devcloud.layout import Home
from reconciler.devcloud.services import KEYSTONE, NEUTRON


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home on ports where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = Home(tmp_path / "home", port, "secret")
    home.log.mkdir(parents=True)
    return home


def put_data(folder: Path, mark: str, content: str) -> None:
    folder.mkdir()
    (folder / "fingerprint").write_text(mark)
    (folder / "content").write_text(content)


def test_data_that_fits_is_kept(home: Home) -> None:
    said: list[str] = []
    put_data(home.pristine, commands.fingerprint(home), "new")
    put_data(home.data, commands.fingerprint(home), "used")
    assert commands.settle_data(home, said.append)
    assert (home.data / "content").read_text() == "used"
    assert said == []


@pytest.mark.parametrize("mark", [None, "of another version"])
def test_data_that_does_not_fit_gives_way_to_the_pristine_copy(
    home: Home, mark: str | None
) -> None:
    said: list[str] = []
    put_data(home.pristine, commands.fingerprint(home), "new")
    if mark:
        put_data(home.data, mark, "used")
    assert commands.settle_data(home, said.append)
    assert (home.data / "content").read_text() == "new"
    assert bool(said) == bool(mark)


def test_without_anything_that_fits_nothing_is_left(home: Home) -> None:
    put_data(home.pristine, "of another version", "new")
    home.data.mkdir()
    (home.data / "half").touch()
    assert not commands.settle_data(home, lambda _: None)
    assert not home.data.exists()


def test_half_a_copy_is_never_taken_for_a_whole_one(home: Home) -> None:
    put_data(home.pristine, commands.fingerprint(home), "new")
    half = home.data.with_name("data.partial")
    half.mkdir()
    (half / "leftover").touch()
    assert commands.settle_data(home, lambda _: None)
    assert not half.exists()
    assert sorted(path.name for path in home.data.iterdir()) == ["content", "fingerprint"]


@pytest.mark.parametrize(
    "other",
    [
        lambda h: Home(h.path / "moved", h.port_base, h.password),
        lambda h: Home(h.path, h.port_base + 1, h.password),
        lambda h: Home(h.path, h.port_base, "another"),
    ],
)
def test_data_fits_only_the_home_it_was_made_for(home: Home, other: Callable[[Home], Home]) -> None:
    assert commands.fingerprint(other(home)) != commands.fingerprint(home)
    assert commands.fingerprint(home) == commands.fingerprint(home)


def test_a_port_that_another_program_has_is_named(home: Home) -> None:
    with socket.create_server(("127.0.0.1", home.port(KEYSTONE))) as listener:
        listener.listen()
        listener.settimeout(0)
        with pytest.raises(DevcloudError, match=f"port {home.port_base}, for keystone, is in use"):
            commands.find_absent(home)


def test_a_port_that_is_about_to_be_free_is_waited_for(home: Home) -> None:
    listener = socket.create_server(("127.0.0.1", home.port(KEYSTONE)))
    leaving = threading.Timer(0.3, listener.close)
    leaving.start()
    assert KEYSTONE in commands.find_absent(home)
    leaving.join()


def test_a_service_that_ended_is_reported_with_its_last_words(home: Home) -> None:
    (home.log / "neutron.log").write_text("Traceback\nImportError: no module\n\n")
    with pytest.raises(DevcloudError, match="neutron ended while starting; ImportError: no module"):
        wait_until_healthy(home, [NEUTRON])


def test_a_log_that_says_nothing_is_still_named(tmp_path: Path) -> None:
    log = tmp_path / "nova.log"
    log.touch()
    assert reason(log) == f"see {log}"


def test_where_nothing_listens_nothing_is_healthy(home: Home) -> None:
    assert not is_healthy(home, KEYSTONE)
    assert not any(each.healthy for each in commands.status(home))


def test_before_the_first_up_there_is_nothing_to_use_or_to_stop(tmp_path: Path) -> None:
    runner, where = CliRunner(), ["--home", str(tmp_path / "home")]
    refused = runner.invoke(devcloud, ["env", *where])
    assert isinstance(refused.exception, DevcloudError)
    assert "`up` makes one" in str(refused.exception)

    stopped = runner.invoke(devcloud, ["down", *where])
    assert (stopped.exit_code, stopped.stdout) == (0, "")
    assert "nothing was running" in stopped.stderr
    assert not (tmp_path / "home").exists()


def test_status_of_what_is_down_says_so_and_fails(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        devcloud, ["status", "--home", str(tmp_path), "--port-base", "1030"]
    )
    assert result.exit_code == 1
    assert "keystone   down  http://127.0.0.1:1030\n" in result.stdout


def test_env_is_code_for_a_shell(home: Home) -> None:
    home.clouds.touch()
    words = commands.env(home).split()
    assert words == ["export", f"OS_CLIENT_CONFIG_FILE={home.clouds}", "OS_CLOUD=devcloud"]


@pytest.mark.parametrize("command", ["up", "down", "status", "reset", "env"])
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(devcloud, [command, "--help"])
    assert result.exit_code == 0
    assert "--port-base" in result.stdout
