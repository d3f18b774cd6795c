"""Images as Glance keeps them, their properties flat among the fields, and as the spec has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator

from reconciler.kinds.image.data import kept
from reconciler.kinds.values import Json, Key, Word, is_reserved

BASE = frozenset({
    "id", "name", "status", "visibility", "protected", "os_hidden", "checksum", "os_hash_algo",
    "os_hash_value", "owner", "size", "virtual_size", "container_format", "disk_format",
    "created_at", "updated_at", "tags", "direct_url", "locations", "min_ram", "min_disk", "self",
    "file", "stores", "schema", "location", "deleted", "deleted_at",
})  # fmt: skip
"""What a raw image holds besides its properties, which lie flat among it."""
GLANCES = ("os_glance", "owner_specified.openstack.")
"""How properties begin that Glance and other clients write for themselves."""


def _property(key: str) -> str:
    if key in BASE or key.startswith(GLANCES):
        raise ValueError(f"{key!r}: is no property, but a field of the image's own")
    return key


Properties = dict[Annotated[Key, AfterValidator(_property)], Word | None]


def _is_property(key: str) -> bool:
    return key not in BASE and not key.startswith(GLANCES) and not is_reserved(key)


def read_image(raw: dict[str, Json]) -> dict[str, Json]:
    # Glance's own `file` is where the data can be had, not where they came from.
    shaped = {key: value for key, value in raw.items() if key in BASE and key != "file"}
    shaped["properties"] = {key: value for key, value in raw.items() if _is_property(key)}
    shaped["checksum"] = kept(raw) or None
    shaped["active"] = raw["status"] != "deactivated"
    return shaped


def authored_image(fields: Mapping[str, Json]) -> Mapping[str, Json]:
    sums = fields.get("checksum") or {}
    best = next((name for name in ("sha512", "sha384", "sha256", "md5") if name in sums), None)
    return {**fields, "checksum": f"{best}:{sums[best]}"} if best else fields


def write_image(body: dict[str, Json], raw: Mapping[str, Json]) -> Json:
    """Give the body of a create, or the changes to an image as JSON patch."""
    flat = {**body, **(body.get("properties") or {})}
    flat.pop("properties", None)
    if not raw:
        return {key: value for key, value in flat.items() if value is not None}
    return list(_operations(flat, raw))


def _operations(flat: Mapping[str, Json], raw: Mapping[str, Json]) -> Iterator[Json]:
    for key, value in flat.items():
        path = "/" + key.replace("~", "~0").replace("/", "~1")
        if value is not None or key in BASE:
            yield {"op": "add", "path": path, "value": value}  # Glance replaces what is there
        elif key in raw:
            yield {"op": "remove", "path": path}
