"""Regions: parts of a cloud that have endpoints of their own."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.calls import ATTRIBUTED, rest
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import Ref, Reference, Spec, Wire
from reconciler.kinds.values import Text

# Keystone would delete the regions below along with the one above; nobody asks for that.
RegionRef = Annotated[Reference, Ref("Region")]


class RegionSpec(Spec):
    """A part of the cloud with endpoints of its own. Its name is its id, and never changes."""

    description: Text = ""
    """Free text."""
    parent: Annotated[RegionRef | None, Wire("parent_region_id")] = None
    """The region that it is a part of."""


REGION = Kind(
    name="Region",
    collection="regions",
    spec=RegionSpec,
    service="identity",
    name_wire="id",
    unique=True,
    case_insensitive=True,
    renameable=False,
    mark=ATTRIBUTED,
    # The listing of regions knows no pages and refuses a limit.
    **rest("/regions", "region", update="PATCH", page=0),
)
