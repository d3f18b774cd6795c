"""From a git revision, or a folder as it lies, to the files of one state. The only user of git."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import git
from git.exc import GitError

from reconciler.errors import SourceError

SUFFIXES = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True)
class Revision:
    """One state, whole: its YAML files by path, and a way to open any other file beside them."""

    name: str
    """The commit, or empty for a folder as it lies."""
    subject: str
    files: Mapping[str, bytes]
    opener: Callable[[str], BinaryIO]

    def open(self, path: str) -> BinaryIO:
        """Open a file that the state refers to, relative to the state's root.

        Raises:
            SourceError: it is not there, or lies outside of the root.

        """
        parts = PurePosixPath(path).parts
        if PurePosixPath(path).is_absolute() or ".." in parts:
            raise SourceError(f"{path}: lies outside of the state's folder")
        return self.opener(path)


def read_folder(folder: Path) -> Revision:
    """Read a folder as it lies, committed or not.

    Raises:
        SourceError: there is no such folder, or a file cannot be read.

    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; say where the state is with --state DIR")
    root = folder.resolve()
    files: dict[str, bytes] = {}
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if path.suffix not in SUFFIXES or hidden or not path.is_file():
            continue
        if not path.resolve().is_relative_to(root):
            raise SourceError(f"{path}: a link that leads out of {folder}")
        try:
            files[path.relative_to(root).as_posix()] = path.read_bytes()
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from error
    return Revision("", "", files, lambda name: _open_below(root, name))


def read_files(paths: Iterable[Path]) -> Revision:
    """Read single files and whole folders as one state, named as they were called.

    Raises:
        SourceError: a file cannot be read.

    """
    files: dict[str, bytes] = {}
    for path in paths:
        if path.is_dir():
            inner = read_folder(path).files
            files |= {(path / name).as_posix(): content for name, content in inner.items()}
            continue
        try:
            files[path.as_posix()] = path.read_bytes()
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from error
    return Revision("", "", files, lambda name: _open_below(Path.cwd(), name))


def _open_below(root: Path, name: str) -> BinaryIO:
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise SourceError(f"{name}: a link that leads out of the state's folder")
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceError(f"{name}: {error.strerror}") from error


def read_commit(repository: Path, revision: str, folder: str) -> Revision:
    """Read the state in ``folder`` at a commit, from git's objects and never from the work tree.

    Raises:
        SourceError: no repository, no such revision, no such folder in it.

    """
    try:
        with git.Repo(repository, search_parent_directories=True) as repo:
            commit = repo.commit(revision)
            tree = commit.tree if folder in ("", ".") else commit.tree / folder
            files = dict(_yaml_blobs(tree))
            root = str(repo.working_dir or repo.git_dir)
    except KeyError as error:
        raise SourceError(f"{revision} holds no folder {folder}") from error
    except (GitError, ValueError, OSError) as error:
        raise SourceError(f"{repository}: cannot read {revision}: {error}") from error
    sha, subject = commit.hexsha, str(commit.summary)
    return Revision(sha, subject, files, lambda name: _open_blob(root, sha, folder, name))


def _yaml_blobs(tree: git.Tree) -> Iterator[tuple[str, bytes]]:
    """Give the YAML files below a tree with their paths in it, without links and hidden ones."""
    for item in tree.traverse():
        if not isinstance(item, git.Blob) or item.mode == git.Blob.link_mode:
            continue
        path = PurePosixPath(str(item.path)).relative_to(str(tree.path) or ".")
        if path.suffix in SUFFIXES and not any(part.startswith(".") for part in path.parts):
            yield path.as_posix(), item.data_stream.read()


def _open_blob(root: str, sha: str, folder: str, name: str) -> BinaryIO:
    path = str(PurePosixPath(folder) / name)
    try:
        with git.Repo(root) as repo:
            blob = repo.commit(sha).tree / path
            return io.BytesIO(blob.data_stream.read())
    except KeyError as error:
        raise SourceError(f"{name}: not in {sha[:7]}") from error
    except (GitError, ValueError, OSError) as error:
        raise SourceError(f"{name}: {error}") from error


def toplevel(path: Path) -> Path | None:
    """Give the root of the work tree that ``path`` lies in, if it lies in one."""
    try:
        with git.Repo(path, search_parent_directories=True) as repo:
            return Path(repo.working_dir) if repo.working_dir else None
    except GitError:
        return None


def has_uncommitted(repository: Path, folder: str) -> bool:
    """Say whether files below ``folder`` differ from the newest commit."""
    try:
        with git.Repo(repository, search_parent_directories=True) as repo:
            return bool(repo.git.status("--porcelain", "--", folder or "."))
    except GitError:
        return False  # only a hint hangs on it
