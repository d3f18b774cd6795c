"""What can be said of the examples without a cloud."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from reconciler.kinds.registry import Kinds
from reconciler.state.model import make_desired
from reconciler.state.source import read_folder

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "desired_state"
NAMES = ("campus", "training-lab", "operations", "vlan-cloud", "ha-cloud")


def test_there_are_five() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_valid(name: str, kinds: Kinds) -> None:
    _, warnings = make_desired(read_folder(EXAMPLES / name), kinds)
    # Most databases would take the campus's role for the one that every cloud is born with.
    expected = ["Role/Member"] if name == "campus" else []
    assert [warning.address for warning in warnings] == expected


def test_the_images_are_those_of_the_script() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "example_images.py"))
    for name, size in script["IMAGES"].items():
        assert (EXAMPLES / name).read_bytes() == script["qcow2"](size)
    assert {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.qcow2")} == set(
        script["IMAGES"]
    )
