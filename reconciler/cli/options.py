"""The options that commands have in common."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler import log

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Common:
    """What stands before or behind any command."""

    cloud: str | None = None
    config: Path | None = None
    state: Path | None = None
    owner: str | None = None
    verbose: bool = False


def common(command: F) -> F:
    """Add --cloud, --config, --state, --owner and -v, and give them over as ``options``."""

    @functools.wraps(command)
    def wrapped(
        *args: Any,
        cloud: str | None,
        config: Path | None,
        state: Path | None,
        owner: str | None,
        verbose: bool,
        **more: Any,
    ) -> Any:
        before = click.get_current_context().find_object(Common) or Common()
        options = Common(
            cloud or before.cloud, config or before.config, state or before.state,
            owner or before.owner, verbose or before.verbose,
        )  # fmt: skip
        log.set_up(verbose=options.verbose)
        return command(*args, options=options, **more)

    path = click.Path(path_type=Path)
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Show every request on stderr."),
        click.option("--owner", metavar="NAME", help="Whose marks to write: a name of your own."),
        click.option(
            "--state", type=path, metavar="DIR",
            help="Read the state from this folder as it lies, committed or not.",
        ),
        click.option(
            "--config", type=path, metavar="FILE",
            help="The settings. Default: reconciler.yaml here or further up.",
        ),
        click.option(
            "--cloud", metavar="NAME",
            help="The cloud, as clouds.yaml or reconciler.yaml names it. Default: $OS_CLOUD, else"
            " the only one of reconciler.yaml; of run: all of them.",
        ),
    ):  # fmt: skip
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value] # the same with options in front


def selecting(command: F) -> F:
    """Add --target and --exclude."""
    for option in (
        click.option(
            "--exclude", "excludes", multiple=True, metavar="SEL",
            help="Leave these changes out; see --target.",
        ),
        click.option(
            "--target", "targets", multiple=True, metavar="SEL",
            help="Only these changes and what they need: an address, a kind, or a pattern such as"
            " 'Network/campus/*'. May be given several times.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def locking(command: F) -> F:
    """Add --lock-timeout and --reason, which every command has that writes under the lease."""
    for option in (
        click.option("--reason", default="", metavar="TEXT", help="Why; it goes into the log."),
        click.option(
            "--lock-timeout", type=click.FloatRange(0), default=0.0, metavar="SECONDS",
            help="Wait so long for another run that holds the cloud, instead of ending with 6.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


class WithOptionalValues(click.Command):
    """A command whose --allow-replace may stand without a value, and never takes the next word."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        whole = ["--allow-replace=*" if arg == "--allow-replace" else arg for arg in args]
        return super().parse_args(ctx, whole)
