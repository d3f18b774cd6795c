"""What is asked of git about a history: within a time, whatever git does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import git
import pytest

from reconciler.errors import SourceError
from reconciler.state.source import commits_since, has_uncommitted, keep_commit
from tests.support.commits import commit, start_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    start_repository(folder)
    for number in range(3):
        commit(folder, {"all.yaml": f"# {number}"}, author=f"author {number}")
    return folder


def names(repository: Path) -> list[str]:
    with git.Repo(repository) as repo:
        return [one.hexsha for one in repo.iter_commits(reverse=True)]


def test_the_commits_after_one_are_told_the_oldest_first(repository: Path) -> None:
    first, *rest = names(repository)
    found = commits_since(repository, first, rest[-1])
    assert [one.name for one in found] == rest
    assert [one.author for one in found] == ["author 1", "author 2"]
    assert commits_since(repository, first, first) == ()


def test_a_commit_that_does_not_come_after_another_is_told(repository: Path) -> None:
    first, *_, last = names(repository)
    with pytest.raises(SourceError, match=f"{first[:7]} does not come after {last[:7]}"):
        commits_since(repository, last, first)


ASKED: dict[str, Callable[[Path, str, str], object]] = {
    "rev-list": commits_since,
    "status": lambda folder, _old, _new: has_uncommitted(folder, "."),
    "update-ref": lambda folder, _old, new: keep_commit(folder, "prod/settled", new),
}


@pytest.mark.parametrize("word", ASKED)
def test_a_git_that_hangs_is_ended(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    ends = names(repository)
    programs = tmp_path / "bin"
    programs.mkdir()
    hanging = programs / "git"
    rest = os.environ["PATH"]
    hanging.write_text(
        f'#!/bin/sh\n[ "$1" = {word} ] && exec sleep 60\nPATH={rest!r} exec git "$@"\n'
    )
    hanging.chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}:{rest}")
    monkeypatch.setattr("reconciler.state.source.SECONDS", 0.5)
    began = time.monotonic()
    try:
        ASKED[word](repository, ends[0], ends[-1])
    except SourceError as error:
        assert "cannot be read" in str(error)  # noqa: PT017 - only one of them tells it
    assert 0.4 < time.monotonic() - began < 20
