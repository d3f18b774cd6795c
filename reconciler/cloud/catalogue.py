"""From a catalogue to which service is in which region, and to the region that is meant."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from reconciler.errors import Denied
from reconciler.kinds.values import Json

_ALIASES: Final = {
    "volume": "block-storage",
    "volumev2": "block-storage",
    "volumev3": "block-storage",
    "share": "shared-file-system",
    "sharev2": "shared-file-system",
    "container-infra": "container-infrastructure-management",
}
"""Words that catalogues have for a type of services beside its own."""
_VERSIONED: Final = re.compile(r"/v\d+(\.\d+)?/?([0-9a-zA-Z_-]+/?)?$")
"""The end of an address that names a version, and perhaps a project."""


def places_in(catalogue: Json) -> frozenset[tuple[str, str]]:
    """Give each service type with each region that it has an endpoint in."""
    return frozenset(
        (_main_type(entry["type"]), str(end.get("region_id") or end.get("region") or ""))
        for entry in catalogue
        for end in entry["endpoints"]
    )


def lasting(url: str | None) -> str | None:
    """Give an address as an override that may be kept, if it is that of one version of an API.

    Where a service does not tell its versions keystoneauth falls back to what the catalogue says;
    the next request may have better luck.
    """
    return url.replace("%", "%%") if url and _VERSIONED.search(url) else None


def one_region(said: str, there: Collection[str]) -> str:
    """Give the region that is meant.

    Raises:
        Denied: it is not in the catalogue, or that has several and nobody said which.

    """
    known = ", ".join(sorted(filter(None, there))) or "none"
    if said and there and said not in there:
        raise Denied(f"the catalogue has no region {said}, it has {known}: set region_name")
    if not said and len(there) > 1:
        # Each service might be taken from another one of them.
        raise Denied(f"the catalogue has the regions {known}: say which by region_name")
    return said or next(iter(there), "")


def _main_type(word: str) -> str:
    return _ALIASES.get(word, word)
