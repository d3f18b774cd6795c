"""From an example's name to the embedded cloud with nothing in it but that."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import openstack
import pytest

from reconciler.cloud.session import Cloud
from reconciler.devcloud.commands import reset
from reconciler.devcloud.layout import open_home
from reconciler.kinds.registry import Kinds
from reconciler.kinds.values import Json
from reconciler.state.model import make_desired
from reconciler.state.source import read_folder
from tests.support.runs import Runner, runner_for, shown, went_wrong

EXAMPLES = Path(__file__).parents[2] / "desired_state"
PASSWORDS = ("RAFAEL_PASSWORD", "MARCOS_PASSWORD", "EDERSON_PASSWORD", "KEVIN_PASSWORD")


@pytest.fixture(scope="module")
def empty(clouds_file: Path) -> Iterator[Callable[[], Cloud]]:
    """Give what empties the tests' own cloud, and a new line to it; it is left empty."""
    if os.environ.get("RECONCILER_TEST_CLOUDS_FILE"):
        pytest.skip("a cloud that somebody else runs is not emptied")
    home = open_home(clouds_file.parent)

    def emptied() -> Cloud:
        reset(home, lambda _text: None)
        return Cloud("devcloud")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds_file))
        for name in PASSWORDS:
            patch.setenv(name, f"the password of {name}")
        yield emptied
    reset(home, lambda _text: None)


@pytest.fixture
def applied(empty: Callable[[], Cloud], kinds: Kinds) -> Callable[[str], Runner]:
    """Give what applies an example to an empty cloud and sees that nothing is left to do."""

    def apply(name: str) -> Runner:
        cloud = empty()
        runner = runner_for(cloud, cloud.who(), kinds)
        desired, _ = make_desired(read_folder(EXAMPLES / name), kinds)
        report = runner.apply(desired)
        assert not went_wrong(report)
        plan, _ = runner.plan(desired)
        assert not plan.changes, shown(plan)
        return runner

    return apply


@pytest.fixture
def connection(empty: Callable[[], Cloud]) -> Iterator[Json]:  # noqa: ARG001 - says where it is
    """Give the cloud as openstacksdk sees it."""
    with openstack.connect(cloud="devcloud") as found:
        yield found
