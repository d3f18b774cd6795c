"""The last good commit stays in force, whatever happens to the repository that is followed."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import SourceError
from reconciler.settings import Source
from reconciler.state import remote
from reconciler.state.follow import (
    Follower,
    Head,
    accept,
    fetch,
    follow,
    have,
    in_force,
    rebuild,
    take,
)
from reconciler.state.gitcall import Reason, call, reason_of, trouble
from reconciler.state.source import commits_since, read_commit
from tests.support.git_server import (
    Work,
    children,
    daemon,
    die,
    free_port,
    git,
    hang,
    http,
    make_work,
    replace_repository,
)

NOW = 1_800_000_000.0
CANARY = "glpat-canary-0123456789"


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return make_work(tmp_path)


def follower_of(work: Work, folder: Path, url: str = "", **more: Any) -> Follower:
    source = Source.model_validate({"url": url or str(work.bare), "timeout": 10, **more})
    return follow(source, folder / "followed", dict(os.environ))


def settle(follower: Follower) -> Head:
    """Fetch, expect no problem, and put in force what was found."""
    head = fetch(follower, NOW)
    assert head.problem == ""
    take(follower, head.commit)
    return head


def test_a_push_is_seen_and_read_from_objects(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    first = settle(follower)
    pushed = work.commit("projects: {}\n")
    head = fetch(follower, NOW)
    assert (head.commit, head.newest, head.fetched, head.verified) == (pushed, pushed, NOW, None)
    assert head.committed == float(git(work.folder, "log", "-1", "--format=%ct"))
    assert in_force(follower) == first.commit
    revision = read_commit(follower.clone, head.commit, "state")
    assert revision.files == {"all.yaml": b"projects: {}\n"}
    assert not (follower.clone / "state").exists()


@pytest.mark.parametrize("form", ["{bare}", "file://{bare}"])
def test_a_folder_of_this_machine_is_followed(work: Work, tmp_path: Path, form: str) -> None:
    follower = follower_of(work, tmp_path, form.format(bare=work.bare))
    assert fetch(follower, NOW).commit == work.head()


def test_the_first_clone_is_shallow_and_deepens_for_an_earlier_commit(
    work: Work, tmp_path: Path
) -> None:
    first = work.head()
    for _ in range(60):
        work.commit(push=False)
    work.push()
    follower = follower_of(work, tmp_path)
    head = settle(follower)
    assert (follower.clone / "shallow").exists()
    with http(work.bare.parent) as (url, _):
        moved = follower_of(work, tmp_path, f"{url}/state.git")
        assert fetch(moved, NOW).problem == ""  # the clone's own configuration says where now
        assert len(commits_since(follower.clone, first, head.commit)) == 60


def test_an_earlier_commit_is_had_on_request(work: Work, tmp_path: Path) -> None:
    first = work.head()
    for _ in range(60):
        work.commit(push=False)
    work.push()
    follower = follower_of(work, tmp_path)
    settle(follower)
    assert have(follower, first)
    assert read_commit(follower.clone, first, "state").files
    assert not have(follower, "1" * 40)


def test_our_folder_is_lost_and_the_applied_commit_still_guards(work: Work, tmp_path: Path) -> None:
    applied = work.head()
    for _ in range(60):
        work.commit(push=False)
    work.push()
    assert fetch(follower_of(work, tmp_path), NOW, applied).problem == ""
    git(work.folder, "checkout", "-q", "--orphan", "other")
    work.commit(push=False)
    work.push("--force")
    head = fetch(follower_of(work, tmp_path / "anew"), NOW, applied)
    assert (head.commit, head.reason) == ("", Reason.REWRITTEN)


# What the repository does.


def test_a_forced_push_is_held_until_somebody_accepts_it(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    work.commit()
    good = settle(follower)
    git(work.folder, "reset", "-q", "--hard", "HEAD~1")
    work.commit(push=False)
    work.push("--force")
    for _ in range(2):
        head = fetch(follower, NOW)
        assert (head.commit, head.committed) == (good.commit, good.committed)
        assert (head.reason, head.newest, head.fetched) == (Reason.REWRITTEN, work.head(), NOW)
        assert "rewritten" in head.problem
        assert good.commit[:7] in head.problem
    assert accept(follower, work.head()[:7]) == work.head()
    later = work.commit()
    assert settle(follower).commit == later
    assert fetch(follower, NOW).problem == ""


def test_an_acceptance_is_used_once(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    settle(follower)
    git(work.folder, "commit", "-q", "--amend", "--allow-empty", "-m", "another root")
    work.push("--force")
    fetch(follower, NOW)
    accept(follower, work.head())
    settle(follower)
    work.commit()
    good = settle(follower)
    git(work.folder, "reset", "-q", "--hard", "HEAD~1")
    work.commit(push=False)
    work.push("--force")
    head = fetch(follower, NOW)
    assert (head.commit, head.reason) == (good.commit, Reason.REWRITTEN)


def test_a_branch_that_is_set_back_is_held(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    work.commit()
    good = settle(follower)
    git(work.folder, "reset", "-q", "--hard", "HEAD~1")
    work.push("--force")
    head = fetch(follower, NOW)
    assert (head.commit, head.reason) == (good.commit, Reason.REWRITTEN)


def test_a_commit_that_was_never_in_force_may_be_taken_back(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    settle(follower)
    work.commit("broken: [")
    fetch(follower, NOW)  # its state is not valid: nobody takes it
    git(work.folder, "reset", "-q", "--hard", "HEAD~1")
    mended = work.commit(push=False)
    work.push("--force")
    assert fetch(follower, NOW).commit == mended


def test_a_replaced_repository_is_held(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    good = settle(follower)
    replace_repository(work, make_work(tmp_path / "other"))
    head = fetch(follower, NOW)
    assert (head.commit, head.reason) == (good.commit, Reason.REWRITTEN)


def test_a_deleted_branch_changes_nothing(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    good = settle(follower)
    git(work.bare, "update-ref", "-d", "refs/heads/main")
    head = fetch(follower, NOW)
    assert (head.commit, head.reason, head.fetched) == (good.commit, Reason.OTHER, None)
    assert head.problem == "the repository has no branch main"


def test_a_server_that_dies_is_unreachable_and_then_back(work: Work, tmp_path: Path) -> None:
    port = free_port()
    follower = follower_of(work, tmp_path, f"git://127.0.0.1:{port}/state.git")
    with daemon(work.bare.parent, port) as server:
        good = settle(follower)
        die(server)
        head = fetch(follower, NOW)
        assert (head.commit, head.reason) == (good.commit, Reason.UNREACHABLE)
        assert read_commit(follower.clone, head.commit, "state").files
    pushed = work.commit()
    with daemon(work.bare.parent, port):
        assert fetch(follower, NOW).commit == pushed


def test_a_server_that_hangs_runs_into_the_time_limit(work: Work, tmp_path: Path) -> None:
    port = free_port()
    with daemon(work.bare.parent, port) as server:
        url = f"git://127.0.0.1:{port}/state.git"
        good = settle(follower_of(work, tmp_path, url))
        before = children()
        hang(server)
        head = fetch(follower_of(work, tmp_path, url, timeout=1), NOW)
        assert (head.commit, head.reason) == (good.commit, Reason.TIMEOUT)
        assert "1 s" in head.problem
        assert children() <= before  # the helpers went, too


def test_a_hanging_web_server_leaves_no_helper_behind(work: Work, tmp_path: Path) -> None:
    with http(work.bare.parent) as (url, mood):
        before = children()
        mood.hanging = True
        head = fetch(follower_of(work, tmp_path, f"{url}/state.git", timeout=1), NOW)
        assert (head.commit, head.reason) == ("", Reason.TIMEOUT)
        assert children() <= before


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ({"status": 500}, Reason.UNREACHABLE),
        ({"status": 404}, Reason.UNREACHABLE),
        ({"status": 403}, Reason.AUTHENTICATION),
        ({"token": CANARY}, Reason.AUTHENTICATION),
        ({"garble": True}, Reason.INVALID),
        ({"cut": 40}, Reason.INVALID),
        ({"flood": True}, Reason.INVALID),
    ],
)
def test_each_fault_has_its_reason_and_passes(
    work: Work, tmp_path: Path, mood: dict[str, Any], reason: Reason
) -> None:
    with http(work.bare.parent) as (url, server):
        follower = follower_of(work, tmp_path, f"{url}/state.git")
        good = settle(follower)
        pushed = work.commit("a: 1\n" * 1000)
        for name, value in mood.items():
            setattr(server, name, value)
        head = fetch(follower, NOW)
        assert (head.commit, head.reason, head.fetched) == (good.commit, reason, None)
        assert head.problem
        assert read_commit(follower.clone, head.commit, "state").files
        for name, value in mood.items():
            setattr(server, name, type(value)())
        assert fetch(follower, NOW).commit == pushed


def test_a_tree_that_names_a_file_twice_is_refused(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    good = settle(follower)
    blob = bytes.fromhex(git(work.folder, "rev-parse", "HEAD:state/all.yaml"))
    (tmp_path / "tree").write_bytes((b"100644 all.yaml\0" + blob) * 2)
    words = ("hash-object", "-w", "--literally", "-t", "tree", str(tmp_path / "tree"))
    tree = git(work.bare, *words)
    forged = git(work.bare, "commit-tree", "-p", good.commit, "-m", "twice", tree)
    git(work.bare, "update-ref", "refs/heads/main", forged)
    head = fetch(follower, NOW)
    assert (head.commit, head.reason) == (good.commit, Reason.INVALID)
    assert "duplicateEntries" in head.problem


def ends(pid: int) -> bool:
    """Wait for a process that was killed to be gone, or to be nobody's any more."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        except OSError:
            return True
        if stat.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_helper_that_will_not_end_is_ended(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(
        f'#!/bin/sh\ntrap "" TERM\necho $$ > {tmp_path}/pid\nwhile :; do sleep 1; done\n'
    )
    ssh.chmod(0o755)
    source = ssh_source(tmp_path, "ssh://git@git.example/x").model_copy(update={"timeout": 1.0})
    around = {"PATH": f"{programs}:{os.environ['PATH']}"}
    assert fetch(follow(source, tmp_path / "f", around), NOW).reason is Reason.TIMEOUT
    assert ends(int((tmp_path / "pid").read_text()))


def test_a_server_by_https_is_checked_with_the_operators_certificates(
    work: Work, tmp_path: Path
) -> None:
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "ca.pem")]  # fmt: skip
    subprocess.run(words, check=True, capture_output=True)
    certificate = (tmp_path / "ca.pem", tmp_path / "key.pem")
    with http(work.bare.parent, certificate) as (url, mood):
        where = f"{url}/state.git"
        stranger = fetch(follower_of(work, tmp_path, where), NOW)
        assert stranger.reason is Reason.AUTHENTICATION
        assert mood.asked == []
        known = follower_of(work, tmp_path, where, ca=str(tmp_path / "ca.pem"))
        head = fetch(known, NOW)
        assert (head.commit, head.problem) == (work.head(), "")


def test_a_full_disk_is_told_and_passes(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    good = settle(follower)
    (work.folder / "state").mkdir(exist_ok=True)
    (work.folder / "state" / "noise.bin").write_bytes(os.urandom(400_000))
    pushed = work.commit()
    with no_file_beyond(100_000):
        head = fetch(follower, NOW)
    assert (head.commit, head.fetched) == (good.commit, None)
    assert head.reason in (Reason.OTHER, Reason.INVALID)
    assert fetch(follower, NOW).commit == pushed


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let every process fail that writes more than this into one file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# What becomes of the clone.


def spoil_objects(clone: Path) -> None:
    for path in (clone / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"noise")


def lose_tree(clone: Path) -> None:
    name = git(clone, "rev-parse", "refs/source/seen^{tree}")
    for pack in list((clone / "objects" / "pack").glob("*.pack")):
        content = pack.read_bytes()
        shutil.rmtree(pack.parent)
        words = ["git", f"--git-dir={clone}", "unpack-objects", "-q"]
        subprocess.run(words, input=content, check=True)
    (clone / "objects" / name[:2] / name[2:]).unlink()


def spoil_reference(clone: Path) -> None:
    (clone / "refs" / "source" / "seen").write_text("1" * 40 + "\n")


def lose_head(clone: Path) -> None:
    (clone / "HEAD").unlink()


@pytest.mark.parametrize("damage", [spoil_objects, lose_tree, spoil_reference, lose_head])
def test_a_damaged_clone_is_made_anew_and_remembers(
    work: Work, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    follower = follower_of(work, tmp_path)
    good = settle(follower)
    damage(follower.clone)
    assert settle(follower).commit == good.commit
    assert read_commit(follower.clone, good.commit, "state").files
    git(work.folder, "commit", "-q", "--amend", "--allow-empty", "-m", "another root")
    work.push("--force")
    assert fetch(follower, NOW).reason is Reason.REWRITTEN


def test_a_clone_that_was_dropped_does_not_forget_what_was_in_force(
    work: Work, tmp_path: Path
) -> None:
    follower = follower_of(work, tmp_path)
    good = settle(follower)
    rebuild(follower)
    assert in_force(follower) == good.commit
    git(work.folder, "commit", "-q", "--amend", "--allow-empty", "-m", "another root")
    work.push("--force")
    head = fetch(follower, NOW)
    assert (head.commit, head.reason) == ("", Reason.REWRITTEN)
    accept(follower, work.head())
    assert fetch(follower, NOW).commit == work.head()


def test_locks_of_a_git_that_was_killed_do_not_last(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    settle(follower)
    pushed = work.commit()
    lock = follower.clone / "refs" / "source" / "seen.lock"
    lock.touch()
    assert fetch(follower, NOW).problem
    os.utime(lock, (1, 1))
    assert fetch(follower, NOW).commit == pushed


def test_two_at_once_take_turns(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    heads: list[Head] = []
    threads = [
        threading.Thread(target=lambda: heads.append(fetch(follower, NOW))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [head.problem for head in heads] == [""] * 4


def test_three_hundred_fetches_leave_nothing_behind(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    settle(follower)
    fds, before = open_files(), children()
    for turn in range(300):
        if turn % 100 == 0:
            work.commit()
        head = fetch(follower, NOW)
        assert read_commit(follower.clone, head.commit, "state").name == head.commit
    assert head.commit == work.head()
    assert open_files() == fds
    assert children() <= before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# What goes where.


def test_nothing_of_the_machine_and_the_user_counts(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[url "/nowhere"]\n\tinsteadOf = {work.bare}\n[core]\n\thooksPath = {home}\n'
    )
    hook = home / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {home}/ran\n")
    hook.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.hooksPath={home}'")
    assert fetch(follower_of(work, tmp_path), NOW).commit == work.head()
    assert not (home / "ran").exists()


def test_only_the_protocol_of_the_url_is_spoken(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    settle(follower)
    environment = remote.git_for(follower.source, follower.clone, os.environ).environment
    others = {name: environment[name] for name in ("PATH", "HOME")}
    for url in (f"ext::sh -c 'touch {tmp_path}/ran'", "https://127.0.0.1:1/x"):
        # Each of the two holds without the other: others use the clone, too.
        for words, around in ((["-c", "protocol.allow=always"], environment), ([], others)):
            done = subprocess.run(
                ["git", f"--git-dir={follower.clone}", *words, "fetch", url],
                env=dict(around), capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert "not allowed" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_folders_of_other_users_are_trusted_where_the_settings_name_them(
    work: Work, tmp_path: Path
) -> None:
    follower = follower_of(work, tmp_path)
    settle(follower)
    pushed = work.commit()
    known = remote.git_for(follower.source, follower.clone, os.environ)
    elsewhere = {**known.environment, "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    call(replace(known, environment=elsewhere), "fetch", "--quiet", "origin")
    assert git(follower.clone, "rev-parse", remote.SEEN) == pushed


@pytest.mark.parametrize("by", ["env", "file"])
def test_a_token_is_sent_where_it_belongs_and_told_nowhere(
    work: Work, tmp_path: Path, by: str
) -> None:
    (tmp_path / "token").write_text(f"{CANARY}\n")
    token = {"env": "GIT_TOKEN"} if by == "env" else {"file": str(tmp_path / "token")}
    with http(work.bare.parent) as (url, mood), http(work.bare.parent) as (other, stranger):
        mood.token = CANARY
        source = Source.model_validate({"url": f"{url}/state.git", "token": token})
        follower = follow(source, tmp_path / "f", {**os.environ, "GIT_TOKEN": CANARY})
        assert settle(follower).commit == work.head()
        assert have(follower, work.head())
        mood.redirect = other
        stranger.token = CANARY
        head = fetch(follower, NOW)
        assert head.reason is Reason.AUTHENTICATION
        assert stranger.asked
        assert not any(given for _, given in stranger.asked)
        mood.redirect, mood.token = "", "another"
        told = repr(fetch(follower, NOW)) + repr(follower)
    written = [path for path in follower.folder.rglob("*") if path.is_file()]
    assert not [path for path in written if CANARY.encode() in path.read_bytes()]
    assert CANARY not in told


def test_what_a_server_says_is_told_without_the_token(tmp_path: Path) -> None:
    source = Source.model_validate({"url": "https://git.example/x", "token": {"env": "T"}})
    folder = tmp_path / "c.git"
    known = remote.git_for(source, folder, {"T": CANARY})
    text = str(trouble(known, f"fatal: bad \x1b[31m{CANARY}\nremote: at https://u:pw@h/x"))
    assert CANARY not in text
    assert "u:pw" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "more",
    [
        {"token": {"env": "NOT_SET"}},
        {"token": {"file": "/nowhere/token"}},
        {"ca": "/nowhere/ca.pem"},
        {"url": "git@git.example:x.git", "ssh": {"key": "/nowhere/k", "known_hosts": "/nowhere/h"}},
    ],
)
def test_credentials_that_are_not_there_are_told_by_name(
    work: Work, tmp_path: Path, more: dict[str, Any]
) -> None:
    follower = follower_of(work, tmp_path, **{"url": "https://git.example/x", **more})
    head = fetch(follower, NOW)
    assert head.reason is Reason.AUTHENTICATION
    assert "/nowhere/" in head.problem or "NOT_SET" in head.problem


def ssh_source(folder: Path, url: str) -> Source:
    for name in ("key", "hosts"):
        (folder / name).touch(0o600)
    ssh = {"key": str(folder / "key"), "known_hosts": str(folder / "hosts")}
    return Source.model_validate({"url": url, "ssh": ssh, "timeout": 10})


def test_ssh_takes_one_key_and_known_hosts_only(tmp_path: Path) -> None:
    source = ssh_source(tmp_path, "ssh://git@git.example:2222/state.git")
    assert source.ssh is not None
    words = remote.ssh_command(source.ssh).split()
    done = subprocess.run(
        [*words, "-G", "git@git.example"], capture_output=True, text=True, check=True
    )
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert said["stricthostkeychecking"] in ("true", "yes")
    assert said["userknownhostsfile"] == str(tmp_path / "hosts")
    assert said["globalknownhostsfile"] == "/dev/null"
    assert said["identityfile"] == str(tmp_path / "key")
    assert (said["identitiesonly"], said["identityagent"], said["batchmode"]) == (
        "yes", "none", "yes",
    )  # fmt: skip


def test_git_goes_by_that_ssh_and_nothing_else(work: Work, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "sh", "cat"):
        (programs / name).symlink_to(str(shutil.which(name)))
    ssh = programs / "ssh"
    ssh.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/called\n'
        'for last; do :; done\ncase "$last" in git-upload-pack*) eval "$last";; esac\n'
    )
    ssh.chmod(0o755)
    source = ssh_source(tmp_path, f"ssh://git@git.example:2222{work.bare}")
    around = {"PATH": f"{programs}:{os.environ['PATH']}", "GIT_SSH_COMMAND": "false"}
    follower = follow(source, tmp_path / "f", around)
    assert settle(follower).commit == work.head()
    called = (tmp_path / "called").read_text()
    assert "StrictHostKeyChecking=yes" in called
    assert re.search(r"-p 2222 git@git.example", called)


def test_an_ssh_server_that_is_none_is_unreachable(tmp_path: Path) -> None:
    follower = follow(ssh_source(tmp_path, f"ssh://git@127.0.0.1:{free_port()}/x"), tmp_path / "f")
    assert fetch(follower, NOW).reason is Reason.UNREACHABLE


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@git.example/x", "https://ghp_token@git.example/x",
        "ssh://git:secret@git.example/x", "https://git.example/x?private_token=1",
        "ext::sh -c id", "file::/x", "-oProxyCommand=id", "ssh://-oProxyCommand=id/x",
        "ftp://git.example/x", "relative/path", "git@-host:x", "https://", "git@git.example:22/x",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="takes https") as caught:
        Source.model_validate({"url": url, "ssh": {"key": "/k", "known_hosts": "/h"}})
    errors = caught.value.errors(include_input=False)  # type: ignore[attr-defined]  # pydantic's
    assert "secret" not in str(errors)


@pytest.mark.parametrize(
    "more",
    [
        {"url": "http://git.example/x"},
        {"url": "git://git.example/x"},
        {"url": "git@git.example:x.git"},
        {"url": "http://git.example/x", "token": {"env": "T"}},
        {"url": "/srv/x.git", "token": {"env": "T"}},
        {"url": "/srv/x.git", "branch": "--upload-pack=id"},
        {"url": "/srv/x.git", "branch": "a:refs/heads/b"},
        {"url": "/srv/x.git", "verify": {"mode": "head"}},
        {"url": "git@git.example:x", "ssh": {"key": "/k x", "known_hosts": "/h"}},
        {"url": "https://git.example/x", "token": {"env": "T", "file": "/t"}},
    ],
)
def test_settings_that_would_not_be_safe_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Source.model_validate(more)


def test_only_what_was_fetched_can_be_taken_or_accepted(work: Work, tmp_path: Path) -> None:
    follower = follower_of(work, tmp_path)
    settle(follower)
    for wrong in ("1" * 40, "main", "--help"):
        with pytest.raises(SourceError):
            accept(follower, wrong)
    with pytest.raises(SourceError):
        take(follower, "1" * 40)


# What is not in the commit.


def test_a_submodule_in_the_state_is_refused_by_name(work: Work, tmp_path: Path) -> None:
    words = ("update-index", "--add", "--cacheinfo", f"160000,{work.head()},state/team")
    git(work.folder, *words)
    git(work.folder, "commit", "-q", "-m", "a submodule")
    work.push()
    follower = follower_of(work, tmp_path)
    head = fetch(follower, NOW)
    with pytest.raises(SourceError, match="team: a submodule"):
        read_commit(follower.clone, head.commit, "state")
    with pytest.raises(SourceError, match="state/team: a submodule"):
        read_commit(follower.clone, head.commit, "state/team")


@pytest.mark.parametrize(("name", "opened"), [("big.yaml", ""), ("image.raw", "image.raw")])
def test_a_file_that_git_lfs_keeps_is_refused_by_name(
    work: Work, tmp_path: Path, name: str, opened: str
) -> None:
    (work.folder / "state" / name).write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    )
    work.commit()
    follower = follower_of(work, tmp_path)
    head = fetch(follower, NOW)
    with pytest.raises(SourceError, match=f"{name}: kept by git-lfs"):
        read_commit(follower.clone, head.commit, "state").open(opened or "all.yaml").close()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("fatal: unable to access 'https://h/': Could not resolve host: h", Reason.UNREACHABLE),
        ("ssh: connect to host h port 22: Connection timed out", Reason.TIMEOUT),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
         Reason.AUTHENTICATION),
        ("Host key verification failed.\nfatal: Could not read from remote repository.",
         Reason.AUTHENTICATION),
        ("fatal: unable to access: SSL certificate problem: self-signed", Reason.AUTHENTICATION),
        ("fatal: write error: No space left on device\nfatal: index-pack failed", Reason.OTHER),
        ("error: object fsck error\nfatal: fetch-pack: invalid index-pack output", Reason.INVALID),
        ("something new", Reason.OTHER),
    ],
)  # fmt: skip
def test_git_s_words_have_a_reason(said: str, reason: Reason) -> None:
    assert reason_of(said) is reason
