"""Where an export is written, and when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import UsageError
from reconciler.export.files import write_export

FILES = {"flavors.yaml": "flavors: {}\n", "campus/shop.yaml": "domain: campus\n"}


def test_files_lie_in_folders_of_their_domain(tmp_path: Path) -> None:
    assert write_export(tmp_path / "new" / "state", FILES) == []
    assert (tmp_path / "new/state/campus/shop.yaml").read_text() == "domain: campus\n"


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        write_export(tmp_path, FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_overwriting_tells_of_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "flavors.yaml").write_text("old")
    (tmp_path / "old.yml").write_text("old")
    (tmp_path / "notes").write_text("mine")
    assert write_export(tmp_path, FILES, overwrite=True) == ["old.yml"]
    assert (tmp_path / "flavors.yaml").read_text() == "flavors: {}\n"


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file"):
        write_export(tmp_path / "file", FILES, overwrite=True)
