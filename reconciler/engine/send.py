"""From one call of a kind and the values at hand, to one request."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from reconciler.errors import CloudError, Rejected, SourceError
from reconciler.hide import hide
from reconciler.kinds.calls import FIELDS, Call, Http
from reconciler.kinds.kind import Kind
from reconciler.kinds.secret import SecretSource
from reconciler.kinds.values import NOTHING, Json
from reconciler.state.files import open_plain

MAX_SECRET = 64 * 1024
"""Bytes of a file with a secret in it."""
_PLACE = re.compile(r"\{([A-Za-z_:.]+)\}")


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the calls of one kind with the same values."""

    http: Http
    kind: Kind
    values: Mapping[str, Json]

    def send(
        self, call: Call, body: Json = None, headers: Mapping[str, str] = NOTHING
    ) -> Mapping[str, Json]:
        """Send one call; give back the object in the answer, or what there is."""
        template = call.path(self.values) if callable(call.path) else call.path
        path = _PLACE.sub(lambda m: _in_path(self.values.get(m[1])), template)
        secrets: list[str] = []
        try:
            found = self.http.request(
                self.kind.service,
                call.method,
                path,
                json=_reveal(_filled(call.body, self.values, body), secrets),
                headers={**call.headers, **headers},
                version=self.kind.version,
            )
        except CloudError as error:
            # Keystone repeats the body of a request that it does not understand.
            error.args = tuple(hide(str(arg), secrets) for arg in error.args)
            raise
        except Exception as error:
            if not secrets:
                raise
            # What a library says of a value that it cannot handle holds the value.
            raise RuntimeError(f"{type(error).__name__} while a secret was to be sent") from None
        inner = found.get(call.returns, found) if call.returns and found else found
        return inner if isinstance(inner, Mapping) else {"items": inner}


def _in_path(value: Json) -> str:
    if value is None or value == "":
        raise Rejected("what the request must name is not there")
    return quote(str(value), safe="")


def _filled(template: Json, values: Mapping[str, Json], fields: Json) -> Json:
    if template == FIELDS:
        return fields
    if isinstance(template, Mapping):
        return {
            _filled(key, values, fields): _filled(inner, values, fields)
            for key, inner in template.items()
        }
    if isinstance(template, list):
        return [_filled(inner, values, fields) for inner in template]
    if isinstance(template, str):
        whole = _PLACE.fullmatch(template)
        return values.get(whole[1]) if whole else template
    return template


def _reveal(body: Json, secrets: list[str]) -> Json:
    """Put secrets in the place of where they are kept, at the last moment, and note them."""
    if isinstance(body, Mapping):
        return {key: _reveal(inner, secrets) for key, inner in body.items()}
    if isinstance(body, list):
        return [_reveal(inner, secrets) for inner in body]
    if not isinstance(body, SecretSource):
        return body
    secrets.append(read_secret(body))
    return secrets[-1]


def read_secret(source: SecretSource) -> str:
    """Read a secret from where it is kept.

    Raises:
        Rejected: there is nothing there; the message names the place, never the value.

    """
    if source.env:
        value = os.environ.get(source.env)
        if not value:
            raise Rejected(f"the environment variable {source.env} is not set")
        return value
    try:
        with open_plain(Path(source.file), source.file) as stream:
            found = stream.read(MAX_SECRET + 1)
        text = found.decode()
    except SourceError as error:
        raise Rejected(str(error)) from error
    except ValueError:
        raise Rejected(f"{source.file}: not UTF-8, or no path") from None
    if not text.strip() or len(found) > MAX_SECRET:
        raise Rejected(f"{source.file} is {'empty' if not text.strip() else 'too large'}")
    return text.rstrip("\n")
