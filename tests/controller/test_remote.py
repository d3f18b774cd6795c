"""A repository elsewhere, followed by the loop: it may be rewritten, broken or gone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import git
import pytest

from reconciler.cloud.record import Record, write_record
from reconciler.controller.remote import RemoteSource
from reconciler.errors import DamagedError, SourceError
from reconciler.ledger import recall
from reconciler.line import Selection, Target
from reconciler.settings import Source
from reconciler.state.follow import accept, follow
from reconciler.state.history import Prior
from reconciler.state.model import make_desired
from tests.support.commits import commit, start_repository
from tests.support.git_server import http, make_work
from tests.support.small_cloud import small_cloud, small_kinds

STATE = {"desired_state/all.yaml": "domains: {campus: {description: The campus}}"}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    start_repository(folder)
    commit(folder, STATE)
    with git.Repo(folder) as repo:
        repo.git.branch("-M", "main")
    return folder


@pytest.fixture
def source(tmp_path: Path, elsewhere: Path) -> RemoteSource:
    return RemoteSource(follow(Source(url=str(elsewhere)), tmp_path / "clone"), "desired_state")


def test_a_commit_is_fetched_read_and_put_in_force(source: RemoteSource, elsewhere: Path) -> None:
    first = source.fetch(1.0)
    assert first.problem == ""
    assert b"The campus" in source.read(first.revision).files["all.yaml"]
    source.take(first.revision)
    newer = commit(elsewhere, {"desired_state/all.yaml": "domains: {}"})
    assert source.fetch(2.0).revision == newer
    assert source.repository is not None
    assert source.fetch(3.0).fetched == 3.0


def test_a_rewritten_branch_waits_for_somebody_to_accept_it(
    source: RemoteSource, elsewhere: Path
) -> None:
    first = source.fetch(1.0).revision
    source.take(first)
    with git.Repo(elsewhere) as repo:
        repo.git.checkout("--quiet", "--orphan", "anew")
    other = commit(elsewhere, {"desired_state/all.yaml": "domains: {}"})
    with git.Repo(elsewhere) as repo:
        repo.git.branch("-M", "main")
    status = source.fetch(2.0)
    assert status.revision == first
    assert f"reconciler accept {other[:7]}" in status.problem
    assert status.fetch_errors == {"rewritten": 1}
    source.take(first)
    accept(source.follower, other[:7])
    assert source.fetch(3.0).revision == other


def test_with_nothing_in_force_it_has_to_come_after_what_was_applied(
    source: RemoteSource,
) -> None:
    status = source.fetch(1.0, applied="1" * 40)
    assert status.revision == ""
    assert status.problem


def test_a_repository_that_is_gone_leaves_the_last_commit_in_force(
    source: RemoteSource, elsewhere: Path
) -> None:
    first = source.fetch(1.0).revision
    source.take(first)
    elsewhere.rename(elsewhere.with_name("gone"))
    status = source.fetch(2.0)
    assert (status.revision, status.fetched) == (first, 1.0)
    assert status.problem
    assert b"The campus" in source.read(first).files["all.yaml"]


REFUSED = {
    "kept by git-lfs": {
        "desired_state/more.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:1\n"
    },
    "no folder of that name": {"elsewhere/all.yaml": "domains: {}"},
}


@pytest.mark.parametrize("files", REFUSED.values(), ids=REFUSED)
def test_a_commit_that_is_refused_leaves_the_clone_as_it_is(
    source: RemoteSource, elsewhere: Path, files: dict[str, str]
) -> None:
    first = source.fetch(1.0).revision
    source.take(first)
    marker = source.follower.clone / "still-the-same"
    marker.touch()
    if "desired_state/more.yaml" not in files:
        (elsewhere / "desired_state" / "all.yaml").unlink()
    bad = commit(elsewhere, files)
    assert source.fetch(2.0).revision == bad
    with pytest.raises(SourceError):
        source.read(bad)
    assert marker.exists()
    assert b"The campus" in source.read(first).files["all.yaml"]


def test_a_commit_that_git_cannot_read_is_fetched_anew(source: RemoteSource) -> None:
    first = source.fetch(1.0).revision
    source.take(first)
    lose_state(source.follower.clone, first)
    assert source.fetch(2.0).revision == first
    with pytest.raises(DamagedError):
        source.read(first)
    assert source.fetch(3.0).revision == first
    assert b"The campus" in source.read(first).files["all.yaml"]


def lose_state(clone: Path, revision: str) -> None:
    """Let the file of the state be missing, and nothing else."""
    with git.Repo(clone) as repo:
        blob = repo.commit(revision).tree["desired_state"]["all.yaml"].hexsha
    for pack in list((clone / "objects" / "pack").glob("*.pack")):
        content = pack.read_bytes()
        shutil.rmtree(pack.parent)
        words = ["git", f"--git-dir={clone}", "unpack-objects", "-q"]
        subprocess.run(words, input=content, check=True)
    (clone / "objects" / blob[:2] / blob[2:]).unlink()


def test_what_was_settled_long_ago_is_fetched_with_the_credentials(tmp_path: Path) -> None:
    work = make_work(tmp_path)
    first = work.commit("domains: {campus: {description: First}}")
    for _ in range(60):
        work.commit(push=False)
    work.push()
    newest = work.head()
    with http(work.bare.parent) as (url, mood):
        mood.token = "a token"
        where = Source.model_validate(
            {"url": f"{url}/state.git", "token": {"env": "GIT_TOKEN"}, "timeout": 20}
        )
        follower = follow(where, tmp_path / "clone", {**os.environ, "GIT_TOKEN": "a token"})
        source = RemoteSource(follower, "state")
        assert source.fetch(1.0).revision == newest
        source.take(newest)
        assert settled(source, newest, first).missing == ""
        assert settled(source, newest, "1" * 40).missing.endswith("does not come after 1111111")


def test_what_was_settled_and_cannot_be_fetched_is_said_to_be_missing(tmp_path: Path) -> None:
    work = make_work(tmp_path)
    first = work.commit("domains: {campus: {description: First}}")
    for _ in range(60):
        work.commit(push=False)
    work.push()
    with http(work.bare.parent) as (url, mood):
        where = Source.model_validate({"url": f"{url}/state.git", "timeout": 20})
        source = RemoteSource(follow(where, tmp_path / "clone"), "state")
        newest = source.fetch(1.0).revision
        source.take(newest)
        mood.token = "asked for from now on"
        found = settled(source, newest, first)
        assert found.missing
        assert found.applied is None
        mood.token = ""
        found = settled(source, newest, first)
    assert found.missing == ""
    assert found.applied is not None


def settled(source: RemoteSource, newest: str, old: str) -> Prior:
    """Recall what was declared at an old commit."""
    cloud, kinds = small_cloud(), small_kinds()
    who = cloud.who()
    write_record(cloud, who.project_id, "us", Record(settled=old, applied=old))
    desired = make_desired(source.read(newest), kinds)[0]
    target = Target(cloud, who, "prod", kinds)
    return recall(target, desired, "us", Selection(), source.repository, 1.0).prior
