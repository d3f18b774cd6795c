"""From files to everything that is wrong with them, without asking any cloud."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from reconciler import __version__
from reconciler.cli.codes import Code
from reconciler.cli.console import answer, answer_raw, fail
from reconciler.cli.options import Common, common
from reconciler.cli.place import Place, find_place
from reconciler.errors import Problem, SettingsError, StateError, UsageError
from reconciler.kinds.registry import load_kinds
from reconciler.report.problems import problems_json, problems_sarif, problems_text
from reconciler.report.words import count_of
from reconciler.settings import FILE
from reconciler.state.model import make_desired
from reconciler.state.source import Revision, read_files, read_folder


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATH]…")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json", "sarif"]), default="text",
    help="sarif: for the annotations of code hosts.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Let warnings count as errors.")
@common
@click.pass_context
def validate_command(
    ctx: click.Context, paths: tuple[Path, ...], output: str, strict: bool, options: Common
) -> None:
    r"""Check a state offline: all errors at once, with file and line.

    PATH is a folder or single files; without one, the folder that reconciler.yaml names, as it
    lies. Ends with 1 on errors.

    \b
        reconciler validate
        reconciler validate desired_state --strict
        reconciler validate -o sarif > reconciler.sarif
    """
    place, problems = _settings(options)
    revision, folder = _files(paths, place, problems)
    objects = 0
    try:
        desired, warnings = make_desired(revision, load_kinds())
        problems += warnings
        objects = sum(not r.implied and not r.kind.folded for r in desired.resources.values())
    except StateError as error:
        problems += error.problems
    bad = [problem for problem in problems if strict or not problem.warning]
    if output == "json":
        answer_raw(
            problems_json(problems, files=len(revision.files), objects=objects, valid=not bad)
        )
    elif output == "sarif":
        answer_raw(problems_sarif(problems, version=__version__, folder=folder))
    else:
        _tell(problems, len(revision.files), objects)
    ctx.exit(Code.NOTHING if bad else Code.DONE)


def _settings(options: Common) -> tuple[Place, list[Problem]]:
    """Read reconciler.yaml; what is wrong with it is told beside what is wrong with the state."""
    try:
        return find_place(options, load_kinds()), []
    except SettingsError as error:
        problems = [Problem("", 0, "", line) for line in str(error).splitlines()]
        root = options.config.resolve().parent if options.config else Path.cwd()
        return Place(None, root, options.state), problems


def _files(paths: tuple[Path, ...], place: Place, problems: list[Problem]) -> tuple[Revision, str]:
    """Read what was named; the second value is the folder that its names are relative to."""
    if len(paths) == 1 and paths[0].is_dir():
        return read_folder(paths[0]), paths[0].as_posix()
    if paths:
        return read_files(paths), ""
    if place.settings is None and place.state is None and not place.folder.is_dir():
        if problems:  # it is there, and says where the state is: nobody can read it
            raise SettingsError("\n".join(problem.message for problem in problems))
        raise UsageError(f"there is no {FILE} here: say what to validate, as PATH or --state DIR")
    folder = place.folder
    inside = folder.is_absolute() and folder.is_relative_to(Path.cwd())
    return read_folder(folder), (folder.relative_to(Path.cwd()) if inside else folder).as_posix()


def _tell(problems: list[Problem], files: int, objects: int) -> None:
    errors = sum(not problem.warning for problem in problems)
    warnings = len(problems) - errors
    answer(Text(problems_text(problems)))
    if errors:
        fail(_counted(errors, "error") + (f", {_counted(warnings, 'warning')}" if warnings else ""))
        return
    more = f", {_counted(warnings, 'warning')}" if warnings else ""
    said = f"{_counted(files, 'file')}, {_counted(objects, 'object')}{more}: "
    answer(Text(said).append("valid", "green").append("\n"))


def _counted(number: int, noun: str) -> str:
    return f"{count_of(number)} {noun}{'' if number == 1 else 's'}"
