"""From a repository that is followed to the commit that may be put in force.

A clone of our own is brought up to date; whatever comes of it, the commit in force stays readable.
``fetch`` raises for nothing that a remote, a network or an author does: ``Head`` tells it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.errors import SourceError
from reconciler.settings import Source, VerifyMode
from reconciler.state.clone import (
    ACCEPTED,
    IN_FORCE,
    WHOLE,
    alone,
    comes_after,
    found_below,
    keep,
    ref,
    resolve,
    update,
)
from reconciler.state.gitcall import Git, GitTrouble, Reason, call
from reconciler.state.remote import SEEN, git_for
from reconciler.state.signatures import Wanted, verify

_NAME = re.compile(r"^[0-9a-f]{7,40}$")


@dataclass(frozen=True, slots=True)
class Follower:
    """A repository that is followed, and a folder that is ours alone."""

    source: Source
    folder: Path
    around: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The environment, in which the token may be."""

    @property
    def clone(self) -> Path:
        """Give the repository that ``read_commit`` and ``commits_since`` take."""
        return self.folder / "clone.git"


@dataclass(frozen=True, slots=True)
class Head:
    """What came of a look at the repository."""

    commit: str
    """The newest commit that may be put in force; the one in force where there is a problem;
    empty where none can be had."""
    committed: float | None = None
    verified: bool | None = None
    """Whether the signatures up to the newest commit are good; None: none were looked at."""
    reason: Reason | None = None
    """Why ``commit`` is not the newest."""
    problem: str = ""
    """The same in words."""
    newest: str = ""
    """The head of the branch, taken or not, where the repository was reached."""
    fetched: float | None = None
    """When it was reached, if it was."""


def follow(source: Source, folder: Path, around: Mapping[str, str] | None = None) -> Follower:
    """Give what follows a repository, with a folder below the state directory for it alone.

    Raises:
        SourceError: the folder cannot be made.

    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"{folder}: {error.strerror}") from error
    return Follower(source, folder.resolve(), dict(os.environ if around is None else around))


def fetch(follower: Follower, now: float, applied: str = "") -> Head:
    """Look for a newer commit, and say which one may be put in force; ``take`` does that.

    It has to come after the commit in force (after ``applied`` where our folder was lost), or
    after one that somebody accepted, and to be signed as the settings ask.
    """
    kept = in_force(follower)
    newest, verified = "", None
    try:
        with alone(follower.folder, follower.source.timeout):
            git = git_for(follower.source, follower.clone, follower.around)
            newest = update(git, follower.source)
            _check_history(git, kept or applied, newest)
            keep(git, IN_FORCE, kept)
            if follower.source.verify.mode is not VerifyMode.OFF:
                verified = False
                verify(git, _wanted(git, follower, newest, kept, applied, now))
                verified = True
            return Head(newest, _committed(git, newest), verified, None, "", newest, now)
    except GitTrouble as error:
        found = Head("", None, verified, error.reason, str(error), newest)
    except OSError as error:
        found = Head("", None, verified, Reason.OTHER, str(error.strerror or error), newest)
    commit, committed = _still_there(follower, kept)
    return replace(found, commit=commit, committed=committed, fetched=now if newest else None)


def _check_history(git: Git, base: str, newest: str) -> None:
    accepted = ref(git, ACCEPTED)
    if not base or (accepted and comes_after(git, newest, accepted)):
        return
    if not found_below(git, base, newest):
        raise GitTrouble(
            Reason.REWRITTEN,
            f"the branch was rewritten: {newest[:7]} does not come after {base[:7]}, which stays "
            f"in force until `reconciler accept {newest[:7]}`",
        )


def _wanted(
    git: Git, follower: Follower, newest: str, kept: str, applied: str, now: float
) -> Wanted:
    accepted = ref(git, ACCEPTED)
    vouched = accepted if accepted and comes_after(git, newest, accepted) else ""
    base = applied or kept
    since = base if base and ref(git, f"{base}^{{commit}}") else ""
    trusted = kept or applied or vouched
    return Wanted(follower.source, newest, since, vouched, trusted, follower.folder, now)


def _committed(git: Git, commit: str) -> float:
    return float(call(git, "log", "-1", "--format=%ct", commit).line)


def _still_there(follower: Follower, kept: str) -> tuple[str, float | None]:
    """Give the commit in force and its time, if it can be read."""
    try:
        return (kept, _committed(_local(follower), kept)) if kept else ("", None)
    except (GitTrouble, OSError, ValueError):
        return "", None


def _local(follower: Follower) -> Git:
    """Give the git for what stays on this machine."""
    nowhere = follower.source.model_copy(update={"ssh": None, "token": None, "ca": None})
    return git_for(nowhere, follower.clone, {"PATH": follower.around.get("PATH", os.defpath)})


def in_force(follower: Follower) -> str:
    """Give the commit that was last taken, or nothing."""
    try:
        name = (follower.folder / "in-force").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return name if WHOLE.match(name) else ""


def take(follower: Follower, commit: str) -> None:
    """Put a commit in force: what is fetched from now on has to come after it.

    Its name stands beside the clone, so that a clone that breaks can be made anew.

    Raises:
        SourceError: it is not in the clone, or cannot be written down.

    """
    if commit == in_force(follower):
        return
    git = _local(follower)
    try:
        with alone(follower.folder, follower.source.timeout):
            call(git, "update-ref", IN_FORCE, resolve(git, commit))
            accepted = ref(git, ACCEPTED)
            new = follower.folder / "in-force.new"
            with new.open("w", encoding="ascii") as stream:
                stream.write(f"{commit}\n")
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(follower.folder / "in-force")
            if accepted and comes_after(git, commit, accepted):
                call(git, "update-ref", "-d", ACCEPTED)
    except OSError as error:
        raise SourceError(f"{follower.folder}: {error.strerror}") from error


def accept(follower: Follower, revision: str) -> str:
    """Let a commit, and what comes after it, follow although the branch was rewritten.

    A signature is asked for all the same. Gives the commit's whole name.

    Raises:
        SourceError: it was never fetched, or is no name of a commit.

    """
    if not _NAME.match(revision):
        raise SourceError("say which commit by seven characters of its name, or more")
    git = _local(follower)
    with alone(follower.folder, follower.source.timeout):
        commit = resolve(git, revision)
        call(git, "update-ref", ACCEPTED, commit)
    return commit


def have(follower: Follower, commit: str) -> bool:
    """Deepen the clone until it holds a commit of the branch; False: it is none of its commits.

    Raises:
        SourceError: it would have to be fetched, and cannot be.

    """
    with alone(follower.folder, follower.source.timeout):
        git = git_for(follower.source, follower.clone, follower.around)
        newest = ref(git, SEEN)
        return bool(newest) and found_below(git, commit, newest)


def rebuild(follower: Follower) -> None:
    """Drop a clone whose commits cannot be read any more: the next fetch makes it anew."""
    with alone(follower.folder, follower.source.timeout):
        shutil.rmtree(follower.clone, ignore_errors=True)
