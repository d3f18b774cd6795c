"""A command imports what it needs: Python's time is half of what a small run costs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = ("openstack.config", "keystoneauth1", "requests", "falcon", "waitress", "watchdog")
UNUSED = (
    "openstack.connection", "openstack.network.v2._proxy", "prometheus_client.metrics",
    "falcon", "waitress", "watchdog", "psutil", "reconciler.report.modelschema",
)  # fmt: skip
"""What asks a cloud, as ``plan`` does, uses openstacksdk's reader of clouds.yaml, and no more."""
LOG_IN = """
from reconciler.cloud.session import Cloud
from reconciler.errors import CloudError
from reconciler.kinds.registry import load_kinds
load_kinds()
try:
    Cloud("").who()
except CloudError:
    import sys
"""


@pytest.mark.parametrize("module", ["reconciler.cli.main", "reconciler.cli.validate"])
def test_what_asks_no_cloud_waits_for_no_library_of_openstack(module: str) -> None:
    assert _imported(f"import sys, {module}", HEAVY) == []


@pytest.mark.parametrize("module", ["reconciler.cli.plan", "reconciler.cli.apply"])
def test_what_asks_a_cloud_waits_for_no_client_of_a_service(module: str) -> None:
    assert _imported(f"import {module}\n{LOG_IN}", UNUSED) == []


def _imported(text: str, modules: tuple[str, ...]) -> list[str]:
    """Run this, and name those of the modules that were imported."""
    text += f"\nprint(*sorted({set(modules)} & {{*sys.modules}}))"
    nowhere = {"OS_AUTH_URL": "http://127.0.0.1:9/v3", "OS_USERNAME": "u", "OS_PASSWORD": "p",
               "OS_PROJECT_NAME": "p", "OS_USER_DOMAIN_ID": "default",
               "OS_PROJECT_DOMAIN_ID": "default"}  # fmt: skip
    found = subprocess.run(
        [sys.executable, "-c", text], env={**os.environ, **nowhere},
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return found.stdout.split()
