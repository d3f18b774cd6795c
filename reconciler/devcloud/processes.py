"""From a home, to the processes that serve it: started, found, measured, stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from reconciler.devcloud.errors import DevcloudError
from reconciler.devcloud.layout import HOST, Home
from reconciler.devcloud.services import SERVICES, Service

SERVE = Path(__file__).parent / "runtime/serve.py"
THREADS = 8


def start(home: Home, venv: Path, service: Service) -> None:
    """Start one service; the process leaves its parent, so it outlives whoever started it."""
    folder = run_folder(home, service)
    folder.mkdir(parents=True, exist_ok=True)
    log = home.log / f"{service.name}.log"
    if log.exists():
        log.replace(log.with_suffix(".log.old"))
    words = [SERVE, service.module, HOST, home.port(service), THREADS, *arguments(home, service)]
    with log.open("ab") as output:
        subprocess.run(
            [venv / "bin/python", "-P", *map(str, words)],
            cwd=folder,
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=True,
        )


def environment(home: Home) -> dict[str, str]:
    """The caller's, without what would change the services and with what they look for."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OS_", "PYTHON"))}
    own = {f"OS_{s.name.upper()}_CONFIG_DIR": str(home.etc / s.name) for s in SERVICES}
    return {
        **kept,
        **own,
        "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2_conf.ini",
        # The services call each other; a proxy could not reach them.
        "no_proxy": f"{HOST},localhost",
        "NO_PROXY": f"{HOST},localhost",
        "TMPDIR": str(home.data / "tmp"),
    }


def arguments(home: Home, service: Service) -> list[str]:
    # Cinder alone asks no variable for its configuration, only its command line.
    if service.name == "cinder":
        return ["--config-file", str(home.etc / "cinder/cinder.conf")]
    return []


def find(home: Home, service: Service | None = None) -> tuple[int, ...]:
    """The processes of one service, or of all.

    Told by the folder they run in and by their program, so neither stale files nor other devclouds
    mislead, and nothing is missed that was started before a crash.
    """
    wanted = {str(run_folder(home, s)) for s in ([service] if service else SERVICES)}
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return tuple(sorted(pid for pid in pids if serves(pid, wanted)))


def stop(pids: Iterable[int], patience: float = 5) -> None:
    """End processes: asked first, then made to."""
    left = list(pids)
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = signal_all(left, number)
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = [pid for pid in left if is_alive(pid)]
    if left:
        raise DevcloudError(f"these processes do not end: {', '.join(map(str, left))}")


def memory(pids: Iterable[int]) -> int:
    """Their bytes of memory, each shared page counted once."""
    return sum(proportional_size(pid) for pid in pids)


def run_folder(home: Home, service: Service) -> Path:
    return home.run / service.name


def serves(pid: int, folders: set[str]) -> bool:
    entry = Path("/proc") / str(pid)
    try:
        folder = str((entry / "cwd").readlink()).removesuffix(" (deleted)")
        return (
            folder in folders
            and (entry / "exe").readlink().name.startswith("python")
            and is_alive(pid)
        )
    except OSError:  # ended meanwhile, or someone else's
        return False


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    # The program's name stands in parentheses and may hold anything; the state comes after it.
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def signal_all(pids: Iterable[int], number: signal.Signals) -> list[int]:
    reached = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        except PermissionError as error:
            raise DevcloudError(
                f"process {pid} of this devcloud belongs to another user"
            ) from error
        reached.append(pid)
    return reached


def proportional_size(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
