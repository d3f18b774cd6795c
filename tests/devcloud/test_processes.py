"""From homes, to the processes that are theirs and to no others."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.devcloud import processes
from reconciler.devcloud.layout import Home
from reconciler.devcloud.services import GLANCE, KEYSTONE, Service

SLEEP = "print('ready', flush=True); import time; time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP

Start = Callable[[Home, Service, str], int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Run Python code where a service of a home would run."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(home: Home, service: Service, code: str) -> int:
        folder = processes.run_folder(home, service)
        folder.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process.pid

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "one", 30000, "secret")


def test_a_process_belongs_to_the_service_and_home_it_runs_in(
    home: Home, tmp_path: Path, start: Start
) -> None:
    keystone, glance = start(home, KEYSTONE, SLEEP), start(home, GLANCE, SLEEP)
    other = Home(tmp_path / "other", 30000, "secret")
    elsewhere = start(other, KEYSTONE, SLEEP)
    assert processes.find(home, KEYSTONE) == (keystone,)
    assert set(processes.find(home)) == {keystone, glance}
    assert processes.find(other) == (elsewhere,)


def test_a_process_is_found_when_its_home_was_deleted(home: Home, start: Start) -> None:
    pid = start(home, KEYSTONE, SLEEP)
    processes.run_folder(home, KEYSTONE).rmdir()
    assert processes.find(home) == (pid,)


def test_a_program_that_is_no_service_is_left_alone(home: Home) -> None:
    folder = processes.run_folder(home, KEYSTONE)
    folder.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"], cwd=folder) as visitor:
        time.sleep(0.1)  # until it has become sleep
        assert processes.find(home) == ()
        visitor.kill()


@pytest.mark.parametrize("code", [SLEEP, STUBBORN])
def test_stopping_ends_even_those_that_do_not_listen(home: Home, start: Start, code: str) -> None:
    pid = start(home, KEYSTONE, code)
    processes.stop([pid], patience=0.3)
    assert processes.find(home) == ()
    processes.stop([pid])  # once more does no harm


def test_memory_is_that_of_living_processes(home: Home, start: Start) -> None:
    pid = start(home, KEYSTONE, SLEEP)
    assert processes.memory([pid]) > 1_000_000
    assert processes.memory([]) == 0


def test_services_inherit_nothing_that_would_change_them(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_CLOUD", "production")
    monkeypatch.setenv("OS_DEFAULT__DEBUG", "true")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    environment = processes.environment(home)
    assert not environment.keys() & {"OS_CLOUD", "OS_DEFAULT__DEBUG", "PYTHONPATH"}
    assert environment["OS_NOVA_CONFIG_DIR"] == str(home.etc / "nova")
    assert "127.0.0.1" in environment["no_proxy"]
