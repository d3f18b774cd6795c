"""Checksums of image data: as authors write them, as Glance keeps them, and of a file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, BinaryIO

from pydantic import BeforeValidator, WithJsonSchema

from reconciler.kinds.calls import Opener
from reconciler.kinds.kind import Fields

CHUNK = 1 << 20
LENGTHS = {"md5": 32, "sha256": 64, "sha384": 96, "sha512": 128}
"""The algorithms that there are, with the hexadecimal digits of their sums."""
KEPT = frozenset({"md5", "sha512"})
"""What Glance keeps by itself, as it is mostly set up."""


def _sums(value: object) -> object:
    """Read ``sha512:…`` as the algorithm and the sum; services' own answers are that already."""
    if isinstance(value, Mapping):
        return value
    words = value.split() if isinstance(value, str) else []
    found: dict[str, str] = {}
    for word in words:
        algorithm, _, digits = word.partition(":")
        algorithm, digits = algorithm.lower(), digits.lower()
        if not re.fullmatch(rf"[0-9a-f]{{{LENGTHS.get(algorithm, 1)}}}", digits) or (
            algorithm not in LENGTHS
        ):
            raise ValueError(f"write it as sha512:… with all its digits ({', '.join(LENGTHS)})")
        found[algorithm] = digits
    if not found:
        raise ValueError("write it as sha512:…")
    return found


Checksums = Annotated[dict[str, str], BeforeValidator(_sums), WithJsonSchema({"type": "string"})]


class Sums:
    """Several checksums of the same data. Guards how much was seen."""

    def __init__(self, algorithms: Iterable[str]) -> None:
        self._hashes = {
            name: hashlib.new(name, usedforsecurity=False) for name in sorted(set(algorithms))
        }
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        for one in self._hashes.values():
            one.update(chunk)

    def found(self) -> dict[str, str]:
        return {name: one.hexdigest() for name, one in self._hashes.items()}


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Read a stream piece by piece."""
    while chunk := stream.read(CHUNK):
        yield chunk


def complete(fields: Fields, opener: Opener) -> Fields:
    """Add the checksum of the file that holds the data, where the author stated none to go by.

    Raises:
        SourceError: there is no such file.
        ValueError: it has another checksum than the author stated.

    """
    path, stated = fields.get("file"), fields.get("checksum") or {}
    if not isinstance(path, str) or not isinstance(stated, Mapping):
        return fields
    with opener(path) as stream:
        if KEPT & set(stated):
            return fields  # compared with what Glance keeps; the upload looks at the file itself
        sums = Sums({"sha512", *stated})
        for chunk in chunks(stream):
            sums.add(chunk)
    found = sums.found()
    for algorithm, digits in stated.items():
        if found[algorithm] != digits:
            raise ValueError(f"{path} has {algorithm}:{found[algorithm]}, another one than stated")
    return {**fields, "checksum": {"sha512": found["sha512"]}}
