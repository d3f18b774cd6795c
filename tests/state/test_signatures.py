"""Commits are signed with the operator's keys, or they are not taken."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.settings import Source
from reconciler.state.follow import Follower, Head, accept, fetch, follow, take
from reconciler.state.gitcall import Reason
from tests.support.git_server import Work, git, make_work

NOW = 1_800_000_000.0
LONG_AGO = "20200101T000000"


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody with a key, and how they sign with it."""

    words: tuple[str, ...]
    """What ``git commit`` is told."""
    public: bytes
    file: str
    """How a file with the public key is called."""


def ssh_signer(folder: Path, name: str) -> Signer:
    key = folder / f"{name}.key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)]
    subprocess.run(words, check=True)
    public = key.with_suffix(".key.pub").read_bytes()
    return Signer(("gpg.format=ssh", f"user.signingkey={key}", "-S"), public, f"{name}.pub")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Give a home of gpg: its socket needs a short path."""
    place = Path(tempfile.mkdtemp(prefix="g"))
    yield place
    subprocess.run(["gpgconf", "--homedir", str(place), "--kill", "all"], check=True)
    shutil.rmtree(place, ignore_errors=True)


def gpg(home: Path, *words: str, text: bytes = b"") -> bytes:
    done = subprocess.run(
        ["gpg", "--batch", "--quiet", "--homedir", str(home), "--passphrase", "",
         "--pinentry-mode", "loopback", *words],
        input=text, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def gpg_signer(home: Path, name: str, *, until: str = "never", at: str = "") -> Signer:
    """Make a key; ``at`` is the time that gpg takes for now when it makes it and signs with it."""
    then = ("--faked-system-time", f"{at}!") if at else ()
    who = f"{name} <{name}@example.org>"
    gpg(home, *then, "--quick-gen-key", who, "ed25519", "sign", until)
    program = home / f"gpg-{name}"
    program.write_text(f'#!/bin/sh\nexec gpg --homedir {home} {" ".join(then)} "$@"\n')
    program.chmod(0o700)
    public = gpg(home, "--armor", "--export", who)
    words = (f"gpg.program={program}", f"user.signingkey={who}", "-S")
    return Signer(words, public, f"{name}.asc")


@pytest.fixture(params=["ssh", "gpg"])
def make(request: pytest.FixtureRequest, tmp_path: Path, home: Path) -> Callable[[str], Signer]:
    """Give what makes a signer of one kind."""
    if request.param == "ssh":
        return lambda name: ssh_signer(tmp_path, name)
    return lambda name: gpg_signer(home, f"{name}-{tmp_path.name}")


@dataclass(frozen=True, slots=True)
class Place:
    """A repository, the operator's keys, and where it is followed."""

    work: Work
    keys: Path
    folder: Path

    def trust(self, *signers: Signer) -> None:
        for signer in signers:
            (self.keys / signer.file).write_bytes(signer.public)

    def follower(self, mode: str = "head", keys: str = "", **more: Any) -> Follower:
        verify = {"mode": mode, "keys": keys or str(self.keys)}
        source = Source.model_validate({"url": str(self.work.bare), "verify": verify, **more})
        return follow(source, self.folder / "followed", dict(os.environ))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "keys").mkdir()
    return Place(make_work(tmp_path), tmp_path / "keys", tmp_path)


def refused(head: Head, *words: str) -> None:
    assert (head.reason, head.verified) == (Reason.UNVERIFIED, False), head
    assert head.commit != head.newest
    for word in words:
        assert word in head.problem, head.problem


def taken(follower: Follower, applied: str = "") -> str:
    head = fetch(follower, NOW, applied)
    assert (head.problem, head.verified) == ("", True)
    take(follower, head.commit)
    return head.commit


def test_a_good_signature_is_taken(place: Place, make: Callable[[str], Signer]) -> None:
    alice = make("alice")
    place.trust(alice, make("bob"))
    signed = place.work.commit("", *alice.words)
    assert taken(place.follower()) == signed


def test_what_is_not_signed_is_refused_and_the_last_good_commit_stays(
    place: Place, make: Callable[[str], Signer]
) -> None:
    alice = make("alice")
    place.trust(alice)
    good = place.work.commit("", *alice.words)
    taken(place.follower())
    bad = place.work.commit()
    head = fetch(place.follower(), NOW)
    refused(head, f"{bad[:7]} by alice is not signed")
    assert (head.commit, head.newest, head.fetched) == (good, bad, NOW)


def test_an_unknown_key_is_refused_by_name(place: Place, make: Callable[[str], Signer]) -> None:
    mallory = make("mallory")
    place.trust(make("alice"))
    place.work.commit("", *mallory.words)
    refused(fetch(place.follower(), NOW), "is signed with the key", "none of the keys")


def test_a_commit_that_was_changed_after_it_was_signed_is_refused(
    place: Place, make: Callable[[str], Signer]
) -> None:
    alice = make("alice")
    place.trust(alice)
    place.work.commit("", *alice.words)
    raw = git(place.work.folder, "cat-file", "commit", "HEAD") + "\n"
    forged = place.folder / "forged"
    forged.write_text(raw.replace("\n\none", "\n\ntwo"))
    name = git(place.work.folder, "hash-object", "-t", "commit", "-w", str(forged))
    git(place.work.folder, "reset", "-q", "--hard", name)
    place.work.push("--force")
    refused(fetch(place.follower(), NOW), "was changed after")


def test_a_signature_of_another_commit_does_not_count(
    place: Place, make: Callable[[str], Signer]
) -> None:
    alice = make("alice")
    place.trust(alice)
    place.work.commit("", *alice.words)
    raw = git(place.work.folder, "cat-file", "commit", "HEAD") + "\n"
    other = raw.replace(raw.splitlines()[0], f"tree {git(place.work.folder, 'mktree')}")
    forged = place.folder / "forged"
    forged.write_text(other)
    name = git(place.work.folder, "hash-object", "-t", "commit", "-w", str(forged))
    git(place.work.folder, "update-ref", "HEAD", name)
    place.work.push("--force")
    refused(fetch(place.follower(), NOW), "was changed after")


def test_a_state_directory_may_have_a_long_name(place: Place, home: Path) -> None:
    alice = gpg_signer(home, f"alice-{place.folder.name}")
    place.trust(alice)
    signed = place.work.commit("", *alice.words)
    follower = follow(place.follower().source, place.folder / ("long" * 40), dict(os.environ))
    assert taken(follower) == signed


# One key that is no longer good.


def test_an_expired_gpg_key_is_refused_by_name(place: Place, home: Path) -> None:
    old = gpg_signer(home, f"old-{place.folder.name}", until="2d", at=LONG_AGO)
    place.trust(old)
    place.work.commit("", *old.words)
    refused(fetch(place.follower(), NOW), "old-", "which has expired")


def test_a_revoked_gpg_key_is_refused_by_name(place: Place, home: Path) -> None:
    name = f"gone-{place.folder.name}"
    gone = gpg_signer(home, name)
    place.trust(gone)
    place.work.commit("", *gone.words)
    taken(place.follower())
    listed = gpg(home, "--with-colons", "--list-keys", f"{name}@example.org").decode()
    mark = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
    cert = (home / "openpgp-revocs.d" / f"{mark}.rev").read_bytes()
    gpg(home, "--import", text=cert[cert.index(b":-----") + 1 :])
    (place.keys / gone.file).write_bytes(gpg(home, "--armor", "--export", mark))
    head = fetch(place.follower(), NOW)
    assert (head.reason, head.verified) == (Reason.UNVERIFIED, False)
    assert head.commit == head.newest  # it is in force already, and stays
    assert name in head.problem
    assert "was revoked" in head.problem


def test_an_expired_ssh_key_is_refused_although_the_commit_says_it_is_older(
    place: Place, tmp_path: Path
) -> None:
    old = ssh_signer(tmp_path, "old")
    line = f'old namespaces="git",valid-before="20210101Z" {old.public.decode()}'
    (place.keys / "allowed_signers").write_text(line)
    place.work.commit("", *old.words, GIT_COMMITTER_DATE="2020-06-01T00:00:00Z")
    refused(fetch(place.follower(), NOW), "of old, which has expired")


def test_a_revoked_ssh_key_is_refused_by_name(place: Place, tmp_path: Path) -> None:
    gone = ssh_signer(tmp_path, "gone")
    place.trust(gone)
    (place.keys / "revoked_keys").write_bytes(gone.public)
    place.work.commit("", *gone.words)
    refused(fetch(place.follower(), NOW), "of gone, which was revoked")


def test_a_key_for_other_purposes_signs_no_commits(place: Place, tmp_path: Path) -> None:
    other = ssh_signer(tmp_path, "other")
    line = f'other namespaces="file" {other.public.decode()}'
    (place.keys / "allowed_signers").write_text(line)
    place.work.commit("", *other.words)
    refused(fetch(place.follower(), NOW))


# Which commits are looked at.


def test_head_asks_the_newest_commit_only(place: Place, make: Callable[[str], Signer]) -> None:
    alice = make("alice")
    place.trust(alice)
    place.work.commit("", *alice.words)
    taken(place.follower())
    place.work.commit()
    place.work.commit("", *alice.words)
    taken(place.follower())


def test_range_asks_every_commit_since_the_applied_one(
    place: Place, make: Callable[[str], Signer]
) -> None:
    alice = make("alice")
    place.trust(alice)
    applied = place.work.commit("", *alice.words)
    place.work.commit("", *alice.words)
    taken(place.follower("range"), applied)
    middle = place.work.commit(push=False)
    place.work.commit("", *alice.words)
    head = fetch(place.follower("range"), NOW, applied)
    refused(head, f"{middle[:7]} by alice is not signed")


def test_range_asks_what_a_merge_brings_along(place: Place, make: Callable[[str], Signer]) -> None:
    alice = make("alice")
    place.trust(alice)
    applied = place.work.commit("", *alice.words)
    taken(place.follower("range"), applied)
    tree = place.work.folder
    git(tree, "checkout", "-q", "-b", "side")
    (tree / "other").write_text("by mallory")
    side = place.work.commit("", push=False)
    git(tree, "checkout", "-q", "main")
    config = [word for one in alice.words if "=" in one for word in ("-c", one)]
    git(tree, *config, "merge", "-q", "--no-ff", "-S", "-m", "merge", "side")
    place.work.push()
    refused(fetch(place.follower("range"), NOW, applied), f"{side[:7]} by alice is not signed")
    assert fetch(place.follower("head"), NOW, applied).problem == ""


def test_range_starts_anew_with_the_commit_that_is_there(
    place: Place, make: Callable[[str], Signer]
) -> None:
    alice = make("alice")
    place.trust(alice)
    place.work.commit()  # from before anybody signed
    place.work.commit("", *alice.words)
    taken(place.follower("range"))


def test_range_does_not_pass_where_a_shallow_clone_ends(place: Place, tmp_path: Path) -> None:
    alice = ssh_signer(tmp_path, "alice")
    place.trust(alice)
    applied = place.work.commit("", *alice.words)
    tree = place.work.folder
    git(tree, "checkout", "-q", "-b", "side")
    (tree / "other").write_text("by mallory")
    bad = place.work.commit("", push=False)
    for _ in range(55):
        place.work.commit("", *alice.words, push=False)
    git(tree, "checkout", "-q", "main")
    config = [word for one in alice.words if "=" in one for word in ("-c", one)]
    git(tree, *config, "merge", "-q", "--no-ff", "-S", "-m", "merge", "side")
    place.work.push()
    assert fetch(place.follower("head"), NOW).problem == ""
    assert (place.follower().clone / "shallow").exists()
    refused(fetch(place.follower("range"), NOW, applied), bad[:7])


def test_other_keys_ask_again_for_what_is_not_applied(
    place: Place, make: Callable[[str], Signer]
) -> None:
    alice, bob = make("alice"), make("bob")
    place.trust(alice, bob)
    applied = place.work.commit("", *alice.words)
    bobs = place.work.commit("", *bob.words)
    place.work.commit("", *alice.words)
    taken(place.follower("range"), applied)
    (place.keys / bob.file).unlink()
    head = fetch(place.follower("range"), NOW, applied)
    assert (head.reason, head.verified) == (Reason.UNVERIFIED, False)
    assert bobs[:7] in head.problem


def test_a_rewritten_branch_is_asked_for_signatures_even_if_accepted(
    place: Place, make: Callable[[str], Signer]
) -> None:
    alice = make("alice")
    place.trust(alice)
    place.work.commit("", *alice.words)
    taken(place.follower("range"))
    git(place.work.folder, "checkout", "-q", "--orphan", "other")
    place.work.commit(push=False)  # below what is accepted
    place.work.commit(push=False)
    place.work.push("--force")
    assert fetch(place.follower("range"), NOW).reason is Reason.REWRITTEN
    accept(place.follower(), place.work.head())
    refused(fetch(place.follower("range"), NOW), "is not signed")
    place.work.commit("", *alice.words)
    accept(place.follower(), _fetched(place))
    taken(place.follower("range"))


def test_range_asks_all_since_an_accepted_commit_that_is_the_first(
    place: Place, make: Callable[[str], Signer]
) -> None:
    alice = make("alice")
    place.trust(alice)
    lost = "1" * 40  # applied once, and in no repository any more
    assert fetch(place.follower("range"), NOW, lost).reason is Reason.REWRITTEN
    accept(place.follower(), place.work.head())
    unsigned = place.work.head()
    place.work.commit("", *alice.words)
    refused(fetch(place.follower("range"), NOW, lost), f"{unsigned[:7]} by alice is not signed")


def _fetched(place: Place) -> str:
    return fetch(place.follower("range"), NOW).newest


# Whose keys.


def test_keys_in_the_repository_are_those_of_the_commit_in_force(
    place: Place, make: Callable[[str], Signer]
) -> None:
    alice, mallory = make("alice"), make("mallory")
    inside = place.work.folder / "keys"
    inside.mkdir()
    (inside / alice.file).write_bytes(alice.public)
    first = place.work.commit("", *alice.words)
    follower = place.follower("range", "keys/")
    refused(fetch(follower, NOW), "no commit is in force", first[:7])
    accept(follower, first)
    assert taken(follower) == first
    (inside / mallory.file).write_bytes(mallory.public)
    place.work.commit("", *mallory.words)
    head = fetch(follower, NOW)
    refused(head, "none of the keys")
    assert head.commit == first
    git(place.work.folder, "reset", "-q", "--hard", first)
    (inside / mallory.file).write_bytes(mallory.public)
    introduced = place.work.commit("", *alice.words, push=False)
    place.work.push("--force")
    assert taken(follower) == introduced
    place.work.commit("", *mallory.words)
    taken(follower)


def test_a_key_folder_within_a_local_repository_is_refused(place: Place) -> None:
    inside = place.work.bare / "keys"
    inside.mkdir()
    refused(fetch(place.follower("head", str(inside)), NOW), "within the repository")


def test_keys_that_the_user_has_do_not_count(
    place: Place, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = gpg_signer(home, f"mine-{place.folder.name}")
    place.trust(gpg_signer(home, f"alice-{place.folder.name}"))
    monkeypatch.setenv("GNUPGHOME", str(home))
    place.work.commit("", *mine.words)
    refused(fetch(place.follower(), NOW), "none of the keys")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, ("no keys",)),
        ({"README.md": b"hello"}, ("no keys",)),
        ({"alice.asc": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nnoise"}, ("alice.asc", "gpg")),
        ({"alice": b"-----BEGIN OPENSSH PRIVATE KEY-----"}, ("alice", "private")),
    ],
)
def test_a_key_folder_without_good_keys_lets_nothing_pass(
    place: Place, files: dict[str, bytes], words: tuple[str, ...]
) -> None:
    for name, content in files.items():
        (place.keys / name).write_bytes(content)
    refused(fetch(place.follower(), NOW), *words)


def test_a_key_folder_that_is_not_there_lets_nothing_pass(place: Place) -> None:
    refused(fetch(place.follower("head", "/nowhere/keys"), NOW), "/nowhere/keys")


@pytest.mark.parametrize(
    ("missing", "package"), [("gpg", "gnupg"), ("ssh-keygen", "openssh-client")]
)
def test_a_program_that_is_missing_is_named_and_nothing_is_taken(
    place: Place, home: Path, tmp_path: Path, missing: str, package: str
) -> None:
    signers = {
        "gpg": lambda: gpg_signer(home, f"alice-{tmp_path.name}"),
        "ssh-keygen": lambda: ssh_signer(tmp_path, "alice"),
    }
    alice = signers[missing]()
    place.trust(alice)
    place.work.commit("", *alice.words)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "sh", "git-upload-pack"):
        (programs / name).symlink_to(str(shutil.which(name)))
    source = place.follower().source
    follower = follow(source, tmp_path / "followed", {"PATH": str(programs)})
    refused(fetch(follower, NOW), f"{missing}", "not installed", f"package {package}")
