"""The record where it grows beyond its room: it forgets what costs a question, and no more."""

from __future__ import annotations

from reconciler.cloud.record import (
    LONGEST,
    Approval,
    Record,
    parse_record,
    read_record,
    write_record,
)
from tests.support.small_cloud import small_cloud

LONG = tuple(f"Flavor/{number:03}-{'x' * 200}" for number in range(100))


def test_a_record_without_room_forgets_nothing_that_lets_a_change_through() -> None:
    cloud = small_cloud()
    project = cloud.who().project_id
    spent = Approval("f43e25092d17ddb9", 2000.0, "ann")
    behind = LONG[:36]  # the longest of the lists, and the last to be shortened
    whole = Record(settled="a" * 40, making=LONG[:30], taken=LONG[:30], behind=behind).use(spent)
    write_record(cloud, project, "us", whole)
    kept = read_record(cloud, project, "us")
    assert kept is not None
    assert (kept.settled, kept.behind, kept.used) == (whole.settled, behind, whole.used)
    assert 0 < len(kept.making) < len(whole.making)
    assert set(kept.making) <= set(LONG)


def test_many_deletes_of_a_day_are_summed_and_none_forgotten() -> None:
    cloud = small_cloud()
    project = cloud.who().project_id
    many = {f"Kind{kind}": tuple((float(at), 1) for at in range(200)) for kind in range(20)}
    write_record(cloud, project, "us", Record(deleted=many))
    text = cloud.rows["/projects"][project]["reconciler_record_us"]
    assert len(text) <= LONGEST
    assert parse_record(text).spent("Kind7", 200.0) == 200
