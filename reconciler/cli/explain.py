"""From an address to all that is known of it."""

from __future__ import annotations

import click

from reconciler.cli.codes import Code
from reconciler.cli.console import answer, answer_raw, fail, width
from reconciler.cli.options import CONTEXT, Common, common
from reconciler.cli.run import memory_of, observing, open_run, policy_of
from reconciler.engine.explain import explain, nearest
from reconciler.engine.policy import Releases
from reconciler.kinds.address import Address
from reconciler.line import Selection, compare_with, look
from reconciler.report.explain import explain_text
from reconciler.report.explainjson import explain_json
from reconciler.report.facts import Background


@click.command("explain", context_settings=CONTEXT)
@click.argument("address")
@click.option("--at", metavar="REV", help="As this commit, branch or tag has it, not HEAD.")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The form to print."
)
@common
@click.pass_context
def explain_command(
    ctx: click.Context, address: str, at: str | None, output: str, options: Common
) -> None:
    r"""Tell all about one object. Changes nothing.

    What git says of it, and in which line; what the cloud has, whose mark it carries and whether it
    is protected; what a plan makes of the difference, why that is held and what releases it; what
    lies in it and refers to it, in git and in the cloud. Of what is declared no more: the last
    settled declaration, and the commit that took it away. Secrets are never shown.

    ADDRESS is Kind/ and the names on the way down, as plan prints it; a / in a name is %2F. An
    address that nobody knows ends with 1, and the nearest ones that are known.

    \b
        reconciler explain Network/campus/web-shop/front
        reconciler explain 'RoleAssignment/project/Default/IFSC/user/Default/rafael/admin'
        reconciler explain -o json Flavor/m1.large | jq '.changes[].held'
    """
    run = open_run(options, at=at)
    memory = memory_of(run, Selection())
    try:
        meant = Address.parse(address)
    except ValueError:
        meant = Address(address, ())
    with observing(len([*run.kinds])) as step:
        live = look(run.target, run.desired, run.owner, step, (meant.names, meant.names[:-1]))
    policy = policy_of(run, Releases())
    plan = compare_with(live, run.target, run.desired, policy, Selection(), memory)
    found = explain(meant, run.desired, live, run.kinds, plan, memory)
    if found is None:
        known = nearest(address, run.desired, live, memory)
        near = "".join(f"\n  {one}" for one in known)
        fail(f"{address} is neither declared nor in the cloud{'; near it:' if near else ''}{near}")
        ctx.exit(Code.NOTHING)
    background = Background(live, run.owner, bool(memory and memory.prunes), run.folder)
    if output == "json":
        answer_raw(explain_json(found, background))
    else:
        answer(explain_text(found, background, width()))
