"""Host aggregates: hosts with something in common, told by metadata or a zone."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints, field_validator

from reconciler.kinds.calls import Call, Listing, Mark, MarkStyle, rest
from reconciler.kinds.compute.version import MICROVERSION
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.spec import ServerDefault, Spec
from reconciler.kinds.values import Key, Word, is_reserved

ZONE = "availability_zone"
SET = "/os-aggregates/{parent}/action"


class AggregateSpec(Spec):
    """A group of hosts. Its hosts are the business of those who run them."""

    availability_zone: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=255)] | None, ServerDefault()
    ] = None
    """The zone of its hosts, which can be changed, and never taken away."""

    @field_validator("availability_zone", mode="before")
    @classmethod
    def _stays(cls, value: object) -> object:
        if value is None:
            raise ValueError("can be changed, but not taken away")
        return value


AGGREGATE = Kind(
    name="Aggregate",
    collection="aggregates",
    spec=AggregateSpec,
    version=MICROVERSION,
    unique=True,
    case_insensitive=True,
    mark=Mark(MarkStyle.MAP, "metadata", "reconciler_owner"),
    calls={
        "mark": Call(
            "POST",
            "/os-aggregates/{id}/action",
            {"set_metadata": {"metadata": {"{mark_key}": "{mark_value}"}}},
        ),
        "unmark": Call(
            "POST",
            "/os-aggregates/{id}/action",
            {"set_metadata": {"metadata": {"{mark_key}": None}}},
        ),
    },
    **{**rest("/os-aggregates", "aggregate", many="aggregates", page=0), "service": "compute"},
)


class MetadataSpec(Spec):
    """A word about the hosts, for the scheduler."""

    key: Key
    """Its name."""
    value: Annotated[Word, StringConstraints(max_length=255)]
    """Its value; the service keeps text."""

    @field_validator("key")
    @classmethod
    def _is_no_zone(cls, value: str) -> str:
        if value == ZONE:
            raise ValueError("state availability_zone as a field of the aggregate")
        return value


AGGREGATE_METADATA = Kind(
    name="AggregateMetadata",
    collection="metadata",
    within=("Aggregate",),
    spec=MetadataSpec,
    service="compute",
    version=MICROVERSION,
    form=Form.MAP,
    key="key",
    shorthand="value",
    identity=("key",),
    folded=True,
    id_wire="",
    listing=Listing(
        embedded="Aggregate",
        items="metadata",
        select=lambda item: item["key"] != ZONE and not is_reserved(item["key"]),
    ),
    create=Call("POST", SET, {"set_metadata": {"metadata": {"{key}": "{value}"}}}),
    update=Call("POST", SET, {"set_metadata": {"metadata": {"{key}": "{value}"}}}),
    delete=Call("POST", SET, {"set_metadata": {"metadata": {"{key}": None}}}),
)
