"""From a URL to a stream of what is there; what is near, no author can make us reach."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import BinaryIO, cast
from urllib.parse import urlsplit

from reconciler.errors import Rejected, Transient

TIMEOUT = 60.0
METADATA = frozenset({"169.254.169.254", "fd00:ec2::254", "100.100.100.200"})
"""Where clouds tell servers their secrets."""


def fetch(url: str, allowed: frozenset[str]) -> BinaryIO:
    """Open what is at a URL, following redirects; each host on the way is looked at.

    Raises:
        Rejected: the URL leads to where it must not, or nothing is there.
        Transient: the host does not answer.

    """
    opener = urllib.request.OpenerDirector()
    handlers = (
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Http(allowed),
        _Https(allowed),
    )
    for handler in handlers:
        opener.add_handler(handler)
    request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})  # noqa: S310
    try:
        answer = opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        kind = Transient if error.code >= 500 else Rejected  # noqa: PLR2004 - HTTP
        raise kind(f"{url} answered {error.code}") from error
    except (urllib.error.URLError, OSError, http.client.HTTPException, ValueError) as error:
        raise Transient(f"{url}: {getattr(error, 'reason', error)}") from error
    if answer is None:
        raise Rejected(f"{url}: leads to something else than http and https")
    return cast("BinaryIO", answer)


def refuse_near(url: str, allowed: frozenset[str]) -> None:
    """Refuse a URL whose host is near, as far as its name can be resolved here.

    Raises:
        Rejected: it is on the loopback, link-local, or a place of metadata.

    """
    host = urlsplit(url).hostname or ""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return  # whoever is to fetch it may know the name
    for one in found:
        _refuse(str(one[4][0]), host, allowed)


def _refuse(address: str, host: str, allowed: frozenset[str]) -> None:
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    near = ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast
    if (near or str(ip) in METADATA) and host not in allowed:
        raise Rejected(f"{host} is {ip}: nothing is fetched from the loopback or from metadata")


def _look_at(line: http.client.HTTPConnection, allowed: frozenset[str]) -> None:
    """Refuse the address that was really reached: a name may resolve to another one each time."""
    try:
        _refuse(line.sock.getpeername()[0], line.host, allowed)
    except Rejected:
        line.close()
        raise


class _Line(http.client.HTTPConnection):
    allowed: frozenset[str] = frozenset()

    def connect(self) -> None:
        super().connect()
        _look_at(self, self.allowed)


class _TlsLine(http.client.HTTPSConnection):
    allowed: frozenset[str] = frozenset()

    def connect(self) -> None:
        super().connect()
        _look_at(self, self.allowed)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, allowed: frozenset[str]) -> None:
        super().__init__()
        self.line = _with(_Line, allowed)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self.line, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, allowed: frozenset[str]) -> None:
        super().__init__()
        self.line = _with(_TlsLine, allowed)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self.line, req)


def _with(
    line: type[_Line | _TlsLine], allowed: frozenset[str]
) -> Callable[..., http.client.HTTPConnection]:
    def make(host: str, *, timeout: float = TIMEOUT) -> http.client.HTTPConnection:
        made = line(host, timeout=timeout)
        made.allowed = allowed
        return made

    return make
