"""The repository that reconciler.yaml lies in, followed as it is: its newest commit counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reconciler.controller.status import SourceStatus
from reconciler.errors import SourceError
from reconciler.ledger import Repository
from reconciler.state.source import Revision, head_of, read_commit


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A repository on this host, which somebody else fetches into or commits to."""

    root: Path
    folder: str
    branch: str = "HEAD"

    def fetch(self, now: float, applied: str = "") -> SourceStatus:  # noqa: ARG002 - git history is here whole
        """Look at the branch as it is now."""
        try:
            revision, committed = head_of(self.root, self.branch)
        except SourceError as error:
            return SourceStatus(str(self.root), self.branch, problem=str(error).splitlines()[0])
        return SourceStatus(str(self.root), self.branch, revision, committed, fetched=now)

    def read(self, revision: str) -> Revision:
        """Read the state at a commit.

        Raises:
            SourceError: it cannot be had.

        """
        return read_commit(self.root, revision, self.folder)

    def take(self, revision: str) -> None:
        """Heed that a commit is in force: nothing hangs on it here."""

    @property
    def in_force(self) -> str:
        """Know of none: nothing of ours lies here, and going back to an older one could delete."""
        return ""

    @property
    def repository(self) -> Repository | None:
        """Give where earlier revisions are read."""
        return Repository(self.root, self.folder)
