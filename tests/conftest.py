"""From a test that asks for a cloud, to a real one that runs, and a domain of the test's own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

from reconciler.cloud.session import Cloud
from reconciler.devcloud.commands import up
from reconciler.devcloud.layout import cache_folder, exclusive, open_home
from reconciler.kinds.registry import Kinds, load_kinds
from tests.support.cleanup import clean_up
from tests.support.runs import PASSWORD

PORT_BASE = 26500
"""The first port of the tests' own cloud: never that of the user's."""

UNHURRIED: Final[dict[str, Any]] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
settings.register_profile("tests", max_examples=50, **UNHURRIED)
settings.register_profile("deep", max_examples=1000, **UNHURRIED)
settings.load_profile("tests")


def pytest_configure(config: pytest.Config) -> None:
    # openstacksdk warns of InfluxDB, which nobody here has set up, whenever it reads clouds.yaml.
    config.addinivalue_line("filterwarnings", "ignore:Support for InfluxDB")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep tests that need the cloud for themselves out of parallel runs, and at the end else."""
    alone = [item for item in items if item.get_closest_marker("alone")]
    rest = [item for item in items if not item.get_closest_marker("alone")]
    if hasattr(config, "workerinput"):
        items[:] = rest
        config.hook.pytest_deselected(items=alone)
    else:
        items[:] = [*rest, *alone]


@pytest.fixture(scope="session")
def kinds() -> Kinds:
    return load_kinds()


@pytest.fixture(scope="session")
def clouds_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the clouds.yaml of the embedded cloud, which the first worker to ask brings up.

    RECONCILER_TEST_CLOUD_HOME says where it lives; RECONCILER_TEST_CLOUDS_FILE names the file of
    a cloud that runs already and is used as it is.
    """
    running = os.environ.get("RECONCILER_TEST_CLOUDS_FILE")
    if running:
        return Path(running)
    named = os.environ.get("RECONCILER_TEST_CLOUD_HOME")
    home = open_home(
        Path(named) if named else cache_folder() / "tests", None if named else PORT_BASE
    )
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # each worker has a folder of its own below that of the run
    is_up = shared / "devcloud-is-up"
    with exclusive(shared / "devcloud.lock"):
        if not is_up.exists():
            up(home, lambda _text: None)
            is_up.touch()
    return home.clouds


@pytest.fixture(scope="session")
def cloud(clouds_file: Path) -> Iterator[Cloud]:
    """Give a line to the embedded cloud, as the admin of its first project."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds_file))
        patch.setenv("RECONCILER_TEST_PASSWORD", PASSWORD)
        yield Cloud("devcloud")


@pytest.fixture
def word() -> str:
    """Give a word that no other test has, for names that are the whole cloud's."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def domain(cloud: Cloud, word: str) -> Iterator[str]:
    """Give the name of a domain of the test's own; all in it and named so is deleted in the end."""
    yield f"dom-{word}"
    clean_up(cloud, word)
