"""From words on the command line, to the devcloud's commands and what they print."""

import shlex
from collections.abc import Callable
from pathlib import Path

import click

from reconciler.devcloud import commands
from reconciler.devcloud.layout import open_home


def for_a_home(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command say which devcloud it is about."""
    home = click.option(
        "--home",
        "path",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Where this devcloud keeps everything. Default: $RECONCILER_DEVCLOUD_HOME,"
        " else ~/.cache/reconciler/devcloud/default.",
    )
    port_base = click.option(
        "--port-base",
        type=click.IntRange(1024, 65530),
        metavar="N",
        help="The first of the six ports it listens on, for its first `up`. Default: 25000.",
    )
    return home(port_base(command))


@click.group()
def devcloud() -> None:
    """Run a throwaway OpenStack on this machine, to try a change before production does.

    Real keystone, glance, placement, nova, neutron and cinder answer on the loopback interface.
    Only their APIs run: networks, quotas or flavors are made as anywhere, while servers and
    volumes never start. It needs no root, no container engine and no compiler.

    \b
        reconciler devcloud up
        eval "$(reconciler devcloud env)"
        reconciler plan

    To run several side by side, give each a --home and a --port-base.
    """  # noqa: D301  # click wants the character, to leave the lines after it alone


@devcloud.command("up")
@for_a_home
def up_command(path: Path | None, port_base: int | None) -> None:
    """Start it, or repair it; safe to repeat.

    The first time on a machine it installs OpenStack, which takes some minutes unless the packages
    are cached, and makes the databases. After that it takes seconds, and finds the data as it was.
    """
    home = open_home(path, port_base)
    commands.up(home, tell)
    tell(f'to use it: eval "$(reconciler devcloud env{repeat_home(path)})"')


@devcloud.command("down")
@for_a_home
def down_command(path: Path | None, port_base: int | None) -> None:
    """Stop it; the data stays for the next `up`."""
    count = commands.down(open_home(path, port_base), tell)
    tell(f"stopped {count} processes" if count else "nothing was running")


@devcloud.command("status")
@for_a_home
@click.pass_context
def status_command(context: click.Context, path: Path | None, port_base: int | None) -> None:
    """Say what runs and where; exits with 1 unless all of it is up."""
    home = open_home(path, port_base)
    services = commands.status(home)
    for each in services:
        state = "up" if each.healthy else "down"
        size = f"{each.memory / 2**20:4.0f} MiB" if each.pids else ""
        click.echo(f"{each.service.name:10} {state:5} {each.url:24} {size}".rstrip())
    click.echo(f"{'clouds':10} {home.clouds}")
    click.echo(f"{'client':10} {home.path / 'bin/openstack'}")
    click.echo(f"{'logs':10} {home.log}")
    if not all(each.healthy for each in services):
        context.exit(1)


@devcloud.command("reset")
@for_a_home
def reset_command(path: Path | None, port_base: int | None) -> None:
    """Drop all that was made in it and start anew."""
    commands.reset(open_home(path, port_base), tell)


@devcloud.command("env")
@for_a_home
def env_command(path: Path | None, port_base: int | None) -> None:
    """Print what makes clients use it, for `eval` in a shell.

    Besides OS_CLOUD=devcloud, for the admin of one project, its clouds.yaml has devcloud-domain and
    devcloud-system, for the admin of the domain and of the whole cloud.
    """
    click.echo(commands.env(open_home(path, port_base)))


def tell(text: str) -> None:
    click.echo(f"devcloud: {text}", err=True)


def repeat_home(path: Path | None) -> str:
    return f" --home {shlex.quote(str(path))}" if path else ""
