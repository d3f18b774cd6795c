"""From a home directory and a first port, to where everything of one devcloud lives."""

import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from reconciler.devcloud.errors import DevcloudError
from reconciler.devcloud.services import Service

HOST = "127.0.0.1"
REGION = "devcloud"
PORT_BASE = 25000


@dataclass(frozen=True, slots=True)
class Home:
    """One devcloud: its directory, its first port and the password of its admin."""

    path: Path
    port_base: int
    password: str

    @property
    def settings(self) -> Path:
        return self.path / "devcloud.json"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def is_kept(self) -> bool:
        """Whether this directory is known to be a devcloud's."""
        return self.settings.exists()

    @property
    def fingerprint(self) -> Path:
        """Says what the data fits; written last, so without it the data is not whole."""
        return self.data / "fingerprint"

    @property
    def has_data(self) -> bool:
        return self.fingerprint.exists()

    @property
    def clouds(self) -> Path:
        return self.path / "clouds.yaml"

    @property
    def etc(self) -> Path:
        return self.path / "etc"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def pristine(self) -> Path:
        return self.path / "pristine"

    @property
    def identity(self) -> str:
        return f"http://{HOST}:{self.port_base}/v3"

    def port(self, service: Service) -> int:
        return self.port_base + service.offset

    def url(self, service: Service) -> str:
        return f"http://{HOST}:{self.port(service)}"

    def database(self, name: str) -> Path:
        return self.data / "db" / f"{name}.sqlite"

    def database_url(self, name: str) -> str:
        return f"sqlite:///{self.database(name)}?timeout=60"


def cache_folder() -> Path:
    """Where default homes and the shared virtual environments are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reconciler/devcloud"


def open_home(path: Path | None = None, port_base: int | None = None) -> Home:
    """The devcloud of a directory; one that was up before keeps its ports and its password."""
    named = os.environ.get("RECONCILER_DEVCLOUD_HOME")
    path = (path or (Path(named) if named else cache_folder() / "default")).resolve()
    if unfit := re.search(r"[^\w/.+@,=-]", str(path)):
        # The path goes into ini files and database URLs, where such characters mean something.
        raise DevcloudError(f"{path}: a devcloud home cannot have {unfit[0]!r} in its path")
    home = Home(path, port_base or PORT_BASE, secrets.token_urlsafe(16))
    if not home.is_kept:
        if path.exists() and any(entry != home.lock for entry in path.iterdir()):
            # `reset` deletes folders in it: never those of somebody else.
            raise DevcloudError(f"{path} holds other things; give a new or empty directory")
        return home
    try:
        kept = json.loads(home.settings.read_text())
        home = Home(path, int(kept["port_base"]), str(kept["password"]))
    except (ValueError, LookupError, TypeError) as error:
        raise DevcloudError(f"{home.settings} is damaged; delete {path}") from error
    if port_base in (None, home.port_base):
        return home
    if home.has_data:
        raise DevcloudError(
            f"the ports of {path} start at {home.port_base}, which its data depends on;"
            " give another --home for other ports, or delete this one after `down`"
        )
    return replace(home, port_base=port_base)


@contextmanager
def hold(home: Home, say: Callable[[str], None]) -> Iterator[Home]:
    """Keep other commands on the same home out, and give it as it is written down there.

    Of two that come to a new home at once, the second gets what the first has chosen.
    """
    with exclusive(home.lock, lambda: say("waiting for another command on this devcloud")):
        home.path.chmod(0o700)
        if home.is_kept:
            home = open_home(home.path, home.port_base)
        kept = {"port_base": home.port_base, "password": home.password}
        write_private(home.settings, json.dumps(kept, indent=2) + "\n")
        yield home


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner may read it."""
    partial = path.with_name(path.name + ".partial")
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)


@contextmanager
def exclusive(path: Path, say_waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock file; the kernel lets go of it however the holder ends.

    A program started with `close_fds=False` holds it too: one that outlives a killed holder is at
    work on what the lock guards.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise DevcloudError(f"{path.parent} cannot be used: {error.strerror}") from error
    with lock:
        os.set_inheritable(lock.fileno(), True)  # noqa: FBT003  # it takes no keyword
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            if say_waiting:
                say_waiting()
            flock(lock, LOCK_EX)
        yield
