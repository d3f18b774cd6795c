"""From credentials to what is missing: scope, role, services, extensions, listings, the clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from reconciler.cloud.observe import observe
from reconciler.cloud.session import Who
from reconciler.errors import CloudError, Denied
from reconciler.kinds.calls import Http, MarkStyle
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Kinds

SKEW = 60.0
"""Seconds that two clocks may differ: tokens and windows are about minutes."""


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, what was found, and whose move is next."""

    about: str
    service: str
    verdict: Verdict
    found: str
    advice: str = ""


class Line(Http, Protocol):
    """A line to a cloud that can also say whom it speaks for and what time it is there."""

    @property
    def region(self) -> str: ...

    def who(self) -> Who: ...

    def clock(self) -> datetime | None: ...


EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    "/address-groups": ("address-group",),
    "/address-scopes": ("address-scope",),
    "/floatingips": ("router",),
    "/qos/policies": ("qos",),
    "/quotas": ("quotas",),
    "/rbac-policies": ("rbac-policies",),
    "/routers": ("router", "ext-gw-mode", "extraroute"),
    "/security-groups": ("security-group",),
    "/subnetpools": ("subnet_allocation",),
}
"""The Neutron extensions that a collection needs, by its path."""
MARKING = ("standard-attr-tag",)
REVISING = ("revision-if-match",)


def examine(line: Line, kinds: Kinds, now: datetime) -> tuple[Check, ...]:
    """Log in, look at the catalogue, and list what there is of every kind."""
    try:
        who = line.who()
    except CloudError as error:
        advice = "check clouds.yaml, and that the identity API answers"
        if isinstance(error, Denied):
            advice = (
                "log in as an admin scoped to a project (project_name, project_domain_name), "
                "in a region of the catalogue (region_name)"
            )
        return (Check("login", "identity", Verdict.MISSING, str(error), advice),)
    speaks = f"{who.user_name} as {', '.join(sorted(who.roles))} of project {who.project_name}"
    checks = [Check("login", "identity", Verdict.OK, speaks)]
    checks += _clock(line, now)
    offered = _offered(line, who)
    asked: set[str] = set()

    def once(_parent: object, kind: str) -> bool:
        """Ask one parent of each kind: what one collection refuses, the others do, too."""
        if kind in asked:
            return False
        asked.add(kind)
        return True

    present = Kinds(k for k in kinds if not k.service or k.service in who.services)
    live = observe(line, present, who, wants=once, only=[k.name for k in _with_parents(present)])
    for kind in sorted(kinds, key=lambda k: k.name):
        if kind.service:
            found = live.incomplete.get(kind.name, "")
            count = live.counts.get(kind.name)
            checks.append(_kind(kind, who, line.region, offered, found, count))
    return tuple(checks)


def _with_parents(kinds: Kinds) -> Iterator[Kind]:
    """Leave out kinds whose parents' service is not there."""
    names = {kind.name for kind in kinds}
    yield from (k for k in kinds if any(p == "" or p in names for p in k.within))


def _clock(line: Line, now: datetime) -> Iterator[Check]:
    there = line.clock()
    if there is None:
        return
    skew = abs((now - there.astimezone(UTC)).total_seconds())
    if skew <= SKEW:
        yield Check("clock", "identity", Verdict.OK, "agrees with the cloud's")
    else:
        found = f"{skew:.0f} s apart from the cloud's"
        yield Check("clock", "identity", Verdict.MISSING, found, "set the clock of this machine")


def _offered(line: Line, who: Who) -> frozenset[str] | None:
    """Give Neutron's extensions, or None where nobody can tell."""
    if "network" not in who.services:
        return None
    try:
        found = line.request("network", "GET", "/extensions")
    except CloudError:
        return None  # the listings below say what is wrong
    return frozenset(str(entry.get("alias")) for entry in found.get("extensions", ()))


def _kind(
    kind: Kind, who: Who, region: str, offered: frozenset[str] | None, why: str, count: int | None
) -> Check:
    if kind.service not in who.services:
        place = f" in region {region}" if region else ""
        return Check(
            kind.name, kind.service, Verdict.MISSING, f"no {kind.service} service{place}",
            "add it to the catalogue, or keep this kind out of the state",
        )  # fmt: skip
    lacking = sorted(set(_needed(kind)) - offered) if offered is not None else []
    if kind.service == "network" and lacking:
        return Check(
            kind.name, kind.service, Verdict.MISSING, f"no extension {', '.join(lacking)}",
            "turn it on in neutron's service_plugins or extension drivers",
        )  # fmt: skip
    if why:
        return Check(kind.name, kind.service, Verdict.MISSING, why, _advice(why))
    return Check(kind.name, kind.service, Verdict.OK, "" if count is None else f"{count} listed")


def _needed(kind: Kind) -> Iterable[str]:
    if kind.listing and not kind.listing.embedded:
        yield from EXTENSIONS.get(kind.listing.path.split("?", 1)[0], ())
    if kind.mark and kind.mark.style is MarkStyle.TAG:
        yield from MARKING
    if kind.revision:
        yield from REVISING


def _advice(why: str) -> str:
    refused = ("403", "forbidden", "policy", "not authorized", "disallowed")
    if any(word in why.lower() for word in refused):
        return "the policy refuses this listing: the admin role on this project must allow it"
    return "until it can be listed, nothing of it is made, changed or deleted"


def missing(checks: Iterable[Check]) -> list[Check]:
    """Give the checks that did not come out well."""
    return [check for check in checks if check.verdict is not Verdict.OK]
