"""What is noted of an apply before and after: above all, what it may have left behind unmarked."""

from __future__ import annotations

import pytest

from reconciler.cloud.live import Live
from reconciler.cloud.record import Record
from reconciler.engine.apply import Outcome, Status
from reconciler.engine.memory import Memory
from reconciler.engine.policy import Policy
from reconciler.engine.values import Action, Change, Plan
from reconciler.kinds.address import Address
from reconciler.kinds.registry import ROOT, Kinds
from reconciler.ledger import begin, end
from reconciler.line import Report

FLAVOR = Address("Flavor", ("m1",))


def plan_of(kinds: Kinds, action: Action) -> tuple[Change, Plan]:
    change = Change(FLAVOR, kinds["Flavor"], action, ROOT)
    return change, Plan("cloud", "r", "", (change,), {}, 0, (), "id")


@pytest.mark.parametrize(
    ("status", "kept"),
    [(Status.APPLIED, ()), (Status.FAILED, (str(FLAVOR),)), (Status.SKIPPED, ())],
)
def test_what_failed_to_be_made_may_be_there_unmarked(
    kinds: Kinds, status: Status, kept: tuple[str, ...]
) -> None:
    change, plan = plan_of(kinds, Action.CREATE)
    noted = begin(Record(), plan, Live({}), Memory(), Policy("o"), 0)
    assert noted.making == (str(FLAVOR),)
    report = Report(plan, (Outcome(change, status),), plan)
    assert end(noted, report, Memory(), 0).making == kept


@pytest.mark.parametrize("status", [Status.FAILED, Status.SKIPPED, Status.PENDING])
def test_what_waits_for_its_mark_is_not_forgotten(kinds: Kinds, status: Status) -> None:
    change, plan = plan_of(kinds, Action.UPDATE)
    noted = begin(
        Record(making=(str(FLAVOR), "Flavor/gone")), plan, Live({}), Memory(), Policy("o"), 0
    )
    assert noted.making == (str(FLAVOR),)
    report = Report(plan, (Outcome(change, status),), plan)
    assert end(noted, report, Memory(), 0).making == (str(FLAVOR),)
    report = Report(plan, (Outcome(change, Status.APPLIED),), plan)
    assert end(noted, report, Memory(), 0).making == ()
