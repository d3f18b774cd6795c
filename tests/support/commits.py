"""From texts to commits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import git


def start_repository(folder: Path) -> None:
    """Begin a repository; databases that a test keeps beside it come and go, and are not its."""
    git.Repo.init(folder).close()
    exclude = folder / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("*.sqlite3*\n", encoding="utf-8")


def commit(folder: Path, files: Mapping[str, str], author: str = "alice") -> str:
    """Write files, commit all there is, and give the commit's name."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    with git.Repo(folder) as repo:
        repo.git.add("-A")
        actor = git.Actor(author, f"{author}@example.org")
        return repo.index.commit(f"by {author}", author=actor, committer=actor).hexsha
