"""From the revisions that earlier runs brought about to what was declared then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.errors import SourceError, StateError
from reconciler.kinds.address import Address
from reconciler.kinds.registry import Kinds
from reconciler.state.model import make_desired
from reconciler.state.source import Commit, Revision
from reconciler.state.values import Desired, Mode, Resource

Reader = Callable[[str], Revision]
"""Reads the state at a commit."""
Log = Callable[[str], Sequence[Commit]]
"""Gives the commits from after one up to that of the plan, the oldest first."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What was declared before. Without git, nothing is known of it."""

    known: bool = False
    """Whether there is a history at all."""
    settled: Mapping[Address, Resource] = field(default_factory=dict)
    """What the last revision declared of which everything was done."""
    applied: Desired | None = None
    """The last revision whose apply ran to its end."""
    attempted: Mapping[Address, float] = field(default_factory=dict)
    """What was declared by revisions whose apply began since, and when the first of them did."""
    missing: str = ""
    """Why the settled revision cannot be had, although there was one."""
    last: Callable[[Address], tuple[Resource | None, Commit | None]] = lambda _address: (None, None)
    """The last declaration of what is declared no more, and the commit that took it away."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """Which revisions earlier runs were about."""

    settled: str = ""
    applied: str = ""
    attempted: tuple[tuple[str, float], ...] = ()


class _Archive:
    """Reads each revision once."""

    def __init__(self, known: Iterable[Desired], read: Reader, kinds: Kinds) -> None:
        self.read = read
        self.kinds = kinds
        self.found: dict[str, Desired] = {one.revision.name: one for one in known}

    def at(self, revision: str) -> Desired:
        """Give what a revision declares.

        Raises:
            SourceError: it cannot be had, or makes no sense any more.

        """
        if revision not in self.found:
            try:
                self.found[revision] = make_desired(self.read(revision), self.kinds)[0]
            except StateError as error:
                raise SourceError(f"the state at {revision[:7]} is not valid any more") from error
        return self.found[revision]


def read_prior(
    desired: Desired,
    revisions: Revisions,
    renames: Mapping[Address, Address],
    kinds: Kinds,
    read: Reader,
    log: Log,
    at_hand: Iterable[Desired] = (),
) -> Prior:
    """Gather what the settled, the applied and the attempted revisions declared.

    What is ``at_hand`` need not be read: often it is what was settled before a new commit.
    """
    archive = _Archive((*at_hand, desired), read, kinds)
    settled, missing = _resources(archive, revisions.settled, log)
    applied = None
    if revisions.applied:
        try:
            applied = archive.at(revisions.applied)
        except SourceError:
            applied = None  # it only tells where a difference comes from
    now = _names_now(settled, renames)
    here, then = _moved(settled, now), {new: old for old, new in now.items()}
    since = revisions.settled or (revisions.attempted[0][0] if revisions.attempted else "")
    attempts = {name for name, _ in revisions.attempted}

    def last(address: Address) -> tuple[Resource | None, Commit | None]:
        found, commit = _last(then.get(address, address), since, attempts, archive, log)
        if found is None or not found.managed:
            return here.get(address), None
        return found, commit

    return Prior(
        known=True, settled=here, applied=applied, missing=missing,
        attempted=_Attempted(archive, revisions.attempted),
        last=last,
    )  # fmt: skip


class _Attempted(Mapping[Address, float]):
    """Guards what attempts declared: read when somebody asks, for there may be a hundred."""

    def __init__(self, archive: _Archive, attempts: tuple[tuple[str, float], ...]) -> None:
        self._archive = archive
        self._attempts = attempts
        self._found: dict[Address, float] | None = None

    def _all(self) -> dict[Address, float]:
        if self._found is None:
            self._found = {}
            for name, began in self._attempts:
                try:
                    declared = _managed(self._archive.at(name))
                except SourceError:
                    continue  # what it declared is not ours then, and stays
                for address in declared:
                    self._found[address] = min(began, self._found.get(address, began))
        return self._found

    def __getitem__(self, address: Address) -> float:
        return self._all()[address]

    def __iter__(self) -> Iterator[Address]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _resources(archive: _Archive, name: str, log: Log) -> tuple[dict[Address, Resource], str]:
    if not name:
        return {}, ""
    try:
        log(name)
        return _managed(archive.at(name)), ""
    except SourceError as error:
        return {}, f"the settled revision: {error}"


def _managed(desired: Desired) -> dict[Address, Resource]:
    return {
        address: found
        for address, found in desired.resources.items()
        if found.managed and found.options.mode is not Mode.OBSERVE
    }


def _names_now(
    resources: Mapping[Address, Resource], renames: Mapping[Address, Address]
) -> dict[Address, Address]:
    """Give the names that are meant now, for all that nests below a new one, too."""
    known: dict[Address, Address] = {}

    def now(address: Address) -> Address:
        found = resources.get(address)
        if address in renames:
            known[address] = renames[address]
        elif address not in known:
            known[address] = address
            if found is not None and not found.kind.edge:
                above = now(found.parent)
                names = (*above.names, *address.names[len(found.parent.names) :])
                known[address] = Address(address.kind, names)
        return known[address]

    for address, resource in resources.items():
        if not renames:  # most states have none
            known[address], known[resource.parent] = address, resource.parent
            continue
        now(address)
        now(resource.parent)
    return known


def _moved(
    resources: Mapping[Address, Resource], now: Mapping[Address, Address]
) -> dict[Address, Resource]:
    return {
        now[address]: resource
        if (now[address], now[resource.parent]) == (address, resource.parent)
        else replace(resource, address=now[address], parent=now[resource.parent])
        for address, resource in resources.items()
    }


def _last(
    address: Address, since: str, attempted: Collection[str], archive: _Archive, log: Log
) -> tuple[Resource | None, Commit | None]:
    """Find the commit that took an entry away, and what the entry said before, whatever its name.

    By halving, from the last commit on that is known to declare it: what was settled, or what was
    attempted since.
    """
    if not since:
        return None, None
    try:
        commits = list(log(since))
        found, start = archive.at(since).resources.get(address), 0
        if found is None:
            found, start = _attempt_of(address, attempted, commits, archive)
        while True:
            found, low = _until(address, found, commits, start, archive)
            if low == len(commits):
                return found, None
            new = _renamed(address, archive.at(commits[low].name))
            if found is None or new is None:
                return found, commits[low]
            address, start = new, low
    except SourceError:
        return None, None


def _attempt_of(
    address: Address, attempted: Collection[str], commits: Sequence[Commit], archive: _Archive
) -> tuple[Resource | None, int]:
    """Find the last attempt that declares something which was not declared when all was settled."""
    for index, commit in reversed([*enumerate(commits)]):
        if commit.name in attempted:
            found = archive.at(commit.name).resources.get(address)
            if found is not None:
                return found, index
    return None, 0


def _until(
    address: Address,
    found: Resource | None,
    commits: Sequence[Commit],
    start: int,
    archive: _Archive,
) -> tuple[Resource | None, int]:
    """Give the last declaration of an address, and the number of the first commit without it."""
    low, high = start, len(commits) - 1
    while low <= high:
        middle = (low + high) // 2
        there = archive.at(commits[middle].name).resources.get(address)
        if there is not None and there.managed:
            found, low = there, middle + 1
        else:
            high = middle - 1
    return found, low


def _renamed(address: Address, desired: Desired) -> Address | None:
    """Give the name that an address, or what it lies in, was given at a revision."""
    for one in desired.resources.values():
        for name in one.options.previously:
            old, depth = (*one.address.names[:-1], name), len(one.address.names)
            inside = len(address.names) > depth or one.kind.name == address.kind
            if address.names[:depth] == old and inside:
                new = Address(address.kind, (*one.address.names, *address.names[depth:]))
                if new in desired.resources:
                    return new
    return None
