"""``python -m reconciler`` and the ``reconciler`` command."""

from __future__ import annotations

from reconciler.garbage import collect_nothing


def main() -> None:
    """Run the command line."""
    collect_nothing()
    from reconciler.cli.main import cli  # noqa: PLC0415 - a third of all CPU: not with collecting

    cli(prog_name="reconciler")


if __name__ == "__main__":
    main()
