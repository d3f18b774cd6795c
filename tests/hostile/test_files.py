"""Files and commits that hide, never end or fill memory: refused by name before they are read."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import git
import pytest

from reconciler.cli.codes import Code
from reconciler.errors import SourceError
from reconciler.kinds.registry import Kinds
from reconciler.state.model import make_desired
from reconciler.state.source import read_commit, read_folder
from tests.hostile.conftest import problems, validate

HUGE = 100 * 1024 * 1024
STATE = "roles: {auditor: {}}\n"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Give a folder with a good file in it."""
    folder = tmp_path / "repo/state"
    folder.mkdir(parents=True)
    (folder / "good.yaml").write_text(STATE)
    return folder


def sparse(path: Path, size: int = HUGE) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def refused(state: Path) -> str:
    result = validate(str(state))
    assert result.exit_code == Code.NOTHING
    return result.stderr


def test_a_huge_file_is_refused_before_it_is_read(state: Path) -> None:
    sparse(state / "huge.yaml")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "huge.yaml: larger than 8 MiB: state belongs into more files" in refused(state)
    result = validate(str(state / "huge.yaml"))
    assert "huge.yaml: larger than 8 MiB" in result.stderr
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < HUGE / 2


def test_many_large_files_are_refused_together(state: Path) -> None:
    for number in range(9):
        sparse(state / f"{number}.yaml", 8 * 1024 * 1024)
    assert "more than 64 MiB of YAML in one state" in refused(state)


ODD: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "a pipe": ("a.yaml", os.mkfifo, "a.yaml: is no plain file"),
    "a file outside": ("a.yaml", link("/etc/passwd"), "a.yaml: a link that leads out of the"),
    "a file above": ("a.yaml", link("../../outside.txt"), "a.yaml: a link that leads out of the"),
    "a folder outside": ("more", link("/etc"), "more: a link to a folder, or to nothing"),
    "a folder inside": ("more", link("."), "more: a link to a folder, or to nothing"),
    "a device": ("a.yaml", link("/dev/zero"), "a.yaml: a link that leads out of the"),
    "nothing": ("a.yaml", link("gone.yaml"), "a.yaml: a link to a folder, or to nothing"),
    "itself": ("a.yaml", link("a.yaml"), "a.yaml: a link to a folder, or to nothing"),
    "no folder that is there": ("more", link("gone"), "more: a link to a folder, or to nothing"),
    "a name of bytes": (
        os.fsdecode(b"caf\xe9.yaml"), lambda path: path.touch(), "a name that is not UTF-8",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_plain_file_is_refused(state: Path, name: str) -> None:
    file, make, says = ODD[name]
    (state.parent.parent / "outside.txt").write_text(STATE)
    make(state / file)
    told = refused(state)
    assert says in told, told


def test_what_is_no_state_is_left_alone(state: Path) -> None:
    (state / "a.txt").symlink_to("/etc/passwd")
    (state / ".hidden.yaml").symlink_to("/etc/passwd")
    (state / ".git").symlink_to("/etc")
    os.mkfifo(state / "pipe")
    sparse(state / "image.raw")
    (state / "inside.yaml").symlink_to(".real.yaml")  # so do Kubernetes' volumes
    (state / ".real.yaml").write_text("roles: {reader: {}}\n")
    assert "2 files, 2 objects: valid" in validate(str(state)).stdout


def test_a_named_pipe_is_not_waited_for(state: Path) -> None:
    os.mkfifo(state / "pipe.yaml")
    assert "pipe.yaml: is no plain file" in validate(str(state / "pipe.yaml")).stderr


def test_a_folder_that_cannot_be_listed_is_no_empty_one(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state / "closed").mkdir()
    listed = os.scandir

    def closed(path: Path) -> object:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr("os.scandir", closed)
    with pytest.raises(SourceError, match="closed: Permission denied"):
        read_folder(state)


def test_a_deep_folder_is_read_to_its_end(state: Path) -> None:
    deep = f"{state}/d"
    for _ in range(1_200):  # deeper than Python calls itself
        os.mkdir(deep)  # noqa: PTH102 - pathlib calls itself, too
        deep += "/d"
    os.rename(state / "good.yaml", f"{deep[:-2]}/a.yaml")  # noqa: PTH104 - likewise
    assert "1 file, 1 object: valid" in validate(str(state)).stdout
    subprocess.run(["rm", "-r", str(state)], check=True)  # shutil calls itself, too


def test_a_folder_may_be_named_like_a_file(state: Path) -> None:
    (state / "odd.yaml").mkdir()
    (state / "odd.yaml/a.yaml").write_text("roles: {reader: {}}\n")
    assert "2 files" in validate(str(state)).stdout


IMAGE = """
domain: d
projects: {{p: {{images: {{i: {{disk_format: raw, container_format: bare, file: {file}}}}}}}}}
"""
OPENED: dict[str, tuple[str, str]] = {
    "a pipe": ("pipe", "pipe: is no plain file"),
    "a folder": ("folder", "folder: is no plain file"),
    "the folder itself": ("'.'", "is no plain file"),
    "a link to a file outside": ("out", "out: a link that leads out of the state's folder"),
    "a file behind a link outside": (".etc/passwd", "a link that leads out of the state's"),
    "a path upwards": ("../../x", "lies outside of the state's folder"),
    "a path from the root": ("/etc/passwd", "lies outside of the state's folder"),
    "nothing": ("gone", "gone: No such file or directory"),
    "a ring": (".ring", ".ring: "),
    "a long name": ("x" * 300, "File name too long"),
    "a name with NUL": ('"a\\0b"', "null byte"),
}


@pytest.mark.parametrize("name", OPENED)
def test_an_image_is_a_plain_file_of_the_state(state: Path, name: str) -> None:
    path, says = OPENED[name]
    os.mkfifo(state / "pipe")
    (state / "folder").mkdir()
    (state / "out").symlink_to("/etc/passwd")
    (state / ".ring").symlink_to(".ring")
    (state / ".etc").symlink_to("/etc")
    (state / "image.yaml").write_text(IMAGE.format(file=path))
    ((file, line, message),) = problems(state)
    assert (file, line) == ("image.yaml", 3)
    assert says in message


WHO = git.Actor("A", "a@example.org")


def commit(state: Path, *paths: str) -> git.Repo:
    repository = git.Repo.init(state.parent)
    repository.index.add([f"state/{path}" for path in (*paths, "good.yaml")])
    repository.index.commit("Add", author=WHO, committer=WHO)
    return repository


def test_a_huge_file_of_a_commit_is_refused_before_it_is_read(state: Path) -> None:
    sparse(state / "huge.yaml")
    repository = git.Repo.init(state.parent)
    repository.git.add("state")  # GitPython's own index would read it whole
    repository.index.commit("Add", author=WHO, committer=WHO)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SourceError, match=r"huge.yaml: larger than 8 MiB"):
        read_commit(state.parent, "HEAD", "state")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < HUGE / 2


LINKS = {
    "a file outside": ("a.yaml", "/etc/passwd"),
    "a file inside": ("a.yaml", "good.yaml"),
    "a folder inside": ("more", "../state"),
    "a folder outside": ("more", "/etc"),
    "nothing": ("more", "gone"),
    "far above": ("more", "../../../../etc"),
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_in_a_commit_hides_nothing(state: Path, name: str) -> None:
    file, target = LINKS[name]
    (state / file).symlink_to(target)
    commit(state, file)
    with pytest.raises(SourceError, match=f"{file}: a link, which is not followed in a commit"):
        read_commit(state.parent, "HEAD", "state")


def test_a_link_to_a_plain_file_of_a_commit_is_left_alone(state: Path) -> None:
    (state / "docs.txt").symlink_to("../readme")
    (state.parent / "readme").write_text("x")
    commit(state, "docs.txt", "../readme")
    assert list(read_commit(state.parent, "HEAD", "state").files) == ["good.yaml"]


def test_a_submodule_hides_nothing(state: Path) -> None:
    repository = commit(state)
    entry = f"160000,{repository.head.commit.hexsha},state/more"
    repository.git.update_index("--add", "--cacheinfo", entry)
    repository.git.execute(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x"]
    )
    with pytest.raises(SourceError, match="more: a submodule"):
        read_commit(state.parent, "HEAD", "state")


def test_a_tree_that_holds_itself_many_times_over_is_refused(state: Path) -> None:
    """A few hundred bytes of git that unfold into ten million files."""
    repository = commit(state)
    tree = repository.git.rev_parse("HEAD:state")
    for _ in range(7):
        entries = "".join(f"040000 tree {tree}\t{n}\n" for n in range(10))
        path = state.parent.parent / "entries"
        path.write_text(entries)
        with path.open("rb") as file:
            tree = repository.git.mktree(istream=file)
    done = repository.git.execute(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit-tree", "-m", "x", tree]
    )
    with pytest.raises(SourceError, match="more than 20,000 files and folders"):
        read_commit(state.parent, str(done), "")


BLOBS = {"link": "is no plain file", "folder": "is no plain file", "gone": "not in"}


@pytest.mark.parametrize("name", BLOBS)
def test_an_image_of_a_commit_is_a_plain_file(state: Path, kinds: Kinds, name: str) -> None:
    """A link's own words would be taken for the image's data."""
    (state / "folder").mkdir()
    (state / "folder/x").write_text("x")
    (state / "real").write_text("data")
    (state / "link").symlink_to("real")
    (state / "image.yaml").write_text(IMAGE.format(file="real"))
    commit(state, "folder/x", "real", "link", "image.yaml")
    revision = read_commit(state.parent, "HEAD", "state")
    desired, _ = make_desired(revision, kinds)
    assert any(address.kind == "Image" for address in desired.resources)
    with revision.open("real") as stream:
        assert stream.read() == b"data"
    with pytest.raises(SourceError, match=BLOBS[name]):
        revision.open(name)


REVISIONS = [
    "nowhere", "", "HEAD^{tree}", "HEAD:state", "@{9}", "HEAD@{yesterday}", "@{-1}", "a..b",
    "^HEAD", "HEAD~99999999999999999999", "HEAD^{", "--help", "f" * 40, "\0", "\udcff", "x" * 5_000,
]  # fmt: skip


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_revision_that_is_none_is_refused(state: Path, revision: str) -> None:
    commit(state)
    with pytest.raises(SourceError):
        read_commit(state.parent, revision, "state")


@pytest.mark.parametrize("folder", ["gone", "state/good.yaml", "\0", "x" * 5_000, "../state", "/"])
def test_a_folder_that_is_none_is_refused(state: Path, folder: str) -> None:
    commit(state)
    with pytest.raises(SourceError):
        read_commit(state.parent, "HEAD", folder)
