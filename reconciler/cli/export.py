"""From a cloud that exists to the files that say it."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.console import story, warn
from reconciler.cli.options import Common, common
from reconciler.cli.place import choose_cloud, find_place
from reconciler.cli.run import observing, open_cloud
from reconciler.errors import UsageError
from reconciler.export.cloud import export_cloud
from reconciler.export.files import write_export
from reconciler.kinds.registry import Kinds, load_kinds
from reconciler.line import Target


@click.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option(
    "--project", "projects", multiple=True, metavar="P",
    help="Only this project: its name, or DOMAIN/NAME. May be given several times.",
)  # fmt: skip
@click.option(
    "--kind", "only", multiple=True, metavar="K",
    help="Only this kind, such as Network. May be given several times.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Write into a folder that is not empty.")
@common
def export_command(
    folder: Path,
    projects: tuple[str, ...],
    only: tuple[str, ...],
    overwrite: bool,
    options: Common,
) -> None:
    r"""Write a cloud that exists down as YAML.

    A plan of it then finds nothing to change. What is global goes into DIR/<collection>.yaml, the
    rest into DIR/<domain>/<project>.yaml. Defaults are left out, names stand for ids, and secrets
    are never in it. What the state cannot express is told on stderr. Changes nothing in the cloud.

    \b
        reconciler export --cloud mycloud desired_state
        reconciler export --project campus/web-shop --kind Network --kind Subnet shop
    """
    kinds = load_kinds()
    _check(only, kinds)
    _check_folder(folder, overwrite=overwrite)
    place = find_place(options, kinds)
    name, _ = choose_cloud(options, place)
    cloud = open_cloud(options, place)
    with observing(len([*kinds])) as step:
        export = export_cloud(
            Target(cloud, cloud.who(), name, kinds), projects=projects, only=only, progress=step
        )
    others = write_export(folder, export.files, overwrite=overwrite)
    for note in export.notes:
        warn(note)
    for other in others:
        warn(f"{folder / other}: was there before, and is not of this export")
    for file in sorted(export.files):
        click.echo(str(folder / file))
    story(f"written: {len(export.files)} files; look at them, then plan --state {folder}")


def _check(only: tuple[str, ...], kinds: Kinds) -> None:
    unknown = [name for name in only if name not in kinds]
    if unknown:
        known = ", ".join(kind.name for kind in kinds)
        raise UsageError(f"there is no kind {', '.join(unknown)}; there are {known}")


def _check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse before anything is listed what would be refused at the end."""
    if not overwrite and folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; --overwrite writes into it all the same")
