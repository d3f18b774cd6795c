"""The repository that reconciler.yaml lies in, followed as it is: its newest commit counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.controller.status import SourceStatus
from reconciler.errors import SourceError
from reconciler.ledger import Repository
from reconciler.state.gitcall import Reason
from reconciler.state.source import Revision, head_of, read_commit


@dataclass(slots=True)
class LocalSource:
    """Guards when a repository on this host was last read, and how often not; one a loop.

    Somebody else fetches into it, or commits to it.
    """

    root: Path
    folder: str
    branch: str = "HEAD"
    errors: Counter[str] = field(default_factory=Counter)
    fetched: float | None = None

    def fetch(self, now: float, applied: str = "") -> SourceStatus:  # noqa: ARG002 - git history is here whole
        """Look at the branch as it is now."""
        revision, committed, problem = "", None, ""
        try:
            revision, committed = head_of(self.root, self.branch)
            self.fetched = now
        except SourceError as error:
            self.errors[Reason.OTHER.value] += 1
            problem = str(error).splitlines()[0]
        return SourceStatus(
            str(self.root), self.branch, revision, committed, self.fetched, dict(self.errors),
            problem=problem,
        )  # fmt: skip

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
