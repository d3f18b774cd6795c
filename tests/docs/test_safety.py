"""What docs/safety.md says of holds and releases, against what there is."""

from __future__ import annotations

import re
from pathlib import Path

import click

from reconciler.cli.apply import apply_command
from reconciler.engine.policy import DELETES, IN_A_PLAN
from reconciler.engine.values import Reason

PAGE = (Path(__file__).parents[2] / "docs" / "safety.md").read_text(encoding="utf-8")
ROWS = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))


def test_every_reason_to_hold_a_change_is_explained() -> None:
    assert {reason.value for reason in Reason} == ROWS


def test_every_release_is_named_and_every_named_one_is_there() -> None:
    named = set(re.findall(r"--allow-[a-z-]+", PAGE))
    options = [o for o in apply_command.params if isinstance(o, click.Option)]
    assert {o for option in options for o in option.opts if o.startswith("--allow-")} == named


def test_the_numbers_are_those_of_the_code() -> None:
    assert (DELETES.fraction, DELETES.absolute, DELETES.free, IN_A_PLAN) == (0.25, 10, 1, 25)
    assert f"{IN_A_PLAN} in one plan" in PAGE
    assert f"{DELETES.absolute} at most, {DELETES.free} always" in PAGE
