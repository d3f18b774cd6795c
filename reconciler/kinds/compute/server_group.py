"""Server groups of the controller's own project."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from reconciler.kinds.calls import rest
from reconciler.kinds.compute.version import MICROVERSION
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import Immutable, ServerDefault, Spec
from reconciler.kinds.values import Int


class Rules(Spec):
    """What makes the policy less strict."""

    max_server_per_host: Annotated[
        Annotated[Int, Field(ge=1)] | None, Immutable(), ServerDefault()
    ] = None
    """How many servers of the group may share a host under `anti-affinity`."""


class ServerGroupSpec(Spec):
    """Servers that shall run together, or apart. A changed group is made again."""

    policy: Annotated[
        Literal["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"], Immutable()
    ]
    """Together or apart; the soft ones yield where there is no room."""
    rules: Rules = Rules()
    """What makes the policy less strict."""

    @model_validator(mode="after")
    def _rules_fit(self) -> ServerGroupSpec:
        if self.rules.max_server_per_host is not None and self.policy != "anti-affinity":
            raise ValueError("rules.max_server_per_host goes with policy anti-affinity only")
        return self


SERVER_GROUP = Kind(
    name="ServerGroup",
    collection="server_groups",
    spec=ServerGroupSpec,
    version=MICROVERSION,
    renameable=False,
    **{
        **rest("/os-server-groups", "server_group", many="server_groups", page=1000),
        "service": "compute",
        "update": None,
    },
)
