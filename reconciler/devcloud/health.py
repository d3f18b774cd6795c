"""From a service that was started, to one that can be relied on."""

import socket
import time
from collections.abc import Sequence
from pathlib import Path

from reconciler.devcloud import processes
from reconciler.devcloud.api import Client, request
from reconciler.devcloud.errors import DevcloudError
from reconciler.devcloud.layout import HOST, Home
from reconciler.devcloud.services import SERVICES, Service

# An address that lists the versions of an API answers 300.
HEALTHY = (200, 300)


def is_healthy(home: Home, service: Service) -> bool:
    try:
        return request(home, service, "GET", service.health, seconds=5).status in HEALTHY
    except DevcloudError:
        return False


def is_port_free(home: Home, service: Service, seconds: float = 3) -> bool:
    """Whether nothing listens there, or soon no more.

    A killed process counts as gone when its first thread is; its port is free after the last.
    """
    deadline = time.monotonic() + seconds
    while is_listening(home.port(service)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def wait_until_healthy(home: Home, services: Sequence[Service], seconds: float = 120) -> None:
    """Return when all of them answer; a service that ended, or that takes too long, is an error."""
    deadline = time.monotonic() + seconds
    for service in services:
        while not is_healthy(home, service):
            log = home.log / f"{service.name}.log"
            if not processes.find(home, service):
                raise DevcloudError(f"{service.name} ended while starting; {reason(log)}")
            if time.monotonic() > deadline:
                raise DevcloudError(
                    f"{service.name} is not healthy after {seconds:.0f} s; see {log}"
                )
            time.sleep(0.1)


def warm(client: Client) -> None:
    """Make the first calls, one after the other, so that no user's call is among them."""
    for service in SERVICES:
        for path in service.first_calls:
            client.call(service, "GET", path)


def reason(log: Path) -> str:
    """The last line of a log, which names the error, and where the rest is."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f"{lines[-1].strip()} (see {log})" if lines else f"see {log}"
