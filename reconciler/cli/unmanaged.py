"""From a state and a cloud to what is in the cloud alone."""

from __future__ import annotations

import click

from reconciler.cli.console import answer, answer_raw, story, warn
from reconciler.cli.options import CONTEXT, Common, common
from reconciler.cli.run import memory_of, observing, open_run
from reconciler.errors import UsageError
from reconciler.export.cloud import BESIDE
from reconciler.export.unmanaged import Asked, search, unmanaged_yaml
from reconciler.line import Selection
from reconciler.report.unmanaged import Context, unmanaged_json, unmanaged_text


@click.command("unmanaged", context_settings=CONTEXT)
@click.option(
    "--kind", "only", multiple=True, metavar="K",
    help="Only this kind, such as Network. May be given several times.",
)  # fmt: skip
@click.option(
    "--project", "projects", multiple=True, metavar="P",
    help="Only what lies in this project: its name, or DOMAIN/NAME. May be given several times.",
)  # fmt: skip
@click.option("--at", metavar="REV", help="What this commit, branch or tag declares, not HEAD.")
@click.option(
    "-o", "--output", type=click.Choice(["text", "yaml", "json"]), default="text",
    help="yaml: ready to be laid beside the files of the state.",
)  # fmt: skip
@common
def unmanaged_command(
    only: tuple[str, ...],
    projects: tuple[str, ...],
    at: str | None,
    output: str,
    options: Common,
) -> None:
    r"""List what is in the cloud and not in git. Changes nothing.

    No plan touches these objects; here you see them. Left out are what every cloud is born with,
    untouched `default` security groups and what services make by themselves. Rules, members and
    the like are listed where they lie in something that is declared. Another owner's mark is shown.
    What is ours and declared no more stands apart: it is what `plan` prunes, or says why not.

    With -o yaml it is written as one file of the state, without what another owner marked. Put it
    beside the others, look at it, plan: it is there already, so the plan only asks to adopt it.
    What cannot be expressed is told on stderr.

    \b
        reconciler unmanaged
        reconciler unmanaged --kind SecurityGroup --kind Network --project campus/web-shop
        reconciler unmanaged -o yaml > desired_state/found.yaml
        reconciler unmanaged -o json | jq '.summary'
    """
    run = open_run(options, at=at)
    unknown = [name for name in only if name not in run.kinds]
    if unknown:
        known = ", ".join(kind.name for kind in run.kinds)
        raise UsageError(f"there is no kind {', '.join(unknown)}; there are {known}")
    asked = Asked(run.desired, run.owner, memory_of(run, Selection()), projects, only)
    with observing(len([*run.kinds])) as step:
        found = search(run.target, asked, inside=output == "yaml", progress=step)
    place = run.folder or run.revision.name[:7]
    context = Context(run.target.name, place, run.owner, found.live)
    if output != "yaml":
        for kind, why in found.live.incomplete.items():
            warn(f"{kind}: left out, it could not be listed: {why}")
    if output == "json":
        answer_raw(unmanaged_json(found.found, context))
    elif output == "yaml":
        written = unmanaged_yaml(found, run.kinds, run.desired)
        for note in written.notes:
            warn(note)
        answer_raw(written.files[BESIDE])
        story(f"{len(found.choice.objects)} objects; lay the file beside the others, and plan")
    else:
        answer(unmanaged_text(found.found, context))
