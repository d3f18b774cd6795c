"""From the words on the command line to a command, and from its errors to exit codes."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from reconciler import __version__
from reconciler.cli.codes import Code
from reconciler.cli.console import fail
from reconciler.cli.options import CONTEXT, Common, common
from reconciler.errors import LockedError, ReconcilerError, StaleError, UsageError
from reconciler.garbage import collect_after_imports

COMMANDS = {
    "validate": "reconciler.cli.validate:validate_command",
    "plan": "reconciler.cli.plan:plan_command",
    "apply": "reconciler.cli.apply:apply_command",
    "drift": "reconciler.cli.drift:drift_command",
    "run": "reconciler.cli.controller:run_command",
    "accept": "reconciler.cli.accept:accept_command",
    "status": "reconciler.cli.talk:status_command",
    "history": "reconciler.cli.talk:history_command",
    "suspend": "reconciler.cli.talk:suspend_command",
    "resume": "reconciler.cli.talk:resume_command",
    "approve": "reconciler.cli.approve:approve_command",
    "adopt": "reconciler.cli.adopt:adopt_command",
    "unmanaged": "reconciler.cli.unmanaged:unmanaged_command",
    "explain": "reconciler.cli.explain:explain_command",
    "export": "reconciler.cli.export:export_command",
    "graph": "reconciler.cli.graph:graph_command",
    "schema": "reconciler.cli.schema:schema_command",
    "doctor": "reconciler.cli.doctor:doctor_command",
    "devcloud": "reconciler.devcloud.cli:devcloud",
    "completion": "reconciler.cli.completion:completion_command",
}
"""Each is imported when it is called: ``validate`` does not wait for OpenStack's libraries."""


class Reconciler(click.Group):
    """The group of all commands; wrong usage is 64, never 2, and there is never a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found = getattr(importlib.import_module(module), name)
        collect_after_imports()
        assert isinstance(found, click.Command)  # the table above
        return laid_out(found)

    def main(  # type: ignore[override] # click's has overloads for the two modes, we have one
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> int:
        code = self._guarded(args, prog_name, complete_var, extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _guarded(
        self,
        args: Sequence[str] | None,
        prog_name: str | None,
        complete_var: str | None,
        extra: dict[str, Any],
    ) -> int:
        try:
            found = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
            return found if isinstance(found, int) else Code.DONE
        except click.ClickException as error:
            error.show()
            return Code.USAGE
        except (click.Abort, KeyboardInterrupt):
            fail("interrupted")
            return Code.FAILED
        except BrokenPipeError:
            # Whoever read our answer has enough of it; Python must not complain at its exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Code.NOTHING
        except ReconcilerError as error:
            fail(str(error))
            return _code_of(error)
        except Exception as error:  # noqa: BLE001 - the last line of defence
            fail(f"{type(error).__name__}: {error}\nthis is a bug of the reconciler; -v shows more")
            if "-v" in (args or sys.argv) or "--verbose" in (args or sys.argv):
                traceback.print_exc()
            return Code.NOTHING


def laid_out(command: click.Command) -> click.Command:
    """Let click see its mark for paragraphs that it must not wrap: our docstrings are raw."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        laid_out(inner)
    return command


def _code_of(error: ReconcilerError) -> Code:
    if isinstance(error, UsageError):
        return Code.USAGE
    if isinstance(error, LockedError):
        return Code.LOCKED
    return Code.STALE if isinstance(error, StaleError) else Code.NOTHING


@click.group(cls=Reconciler, context_settings=CONTEXT)
@click.version_option(__version__, message="reconciler %(version)s")
@common
@click.pass_context
def cli(ctx: click.Context, options: Common) -> None:
    r"""Bring an OpenStack cloud to what YAML in git says, and keep it so.

    \b
    A first look, which changes nothing:
        reconciler validate desired_state
        reconciler plan --cloud mycloud --state desired_state
    Make it so (asks first):
        reconciler apply --cloud mycloud --state desired_state --owner my-team
    Begin with a cloud that exists:
        reconciler export --cloud mycloud desired_state

    Clouds are named as in clouds.yaml. In a repository with a reconciler.yaml, most options are
    written there, and the plan is of the newest commit.

    \b
    Exit codes: 0 all is well · 1 nothing could be done · 2 there are differences (if asked) ·
    3 something is held · 4 the plan is stale · 5 something failed or was interrupted ·
    6 another run writes · 64 wrong usage
    """
    ctx.obj = options


laid_out(cli)
