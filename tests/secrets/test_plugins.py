"""Nobody else's code is given what is checked here, though it is installed beside us."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TRIES = "import pydantic; pydantic.create_model('One', a=(int, 1))"


def test_no_plugin_of_pydantic_is_loaded(tmp_path: Path) -> None:
    about = tmp_path / "listener-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: listener\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[pydantic]\nlistener = listener:plugin\n")
    (tmp_path / "listener.py").write_text(
        "class Plugin:\n"
        "    def new_schema_validator(self, *words, **more):\n        return None, None, None\n"
        "plugin = Plugin()\nprint('listening')\n"
    )
    assert said(TRIES, tmp_path) == "listening\n"
    assert said("from reconciler.kinds.registry import load_kinds; load_kinds()", tmp_path) == ""


def said(program: str, beside: Path) -> str:
    path = os.pathsep.join((str(beside), *filter(None, sys.path)))
    environ = {**os.environ, "PYTHONPATH": path}
    environ.pop("PYDANTIC_DISABLE_PLUGINS", None)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout
