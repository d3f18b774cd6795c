"""The house stays small: no room grows past what fits on a few screens."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
MODULES = sorted((TOP / "reconciler").rglob("*.py"))
LONGEST_MODULE, LONGEST_KIND, LONGEST_FUNCTION = 300, 160, 50


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(TOP).as_posix())
def test_a_module_fits_on_a_few_screens(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    most = LONGEST_KIND if path.parent.parent.name == "kinds" else LONGEST_MODULE
    assert len(text.splitlines()) <= most
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, node.name


def test_each_module_says_in_one_sentence_what_it_is_about() -> None:
    silent = [
        path.name for path in MODULES
        if path.read_text(encoding="utf-8").strip() and path.name != "__init__.py"
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]  # fmt: skip
    assert silent == []
