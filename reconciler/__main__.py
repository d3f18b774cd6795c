"""``python -m reconciler`` and the ``reconciler`` command."""

from __future__ import annotations

from reconciler.cli.main import cli
from reconciler.garbage import collect_seldom


def main() -> None:
    """Run the command line."""
    collect_seldom()
    cli(prog_name="reconciler")


if __name__ == "__main__":
    main()
