"""Errors are named by whose move is next, whatever form a service gives them."""

from __future__ import annotations

import json

import pytest

from reconciler.cloud.answers import classify
from reconciler.errors import (
    CloudError,
    Conflict,
    Denied,
    Exists,
    Missing,
    Rejected,
    Stale,
    Transient,
)


def neutron(name: str, message: str) -> str:
    return json.dumps({"NeutronError": {"type": name, "message": message, "detail": ""}})


TABLE: list[tuple[int, str, type[CloudError], str]] = [
    (400, json.dumps({"badRequest": {"code": 400, "message": "no"}}), Rejected, "no"),
    (400, neutron("InvalidInput", "Invalid input for operation: x."), Rejected, "Invalid input"),
    (401, "", Denied, "answered 401"),
    (403, json.dumps({"error": {"message": "not allowed", "code": 403}}), Denied, "not allowed"),
    (404, json.dumps({"itemNotFound": {"message": "gone"}}), Missing, "gone"),
    (404, "<html><body><h1>404 Not Found</h1>\nNo image found</body></html>",
     Missing, "404 Not Found No image found"),
    (405, json.dumps({"message": "The method is not allowed"}), Rejected, "not allowed"),
    (409, json.dumps({"error": {"message": "Conflict occurred attempting to store project - "
                                "it is not permitted to have two projects"}}), Exists, "two"),
    (409, neutron("SecurityGroupRuleExists", "Rule id is 7."), Exists, "7"),
    (409, neutron("SecurityGroupDefaultAlreadyExists", "Default security group already exists."),
     Exists, "already"),
    (409, json.dumps({"conflictingRequest": {"message": "Flavor with name x already exists."}}),
     Exists, "already exists"),
    (409, neutron("NetworkInUse", "There are one or more ports still in use on the network"),
     Conflict, "ports"),
    (409, neutron("SecurityGroupInUse", "Security Group 7 in use."), Conflict, "in use"),
    (409, neutron("GatewayIpInUse", "Current gateway ip 10.0.0.1 already in use by port 7."),
     Conflict, "port 7"),
    (409, neutron("OverQuota", "Quota exceeded for resources: ['network']."), Conflict, "Quota"),
    (412, neutron("RevisionNumberConstraintFailed", "Constrained to 1"), Stale, "Constrained"),
    (429, "", Transient, "answered 429"),
    (413, json.dumps({"overLimit": {"message": "slow down"}}), Transient, "slow down"),
    (500, json.dumps({"computeFault": {"message": "oops"}}), Transient, "oops"),
    (503, "upstream connect error", Transient, "upstream"),
    (418, "[]", Rejected, "[]"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "says"), TABLE)
def test_whose_move_is_next(status: int, body: str, kind: type[CloudError], says: str) -> None:
    found, text = classify("network", status, body)
    assert found is kind
    assert says in text


def test_what_a_service_says_is_cut_to_a_readable_length() -> None:
    _, text = classify("image", 500, "x" * 10_000)
    assert len(text) <= 500


def test_markup_is_left_out() -> None:
    _, text = classify("image", 404, "<html><body>No <b>image</b>\n found</body></html>")
    assert text == "No image found"
