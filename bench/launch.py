"""From words to a command in this process, and what it asked of whom: written down at its end.

Usage: python -m bench.launch FILE PROGRAM [WORD ...], where the program is ``reconciler`` or
``floor``. Every request that goes out on the wire is counted: log-in, discovery and retries, too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

Asked = tuple[str, int, str]
"""Method, port and path of a request."""


@contextmanager
def counting() -> Iterator[list[Asked]]:
    """Note every request of this process, whatever library sends it."""
    seen: list[Asked] = []
    plain: Callable[..., None] = HTTPConnection.putrequest

    def noted(self: HTTPConnection, method: str, url: str, *words: Any, **more: Any) -> None:
        seen.append((method, self.port, url))
        plain(self, method, url, *words, **more)

    HTTPConnection.putrequest = noted  # type: ignore[method-assign] # the lowest place there is
    try:
        yield seen
    finally:
        HTTPConnection.putrequest = plain  # type: ignore[method-assign] # likewise


def peak_memory() -> int:
    """Give the most memory that this process ever had, in KiB; not that of who started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main() -> int:
    file, program, *words = sys.argv[1:]
    with counting() as seen:
        try:
            return _run(program, words)
        finally:
            sys.stdout.flush()
            told = {"asked": seen, "peak": peak_memory()}
            Path(file).write_text(json.dumps(told), encoding="utf-8")


def _run(program: str, words: list[str]) -> int:
    if program == "floor":
        from bench.floor import main as floor  # noqa: PLC0415 - the other program needs none of it

        return floor(words)
    if program == "yaml":
        from bench.floor_yaml import main as parse  # noqa: PLC0415 - likewise

        return parse(words)
    from reconciler.__main__ import main as reconciler  # noqa: PLC0415 - likewise

    sys.argv = ["reconciler", *words]
    try:
        reconciler()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
