"""What the cloud gives where nothing is set is asked only where somebody stated a null."""

from __future__ import annotations

import pytest

from reconciler import line
from reconciler.cloud.session import Who
from reconciler.kinds.registry import Kinds
from reconciler.kinds.values import Json
from reconciler.state.model import make_desired
from tests.support.runs import in_memory

STATE = """
domain: Default
projects: {p: {description: x, quotas: {%s}}}
"""
LISTS: dict[str, Json] = {
    "/domains": {"domains": [{"id": "default", "name": "Default"}]},
    "/projects": {"projects": [{"id": "p1", "name": "p", "domain_id": "default", "tags": []}]},
    "/limits?tenant_id=p1": {"limits": {"absolute": {"maxTotalCores": 20}}},
    "/quotas": {"quotas": []},
    "/os-quota-sets/p1": {"quota_set": {"volumes": {"limit": 10}, "volumes_x": {"limit": 4}}},
    "/os-quota-sets/own/defaults": {"quota_set": {"cores": 20}},
    "/os-quota-sets/defaults": {"quota_set": {"volumes": 10, "volumes_x": -1}},
    "/quotas/own/default": {"quota": {"network": 100}},
}


class Asked:
    """Answers a few lists, and notes them."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def request(self, service: str, method: str, path: str, **_more: object) -> Json:
        assert method == "GET"
        self.paths.append(path)
        if path not in LISTS and service == "block-storage" and "default" in path:
            return LISTS["/os-quota-sets/defaults"]
        return LISTS[path.partition("?usage")[0]]


@pytest.mark.parametrize(
    ("stated", "asked"),
    [
        ("compute: {cores: 3}", ""),
        ("compute: {cores: null}", "/os-quota-sets/own/defaults"),
        ("volume: {volumes: 3}", ""),
        ("volume: {volumes_x: null}", "/os-quota-sets/own/defaults"),
        # What was never set is in no list, but is something all the same.
        ("network: {network: 3}", "/quotas/own/default"),
    ],
)
def test_only_for_a_null_and_for_what_is_in_no_list(stated: str, asked: str, kinds: Kinds) -> None:
    chosen = Kinds(
        kind for kind in kinds
        if kind.name in ("Domain", "Project", "Quotas", "ComputeQuota", "VolumeQuota",
                         "NetworkQuota")
        and (kind.unset is None or kind.collection in stated)
    )  # fmt: skip
    desired, _ = make_desired(in_memory(STATE % stated), kinds)
    http = Asked()
    who = Who("u", "admin", "own", "admin", frozenset({"admin"}), frozenset())
    target = line.Target(http, who, "tests", chosen)
    live = line.look(target, desired, "", lambda _kind, _count: None)
    assert [path for path in http.paths if "/default" in path] == ([asked] if asked else [])
    assert sum(kind in live.counts for kind in ("ComputeQuota", "VolumeQuota", "NetworkQuota")) == 1
    assert not live.incomplete
