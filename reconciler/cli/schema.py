"""From the kinds to the JSON Schemas that editors read."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.console import answer_raw, story
from reconciler.kinds.registry import load_kinds
from reconciler.schema import as_text, schemas, write_schemas

NAMES = (
    "state",
    "settings",
    "plan",
    "status",
    "history",
    "healthz",
    "readyz",
    "unmanaged",
    "explain",
)


@click.command("schema")
@click.argument("name", type=click.Choice(NAMES), default="state")
@click.option(
    "--write", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Write all of them into this folder instead of printing one.",
)  # fmt: skip
def schema_command(name: str, folder: Path | None) -> None:
    r"""Print a JSON Schema for editors and programs.

    Of the state's files, of reconciler.yaml, or of what `plan -o json`, `status -o json` and the
    others answer.

    An editor that knows YAML completes and checks a state with this as its first line:

    \b
        # yaml-language-server: $schema=../schemas/state.json

    \b
        reconciler schema --write schemas
        reconciler schema plan
    """
    if folder is None:
        answer_raw(as_text(schemas(load_kinds())[f"{name}.json"]))
        return
    for path in write_schemas(folder, load_kinds()):
        story(f"written: {path}")
