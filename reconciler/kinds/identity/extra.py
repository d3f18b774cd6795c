"""Free attributes, which Keystone keeps flat among an object's own ones."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from reconciler.kinds.spec import Keyed
from reconciler.kinds.values import Json, Key, Text, is_reserved

OWN = frozenset({
    "id", "name", "domain_id", "links", "description", "enabled", "options", "extra", "tags",
    "parent_id", "is_domain", "password", "password_expires_at", "email", "default_project_id",
    "federated", "original_password", "tenantId",
})  # fmt: skip
"""Attributes that are fields of some object, or none that anybody sets."""


def _free(key: str) -> str:
    if key in OWN:
        raise ValueError(f"{key!r}: is no free attribute; if it can be set, it is a field")
    return key


Extra = Annotated[dict[Annotated[Key, AfterValidator(_free)], Text | None], Keyed()]


def take_extra(raw: dict[str, Json]) -> dict[str, Json]:
    """Gather the free attributes of a raw object in one place."""
    free = {k: v for k, v in raw.items() if k not in OWN and not is_reserved(k)}
    return {**raw, "extra": free}


def put_extra(body: dict[str, Json]) -> dict[str, Json]:
    """Lay the free attributes flat again."""
    free = body.pop("extra", None) or {}
    return {**body, **free}
