"""From what an apply tells to a bar on a terminal, or to lines elsewhere; and what Ctrl-C does."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from reconciler import log
from reconciler.cli.console import err, warn
from reconciler.engine.apply import Status
from reconciler.engine.values import Change
from reconciler.kinds.address import Address
from reconciler.report.table import change_words
from reconciler.report.text import COLOURS, MARKS, SIGNS
from reconciler.report.words import clean


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C (or SIGTERM) end what is in flight, and the second one kill."""
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        if asked:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        asked.append(number)
        warn("letting the requests in flight end; once more kills")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def applying(total: int) -> Iterator[_Lines]:
    """Show how far an apply is."""
    console = err()
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Progress(
        SpinnerColumn(), TextColumn("applying"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TextColumn("{task.description}"), console=console, transient=True,
    ) as bar:  # fmt: skip
        yield _Bar(bar, total)


class _Lines:
    """Prints a line for every change that was made or not."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __call__(self, change: Change, status: Status | None) -> None:
        if status is None:
            return
        log.event(logging.INFO, status.value, action=change.action.value, address=change.address)
        mark, colour = MARKS[status]
        action, words = change_words(change)
        text = Text(f"{mark} ", colour)
        text.append(f"{SIGNS[action]} ", COLOURS[action]).append(clean(words))
        if status is not Status.APPLIED:
            text.append(f"  {status.value}", colour)
        self.console.print(text)

    def sent(self, address: Address, done: int, whole: int) -> None:
        """Heed how much of an image was sent; a log has no use for it."""


class _Bar(_Lines):
    """Moves a bar, too, and names what is being worked on. Guards the bar's numbers."""

    def __init__(self, bar: Progress, total: int) -> None:
        super().__init__(bar.console)
        self.bar = bar
        self.total = total
        self.done = 0
        self.task = bar.add_task("", total=total)

    def __call__(self, change: Change, status: Status | None) -> None:
        super().__call__(change, status)
        if status is not None:
            self.done += 1
            self.total = max(self.total, self.done)  # passes after the first bring more
        self.bar.update(
            self.task, completed=self.done, total=self.total,
            description=escape(clean(change_words(change)[1])[:60]),
        )  # fmt: skip

    def sent(self, address: Address, done: int, whole: int) -> None:
        of = f" of {whole >> 20}" if whole else ""
        words = f"{clean(str(address))[:48]} {done >> 20}{of} MiB"
        self.bar.update(self.task, description=escape(words))
