"""Hints that a local repository has changed: for every shape of one, and never more than hints."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import git
import pytest
from watchdog.observers import Observer

from reconciler.controller.status import Trigger
from reconciler.controller.watching import watching
from tests.support.commits import commit, start_repository

PATIENCE = 20.0


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    start_repository(folder)
    commit(folder, {"all.yaml": "domains: {}"})
    return folder


def linked(repository: Path) -> Path:
    """Give a second work tree, whose .git is a file."""
    tree = repository.with_name("linked")
    with git.Repo(repository) as repo:
        repo.git.worktree("add", "-b", "another", str(tree))
    return tree


@pytest.mark.parametrize("place", [lambda repository: repository, linked])
def test_a_commit_wakes(repository: Path, place: Callable[[Path], Path]) -> None:
    tree, woken = place(repository), threading.Event()

    def wake(trigger: Trigger) -> None:
        assert trigger is Trigger.COMMIT
        woken.set()

    with watching(str(tree), wake):
        commit(tree, {"all.yaml": "domains: {campus: {}}"})
        assert woken.wait(PATIENCE)


def test_what_is_no_repository_is_not_watched(tmp_path: Path) -> None:
    with watching(str(tmp_path), lambda _trigger: None), watching("", lambda _trigger: None):
        assert not [t for t in threading.enumerate() if isinstance(t, type(Observer()))]


def test_a_repository_that_the_kernel_does_not_watch_stops_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_observer: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(Observer, "start", full)
    with watching(str(repository), lambda _trigger: None):
        pass
    assert "repository not watched" in caplog.text
    assert "inotify watch limit reached" in caplog.text
