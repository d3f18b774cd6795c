"""``python -m reconciler`` and the ``reconciler`` command."""

from __future__ import annotations

from reconciler.cli.main import cli


def main() -> None:
    """Run the command line."""
    cli(prog_name="reconciler")


if __name__ == "__main__":
    main()
