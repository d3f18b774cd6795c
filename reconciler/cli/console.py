"""From what there is to say to a terminal or a file: stdout is the answer, stderr the story."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import click
from rich.text import Text

from reconciler.report.words import clean

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 120


def out() -> Console:
    """Give the console for answers; made anew, so that tests and pipes are heeded."""
    return _console(stderr=False)


def err() -> Console:
    """Give the console for the story."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console  # noqa: PLC0415 - no file needs it

    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


def is_seen(*, stderr: bool) -> bool:
    """Whether it is a terminal, or shall be taken for one."""
    if {"FORCE_COLOR", "TTY_COMPATIBLE"} & os.environ.keys():
        return _console(stderr=stderr).is_terminal
    stream: TextIO | None = sys.stderr if stderr else sys.stdout  # None: somebody closed it
    return stream is not None and not stream.closed and stream.isatty()


def _print(*lines: Text, stderr: bool, end: str = "\n") -> None:
    """Print as it is to what is seen, and the bare text elsewhere."""
    if is_seen(stderr=stderr):
        console = _console(stderr=stderr)
        for line in lines:
            console.print(line, end=end)
    else:
        click.echo("".join(f"{line.plain}{end}" for line in lines), nl=False, err=stderr)


def answer(text: Text) -> None:
    """Print what was asked for."""
    _print(text, stderr=False, end="")


def answer_raw(text: str) -> None:
    """Print what was asked for, for programs: not one character is added or wrapped."""
    click.echo(text.removesuffix("\n"))


def story(text: str, style: str = "") -> None:
    """Print what goes on."""
    _print(Text(text, style), stderr=True)


def warn(text: str) -> None:
    """Print what somebody should look at."""
    lines = [Text("warning: ", "yellow").append(clean(line), "none") for line in text.splitlines()]
    _print(*lines, stderr=True)


def fail(text: str) -> None:
    """Print why it ends here."""
    first, *rest = text.splitlines() or [""]
    _print(
        Text("error: ", "bold red").append(clean(first), "none"),
        *(Text(clean(line)) for line in rest), stderr=True,
    )  # fmt: skip


def width() -> int:
    """Give the columns there are; files have enough for a long line, and no more."""
    return out().width if sys.stdout.isatty() else PLAIN_WIDTH


def can_ask() -> bool:
    """Whether somebody sits at a terminal who can be asked."""
    return sys.stdin.isatty() and (sys.stdout.isatty() or sys.stderr.isatty())
