"""From what happened to one line of a log: an event and its fields, never a secret or a body."""

from __future__ import annotations

import logging
import sys
import unicodedata

LOGGER = logging.getLogger("reconciler")
LIBRARIES = ("keystoneauth", "openstack", "urllib3", "requests", "git")


def set_up(*, verbose: bool, quiet: int = logging.WARNING) -> None:
    """Send events to stderr: what changed, and with ``verbose`` why nothing did, too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    LOGGER.handlers[:] = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(logging.DEBUG if verbose else quiet)
    for name in LIBRARIES:
        # They log URLs and bodies; what went wrong reaches us as an exception, without those.
        library = logging.getLogger(name)
        library.handlers[:] = [logging.NullHandler()]
        library.propagate = False


def event(level: int, name: str, **fields: object) -> None:
    """Log one event: ``applied action=create address=Network/acme/web seconds=0.41``."""
    if LOGGER.isEnabledFor(level):
        words = [name, *(f"{key}={_word(value)}" for key, value in fields.items())]
        LOGGER.log(level, "%s", " ".join(words))


def _word(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = "".join(_visible(c) for c in str(value))
    return f'"{text}"' if not text or " " in text else text


def _visible(character: str) -> str:
    """Write what a terminal would obey as an escape: names come from anybody."""
    if unicodedata.category(character)[0] != "C":
        return character
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
