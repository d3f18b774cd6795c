"""From one of the words up, down, status, reset and env, to its effect on one devcloud."""

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reconciler.devcloud import processes
from reconciler.devcloud.api import log_in
from reconciler.devcloud.catalogue import lift_admin_limits, register_services
from reconciler.devcloud.config import write_config
from reconciler.devcloud.errors import DevcloudError
from reconciler.devcloud.health import is_healthy, is_port_free, wait_until_healthy, warm
from reconciler.devcloud.install import ensure_venv, requirements_key
from reconciler.devcloud.layout import Home, hold, write_private
from reconciler.devcloud.schema import flush, make_databases
from reconciler.devcloud.services import KEYSTONE, SERVICES, Service

Say = Callable[[str], None]

# What an empty cloud holds is as these make it.
MAKERS = ("schema.py", "catalogue.py", "runtime/make_neutron_tables.py")


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How one service is."""

    service: Service
    url: str
    healthy: bool
    pids: tuple[int, ...]
    memory: int


def up(home: Home, say: Say) -> None:
    """Make every service answer, whatever state they and their data are in."""
    started = time.monotonic()
    venv = ensure_venv(say)
    with hold(home, say) as kept:
        raise_up(kept, venv, say)
    say(f"up after {time.monotonic() - started:.1f} s")


def reset(home: Home, say: Say) -> None:
    """Drop all that was made in the cloud, and be up with what a new one holds."""
    started = time.monotonic()
    venv = ensure_venv(say)
    with hold(home, say) as kept:
        processes.stop(processes.find(kept))
        shutil.rmtree(kept.data, ignore_errors=True)
        raise_up(kept, venv, say)
    say(f"up and empty after {time.monotonic() - started:.1f} s")


def down(home: Home, say: Say) -> int:
    """Stop every process of this devcloud, keep its data, and tell how many they were."""
    if not home.is_kept:
        return 0
    with hold(home, say):
        pids = processes.find(home)
        processes.stop(pids)
    return len(pids)


def status(home: Home) -> tuple[ServiceStatus, ...]:
    """How each service is."""
    return tuple(service_status(home, service) for service in SERVICES)


def env(home: Home) -> str:
    """Shell code that makes OpenStack clients use this devcloud."""
    if not home.clouds.exists():
        raise DevcloudError(f"there is no devcloud in {home.path} yet; `up` makes one")
    return f"export OS_CLIENT_CONFIG_FILE={home.clouds} OS_CLOUD=devcloud"


def raise_up(home: Home, venv: Path, say: Say) -> None:
    for folder in (home.etc, home.log, home.run):
        folder.mkdir(exist_ok=True)
    fits = settle_data(home, say)
    if write_config(home, venv) or not fits:
        processes.stop(processes.find(home))
    link_client(home, venv)
    absent = find_absent(home)
    if not fits:
        say("making the databases of a new cloud: once, less than a minute")
        make_databases(home, venv)
    if absent:
        say(f"starting {', '.join(service.name for service in absent)}")
    for service in absent:
        processes.start(home, venv, service)
    if not fits:
        wait_until_healthy(home, [KEYSTONE])
        register_services(log_in(home))
    wait_until_healthy(home, SERVICES)
    client = log_in(home)
    warm(client)
    if not fits:
        lift_admin_limits(client)
        keep_pristine(home)


def settle_data(home: Home, say: Say) -> bool:
    """Leave data that fits this version, from the pristine copy if need be; else leave none."""
    if is_fit(home, home.data):
        return True
    if home.has_data:
        say("the data was made by another version of the devcloud, or elsewhere: starting anew")
    processes.stop(processes.find(home))
    shutil.rmtree(home.data, ignore_errors=True)
    if not is_fit(home, home.pristine):
        return False
    copy_folder(home.pristine, home.data)
    return True


def find_absent(home: Home) -> tuple[Service, ...]:
    """The services to start; what is left of them is stopped, and their ports are free."""
    absent = tuple(service for service in SERVICES if not service_status(home, service).healthy)
    for service in absent:
        processes.stop(processes.find(home, service))
        if not is_port_free(home, service):
            raise DevcloudError(
                f"port {home.port(service)}, for {service.name}, is in use by another program;"
                " give another --port-base"
            )
    return absent


def keep_pristine(home: Home) -> None:
    """Mark the data as whole, and copy it for `reset`."""
    flush(home)
    write_private(home.fingerprint, fingerprint(home))
    shutil.rmtree(home.pristine, ignore_errors=True)
    copy_folder(home.data, home.pristine)


def copy_folder(source: Path, target: Path) -> None:
    """Copy in a way that leaves no half of it under its name."""
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial)
    partial.rename(target)


def is_fit(home: Home, data: Path) -> bool:
    mark = data / home.fingerprint.name
    return mark.exists() and mark.read_text() == fingerprint(home)


def fingerprint(home: Home) -> str:
    """Changes when data would not fit: it holds paths, ports and one version's tables."""
    makers = [(Path(__file__).parent / name).read_text() for name in MAKERS]
    own = [str(home.path), str(home.port_base), home.password]
    text = "\n".join([requirements_key(), *own, *makers])
    return hashlib.sha256(text.encode()).hexdigest()


def link_client(home: Home, venv: Path) -> None:
    """Put the `openstack` command where its users find it."""
    link = home.path / "bin/openstack"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(venv / "bin/openstack")


def service_status(home: Home, service: Service) -> ServiceStatus:
    pids = processes.find(home, service)
    return ServiceStatus(
        service=service,
        url=home.url(service),
        healthy=bool(pids) and is_healthy(home, service),
        pids=pids,
        memory=processes.memory(pids),
    )
