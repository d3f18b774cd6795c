"""From a folder with keys to what gpg and ssh-keygen check signatures with, and nothing besides."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from reconciler.state.gitcall import Git, GitTrouble, Reason, call, plain

MOST_FILES, MOST_BYTES = 500, 1024 * 1024
SIGNERS, REVOKED = "allowed_signers", "revoked_keys"
"""Files in ssh's own formats; see ssh-keygen(1)."""
GNUPG = (".asc", ".gpg", ".pgp")
_ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_KEY = re.compile(r"(?:^|\s)((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+) +([A-Za-z0-9+/]+=*)")
_UNTIL = re.compile(r'valid-before="?(\d{8,14})(Z?)"?')
_CONFIG = (
    "no-autostart\ntrust-model always\nno-auto-key-retrieve\nno-auto-key-locate\n"
    "disable-dirmngr\nno-greeting\n"
)  # trust: what lies in the operator's folder is trusted, and nothing else is in this home


@dataclass(frozen=True, slots=True)
class Keys:
    """What signatures are checked with."""

    home: Path
    """Of gpg, and of the two files of ssh's."""
    digest: str
    gnupg: bool
    """Whether there are keys for gpg."""
    expired: Mapping[str, str] = field(default_factory=dict)
    revoked: Mapping[str, str] = field(default_factory=dict)
    """Whose ssh keys these were, by fingerprint."""


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read the files of an operator's folder.

    Raises:
        GitTrouble: it cannot be read.

    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.name[0] != "." and path.is_file())
        return {path.name: _bounded(path) for path in paths[:MOST_FILES]}
    except OSError as error:
        text = f"{folder}: {error.strerror} (source.verify.keys)"
        raise GitTrouble(Reason.UNVERIFIED, text) from error


def _bounded(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MOST_BYTES)


def read_commit_folder(git: Git, commit: str, folder: str) -> dict[str, bytes]:
    """Read the files of a folder in a commit.

    Raises:
        GitTrouble: there is none.

    """
    path = PurePosixPath(folder).as_posix()
    listed = call(git, "ls-tree", "-z", "--full-tree", commit, f"{path}/").out
    files = {}
    for entry in listed.decode(errors="replace").split("\0")[:MOST_FILES]:
        words, _, name = entry.partition("\t")
        if words.startswith("100"):
            files[PurePosixPath(name).name] = call(git, "cat-file", "blob", words.split()[2]).out
    return files


def make_keys(files: Mapping[str, bytes], folder: Path, git: Git, now: float) -> Keys:
    """Give what these keys are checked with, in a folder of ours.

    Raises:
        GitTrouble: there are no keys, a private one is among them, or gpg cannot read one.

    """
    secret = [name for name, text in files.items() if b"PRIVATE KEY" in text]
    if secret:
        raise GitTrouble(Reason.UNVERIFIED, f"{secret[0]}: a private key; keys are public ones")
    gnupg = {
        name: text for name, text in files.items()
        if name.endswith(GNUPG) or text.lstrip().startswith(_ARMOR)
    }  # fmt: skip
    signers = "".join(_signers(files))
    if not gnupg and not signers:
        raise GitTrouble(
            Reason.UNVERIFIED, "no keys: *.asc, *.pub or allowed_signers are looked for"
        )
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    home = folder / "keys" / digest
    if not home.is_dir():
        _make_home(home, gnupg, git)
    good, expired = _split(signers, now)
    (home / SIGNERS).write_text(good, encoding="utf-8")
    (home / REVOKED).write_bytes(files.get(REVOKED, b""))
    listed = files.get(REVOKED, b"").decode(errors="replace").splitlines()
    names = {mark: line.split()[0] for line in signers.splitlines() if (mark := fingerprint(line))}
    marks = [mark for line in listed if (mark := fingerprint(line))]
    return Keys(
        home, digest, bool(gnupg), expired, {mark: names.get(mark, "somebody") for mark in marks}
    )


def _signers(files: Mapping[str, bytes]) -> Iterator[str]:
    """Give lines as ``allowed_signers`` has them: its own, and one for each public key."""
    for name, content in files.items():
        lines = content.decode(errors="replace").splitlines() if name != REVOKED else []
        if name == SIGNERS:
            yield from (f"{one}\n" for one in lines if one.strip() and not one.startswith("#"))
        elif name.endswith((".pub", ".sshpub")):
            who = re.sub(r"[^\w@.+-]", "-", name.rpartition(".")[0])
            keys = (match for one in lines if (match := _KEY.match(one)))
            yield from (f'{who} namespaces="git" {key[1]} {key[2]}\n' for key in keys)


def _split(signers: str, now: float) -> tuple[str, dict[str, str]]:
    """Part the lines that are good now from those that are not any more.

    ssh-keygen looks at the commit's time, which whoever holds the key can say as it pleases.
    """
    good, expired = "", {}
    for line in signers.splitlines():
        until = _UNTIL.search(line)
        if until and _time(until[1], zulu=bool(until[2])) < now:
            expired[fingerprint(line)] = line.split()[0]
        else:
            good += f"{line}\n"
    return good, expired


def _time(digits: str, *, zulu: bool) -> float:
    try:
        found = datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return 0.0  # what is no time is over
    return (found if zulu else found.replace(tzinfo=None).astimezone()).timestamp()


def fingerprint(line: str) -> str:
    """Give the fingerprint of the ssh key in a line as ssh-keygen shows it, if there is one."""
    match = _KEY.search(line)
    try:
        return fingerprint_of(base64.b64decode(match[2])) if match else ""
    except binascii.Error:
        return ""


def fingerprint_of(key: bytes) -> str:
    """Give the fingerprint of an ssh key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def _make_home(home: Path, gnupg: Mapping[str, bytes], git: Git) -> None:
    if home.parent.is_dir():
        shutil.rmtree(home.parent)
    home.parent.mkdir(mode=0o700)
    new = home.with_name("new")
    new.mkdir(mode=0o700)
    # gpg looks for its agent when it imports, and fails where the path is too long for a socket.
    with tempfile.TemporaryDirectory(prefix="g") as place:
        short = Path(place)
        (short / "gpg.conf").write_text(_CONFIG, encoding="ascii")
        for name, content in gnupg.items():
            _import(short, name, content, git)
        for path in short.iterdir():
            if path.is_file() and path.suffix in (".conf", ".kbx"):
                shutil.copyfile(path, new / path.name)
    new.rename(home)


def _import(home: Path, name: str, content: bytes, git: Git) -> None:
    path = git.environment.get("PATH", os.defpath)
    program = shutil.which("gpg", path=path)
    if program is None:
        text = f"{name}: a key for gpg, which is not installed (package gnupg)"
        raise GitTrouble(Reason.UNVERIFIED, text)
    try:
        done = subprocess.run(
            [program, "--batch", "--quiet", "--status-fd=1", "--homedir", str(home), "--import"],
            input=content, capture_output=True, timeout=git.seconds, check=False,
            env={"PATH": path, "LC_ALL": "C"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise GitTrouble(Reason.TIMEOUT, f"{name}: gpg takes too long") from error
    # Where the path is too long for a socket, gpg ends badly for want of its agent, which the
    # import of public keys does not need.
    if b"[GNUPG:] IMPORT_OK" not in done.stdout:
        said = plain(done.stderr.decode(errors="replace"))[:200]
        raise GitTrouble(Reason.UNVERIFIED, f"{name}: gpg cannot read this key: {said}")
