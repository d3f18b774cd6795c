"""Text, Markdown, HTML and JSON: what people read, and that names cannot give orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from reconciler.engine.compare import FieldChange
from reconciler.engine.values import Action, Change, Held, Observed, Plan, Reason
from reconciler.kinds.address import Address
from reconciler.kinds.registry import load_kinds
from reconciler.report.graph import dot, mermaid
from reconciler.report.html import plan_html
from reconciler.report.jsonform import plan_json
from reconciler.report.markdown import plan_markdown
from reconciler.report.table import make_table
from reconciler.report.text import plan_text
from reconciler.report.values import Table
from reconciler.report.words import clean, count_of, shown
from reconciler.state.parse import Origin

EVIL = "x</code><script>alert(1)</script>\x1b[31m\u202e\x9b2J```"
PROJECT = Address("Project", ("campus", "shop"))


def table_of(
    name: str = "front",
    action: Action = Action.UPDATE,
    fields: tuple[FieldChange, ...] = (),
    held: Held | None = None,
) -> Table:
    change = Change(
        Address("Network", (*PROJECT.names, name)), load_kinds()["Network"], action, PROJECT,
        fields, held=held, origin=Origin("net.yaml", 7),
    )  # fmt: skip
    observed = {"Network": Observed(complete=True, count=1843)}
    plan = Plan("prod", "4be21c7" + 33 * "0", "add\nit", (change,), observed, 3, (), 16 * "f")
    return make_table(plan, seconds=1.4)


def test_text_reads_as_the_contract_shows_it() -> None:
    fields = (FieldChange("mtu", 1400, 1450), FieldChange("description", "", "Blue team"))
    assert plan_text(table_of(fields=fields)).plain == (
        'cloud prod · 4be21c7 "add\\nit" · 1 kinds, 1 843 objects observed in 1.4 s\n'
        "\n"
        "  ~ Network/campus/shop/front  net.yaml:7\n"
        "      mtu  1400 → 1450\n"
        '      description  "" → "Blue team"\n'
        "\n"
        "Plan ffffffffffffffff: 1 to update · 3 unchanged\n"
    )


def test_a_held_change_says_why_and_what_releases_it() -> None:
    held = Held(Reason.DEPENDENCY, "in use by 2 ports", "patience")
    text = plan_text(table_of(action=Action.DELETE, held=held)).plain
    assert "      in use by 2 ports" in text
    assert "HELD dependency: patience\n" in text
    assert "1 to delete · 1 held" in text


def test_what_holds_many_changes_is_told_once() -> None:
    held = Held(Reason.APPROVAL, "there already, and nobody's", "a yes")
    rows = tuple(table_of(name, held=held).rows[0] for name in ("a", "b", "c"))
    text = plan_text(replace(table_of(), rows=rows)).plain
    assert text.count("net.yaml:7   HELD approval\n") == 3
    assert text.count("HELD approval (3): there already, and nobody's\n      a yes\n") == 1
    few = plan_text(replace(table_of(), rows=rows[:2])).plain
    assert few.count("there already, and nobody's") == 2


def test_lists_say_what_came_and_what_went() -> None:
    tags = (FieldChange("tags", frozenset({"a", "b"}), frozenset({"b", "c"})),)
    assert "      tags  + c    - a\n" in plan_text(table_of(fields=tags)).plain


def test_a_listing_that_did_not_finish_is_told() -> None:
    seen = {"Subnet": Observed(complete=False, count=0, why="503")}
    table = make_table(Plan("prod", "", "", (), seen, 0, (), 16 * "f"), folder="state")
    text = plan_text(table).plain
    assert "Subnet: its listing did not finish: 503" in text
    assert "state as it lies, committed or not" in text
    assert "nothing differs" in text


@pytest.mark.parametrize(
    "render", [plan_markdown, plan_html, plan_json, lambda t: plan_text(t).plain]
)
def test_no_name_gives_orders_to_a_terminal(render: Callable[[Table], str]) -> None:
    table = table_of(EVIL, fields=(FieldChange("description", EVIL, f"{EVIL}2"),))
    out = render(table)
    assert not {c for c in out if c in "\x1b\u202e\x9b"}
    assert "2J" in out  # the name is there all the same


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's signature
        self.seen.append(tag)


def test_no_name_becomes_a_tag() -> None:
    page = plan_html(table_of(EVIL, fields=(FieldChange("description", None, EVIL),)))
    tags = _Tags()
    tags.feed(page)
    assert "script" not in tags.seen
    assert {"details", "article", "table"} <= set(tags.seen)
    assert "http" not in page.replace("http-equiv", "")  # one file: nothing is fetched


def test_no_name_ends_the_fence() -> None:
    text = plan_markdown(table_of(EVIL))
    fence = next(line for line in text.splitlines() if line.endswith("diff"))
    assert fence == "````diff"
    assert text.splitlines().count("````") == 1


def test_markdown_colours_by_the_first_column() -> None:
    assert "\n! ~ Network/campus/shop/front" in plan_markdown(table_of())
    assert "\n+ Network/campus/shop/front" in plan_markdown(table_of(action=Action.CREATE))
    assert "\n- Network/campus/shop/front" in plan_markdown(table_of(action=Action.DELETE))


def test_json_keeps_every_character_of_a_name() -> None:
    found = json.loads(plan_json(table_of(EVIL)))
    assert found["changes"][0]["address"].endswith(EVIL.replace("/", "%2F"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("Blue team", '"Blue team"'),
        ("tcp", "tcp"),
        ("9.9.9.9", "9.9.9.9"),
        ("443", '"443"'),
        (443, "443"),
        ("true", '"true"'),
        (True, "true"),
        (None, "none"),
        ("none", '"none"'),
        ("", '""'),
        ('say "hi"', '"say \\"hi\\""'),
        (["a", 1], "[a, 1]"),
        ({"a": None}, "{a: none}"),
    ],
)
def test_values_cannot_be_taken_for_others(value: object, words: str) -> None:
    assert shown(value) == words


def test_a_long_value_is_cut_for_people() -> None:
    assert len(shown("x" * 5000)) < 200


def test_clean_leaves_words_alone() -> None:
    assert clean("Ünïcode, wörds 漢字") == "Ünïcode, wörds 漢字"
    assert clean("a\nb\x7f") == "a\\nb\\x7f"


def test_numbers_show_their_size() -> None:
    assert [count_of(n) for n in (7, 1843, 1234567)] == ["7", "1 843", "1 234 567"]


def test_no_name_breaks_out_of_a_drawing() -> None:
    edges = {Address("Network", ('a"]; x -> y; "', "b\\")): frozenset({PROJECT})}
    assert '"Network/a\\"]; x -> y; \\"/b\\\\" -> "Project/campus/shop";' in dot(edges)
    assert '"]; x' not in mermaid(edges)
