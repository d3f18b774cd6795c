"""From a git revision, or a folder as it lies, to the files of one state. The only user of git."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import git
from git.exc import GitError, ODBError

from reconciler.errors import DamagedError, SourceError
from reconciler.state.files import SUFFIXES, Room, names_below, open_plain

SECONDS = 60
"""How long a git that we start may take; objects come from one that answers as long as it runs."""
MAX_LINK = 4096
"""Bytes of a path."""
_POINTER = b"version https://git-lfs.github.com/spec/"
_UNREADABLE = (GitError, ODBError, LookupError, NotImplementedError, ValueError, OSError)
"""What GitPython answers to names and repositories that are not what they should be."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One state, whole: its YAML files by path, and a way to open any other file beside them."""

    name: str
    """The commit, or empty for a folder as it lies."""
    subject: str
    files: Mapping[str, bytes]
    opener: Callable[[str], BinaryIO]
    author: str = ""
    """Who wrote the commit, by the name that git knows."""

    def open(self, path: str) -> BinaryIO:
        """Open a file that the state refers to, relative to the state's root.

        Raises:
            SourceError: it is not there, or lies outside of the root.

        """
        parts = PurePosixPath(path).parts
        if PurePosixPath(path).is_absolute() or ".." in parts:
            raise SourceError(f"{path}: lies outside of the state's folder")
        return self.opener(path)


def fingerprint(revision: Revision) -> str:
    """Hash the files of a state."""
    digest = hashlib.sha256()
    for name, content in sorted(revision.files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def read_folder(folder: Path) -> Revision:
    """Read a folder as it lies, committed or not.

    Raises:
        SourceError: there is no such folder, or something in it cannot be read, or is too much.

    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; say where the state is with --state DIR")
    root, room = folder.resolve(), Room()
    names = sorted(names_below(root, folder))
    files = {name: room.read(root / name, str(folder / name)) for name in names}
    return Revision("", "", files, lambda name: _open_below(root, name))


def read_files(paths: Iterable[Path]) -> Revision:
    """Read single files and whole folders as one state, named as they were called.

    Raises:
        SourceError: a file cannot be read, or is too large.

    """
    files: dict[str, bytes] = {}
    room = Room()
    for path in paths:
        if path.is_dir():
            files |= {(path / name).as_posix(): c for name, c in read_folder(path).files.items()}
        else:
            files[path.as_posix()] = room.read(path, str(path))
    return Revision("", "", files, lambda name: _open_below(Path.cwd(), name))


def _open_below(root: Path, name: str) -> BinaryIO:
    path = Path(os.path.realpath(root / name))
    if not path.is_relative_to(root):
        raise SourceError(f"{name}: a link that leads out of the state's folder")
    return open_plain(path, name)


def read_commit(repository: Path, revision: str, folder: str) -> Revision:
    """Read the state in ``folder`` at a commit, from git's objects and never from the work tree.

    Raises:
        DamagedError: no repository, no such revision, or git cannot read what it keeps.
        SourceError: there is no such folder in it, or what no state may hold, or too much.

    """
    try:
        with git.Repo(repository, search_parent_directories=True) as repo:
            commit = repo.commit(revision)
            files = dict(_yaml_blobs(commit.tree, _folder_in(commit, revision, folder)))
            root = str(repo.working_dir or repo.git_dir)
    except _UNREADABLE as error:
        raise DamagedError(f"{repository}: cannot read {revision}: {error}") from error
    sha, subject, author = commit.hexsha, str(commit.summary), commit.author.name or ""
    return Revision(sha, subject, files, lambda name: _open_blob(root, sha, folder, name), author)


def _folder_in(commit: git.Commit, revision: str, folder: str) -> git.Tree:
    try:
        found = commit.tree if folder in ("", ".") else commit.tree / folder
    except KeyError as error:
        raise SourceError(f"{revision} holds no folder {folder}") from error
    if isinstance(found, git.Submodule):
        raise SourceError(f"{folder}: a submodule: what is in it is not in the commit")
    if not isinstance(found, git.Tree):
        raise SourceError(f"{revision} holds no folder {folder}")
    return found


def _yaml_blobs(top: git.Tree, tree: git.Tree) -> Iterator[tuple[str, bytes]]:
    """Give the YAML files below a tree; what could hide some of them is refused."""
    room = Room()
    waiting = [tree]
    while waiting:
        for item in waiting.pop():
            path = PurePosixPath(str(item.path)).relative_to(str(tree.path) or ".")
            name = path.as_posix()
            room.look_at(name)
            if path.name.startswith("."):
                continue
            if isinstance(item, git.Tree):
                waiting.append(item)
            elif not isinstance(item, git.Blob):
                raise SourceError(f"{name}: a submodule: what is in it is not in the commit")
            elif item.mode == git.Blob.link_mode:
                _check_blob_link(top, item, name)
            elif path.suffix in SUFFIXES:
                room.take(name, item.size)
                yield name, _without_pointer(name, item.data_stream.read())


def _without_pointer(name: str, content: bytes) -> bytes:
    """Refuse what git-lfs leaves in place of a file."""
    if content.startswith(_POINTER):
        raise SourceError(f"{name}: kept by git-lfs: what is in it is not in the commit")
    return content


def _check_blob_link(top: git.Tree, link: git.Blob, name: str) -> None:
    """Refuse a link that is YAML, or behind which there may be more of the state."""
    found: object = None
    if PurePosixPath(name).suffix not in SUFFIXES and link.size <= MAX_LINK:
        words = os.fsdecode(link.data_stream.read())
        above = os.path.dirname(str(link.path))  # noqa: PTH120 - never on a disk
        try:
            found = top / os.path.normpath(f"{above}/{words}" if above else words)
        except KeyError:
            found = None
    if not isinstance(found, git.Blob):
        raise SourceError(f"{name}: a link, which is not followed in a commit")


def _open_blob(root: str, sha: str, folder: str, name: str) -> BinaryIO:
    path = str(PurePosixPath(folder) / name)
    try:
        with git.Repo(root) as repo:
            blob = repo.commit(sha).tree / path
            if not isinstance(blob, git.Blob) or blob.mode == git.Blob.link_mode:
                raise SourceError(f"{name}: is no plain file in {sha[:7]}")
            # An image may be larger than memory.
            copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
            try:
                blob.stream_data(copy)
                copy.seek(0)
                _without_pointer(name, copy.read(len(_POINTER)))
            except BaseException:
                copy.close()
                raise
    except KeyError as error:
        raise SourceError(f"{name}: not in {sha[:7]}") from error
    except _UNREADABLE as error:
        raise SourceError(f"{name}: {error}") from error
    copy.seek(0)
    return cast("BinaryIO", copy)


def toplevel(path: Path) -> Path | None:
    """Give the root of the work tree that ``path`` lies in, if it lies in one."""
    try:
        with git.Repo(path, search_parent_directories=True) as repo:
            return Path(repo.working_dir) if repo.working_dir else None
    except GitError:
        return None


def branches_of(repository: Path) -> Path | None:
    """Give the folder whose files say where branches stand; a linked work tree has none itself."""
    try:
        with git.Repo(repository) as repo:
            folder = Path(repo.common_dir) / "refs" / "heads"
    except (GitError, OSError):
        return None
    return folder if folder.is_dir() else None


def has_uncommitted(repository: Path, folder: str) -> bool:
    """Say whether files below ``folder`` differ from the newest commit."""
    try:
        with git.Repo(repository, search_parent_directories=True) as repo:
            return bool(_ask(repo, "status", "--porcelain", "--", folder or "."))
    except GitError:
        return False  # only a hint hangs on it


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as reports name it."""

    name: str
    author: str

    @property
    def words(self) -> str:
        return f"{self.name[:7]} by {self.author}"


DEEPER = (50, 500, 5000)
"""Commits by which a shallow clone is deepened, one after the other, to find an earlier one."""


def commits_since(repository: Path, old: str, new: str) -> tuple[Commit, ...]:
    """Give the commits after ``old`` up to ``new`` by first parent, the oldest first.

    Raises:
        SourceError: ``old`` cannot be had, or ``new`` does not come after it.

    """
    try:
        with git.Repo(repository, search_parent_directories=True) as repo:
            _deepen(repo, old)
            first, last = (repo.commit(revision).hexsha for revision in (old, new))
            if _ask(repo, "rev-list", "--max-count=1", first, f"^{last}"):
                raise SourceError(f"{new[:7]} does not come after {old[:7]}")
            names = _ask(repo, "rev-list", "--first-parent", "--reverse", last, f"^{first}").split()
            return tuple(Commit(name, str(repo.commit(name).author.name)) for name in names)
    except (GitError, ValueError, OSError) as error:
        raise SourceError(f"{old[:7]} cannot be read from the repository") from error


def _ask(repo: git.Repo, *words: str) -> str:
    return str(repo.git.execute(["git", *words], kill_after_timeout=SECONDS))


def _deepen(repo: git.Repo, revision: str) -> None:
    """Have a shallow clone hold a commit, if its remote still does."""
    for depth in DEEPER:
        try:
            repo.commit(revision)
        except (GitError, ValueError):
            if _ask(repo, "rev-parse", "--is-shallow-repository") != "true":
                raise
            _ask(repo, "fetch", "--quiet", f"--deepen={depth}")
        else:
            return


def keep_commit(repository: Path, name: str, revision: str) -> None:
    """Keep a commit from being collected as garbage in this clone: a reference of our own."""
    try:
        with git.Repo(repository, search_parent_directories=True) as repo:
            _ask(repo, "update-ref", f"refs/reconciler/{name}", revision)
    except GitError:
        return  # the commit is there as long as its branch is; this is for when that moves away


def head_of(repository: Path, branch: str) -> tuple[str, float]:
    """Give the newest commit of a branch, and when it was committed, in seconds since the epoch.

    Raises:
        SourceError: there is no such repository, or no such branch in it.

    """
    try:
        with git.Repo(repository, search_parent_directories=True) as repo:
            commit = repo.commit(branch)
            return commit.hexsha, float(commit.committed_date)
    except (GitError, ValueError, OSError) as error:
        raise SourceError(f"{repository}: has no {branch}") from error
