"""A repository elsewhere, fetched into a clone of our own: the newest good commit counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from reconciler.controller.status import SourceStatus
from reconciler.errors import DamagedError, SourceError
from reconciler.hide import hide
from reconciler.ledger import Repository
from reconciler.state.follow import Follower, Head, fetch, have, in_force, rebuild, take
from reconciler.state.source import Revision, read_commit


@dataclass(slots=True)
class RemoteSource:
    """Guards what came of the last look, and how often there was none; each loop has its own."""

    follower: Follower
    folder: str
    head: Head = field(default_factory=lambda: Head(""))
    errors: Counter[str] = field(default_factory=Counter)
    fetched: float | None = None

    def fetch(self, now: float, applied: str = "") -> SourceStatus:
        """Look for a newer commit; it has to come after the one in force, or else the applied."""
        self.head = fetch(self.follower, now, applied)
        if self.head.reason is not None:
            self.errors[self.head.reason.value] += 1
        self.fetched = self.head.fetched or self.fetched
        source = self.follower.source
        return SourceStatus(
            hide(source.url, ()), source.branch, self.head.commit, self.head.committed,
            self.fetched, dict(self.errors), self.head.verified,
            self.head.problem.splitlines()[0] if self.head.problem else "",
        )  # fmt: skip

    def take(self, revision: str) -> None:
        """Put a commit in force, whose state turned out to be valid."""
        if self.head.reason is None and self.head.commit == revision:
            take(self.follower, revision)

    def read(self, revision: str) -> Revision:
        """Read the state at a commit.

        Raises:
            SourceError: it cannot be had.

        """
        try:
            return read_commit(self.follower.clone, revision, self.folder)
        except DamagedError:
            # The next run fetches it anew. A commit that is refused would be the same then.
            rebuild(self.follower)
            raise

    @property
    def in_force(self) -> str:
        """Give the commit that was last taken: its name outlasts this process."""
        return in_force(self.follower)

    @property
    def repository(self) -> Repository | None:
        """Give where earlier revisions are read."""
        return Repository(self.follower.clone, self.folder, self._have)

    def _have(self, revision: str) -> bool:
        """Deepen the clone until it holds a commit; no other fetch goes there with credentials.

        Raises:
            SourceError: it would have to be fetched, and cannot be.

        """
        try:
            return have(self.follower, revision)
        except OSError as error:
            raise SourceError(f"{self.follower.folder}: {error.strerror}") from error
