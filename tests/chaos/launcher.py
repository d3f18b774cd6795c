"""From lines that say what to run, to processes of the command line: each a fork, so none waits.

Usage: python -m tests.chaos.launcher. One JSON object a line comes in on stdin; ``pid N`` and
``code N`` go out. One runs at a time; whoever wants it dead knows its number.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> None:
    import openstack.connection  # noqa: F401, PLC0415 - what a command imports, once for all

    import reconciler.cli.apply  # noqa: PLC0415 - likewise
    import reconciler.cli.plan  # noqa: F401, PLC0415 - likewise
    from reconciler.kinds.registry import load_kinds  # noqa: PLC0415

    load_kinds()
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if not child:
            _become(told)
        _say(f"pid {child}")
        _, status = os.waitpid(child, 0)
        _say(f"code {os.waitstatus_to_exitcode(status)}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _become(told: Any) -> None:
    """Run the command as the shell would have it, and end."""
    from reconciler.cli.main import cli  # noqa: PLC0415

    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(told.get(name, os.devnull), flags, 0o600), number)
    os.environ.clear()
    os.environ.update(told["environ"])
    os.chdir(told["folder"])
    sys.argv = ["reconciler", *told["words"]]
    code = 1
    try:
        code = cli.main(told["words"], "reconciler", standalone_mode=False)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
