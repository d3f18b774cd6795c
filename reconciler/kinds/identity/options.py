"""Keystone's resource options, which several kinds have."""

from __future__ import annotations

from reconciler.kinds.calls import Call, Lock
from reconciler.kinds.spec import Spec
from reconciler.kinds.values import Bool, Json


class KeystoneOptions(Spec):
    """Options that Keystone knows by name."""

    immutable: Bool | None = None
    """Refuse changes and deletion until this is taken away."""


def _is_immutable(raw: Json) -> bool:
    return bool((raw.get("options") or {}).get("immutable"))


def immutable(path: str, one: str) -> Lock:
    """Give the lock of a kind that has this option; Keystone takes its end in no other company."""
    body = {one: {"options": {"immutable": None}}}
    return Lock(_is_immutable, "options.immutable", Call("PATCH", f"{path}/{{id}}", body))
