"""From words of git's to its answer, within a time limit and an environment of our own."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from reconciler.errors import SourceError
from reconciler.hide import hide

MOST_SAID = 16 * 1024 * 1024
"""Bytes that git may say: a server can talk for ever."""
MOST_TOLD = 300
"""Characters of what git says that are told."""
GRACE = 2.0
"""Seconds that git has to put its temporary files away before it is killed."""


class Reason(StrEnum):
    """Why the newest commit of a repository is not to be had, or not taken."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    AUTHENTICATION = "authentication"  # of either side
    REWRITTEN = "rewritten"  # the branch does not come after the commit in force
    UNVERIFIED = "unverified"  # a signature is missing or not good
    INVALID = "invalid"  # what came is damaged
    OTHER = "other"


_SIGNS = (
    (Reason.AUTHENTICATION, (
        "authentication failed", "could not read username", "could not read password",
        "permission denied", "host key verification failed", "access denied", "error: 401",
        "error: 403", "not exported", "certificate", "load key", "no such identity",
    )),
    (Reason.TIMEOUT, ("timed out", "too slow")),
    (Reason.INVALID, (
        "fsck", "index-pack", "unpack-objects", "bad object", "corrupt", "unpack failed",
        "inflate", "did not send all necessary objects", "invalid object", "bad pack",
        "unable to read", "missing blob", "missing tree", "not a valid object", "bad tree",
    )),
    (Reason.UNREACHABLE, (
        "could not resolve", "failed to connect", "unable to connect", "connection refused",
        "connection reset", "no route to host", "hung up", "early eof", "empty reply",
        "could not read from remote", "does not appear to be a git repository", "not found",
        "unexpected disconnect", "the requested url returned error", "unable to access",
        "connection closed", "network is unreachable", "not valid: is this a git repository",
        "does not exist", "no such repository", "invalid server response", "expected flush",
        "unable to look up", "transfer closed",
    )),
)  # fmt: skip
"""What git, curl and ssh say, in lower case. No disk is full in words that stand here."""


class GitTrouble(SourceError):
    """The repository that is followed gives no commit that can be taken."""

    def __init__(self, reason: Reason, text: str) -> None:
        self.reason = reason
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Git:
    """Where git works, and all that it may know of the world."""

    clone: Path
    environment: Mapping[str, str]
    seconds: float
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What git said."""

    code: int
    out: bytes
    err: str

    @property
    def line(self) -> str:
        return self.out.decode(errors="replace").strip()


def call(git: Git, *words: str) -> Answer:
    """Let git do something.

    Raises:
        GitTrouble: it did not, in git's own words, without secrets.

    """
    answer = ask(git, *words)
    if answer.code:
        raise trouble(git, answer.err)
    return answer


def ask(git: Git, *words: str) -> Answer:
    """Let git answer, whatever its code is.

    Git's helpers (ssh, curl, index-pack) are in one process group with it, so that a time limit
    ends them all: one that was left would keep the pipes open, and we would wait for it.

    Raises:
        GitTrouble: it takes too long, says too much, or is not there.

    """
    until = time.monotonic() + git.seconds
    environment = {**git.environment, "GIT_DIR": str(git.clone)}
    try:
        process = subprocess.Popen(
            ["git", *words], env=environment, cwd=git.clone.parent, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise GitTrouble(Reason.OTHER, "git is not installed (package git)") from error
    with process:
        try:
            out, err = _listen(process, until)
            code = process.wait(max(until - time.monotonic(), GRACE))
        except subprocess.TimeoutExpired as error:
            _end(process)
            text = f"git {words[0]} took longer than {git.seconds:g} s"
            raise GitTrouble(Reason.TIMEOUT, text) from error
        except BaseException:
            _end(process)
            raise
    return Answer(code, out, err.decode(errors="replace"))


def _listen(process: subprocess.Popen[bytes], until: float) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    assert process.stderr is not None
    heard: dict[IO[bytes], bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for stream in heard:
            selector.register(stream, selectors.EVENT_READ, stream)
        while selector.get_map():
            left = until - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired("git", left)
            for key, _ in selector.select(left):
                chunk = os.read(key.fd, 65_536)
                if not chunk:
                    selector.unregister(key.data)
                heard[key.data] += chunk
            if sum(map(len, heard.values())) > MOST_SAID:
                raise GitTrouble(Reason.INVALID, "the server says more than anybody would read")
    return bytes(heard[process.stdout]), bytes(heard[process.stderr])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and all its helpers: kindly, so that it removes its locks, and then for sure."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(GRACE)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def trouble(git: Git, said: str) -> GitTrouble:
    """Give what git said as a reason and a line that may be told."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [one for one in lines if re.match(r"(?:fatal|error|remote|ssh):|curl", one)] or lines
    text = plain(hide("; ".join(telling), git.secrets)) or "git failed and said nothing"
    return GitTrouble(reason_of(said), text[:MOST_TOLD])


def reason_of(said: str) -> Reason:
    """Say what kind of trouble git tells of."""
    low = said.lower()
    if "no space left" in low or "file too large" in low or "disk quota" in low:
        return Reason.OTHER
    found = (reason for reason, signs in _SIGNS if any(sign in low for sign in signs))
    return next(found, Reason.OTHER)


def plain(text: str) -> str:
    """Give a text that others wrote without what would move a cursor."""
    return "".join(char if char.isprintable() else " " for char in text).strip()
