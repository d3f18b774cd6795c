"""Domains: the outermost scopes of Keystone."""

from __future__ import annotations

from reconciler.kinds.calls import ATTRIBUTED, Call, rest
from reconciler.kinds.identity.options import KeystoneOptions, immutable
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import Spec
from reconciler.kinds.values import Bool, Tags, Text


class DomainSpec(Spec):
    """A container of projects, users, groups and roles of its own."""

    description: Text = ""
    """Free text."""
    enabled: Bool = True
    """Whether anybody in it can log in."""
    tags: Tags = frozenset()
    """Short words to find it by."""
    options: KeystoneOptions = KeystoneOptions()
    """Keystone's resource options."""


DOMAIN = Kind(
    name="Domain",
    collection="domains",
    spec=DomainSpec,
    service="identity",
    unique=True,
    case_insensitive=True,
    replaceable=False,
    mark=ATTRIBUTED,
    grave=True,
    vital=("name", "enabled"),
    before_delete=Call("PATCH", "/domains/{id}", {"domain": {"enabled": False}}),
    lock=immutable("/domains", "domain"),
    **rest("/domains", "domain", update="PATCH"),
)
