"""Quotas: what the services that limit a project have in common."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.calls import Call, Listing
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.spec import Spec
from reconciler.kinds.values import Json


class QuotasSpec(Spec):
    """The limits of a project, by service. Only the keys that are stated are managed."""


QUOTAS = Kind(
    name="Quotas",
    collection="quotas",
    within=("Project",),
    spec=QuotasSpec,
    form=Form.ONE,
    heading=True,
)


def quota(
    service: str,
    envelope: str,
    *,
    read: str,
    write: str,
    default: str,
    shown_in: str = "",
    listing: Listing | None = None,
) -> dict[str, Json]:
    """Give what all quotas have in common, as arguments for ``Kind``.

    ``read`` and ``write`` are paths with ``{project}`` in them, ``default`` is one of the cloud;
    ``shown_in`` is the envelope of what is read, where it is another one; ``listing`` shows the
    limits of all projects, where there is one: then their use is asked for only as it matters.
    """
    shown = shown_in or envelope
    each = Listing(path=read.replace("{project}", "{parent}"), items=shown, each="Project")
    return {
        "within": (QUOTAS.name,),
        "word": "Quota",
        "form": Form.ONE,
        "service": service,
        "listing": listing or each,
        "unset": Listing(path=default, items=envelope),
        "find": Call("GET", read.replace("{project}", "{Project}"), returns=shown),
        "update": Call("PUT", write.replace("{project}", "{Project}"), {envelope: "{*}"}),
        # A project has limits from the beginning, and keeps some for ever.
        "implicit": lambda _address: True,
        "id_wire": "",
        "name_wire": "",
        "replaceable": False,
        "read": limits,
        "usage": used,
    }


def limits(raw: dict[str, Json]) -> Mapping[str, Json]:
    """Give the limits alone, whether their use was asked for or not."""
    return {key: found["limit"] if _whole(found) else found for key, found in raw.items()}


def used(raw: Json) -> Mapping[str, int]:
    """Give what is in use or about to be, where the service says it."""
    return {
        key: sum(found.get(word) or 0 for word in ("in_use", "used", "reserved"))
        for key, found in raw.items()
        if _whole(found)
    }


def _whole(found: Json) -> bool:
    return isinstance(found, Mapping) and "limit" in found
