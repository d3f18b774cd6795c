"""From the name of a shell to the script that completes our words in it."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from reconciler.cli.console import answer_raw


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    r"""Print what completes our words in a shell.

    \b
        eval "$(reconciler completion bash)"         # in ~/.bashrc
        eval "$(reconciler completion zsh)"          # in ~/.zshrc
        reconciler completion fish | source          # in config.fish
    """
    found = get_completion_class(shell)
    assert found is not None  # the choices above
    root = ctx.find_root().command
    answer_raw(found(root, {}, "reconciler", "_RECONCILER_COMPLETE").source())
