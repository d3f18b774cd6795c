"""From a state to a drawing of what needs what."""

from __future__ import annotations

import click

from reconciler.cli.console import answer_raw
from reconciler.cli.options import Common, common
from reconciler.cli.place import find_place
from reconciler.kinds.registry import load_kinds
from reconciler.report.graph import dot, edges_of, mermaid
from reconciler.state.model import make_desired


@click.command("graph")
@click.option("--at", metavar="REV", help="Draw this commit, branch or tag instead of HEAD.")
@click.option(
    "-o", "--output", type=click.Choice(["dot", "mermaid"]), default="dot",
    help="mermaid: for Markdown. For a picture: `reconciler graph | dot -Tsvg`.",
)  # fmt: skip
@common
def graph_command(at: str | None, output: str, options: Common) -> None:
    r"""Draw what needs what.

    An arrow goes to what must be there first. Asks no cloud.

    \b
        reconciler graph --state desired_state | dot -Tsvg > state.svg
        reconciler graph -o mermaid
    """
    kinds = load_kinds()
    revision, _ = find_place(options, kinds).read_state(at)
    desired, _ = make_desired(revision, kinds)
    edges = edges_of(desired)
    answer_raw(dot(edges) if output == "dot" else mermaid(edges))
