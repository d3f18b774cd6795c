"""What goes wrong in one run, how that run may end, and where it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.chaos.acts import (
    answered,
    cut_off,
    done_but,
    html,
    listing,
    mangled,
    of_yesterday,
    on,
    reset_after,
    reset_before,
    stalled,
    truncated,
)
from tests.chaos.proxy import Act, Fault, Request
from tests.chaos.rig import API_TIMEOUT

NOTHING: Mapping[str, Any] = MappingProxyType({})
A_DAY = ("Retry-After", "86400")
DONE, NOT_BEGUN, HELD, FAILED = 0, 1, 3, 5
"""The exit codes that a run may end with."""
BLACK_HOLE = "http://no-such-host.invalid"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run that goes wrong."""

    name: str
    faults: tuple[Fault, ...] = ()
    codes: frozenset[int] = frozenset({FAILED})
    applied: bool = False
    """Whether the state was applied before, so that there is nothing to do."""
    says: str = ""
    """What the user must be told."""
    page: int = 0
    clouds: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    elsewhere: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    logins: int = 0
    """How often it may log in; 0: as often as it likes."""

    @property
    def group(self) -> str:
        """Say what it is one of many of."""
        if "a 200" in self.name:
            return "a list that is not whole, with a 200"
        return self.name.partition(":")[0] if ":" in self.name else self.name.partition(" ")[0]


def one_each(act: Act, *targets: Callable[[Request], bool], times: int = 1) -> tuple[Fault, ...]:
    return tuple(Fault(act, target, times=times) for target in targets)


MAKING = (
    on("POST", "/networks$"), on("POST", "/types$"), on("POST", "/flavors$"),
    on("POST", "/images$"), on("POST", "/users$"), on("POST", "/roles$"), on("POST", "/routers$"),
)  # fmt: skip
"""The first request of what much hangs on, in each service."""
FINISHING = (
    on("PUT", "/networks/[^/]*/tags"), on("PUT", "/file$"), on("PUT", "/users/[^/]*/roles/"),
    on("POST", "/security-group-rules$"), on("POST", "/os-extra_specs"),
)  # fmt: skip
"""Requests that finish what was begun."""
JOINING = (
    on("POST", "/subnets$"), on("PUT", "/add_router_interface"), on("PUT", "/groups/[^/]*/users/"),
    on("DELETE", "/security-group-rules"),
)  # fmt: skip
"""Requests that join what was made, and the last of a row."""
LISTED = (
    on("GET", r"/networks\?limit"), on("GET", r"/types\?"), on("GET", r"/flavors/detail"),
    on("GET", r"/images\?.*limit"), on("GET", r"/projects\?"), on("GET", "/roles$"),
)  # fmt: skip
"""The first listing in each service."""

BREAKS: Mapping[str, Act] = {
    "429, a day's Retry-After": answered(429, "slow down", A_DAY),
    "503": answered(503, "down for a while"),
    "503, a day's Retry-After": answered(503, "down for a day", A_DAY),
    "500, nothing done": answered(500),
    "500, though it was done": done_but(500),
    "reset before": reset_before,
    "reset after": reset_after,
    "truncated JSON": truncated,
    "line cut in the answer": cut_off,
    "HTML instead of JSON": html,
    "stall": stalled(API_TIMEOUT * 1.5),
    "stall, then done": stalled(API_TIMEOUT * 1.5, then=reset_after),
}


def scenarios() -> Iterator[Scenario]:
    """Give all of them."""
    for name, act in BREAKS.items():
        yield Scenario(f"{name}: what is made", one_each(act, *MAKING))
        yield Scenario(f"{name}: what finishes it", one_each(act, *FINISHING))
        yield Scenario(f"{name}: what joins it", one_each(act, *JOINING))
        yield Scenario(f"{name}: quotas", one_each(act, on("PUT", "quota"), times=0))
        yield Scenario(
            f"{name}: one listing each", one_each(act, *LISTED), frozenset({DONE, HELD, FAILED})
        )
        yield Scenario(
            f"{name}: a service's reads, to the end",
            (Fault(act, on("GET", "/v2.0/", "network"), times=0),),
            frozenset({HELD, FAILED}), says="Network",
        )  # fmt: skip
        yield Scenario(
            f"{name}: the login",
            (Fault(act, on("POST", "/auth/tokens"), times=0),), frozenset({NOT_BEGUN}),
        )  # fmt: skip
    yield from _tokens()
    yield from _names()
    yield from _short_lists()


def _tokens() -> Iterator[Scenario]:
    refused = answered(401, "The request you have made requires authentication.")
    yield Scenario(
        "tokens: 401 once in mid-run", (Fault(refused, on("POST", "/networks$")),),
        frozenset({DONE}), logins=2,
    )  # fmt: skip
    yield Scenario(
        "tokens: 401 once for each service",
        one_each(refused, *MAKING), frozenset({DONE}),
    )  # fmt: skip
    yield Scenario(
        "tokens: 401 for the data of an image", (Fault(refused, on("PUT", "/file$")),),
    )  # fmt: skip
    yield Scenario(
        "tokens: 401 from then on", (Fault(refused, on("*", "/v2.0/"), first=20, times=0),),
        frozenset({HELD, FAILED}),
    )  # fmt: skip
    denied = answered(403, "not now")
    yield Scenario(
        "tokens: 403 for a while", (Fault(denied, on("*", "/v2.0/"), first=3, times=9),),
        frozenset({HELD, FAILED}),
    )  # fmt: skip
    yield Scenario(
        "clock skew: every token has expired",
        (Fault(mangled(of_yesterday), on("POST", "/auth/tokens"), times=0),), frozenset({DONE}),
    )  # fmt: skip


def _names() -> Iterator[Scenario]:
    gone = {"auth_url": f"{BLACK_HOLE}:5000/v3"}
    yield Scenario(
        "DNS: no name for Keystone", (), frozenset({NOT_BEGUN}), clouds={"auth": gone},
        says="no-such-host",
    )  # fmt: skip
    for service in ("network", "image", "compute", "block-storage"):
        yield Scenario(
            f"DNS: no name for {service}", (), frozenset({HELD, FAILED}),
            elsewhere={service: BLACK_HOLE}, says="no-such-host",
        )  # fmt: skip


COLLECTIONS = (
    "domains", "projects", "users", "groups", "roles", "role_assignments", "networks", "subnets",
    "routers", "ports", "security-groups", "images", "flavors/detail", "types",
)  # fmt: skip
ANY = frozenset({DONE, HELD, FAILED})
LISTS = {"users": 3, "groups": 3, "roles": 4, "images": 2}
"""How many lists make up a collection, if not one: one for each domain, one of what is hidden."""


def _short_lists() -> Iterator[Scenario]:
    """Lists that are not whole: nothing may be deleted for it, and nothing be made again."""
    for name in COLLECTIONS:
        first = on("GET", rf"/{name}(\?|$)")
        for how, act in (
            ("is empty", listing(lambda _items: [], last=True)),
            ("lacks its first half", listing(lambda items: items[(len(items) + 1) // 2 :])),
            ("lacks its second half", listing(lambda items: items[: len(items) // 2], last=True)),
        ):
            faults = (Fault(act, first, times=LISTS.get(name, 1)),)
            yield Scenario(f"{name}: a 200 {how}", faults, ANY, applied=True)
    second = on("GET", r"[?&]marker=")
    for how, act in (
        ("fails", answered(500)),
        ("is not there", answered(404)),
        ("is reset", reset_before),
        ("is HTML", html),
        ("is cut", truncated),
        ("has no list", mangled(lambda _body: b"{}")),
    ):
        yield Scenario(
            f"page 2: {how}", (Fault(act, second, times=0),), frozenset({HELD, FAILED}),
            applied=True, page=2,
        )  # fmt: skip
        yield Scenario(
            f"page 2: {how}, nothing made yet", (Fault(act, second, times=0),),
            frozenset({HELD, FAILED}), page=2,
        )  # fmt: skip
    yield Scenario("page 2: and all the others are there", (), frozenset({DONE}), page=2)
