"""A run that ended badly, for tests of what is told of it."""

from __future__ import annotations

from reconciler.controller.status import Planned, Result, RunStatus, Tried, Trigger, Written
from reconciler.engine.apply import Status
from reconciler.engine.values import Action, Cause, Reason

REFUSED = Tried(
    "SecurityGroup/campus/shop/a", "", Action.CREATE, Cause.GIT, Status.FAILED,
    error="fake: 409: over quota", request_id="req-7",
)  # fmt: skip
RUN = RunStatus(
    7, Trigger.COMMIT, 1000.0, 1004.0, Result.PARTIAL, "4be21c7", "f43e25092d17ddb9",
    "SecurityGroup/campus/shop/a: fake: 409: over quota", author="alice", approved_by="ann",
    request_id="req-7", tried=(REFUSED,),
    written={Written("SecurityGroup", Action.CREATE, Cause.GIT, Status.FAILED): 1},
    planned=Planned(
        {"create": 1, "update": 0, "replace": 0, "adopt": 0, "delete": 2, "held": 2,
         "unchanged": 9},
        {("Network", Reason.BUDGET): 2},
    ),
)  # fmt: skip
