"""The judge sees what is there twice, gone, changed or unfinished, and nothing else."""

from __future__ import annotations

from typing import Any

from tests.chaos.census import Dump, Whole

PROJECT = {"id": "p", "name": "web", "domain_id": "d"}
THEIRS = {"id": "n0", "name": "front", "project_id": "p", "updated_at": "then", "tags": []}
BEFORE: Dump = {("projects", "p"): PROJECT, ("networks", "n0"): THEIRS}


def ours(key: str, **fields: Any) -> dict[tuple[str, str], Any]:
    item = {"id": key, "name": "back", "project_id": "p", "tags": ["reconciler:chaos"], **fields}
    return {("networks", key): item}


ADOPTED = {**PROJECT, "tags": ["reconciler:chaos"], "reconciler_record_chaos": "at six"}
WHOLE = Whole(BEFORE, {**BEFORE, ("projects", "p"): ADOPTED, **ours("n1")})
GOOD: Dump = {**BEFORE, ("projects", "p"): ADOPTED, **ours("n2")}


def test_other_ids_are_no_difference() -> None:
    verdict = WHOLE.judge(GOOD)
    assert (verdict.duplicates, verdict.wrong, verdict.missing) == ((), (), ())
    assert WHOLE.made == 1


def test_the_record_may_be_another_one() -> None:
    other = {**ADOPTED, "reconciler_record_chaos": "at seven"}
    assert WHOLE.judge({**GOOD, ("projects", "p"): other}).wrong == ()


def test_twins_are_seen() -> None:
    assert WHOLE.judge({**GOOD, **ours("n3")}).duplicates == ("networks web/back",)


def test_a_stranger_that_is_gone_or_changed_is_seen() -> None:
    gone = {key: item for key, item in GOOD.items() if key != ("networks", "n0")}
    assert WHOLE.judge(gone).wrong == ("networks front: gone",)
    changed = {**GOOD, ("networks", "n0"): {**THEIRS, "updated_at": "now"}}
    assert WHOLE.judge(changed).wrong == ("networks front: changed",)


def test_what_has_no_name_is_known_by_what_it_says() -> None:
    def end(key: str) -> dict[tuple[str, str], Any]:
        item = {"id": key, "service_id": "s", "region": "r", "interface": "public", "url": "u"}
        return {("endpoints", key): item}

    whole = Whole(BEFORE, {**BEFORE, **end("e1")})
    verdict = whole.judge({**BEFORE, **end("e2")})
    assert (verdict.duplicates, verdict.wrong, verdict.missing) == ((), (), ())


def test_what_is_missing_or_has_no_mark_is_seen() -> None:
    without = {key: item for key, item in GOOD.items() if key != ("networks", "n2")}
    assert "networks web/back" in WHOLE.judge(without).missing
    assert WHOLE.judge({**GOOD, **ours("n2", tags=[])}).missing != ()
