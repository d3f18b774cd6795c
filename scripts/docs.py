"""Write the generated documentation: what the kinds say about themselves."""

from __future__ import annotations

from pathlib import Path

from reconciler.kinds.registry import load_kinds
from reconciler.report.reference import reference

if __name__ == "__main__":
    target = Path(__file__).parent.parent / "docs" / "reference.md"
    target.write_text(reference(load_kinds()), encoding="utf-8")
