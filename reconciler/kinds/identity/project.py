"""Projects: what quotas, networks and role assignments belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from reconciler.kinds.calls import TAGGED_IN_BODY, Call, rest
from reconciler.kinds.identity.extra import Extra, put_extra, take_extra
from reconciler.kinds.identity.options import KeystoneOptions, immutable
from reconciler.kinds.kind import Contents, Kind
from reconciler.kinds.spec import Immutable, ProjectRef, Spec, Wire
from reconciler.kinds.values import Bool, Json, Tags, Text


class ProjectSpec(Spec):
    """A project (once called tenant) of a domain."""

    description: Text = ""
    """Free text."""
    enabled: Bool = True
    """Whether its members can use it."""
    parent: Annotated[ProjectRef | None, Immutable(), Wire("parent_id")] = None
    """The project above it; left out: directly below its domain."""
    tags: Tags = frozenset()
    """Short words to find it by; no comma and no slash."""
    options: KeystoneOptions = KeystoneOptions()
    """Keystone's resource options."""
    extra: Extra = {}  # noqa: RUF012 - pydantic copies it
    """Further attributes; only the stated keys are managed."""


def _read(raw: dict[str, Json]) -> dict[str, Json]:
    if raw.get("parent_id") == raw.get("domain_id"):
        raw["parent_id"] = None
    return take_extra(raw)


def _write(body: dict[str, Json], _raw: Mapping[str, Json]) -> dict[str, Json]:
    return put_extra(body)


def _all_of(word: str, service: str, path: str, items: str) -> Contents:
    return Contents(word, service, f"{path}?all_tenants=1&project_id={{id}}", items)


def _last_look(items: str) -> Contents:
    # Neutron keeps what lies in a project that is gone, and its lists were seen to be short.
    return Contents(items, "network", f"/{items}?project_id={{id}}", items, late=True)


CONTENTS = (
    _all_of("servers", "compute", "/servers", "servers"),
    _all_of("volumes", "block-storage", "/volumes", "volumes"),
    _all_of("volume snapshots", "block-storage", "/snapshots", "snapshots"),
    _all_of("volume backups", "block-storage", "/backups", "backups"),
    _last_look("networks"),
    _last_look("ports"),
    _last_look("routers"),
    _last_look("floatingips"),
    # What follows is no matter of ours, and lists of it differ too much to be believed when empty.
    Contents("containers", "object-store"),
    Contents("load balancers", "load-balancer"),
    Contents("stacks", "orchestration"),
    Contents("secrets", "key-manager"),
    Contents("zones", "dns"),
    Contents("shares", "shared-file-system"),
    Contents("clusters", "container-infrastructure-management"),
    Contents("database instances", "database"),
)
"""What belongs to a project beside objects of kinds."""

PROJECT = Kind(
    name="Project",
    collection="projects",
    within=("Domain",),
    spec=ProjectSpec,
    service="identity",
    ancestors={"domain_id": "Domain"},
    unique=True,
    case_insensitive=True,
    replaceable=False,
    mark=TAGGED_IN_BODY,
    grave=True,
    vital=("name", "enabled"),
    contents=CONTENTS,
    read=_read,
    write=_write,
    calls={"mark": Call("PUT", "/projects/{id}/tags/{mark}")},
    lock=immutable("/projects", "project"),
    **rest("/projects", "project", update="PATCH"),
)
