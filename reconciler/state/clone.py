"""From a source to a bare clone of our own: brought up to date, deepened, made anew."""

from __future__ import annotations

import fcntl
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from reconciler.settings import Source, VerifyMode
from reconciler.state.gitcall import Git, GitTrouble, Reason, ask, call, trouble
from reconciler.state.remote import SEEN, clone_config, safe_config, safe_file
from reconciler.state.source import DEEPER

DEPTH = 50
"""Commits that are fetched at first."""
IN_FORCE, ACCEPTED = "refs/source/in-force", "refs/source/accepted"
WHOLE = re.compile(r"^[0-9a-f]{40}$")
_FETCH = ("fetch", "--quiet", "--no-write-fetch-head")
_POLL = 0.05


@contextmanager
def alone(folder: Path, seconds: float) -> Iterator[None]:
    """Keep other processes and threads from the clone meanwhile.

    Raises:
        GitTrouble: one that is there does not end.

    """
    until = time.monotonic() + seconds
    with (folder / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > until:
                    text = f"{folder}: another fetch does not end"
                    raise GitTrouble(Reason.TIMEOUT, text) from error
                time.sleep(_POLL)
            else:
                break
        yield


def update(git: Git, source: Source) -> str:
    """Bring the clone up to date and give the head of the branch.

    A clone that is damaged is made anew beside the old one, which stays until that has worked.

    Raises:
        GitTrouble: the repository gives no head.

    """
    _write(safe_file(git.clone), safe_config(source, git.clone))
    if ask(git, "rev-parse", "--git-dir").code:
        return _anew(git, source)
    _write(git.clone / "config", clone_config(source))
    _sweep(git)
    kept = ref(git, IN_FORCE)
    if kept and ask(git, "cat-file", "-e", f"{kept}^{{tree}}").code:
        return _anew(git, source)
    try:
        return _newest(git, source)
    except GitTrouble as error:
        if error.reason is not Reason.INVALID or _is_whole(git):
            raise
    return _anew(git, source)


def _newest(git: Git, source: Source) -> str:
    words: tuple[str, ...] = ()
    if source.verify.mode is VerifyMode.RANGE:
        # Where history is cut, nobody can tell which commits are new.
        words = ("--unshallow",) if is_shallow(git) else ()
    elif not ref(git, SEEN):
        words = (f"--depth={DEPTH}",)
    answer = ask(git, *_FETCH, *words, "origin")
    if answer.code and "couldn't find remote ref" in answer.err:
        raise GitTrouble(Reason.OTHER, f"the repository has no branch {source.branch}")
    if answer.code:
        raise trouble(git, answer.err)
    return resolve(git, SEEN)


def _is_whole(git: Git) -> bool:
    return not ask(git, "fsck", "--no-dangling", "--no-progress").code


def _anew(git: Git, source: Source) -> str:
    new = replace(git, clone=git.clone.with_name("clone.new"))
    shutil.rmtree(new.clone, ignore_errors=True)
    call(new, "-c", "init.defaultBranch=main", "init", "--quiet", "--bare", "--template=")
    _write(new.clone / "config", clone_config(source))
    newest = _newest(new, source)
    for name in (IN_FORCE, ACCEPTED):
        keep(new, name, ref(git, name))
    shutil.rmtree(git.clone, ignore_errors=True)
    new.clone.rename(git.clone)
    return newest


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        new = path.with_name(f"{path.name}.new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)


def _sweep(git: Git) -> None:
    """Remove what a git that was killed left: locks, and packs of which half came."""
    before = time.time() - git.seconds
    for pattern in ("*.lock", "refs/**/*.lock", "objects/**/*.lock", "objects/pack/tmp_*"):
        for path in git.clone.glob(pattern):
            if path.lstat().st_mtime < before:
                path.unlink(missing_ok=True)


def ref(git: Git, name: str) -> str:
    """Give the commit that a reference names, whether or not it can be read; else nothing."""
    answer = ask(git, "rev-parse", "--verify", "--quiet", name)
    return answer.line if not answer.code and WHOLE.match(answer.line) else ""


def resolve(git: Git, name: str) -> str:
    """Give the whole name of a commit that is in the clone.

    Raises:
        GitTrouble: it is not.

    """
    answer = ask(git, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if answer.code or not WHOLE.match(answer.line):
        raise GitTrouble(Reason.INVALID, f"{name}: no such commit in the clone")
    return answer.line


def keep(git: Git, name: str, commit: str) -> None:
    """Keep a commit from being collected as garbage, if it is there."""
    if commit:
        ask(git, "update-ref", name, commit)


def comes_after(git: Git, new: str, old: str) -> bool:
    """Say whether the clone knows that a commit is, or comes after, another."""
    return not ask(git, "merge-base", "--is-ancestor", old, new).code


def is_shallow(git: Git) -> bool:
    return ask(git, "rev-parse", "--is-shallow-repository").line == "true"


def found_below(git: Git, old: str, new: str) -> bool:
    """Say whether a commit comes after another, deepening the clone until that is known.

    Raises:
        GitTrouble: the repository gives no more.

    """
    for words in (*(f"--deepen={depth}" for depth in DEEPER), "--unshallow"):
        if comes_after(git, new, old):
            return True
        if not is_shallow(git):
            return False
        call(git, *_FETCH, words, "origin")
    return comes_after(git, new, old)
