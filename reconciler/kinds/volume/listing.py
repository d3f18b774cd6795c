"""The listing of volume types, which several kinds are read from."""

from __future__ import annotations

from reconciler.kinds.calls import Listing

TYPES = Listing(
    # Without is_public=None the private ones hide, even from an administrator.
    path="/types",
    items="volume_types",
    page=500,
    params={"is_public": "None"},
)
