"""One table: what has no address of its own is a field of its parent, and is counted with it."""

from __future__ import annotations

import pytest

from reconciler.engine.apply import Outcome, Status
from reconciler.engine.compare import FieldChange
from reconciler.engine.values import Action, Change, Held, Plan, Reason
from reconciler.kinds.address import Address
from reconciler.kinds.registry import load_kinds
from reconciler.report.html import plan_html
from reconciler.report.jsonform import plan_form, plan_json, plan_schema
from reconciler.report.markdown import plan_markdown
from reconciler.report.table import make_table, with_outcomes
from reconciler.report.text import plan_text
from reconciler.report.values import Row, Table
from tests.support.runs import Runner
from tests.support.schemas import misfits
from tests.support.small_cloud import small_cloud, small_runner

CAMPUS = """
domains:
  campus:
    description: The campus
    users: {alice: {email: alice@campus.example}, bob: {}}
    groups:
      devs: {description: Developers, users: [%s]}
    projects:
      shop:
        tags: [%s]
        security_groups:
          web:
            rules:
              - {direction: ingress, protocol: tcp, ports: %s}
              - {direction: egress}
"""
FIRST = CAMPUS % ("alice", "blue, green", "22")
LATER = CAMPUS % ("bob", "blue, red", "443")


@pytest.fixture
def runner() -> Runner:
    return small_runner(small_cloud())


def table_of(runner: Runner, text: str) -> Table:
    return make_table(runner.plan(runner.desired(text))[0])


def row_of(table: Table, address: str) -> Row:
    return next(row for row in table.rows if str(row.address) == address)


def said(row: Row) -> list[tuple[str, object, object]]:
    return [(line.path, line.before, line.after) for line in row.lines]


def test_children_of_a_new_object_are_its_fields(runner: Runner) -> None:
    table = table_of(runner, FIRST)
    group = row_of(table, "SecurityGroup/campus/shop/web")
    assert group.action is Action.CREATE
    assert said(group) == [
        ("rules", None, "egress 0.0.0.0/0"),
        ("rules", None, "ingress tcp 22 0.0.0.0/0"),
    ]
    assert not {row.address.kind for row in table.rows} & {"SecurityGroupRule", "GroupMember"}


def test_a_parent_that_does_not_change_itself_gets_a_row(runner: Runner) -> None:
    runner.apply(runner.desired(FIRST))
    table = table_of(runner, LATER)
    group = row_of(table, "SecurityGroup/campus/shop/web")
    assert group.action is Action.UPDATE
    assert said(group) == [
        ("rules", None, "ingress tcp 443 0.0.0.0/0"),
        ("rules", "ingress tcp 22 0.0.0.0/0", None),
    ]
    assert said(row_of(table, "Group/campus/devs")) == [
        ("users", None, "bob"),
        ("users", "alice", None),
    ]


def test_sets_are_sorted(runner: Runner) -> None:
    runner.apply(runner.desired(FIRST))
    project = row_of(table_of(runner, LATER), "Project/campus/shop")
    assert said(project) == [("tags", ["blue", "green"], ["blue", "red"])]


def test_counts_are_of_rows(runner: Runner) -> None:
    first = table_of(runner, FIRST)
    assert first.summary["create"] == 6
    assert first.summary["unchanged"] == 0
    runner.apply(runner.desired(FIRST))
    settled = table_of(runner, FIRST)
    assert settled.rows == ()
    assert settled.summary["unchanged"] == 6
    later = table_of(runner, LATER)
    assert (later.summary["update"], later.summary["unchanged"]) == (3, 3)


def test_what_waits_names_only_rows(runner: Runner) -> None:
    table = table_of(runner, FIRST)
    known = {row.address for row in table.rows}
    for row in table.rows:
        assert set(row.after) <= known - {row.address}
    assert Address("User", ("campus", "alice")) in row_of(table, "Group/campus/devs").after


def test_a_field_that_forces_a_replacement_is_said_of_what_is_there_only() -> None:
    kind = load_kinds()["Network"]
    address = Address("Network", ("campus", "shop", "front"))
    for action, forces in ((Action.CREATE, False), (Action.REPLACE, True)):
        field = FieldChange("mtu", 1400, 1500, forces_replace=True)
        change = Change(address, kind, action, Address("Project", address.names[:2]), (field,))
        assert make_table(plan_of(change)).rows[0].lines[0].forces_replace is forces


def plan_of(*changes: Change) -> Plan:
    return Plan("prod", "", "", changes, {}, 0, (), "0123456789abcdef")


def rule_change(held: Held | None = None) -> Change:
    kind = load_kinds()["SecurityGroupRule"]
    parent = Address("SecurityGroup", ("campus", "shop", "web"))
    lost = (FieldChange("direction", "ingress", None), FieldChange("protocol", "tcp", None))
    address = Address(kind.name, (*parent.names, "ingress tcp"))
    return Change(address, kind, Action.DELETE, parent, lost, "not in git", held=held)


def test_a_held_child_holds_its_row() -> None:
    held = Held(Reason.DEPENDENCY, "waits for something", "patience")
    row = make_table(plan_of(rule_change(held))).rows[0]
    assert row.held == Held(
        Reason.DEPENDENCY, "rules ingress tcp 0.0.0.0/0: waits for something", "patience"
    )


def test_the_worst_of_its_parts_becomes_of_a_row() -> None:
    change = rule_change()
    kind = load_kinds()["SecurityGroup"]
    parent = Change(change.parent, kind, Action.UPDATE, Address("Project", ("campus", "shop")))
    outcomes = (
        Outcome(parent, Status.APPLIED, seconds=1.0),
        Outcome(change, Status.FAILED, "in use", request_id="req-1", seconds=0.5),
    )
    (result,) = with_outcomes(make_table(plan_of(parent, change)), outcomes).results or ()
    assert (result.status, result.request_id) == (Status.FAILED, "req-1")
    assert result.error == "rules ingress tcp 0.0.0.0/0: in use"


SECRET = "correct horse"


def secret_change() -> Change:
    kind = load_kinds()["User"]
    field = FieldChange("password", SECRET, SECRET + "2", sensitive=True)
    address = Address("User", ("campus", "alice"))
    return Change(address, kind, Action.UPDATE, Address("Domain", ("campus",)), (field,))


def test_a_secret_reaches_no_form() -> None:
    table = make_table(plan_of(secret_change()))
    forms = (plan_json(table), plan_text(table).plain, plan_markdown(table), plan_html(table))
    for form in forms:
        assert SECRET not in form
        assert "(sensitive)" in form


def test_json_is_what_its_schema_says(runner: Runner) -> None:
    desired = runner.desired(FIRST)
    report = runner.apply(desired)
    table = with_outcomes(make_table(report.plan), report.outcomes)
    form = plan_form(table)
    assert misfits(form, plan_schema()) == []
    assert {outcome["status"] for outcome in form["outcomes"]} == {"applied"}
    assert misfits({**form, "more": 1}, plan_schema()) == ["$: more is not known"]


def test_json_has_just_the_keys_that_programs_know(runner: Runner) -> None:
    form = plan_form(table_of(runner, FIRST))
    assert list(form) == [
        "format_version", "plan_id", "cloud", "revision", "settled_revision", "observed",
        "changes", "summary",
    ]  # fmt: skip
    assert form["format_version"] == "1.0"
    assert form["revision"] is None
    change = next(c for c in form["changes"] if c["kind"] == "SecurityGroup")
    assert list(change) == [
        "address", "kind", "action", "origin", "fields", "source", "after", "held",
    ]  # fmt: skip
    assert list(change["fields"][0]) == [
        "path", "before", "after", "sensitive", "forces_replace",
    ]  # fmt: skip
    assert change["source"] == {"file": "a.yaml", "line": 12}
    assert list(form["summary"]) == [
        "create", "update", "replace", "adopt", "delete", "held", "unchanged",
    ]  # fmt: skip
