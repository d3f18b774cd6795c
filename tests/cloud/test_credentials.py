"""What clouds.yaml says is read as openstacksdk reads it, though its package is not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LIGHTLY = """
from reconciler.cloud.credentials import import_lightly
config = import_lightly("openstack.config")
"""
PLAIN = "import openstack.config as config"
TELL = """
import json, os, sys
name = os.environ.get("NAME") or None
region = config.OpenStackConfig().get_one(cloud=name, region_name=os.environ.get("REGION") or None)
session = region.get_session()
told = [region.config, region.name, session.verify, session.cert, session.timeout,
    type(session.auth).__name__, session.auth.auth_url, session.auth.get_cache_id(),
    *((region.get_interface(s), region.get_region_name(s), region.get_endpoint(s))
      for s in ("identity", "network", "block-storage"))]
print(json.dumps([told, "openstack.connection" in sys.modules], default=str))
"""
CLOUDS = {
    "clouds": {
        "full": {
            "profile": "own", "region_name": "b", "interface": "internal", "verify": True,
            "cacert": "ca.pem", "cert": "me.pem", "key": "me.key", "api_timeout": 7,
            "network_endpoint_override": "https://network.example.org",
            "auth": {"username": "admin", "project_name": "admin",
                     "user_domain_id": "default", "project_domain_id": "default"},
        },
        "regions": {
            "profile": "own", "verify": False, "auth_type": "v3password",
            "regions": ["a", {"name": "b", "values": {"network_api_version": "2.0"}}],
            "auth": {"username": "u", "password": "p", "project_name": "x",
                     "user_domain_name": "Default", "project_domain_name": "Default"},
        },
        "vendor": {
            "profile": "catalyst", "region_name": "nz_wlg_2",
            "auth": {"username": "u", "password": "p", "project_name": "x"},
        },
        "ticket": {
            "auth_type": "v3applicationcredential",
            "auth": {"auth_url": "https://keystone.example.org/v3",
                     "application_credential_id": "i", "application_credential_secret": "s"},
        },
    }
}  # fmt: skip
SECURE = {"clouds": {"full": {"auth": {"password": "from-secure.yaml"}}}}
PUBLIC = {"public-clouds": {"own": {"auth": {"auth_url": "https://own.example.org/v3"}}}}
ENVIRONMENT = {
    "OS_AUTH_URL": "https://env.example.org/v3", "OS_USERNAME": "u", "OS_PASSWORD": "p",
    "OS_PROJECT_NAME": "x", "OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default",
    "OS_REGION_NAME": "e", "OS_CACERT": "env.pem", "OS_INTERFACE": "admin",
}  # fmt: skip


def _run(folder: Path, code: str, **env: str) -> Any:
    """Run Python where there are no settings but those of the folder."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    env = {**kept, "HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[2]), **env}
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=folder, env=env, check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return json.loads(found.stdout)


@pytest.mark.parametrize(
    "env",
    [{"NAME": "full"}, {"NAME": "regions"}, {"NAME": "regions", "REGION": "b"},
     {"NAME": "vendor"}, {"NAME": "ticket"}, {"OS_CLOUD": "ticket"}, ENVIRONMENT],
    ids=str,
)  # fmt: skip
def test_a_cloud_is_read_as_the_sdk_reads_it_and_without_its_services(
    tmp_path: Path, env: dict[str, str]
) -> None:
    for name, text in (("clouds", CLOUDS), ("secure", SECURE), ("clouds-public", PUBLIC)):
        (tmp_path / f"{name}.yaml").write_text(json.dumps(text), encoding="utf-8")
    told, all_of_it = _run(tmp_path, LIGHTLY + TELL, **env)
    told_plainly, all_of_it_plainly = _run(tmp_path, PLAIN + TELL, **env)
    assert told == told_plainly
    assert (all_of_it, all_of_it_plainly) == (False, True)


@pytest.mark.parametrize("before", ["import openstack", "import openstack.connection", ""])
def test_whoever_asks_for_the_rest_of_the_sdk_gets_it(tmp_path: Path, before: str) -> None:
    text = """
import json, openstack, prometheus_client
from openstack import compute, enable_logging
import openstack.network.v2.network
try:
    from openstack import nothing
except ImportError:
    told = [openstack.connect.__module__, openstack.connection.Connection.__name__,
        openstack.config is config, compute.__name__, prometheus_client.Counter.__name__]
    print(json.dumps(told))
"""
    told = ["openstack", "Connection", True, "openstack.compute", "Counter"]
    assert _run(tmp_path, f"{before}\n{LIGHTLY}\n{text}") == told
