"""From what there is to say to a terminal or a file: stdout is the answer, stderr the story."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.text import Text

from reconciler.report.words import clean

PLAIN_WIDTH = 120


def out() -> Console:
    """Give the console for answers; made anew, so that tests and pipes are heeded."""
    return Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


def err() -> Console:
    """Give the console for the story."""
    return Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


def answer(text: Text) -> None:
    """Print what was asked for."""
    out().print(text, end="")


def answer_raw(text: str) -> None:
    """Print what was asked for, for programs: not one character is added or wrapped."""
    click.echo(text.removesuffix("\n"))


def story(text: str, style: str = "") -> None:
    """Print what goes on."""
    err().print(Text(text, style))


def warn(text: str) -> None:
    """Print what somebody should look at."""
    console = err()
    for line in text.splitlines():
        console.print(Text("warning: ", "yellow").append(clean(line), "none"))


def fail(text: str) -> None:
    """Print why it ends here."""
    console = err()
    first, *rest = text.splitlines() or [""]
    console.print(Text("error: ", "bold red").append(clean(first), "none"))
    for line in rest:
        console.print(Text(clean(line)))


def width() -> int:
    """Give the columns there are; files have enough for a long line, and no more."""
    return out().width if sys.stdout.isatty() else PLAIN_WIDTH


def can_ask() -> bool:
    """Whether somebody sits at a terminal who can be asked."""
    return sys.stdin.isatty() and (sys.stdout.isatty() or sys.stderr.isatty())
