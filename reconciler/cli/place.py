"""From options and the folder we are in to the settings, the state's files and the cloud's name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.console import warn
from reconciler.cli.options import Common
from reconciler.errors import SettingsError, SourceError, UsageError
from reconciler.kinds.kind import Kind
from reconciler.settings import DEFAULT_STATE, FILE, CloudSettings, Settings
from reconciler.settingsfile import read_settings
from reconciler.state.source import (
    Revision,
    has_uncommitted,
    read_commit,
    read_folder,
    toplevel,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the settings and the state are."""

    settings: Settings | None
    root: Path
    """The folder of reconciler.yaml, or the one we are in."""
    state: Path | None
    """What --state says."""

    @property
    def folder(self) -> Path:
        """Give the folder of the state in the work tree."""
        if self.state is not None:
            return self.state
        return self.root / (self.settings.state if self.settings else DEFAULT_STATE)

    def read_state(self, at: str | None = None) -> tuple[Revision, str]:
        """Read the state: of a commit, or of a folder as it lies; the second value names that.

        Raises:
            UsageError: there is no telling where it is.
            SourceError: it cannot be read.

        """
        if self.state is not None:
            if at:
                raise UsageError("--at is a commit, --state a folder as it lies: say one of them")
            return read_folder(self.state), str(self.state)
        if self.settings is None:
            raise UsageError(
                f"there is no {FILE} here or further up: say where the state is with --state DIR"
            )
        repository = toplevel(self.root)
        if repository is None:
            if at:
                raise UsageError(f"--at {at}: {self.root} is in no git repository")
            return read_folder(self.folder), self.settings.state
        return self._read_commit(repository, at), ""

    def _read_commit(self, repository: Path, at: str | None) -> Revision:
        try:
            folder = self.folder.resolve().relative_to(repository.resolve()).as_posix()
        except ValueError as error:
            raise SourceError(f"{self.folder}: lies outside of the repository") from error
        if at is None and has_uncommitted(repository, folder):
            warn(
                f"{folder} holds what is not committed: this is about the newest commit; "
                f"--state {folder} is about the folder as it lies"
            )
        return read_commit(repository, at or "HEAD", folder)


def find_place(options: Common, kinds: Iterable[Kind] = ()) -> Place:
    """Find and read reconciler.yaml, if there is one.

    Raises:
        SettingsError: it cannot be used as it is, or --config names none.

    """
    path = options.config or _search(Path.cwd())
    if path is None:
        return Place(None, Path.cwd(), options.state)
    names = tuple(kind.name for kind in kinds)
    settings = read_settings(path, os.environ, names)
    return Place(settings, path.resolve().parent, options.state)


def _search(start: Path) -> Path | None:
    """Look for reconciler.yaml in this folder and those above, up to the repository's root."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        if (folder / ".git").exists():
            return None
    return None


def choose_cloud(options: Common, place: Place) -> tuple[str, CloudSettings | None]:
    """Say which cloud is meant, and what the settings say of it.

    Raises:
        UsageError: nobody said, and there is not just one.

    """
    known = place.settings.clouds if place.settings else {}
    name = options.cloud or os.environ.get("OS_CLOUD")
    if name:
        return name, known.get(name)
    if len(known) == 1:
        return next(iter(known.items()))
    if known:
        raise UsageError(f"say which cloud with --cloud: {', '.join(sorted(known))}")
    raise UsageError("say which cloud: --cloud NAME, or OS_CLOUD, as clouds.yaml names it")


def check_writable(options: Common, place: Place) -> None:
    """Refuse to write where the settings say that nothing is written.

    Raises:
        SettingsError: they do.

    """
    name, settings = choose_cloud(options, place)
    if settings is not None and settings.mode.value == "observe":
        raise SettingsError(
            f"{FILE} keeps cloud {name} in mode observe, where nothing is ever written; "
            f"say clouds: {{{name}: {{mode: enforce}}}}"
        )
