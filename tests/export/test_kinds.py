"""Every kind, as its case file makes it, all in one real cloud: exported, and found again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.cloud.session import Cloud
from reconciler.export.cloud import export_cloud
from reconciler.kinds.fields import Field, Value, fields_of
from reconciler.kinds.registry import Kinds
from reconciler.kinds.spec import Named
from reconciler.state.model import make_desired
from reconciler.state.values import Desired
from tests.kinds.test_cases import CASES
from tests.support.cleanup import clean_up
from tests.support.runs import in_memory, runner_for, shown, went_wrong, write_state

pytestmark = [pytest.mark.devcloud, pytest.mark.alone]


def everything(word: str, kinds: Kinds, folder: Path) -> Desired:
    """Give the first state of every case, each with names of its own."""
    files: dict[str, str] = {}
    for at, case in enumerate(CASES):
        places = {"domain": f"dom-{word}-{at}", "n": f"{word}-{at}"}
        for name, text in case.state(case.content["create"], places).items():
            files[f"{at}/{name}" if name.endswith(".yaml") else name] = text
    return make_desired(write_state(files, folder), kinds)[0]


def lost(field: Field, stated: Mapping[str, Value], found: Mapping[str, Value]) -> bool:
    """Whether an export says nothing of a field that was stated, and was worth it."""
    if field.name not in stated or field.name in found:
        return False
    if field.secret or field.create_only or field.server_default:
        return False
    value = stated[field.name]
    empty = value is None or isinstance(value, Named) or value == field.default
    return not empty and (not isinstance(value, dict) or any(v is not None for v in value.values()))


def test_every_kind_round_trips(cloud: Cloud, word: str, kinds: Kinds, tmp_path: Path) -> None:
    runner = runner_for(cloud, cloud.who(), kinds)
    desired = everything(word, kinds, tmp_path)
    try:
        assert not went_wrong(runner.apply(desired))
        found = export_cloud(runner.target)
        again, _ = make_desired(in_memory(files=found.files), kinds)
        plan, _ = runner.plan(again)
        assert plan.empty, shown(plan)
        assert not [change for change in plan.changes if change.held], shown(plan)
        managed = {a: r for a, r in desired.resources.items() if r.managed}
        assert not [a for a in managed if a not in again.resources]
        left = [
            (str(address), field.name)
            for address, resource in managed.items()
            for field in fields_of(resource.kind.spec)
            if lost(field, resource.fields, again.resources[address].fields)
        ]
        assert left == []
        assert {place for place in desired.claims if _has_items(desired, place)} <= set(
            again.claims
        )
    finally:
        clean_up(cloud, word)


def _has_items(desired: Desired, place: tuple[object, str]) -> bool:
    return any((r.parent, r.kind.name) == place for r in desired.resources.values())
