"""From commits and keys to whether each commit is signed with one of the keys.

What is covered. ``head``: the newest commit alone; its signer answers for all below it. ``range``:
every commit that the newest one brings along since the commit that was last applied: those of the
first-parent line, and those of branches that it merges, down to what was verified before. Where
nothing was ever applied or in force there is no range, and the newest commit is verified alone.
Below a commit that somebody accepted, that person answers for what was there before.

Whose keys. The operator's folder, outside of the repository, or a folder of the commit *in force*.
Never the commit that is to be verified: whoever may push could bring their own key along with it,
sign with that, and be trusted. So a new key counts from when the commit that adds it, signed with
an old key, is in force.

A key counts as it stands now: a commit from when an expired key was good is refused, because
whoever holds that key can write any time into a commit.
"""

from __future__ import annotations

import base64
import binascii
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.settings import Source, VerifyMode
from reconciler.state.clone import keep, ref
from reconciler.state.gitcall import Answer, Git, GitTrouble, Reason, ask, call, plain
from reconciler.state.keys import (
    REVOKED,
    SIGNERS,
    Keys,
    fingerprint_of,
    make_keys,
    read_commit_folder,
    read_folder,
)
from reconciler.urls import protocol_of

MOST = 1_000
"""Commits that are verified at once."""
_SIGNED = re.compile(rb"^gpgsig(?:-sha256)? -----BEGIN ([A-Z]+)[ A-Z]*-----$", re.MULTILINE)
_SSH_GOOD = re.compile(r'^Good "git" signature for \S.* with \S+ key SHA256:\S+$', re.MULTILINE)
_GPG_LINE = re.compile(r"^\[GNUPG:\] (\w+) ?(\S*) ?(.*)$", re.MULTILINE)
_GPG_BAD: Mapping[str, str] = {
    "REVKEYSIG": "is signed with the key {key} of {who}, which was revoked",
    "EXPKEYSIG": "is signed with the key {key} of {who}, which has expired",
    "EXPSIG": "has a signature of {who} that has expired",
    "BADSIG": "was changed after {who} signed it",
    "NO_PUBKEY": "is signed with the key {key}, which is none of the keys",
    "ERRSIG": "is signed with the key {key}, and that cannot be checked",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which commits have to be signed, and with whose keys."""

    source: Source
    newest: str
    since: str
    """The commit that was applied last, or else the one in force, or nothing."""
    vouched: str
    """A commit that somebody accepted, below the newest: it is verified, what is below it not."""
    trusted: str
    """The commit in force, of which keys in the repository are taken."""
    folder: Path
    now: float


def verify(git: Git, wanted: Wanted) -> None:
    """Let nothing pass that is not signed as the settings ask.

    Raises:
        GitTrouble: the first commit that is not, and why; or there is nothing to verify it with.

    """
    keys = make_keys(_key_files(git, wanted), wanted.folder, git, wanted.now)
    names = [wanted.newest]
    done = f"refs/source/verified/{keys.digest}"
    if wanted.source.verify.mode is VerifyMode.RANGE:
        names = _range(git, wanted, ref(git, done))
    for name in names:
        wrong = _what_is_wrong(git, name, keys)
        if wrong:
            who = plain(call(git, "log", "-1", "--format=%an", name).line)[:60]
            raise GitTrouble(Reason.UNVERIFIED, f"{name[:7]} by {who} {wrong}")
    if wanted.source.verify.mode is VerifyMode.RANGE and (wanted.since or wanted.vouched):
        keep(git, done, wanted.newest)


def _key_files(git: Git, wanted: Wanted) -> dict[str, bytes]:
    place = wanted.source.verify.keys or ""
    if not place.startswith("/"):
        if not wanted.trusted:
            raise GitTrouble(
                Reason.UNVERIFIED,
                f"no commit is in force of which keys in {place} could be taken: accept "
                f"{wanted.newest[:7]}, or name a folder outside of the repository",
            )
        return read_commit_folder(git, wanted.trusted, place)
    top = wanted.source.url.removeprefix("file://")
    near = protocol_of(wanted.source.url) == "file"
    if near and Path(place).resolve().is_relative_to(Path(top).resolve()):
        text = f"{place}: lies within the repository, where whoever pushes may write"
        raise GitTrouble(Reason.UNVERIFIED, text)
    return read_folder(Path(place))


def _range(git: Git, wanted: Wanted, before: str) -> list[str]:
    """Give all commits since those that are known, the oldest first, and always the newest."""
    if not (wanted.since or wanted.vouched):
        return [wanted.newest]
    below = f"{wanted.vouched}^@" if wanted.vouched else ""
    since = [one for one in (wanted.since, before, below) if one]
    words = ("rev-list", "--reverse", f"--max-count={MOST + 1}", wanted.newest, "--not", *since)
    names = call(git, *words).out.decode().split()
    if len(names) > MOST:
        text = f"more than {MOST:,} commits are to be verified at once"
        raise GitTrouble(Reason.UNVERIFIED, text)
    return names or [wanted.newest]


def _what_is_wrong(git: Git, name: str, keys: Keys) -> str:
    """Say what is wrong with the signature of a commit; nothing if it is good."""
    raw = call(git, "cat-file", "commit", name).out
    found = _SIGNED.search(raw.partition(b"\n\n")[0])
    style = found[1].decode() if found else ""
    if not found:
        return "is not signed"
    if style not in ("PGP", "SSH"):
        return "is signed neither with gpg nor with ssh"
    program, package = ("gpg", "gnupg") if style == "PGP" else ("ssh-keygen", "openssh-client")
    if shutil.which(program, path=git.environment.get("PATH")) is None:
        return f"cannot be verified: {program} is not installed (package {package})"
    answer = ask(_with_keys(git, keys), *_options(keys), "verify-commit", "--raw", name)
    return _gpg(answer) if style == "PGP" else _ssh(answer, raw, keys)


def _with_keys(git: Git, keys: Keys) -> Git:
    return replace(git, environment={**git.environment, "GNUPGHOME": str(keys.home)})


def _options(keys: Keys) -> tuple[str, ...]:
    settings = (
        "gpg.program=gpg", "gpg.ssh.program=ssh-keygen", "gpg.x509.program=false",
        f"gpg.ssh.allowedSignersFile={keys.home / SIGNERS}",
        f"gpg.ssh.revocationFile={keys.home / REVOKED}",
        "gpg.minTrustLevel=fully",
    )  # fmt: skip
    return tuple(word for one in settings for word in ("-c", one))


def _gpg(answer: Answer) -> str:
    told = {match[1]: (match[2], match[3]) for match in _GPG_LINE.finditer(answer.err)}
    for word, text in _GPG_BAD.items():
        if word in told:
            key, who = told[word]
            return text.format(key=key, who=plain(who)[:100] or "nobody known")
    if answer.code or "GOODSIG" not in told or "VALIDSIG" not in told:
        return "has a signature that gpg does not take"
    return ""


def _ssh(answer: Answer, raw: bytes, keys: Keys) -> str:
    if not answer.code and _SSH_GOOD.search(answer.err + answer.out.decode(errors="replace")):
        return ""
    mark = _ssh_key(raw)
    if mark in keys.revoked:
        return f"is signed with the key {mark} of {keys.revoked[mark]}, which was revoked"
    if mark in keys.expired:
        return f"is signed with the key {mark} of {keys.expired[mark]}, which has expired"
    if "incorrect signature" in answer.err:
        return f"was changed after it was signed with the key {mark}"
    return f"is signed with the key {mark}, which is none of the keys"


def _ssh_key(raw: bytes) -> str:
    """Give the fingerprint of the key that an ssh signature says it was made with."""
    armor = re.search(rb"-----BEGIN SSH SIGNATURE-----(.*?)-----END", raw, re.DOTALL)
    try:
        blob = base64.b64decode(b"".join(armor[1].split())) if armor else b""
    except binascii.Error:
        blob = b""
    if not blob.startswith(b"SSHSIG"):
        return "of an unknown form"
    return fingerprint_of(blob[14 : 14 + int.from_bytes(blob[10:14], "big")])
