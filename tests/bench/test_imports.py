"""A command imports what it needs: Python's time is half of what a small run costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("openstack", "keystoneauth1", "requests", "falcon", "waitress", "watchdog")


@pytest.mark.parametrize("module", ["reconciler.cli.main", "reconciler.cli.validate"])
def test_what_asks_no_cloud_waits_for_no_library_of_openstack(module: str) -> None:
    text = f"import sys, {module}; print(*sorted({set(HEAVY)} & {{*sys.modules}}))"
    found = subprocess.run(
        [sys.executable, "-c", text], check=True, capture_output=True, text=True, timeout=60
    )
    assert found.stdout.split() == []
