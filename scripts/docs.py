"""Write the generated documentation: what the kinds, and the metrics, say about themselves."""

from __future__ import annotations

from pathlib import Path

from reconciler.controller import metric_catalogue
from reconciler.kinds.registry import load_kinds
from reconciler.report.reference import reference

if __name__ == "__main__":
    docs = Path(__file__).parent.parent / "docs"
    (docs / "reference.md").write_text(reference(load_kinds()), encoding="utf-8")
    (docs / "metrics.md").write_text(metric_catalogue.page(), encoding="utf-8")
