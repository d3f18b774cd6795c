"""What is said on the way comes as it should, whoever listens, and never stops a run."""

from __future__ import annotations

import os
import subprocess
import sys

SAYS = """
from rich.text import Text
from reconciler.cli import console, run
console.story("a story", "bold")
console.warn("one\\ntwo")
with run.observing(3) as step:
    step("Network", 1)
console.fail("wrong")
console.answer(Text("an answer\\n", "green"))
"""


def said(*, closed: str = "", **environ: str) -> tuple[str, str]:
    program = f'{sys.executable} -c "$0" {closed}'
    plain = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "TTY_COMPATIBLE")}
    done = subprocess.run(
        ["sh", "-c", program, SAYS], env={**plain, "TERM": "xterm", **environ},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


def test_a_file_gets_the_bare_text() -> None:
    story = "a story\nwarning: one\nwarning: two\nobserving the cloud\nerror: wrong\n"
    assert said() == ("an answer\n", story)


def test_who_wants_colours_gets_them() -> None:
    answer, story = said(FORCE_COLOR="1")
    assert "\x1b[32man answer" in answer
    assert "\x1b[1ma story" in story
    assert "observing the cloud" not in story


def test_nobody_listens() -> None:
    assert said(closed="2>&-") == ("an answer\n", "")
    assert said(closed=">&-")[0] == ""
