"""QoS policies and their rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from reconciler.kinds.calls import FIELDS, TAGGED, Call, Listing, neutron
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.spec import Immutable, Shares, Spec, Via
from reconciler.kinds.values import Bool, Count, Int, Json, Tags, Text


class QosPolicySpec(Spec):
    """Limits and promises for the traffic of ports, networks, gateways and floating IPs."""

    description: Text = ""
    """Free text."""
    shared: Annotated[Bool, Shares()] = False
    """Whether every project can use it."""
    is_default: Bool = False
    """Whether new networks of the project get it."""
    tags: Annotated[Tags, Via("tags")] = frozenset()
    """Short words to find it by."""


QOS_POLICY = Kind(
    name="QosPolicy",
    collection="qos_policies",
    within=("Project",),
    spec=QosPolicySpec,
    ancestors={"project_id": "Project"},
    mark=TAGGED,
    **{
        **neutron("/qos/policies", "policy"),
        # The tags of all other kinds lie under the path of the object itself.
        "calls": {
            "tags": Call("PUT", "/policies/{id}/tags", {"tags": "{tags}"}),
            "mark": Call("PUT", "/policies/{id}/tags/{mark}"),
        },
    },
)

_FIELDS = {
    "bandwidth_limit": ("max_kbps", "max_burst_kbps"),
    "dscp_marking": ("dscp_mark",),
    "minimum_bandwidth": ("min_kbps",),
    "packet_rate_limit": ("max_kpps", "max_burst_kpps"),
    "minimum_packet_rate": ("min_kpps",),
}
"""What each type of rule says; the first must be said."""


class QosRuleSpec(Spec):
    """One limit or promise of a QoS policy."""

    type: Annotated[
        Literal[
            "bandwidth_limit", "dscp_marking", "minimum_bandwidth", "packet_rate_limit",
            "minimum_packet_rate",
        ],
        Immutable(),
    ]  # fmt: skip
    """What it is about; a policy has one of a type for each direction."""
    direction: Annotated[Literal["egress", "ingress", "any"] | None, Immutable()] = None
    """Seen from the port; by default egress. `any` is for minimum_packet_rate only."""
    max_kbps: Annotated[Int | None, Field(ge=0)] = None
    """The bandwidth limit, in kbit/s."""
    max_burst_kbps: Count = 0
    """How much more may pass at once, in kbit; 0: what the service thinks right."""
    dscp_mark: Annotated[Int | None, Field(ge=0, le=56)] = None
    """The mark of the packets."""
    min_kbps: Annotated[Int | None, Field(ge=0)] = None
    """The bandwidth that is promised, in kbit/s."""
    max_kpps: Annotated[Int | None, Field(ge=0)] = None
    """The limit of packets, in thousands a second."""
    max_burst_kpps: Count = 0
    """How many more may pass at once, in thousands; 0: what the service thinks right."""
    min_kpps: Annotated[Int | None, Field(ge=0)] = None
    """The packets that are promised, in thousands a second."""

    @model_validator(mode="after")
    def _says_what_its_type_says(self) -> QosRuleSpec:
        own = _FIELDS[self.type]
        said = self.model_fields_set - {"type", "direction"}
        if own[0] not in said:
            raise ValueError(f"a rule of type {self.type} needs {own[0]}")
        other = sorted(said.difference(own))
        if other:
            raise ValueError(f"a rule of type {self.type} takes {', '.join(own)}, not {other[0]}")
        if self.type == "dscp_marking":
            if self.direction:
                raise ValueError("a rule of type dscp_marking takes no direction")
            return self
        if self.direction == "any" and self.type != "minimum_packet_rate":
            raise ValueError("direction any is for rules of type minimum_packet_rate")
        object.__setattr__(self, "direction", self.direction or "egress")
        return self


def _write(body: dict[str, Json], raw: Mapping[str, Json]) -> dict[str, Json]:
    """Wrap a rule in the envelope of its type, without what the type has not."""
    word = str(raw.get("type") or body["type"])
    known = (*_FIELDS[word], *(() if raw or word == "dscp_marking" else ("direction",)))
    return {f"{word}_rule": {key: body[key] for key in known if key in body}}


def _phrase(fields: Mapping[str, Json]) -> str:
    return " ".join(str(fields[word]) for word in ("type", "direction") if fields.get(word))


QOS_RULE = Kind(
    name="QosRule",
    collection="rules",
    within=("QosPolicy",),
    spec=QosRuleSpec,
    service="network",
    form=Form.LIST,
    identity=("type", "direction"),
    phrase=_phrase,
    folded=True,
    listing=Listing(embedded="QosPolicy", items="rules"),
    write=_write,
    create=Call("POST", "/qos/policies/{parent}/{type}_rules", FIELDS),
    update=Call("PUT", "/qos/policies/{parent}/{type}_rules/{id}", FIELDS),
    delete=Call("DELETE", "/qos/policies/{parent}/{type}_rules/{id}"),
)
