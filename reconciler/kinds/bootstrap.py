"""What every cloud is born with: external without saying so, and never deleted or disabled."""

from __future__ import annotations

from reconciler.kinds.address import Address

ADMIN = Address("Role", ("admin",))
"""The role that lets people do everything."""

BOOTSTRAP = (
    Address("Domain", ("Default",)),
    Address("Project", ("Default", "admin")),
    Address("User", ("Default", "admin")),
    *(Address("Role", (n,)) for n in ("admin", "manager", "member", "reader", "service")),
    Address("VolumeType", ("__DEFAULT__",)),
)
