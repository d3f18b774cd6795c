"""From a folder as it lies to its YAML files; what is too much, or never ends, is refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from reconciler.errors import SourceError
from reconciler.yamlio import MAX_BYTES

SUFFIXES = frozenset({".yaml", ".yml"})
MAX_TOTAL = 64 * 1024 * 1024
"""Bytes of all YAML files of a state."""
MAX_ENTRIES = 20_000
"""Files and folders that are looked at: a tree of git's can hold itself many times over."""


class Room:
    """Refuses what is too much before it is read. Guards how much there was.

    Raises:
        SourceError: it is.

    """

    def __init__(self) -> None:
        self.size = 0
        self.entries = 0

    def read(self, path: Path, shown: str) -> bytes:
        with open_plain(path, shown) as stream:
            size = os.fstat(stream.fileno()).st_size
            self.take(shown, size)
            return stream.read(size)

    def take(self, name: str, size: int) -> None:
        self.size += size
        if size > MAX_BYTES:
            raise SourceError(
                f"{name}: larger than {MAX_BYTES >> 20} MiB: state belongs into more files"
            )
        if self.size > MAX_TOTAL:
            raise SourceError(f"{name}: more than {MAX_TOTAL >> 20} MiB of YAML in one state")

    def look_at(self, name: str) -> None:
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise SourceError(f"{name}: more than {MAX_ENTRIES:,} files and folders in one state")
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise SourceError(f"{name}: a name that is not UTF-8") from error


def names_below(root: Path, folder: Path) -> Iterator[str]:
    """Give the YAML files below a folder; what could hide some of them is refused."""
    room = Room()
    waiting = [""]
    while waiting:
        above = waiting.pop()
        try:
            found = list(os.scandir(root / above))
        except OSError as error:
            raise SourceError(f"{folder / above}: {error.strerror}") from error
        for entry in found:
            name = f"{above}{entry.name}"
            room.look_at(name)
            if entry.name.startswith("."):
                continue
            is_yaml = PurePosixPath(name).suffix in SUFFIXES
            if entry.is_symlink():
                _check_link(root, name, str(folder / name), is_yaml=is_yaml)
            if entry.is_dir():
                waiting.append(f"{name}/")
            elif is_yaml:
                yield name


def _check_link(root: Path, name: str, shown: str, *, is_yaml: bool) -> None:
    """Refuse a link behind which there may be more of the state, or what is not of it."""
    target = Path(os.path.realpath(root / name))
    if target.is_dir() or not target.exists():
        raise SourceError(f"{shown}: a link to a folder, or to nothing: links are not followed")
    if is_yaml and not target.is_relative_to(root):
        raise SourceError(f"{shown}: a link that leads out of the state's folder")


def open_plain(path: Path, shown: str) -> BinaryIO:
    """Open a file, and nothing that could keep us waiting or never end.

    Raises:
        SourceError: it is a pipe, a device or a folder, or cannot be opened.

    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SourceError(f"{shown}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise SourceError(f"{shown}: is no plain file")
    return os.fdopen(handle, "rb")
