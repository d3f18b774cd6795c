"""The generated pages say what the kinds say."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import load_kinds
from reconciler.report.reference import kind_page, reference

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"


def test_the_committed_reference_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(load_kinds()), "run `make docs`"


@pytest.mark.parametrize("kind", list(load_kinds()), ids=lambda kind: kind.name)
def test_every_kind_says_what_it_is(kind: Kind) -> None:
    assert kind.doc
    assert f"## {kind.name}" in kind_page(kind, load_kinds())
