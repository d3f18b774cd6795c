"""From files that nobody means well with to what ``reconciler validate`` says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.codes import Code
from reconciler.cli.main import cli

Check = Callable[[Mapping[str, bytes]], Result]
Refuse = Callable[[str | bytes], list[str]]
_TOLD = re.compile(r"^(?:[^\n]*\.ya?ml:\d+: |there are more than )")


def validate(*words: str) -> Result:
    """Run the command, and see that it ends as it does for a state, never for a bug of ours."""
    result = CliRunner().invoke(cli, ["validate", *words], prog_name="reconciler")
    assert result.exit_code in (Code.DONE, Code.NOTHING), result.output
    assert "Traceback" not in result.output
    assert "this is a bug" not in result.output
    return result


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Lay files down as a state and validate it."""

    def run(files: Mapping[str, bytes]) -> Result:
        folder = tmp_path / "state"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return validate(str(folder))

    return run


@pytest.fixture
def refuse(check: Check) -> Refuse:
    """Validate a file that is wrong, and give what is said: every line with its place."""

    def run(content: str | bytes) -> list[str]:
        data = content.encode() if isinstance(content, str) else content
        result = check({"a.yaml": data})
        assert result.exit_code == Code.NOTHING, result.output
        told = result.stdout.splitlines()
        assert told
        assert [line for line in told if not _TOLD.match(line)] == []
        return told

    return run


def problems(folder: Path) -> list[tuple[str, int, str]]:
    """Give what is wrong with a state as a program would get it."""
    form = json.loads(validate(str(folder), "-o", "json").stdout)
    return [(p["file"], p["line"], p["message"]) for p in form["problems"]]
