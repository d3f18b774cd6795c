"""Where a secret is kept: never the secret itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretSource:
    """An environment variable or a file; read when a request is sent."""

    env: str = ""
    file: str = ""
