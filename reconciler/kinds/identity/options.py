"""Keystone's resource options, which several kinds have."""

from __future__ import annotations

from reconciler.kinds.kind import Spec
from reconciler.kinds.values import Bool


class KeystoneOptions(Spec):
    """Options that Keystone knows by name."""

    immutable: Bool | None = None
    """Refuse changes and deletion until this is taken away."""
