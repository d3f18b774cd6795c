"""From the tests' embedded cloud to one where things go wrong; in the end it is as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.devcloud.layout import open_home
from tests.chaos.play import BROAD, Stage, set_up
from tests.chaos.rig import rig_on


@pytest.fixture(scope="module")
def stage(clouds_file: Path) -> Iterator[Stage]:
    if os.environ.get("RECONCILER_TEST_CLOUDS_FILE"):
        pytest.skip("a cloud that somebody else runs is not turned back")
    with rig_on(open_home(clouds_file.parent)) as rig:
        yield set_up(rig, BROAD)
