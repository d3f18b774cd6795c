"""Every point at which an apply can be killed: before and after each single request of it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.proxy import Act, Fault, Reply, Request, Seen

_ID = re.compile(rb"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
Sign = tuple[str, str, str, str]
"""What a request is known by in another run, whose ids are others and whose order is another."""


@dataclass(frozen=True, slots=True)
class Point:
    """The moment before or after the n-th of the requests that look the same."""

    sign: Sign
    nth: int
    after: bool
    writes: bool

    def __str__(self) -> str:
        service, method, path, _ = self.sign
        return f"{'after' if self.after else 'before'} {method} {service}{path} ({self.nth})"


def sign(request: Request) -> Sign:
    path = _ID.sub(b"ID", request.path.encode()).decode()
    body = b"" if request.is_login else _ID.sub(b"ID", request.body)
    if b"reconciler_record" in body:
        body = b"the record"  # which holds times
    return request.service, request.method, path, hashlib.sha256(body).hexdigest()[:12]


def points(seen: Iterable[Seen]) -> list[Point]:
    """Give all points of a whole run, in its order."""
    counts: Counter[Sign] = Counter()
    found: list[Point] = []
    for one in seen:
        known = sign(one.request)
        counts[known] += 1
        found += [Point(known, counts[known], after, one.request.writes) for after in (False, True)]
    return found


def distinct(found: Sequence[Point]) -> list[Point]:
    """Leave out all but one of the points between which nothing is written.

    What is killed there leaves the same behind: the requests between two writes only read. So the
    first of all points stands for those before the first write, the last for those after the last
    one, and else each write stands for itself.
    """
    return [p for p in found if p.writes or p in (found[0], found[-1])]


def kill_at(point: Point, kill: Callable[[], None]) -> Fault:
    return Fault(
        _killing(kill, after=point.after), lambda request: sign(request) == point.sign, point.nth
    )


def _killing(kill: Callable[[], None], *, after: bool) -> Act:
    def act(forward: Callable[[], Reply]) -> Reply | None:
        if after:
            forward()
        kill()
        return None

    return act
