"""From an empty directory, to the databases and keys of a new cloud."""

import base64
import os
import secrets
import sqlite3
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from reconciler.devcloud.errors import DevcloudError
from reconciler.devcloud.layout import REGION, Home
from reconciler.devcloud.processes import environment
from reconciler.devcloud.services import SERVICES

RUNTIME = Path(__file__).parent / "runtime"
FOLDERS = (
    "db",
    "tmp",
    "locks",
    "nova",
    "neutron",
    "cinder",
    "images/store",
    "images/staging",
    "images/tasks",
)


def make_databases(home: Home, venv: Path) -> None:
    """Every service's empty database, and keystone's first user, project, roles and endpoints."""
    for folder in FOLDERS:
        (home.data / folder).mkdir(parents=True)
    make_keys(home)
    for service in SERVICES:
        for name in service.databases:
            with closing(sqlite3.connect(home.database(name))) as connection:
                # Readers and a writer then do not keep each other out; the file remembers it.
                connection.execute("pragma journal_mode = wal")
    # Each is one process of mostly Python time; the long ones begin first.
    jobs = (nova, neutron, keystone, cinder, glance, placement)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for future in [pool.submit(job, home, venv) for job in jobs]:
            future.result()


def flush(home: Home) -> None:
    """Bring what the write-ahead logs hold into the databases, so that the files can be copied."""
    for path in sorted((home.data / "db").glob("*.sqlite")):
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")


def make_keys(home: Home) -> None:
    """One staged and one primary key, as `keystone-manage fernet_setup` makes them."""
    for folder in ("fernet-keys", "credential-keys"):
        (home.data / folder).mkdir(mode=0o700)
        for name in ("0", "1"):
            path = home.data / folder / name
            path.touch(mode=0o600)
            path.write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))


def keystone(home: Home, venv: Path) -> None:
    conf = ["--config-file", str(home.etc / "keystone/keystone.conf")]
    bootstrap = [
        "bootstrap",
        *("--bootstrap-username", "admin"),
        *("--bootstrap-project-name", "admin"),
        *("--bootstrap-role-name", "admin"),
        *("--bootstrap-service-name", "keystone"),
        *("--bootstrap-region-id", REGION),
        *("--bootstrap-public-url", home.identity),
        *("--bootstrap-internal-url", home.identity),
        *("--bootstrap-admin-url", home.identity),
    ]
    manage(
        home,
        venv,
        "keystone.cmd.manage",
        [*conf, "db_sync"],
        [*conf, *bootstrap],
        # Not on the command line, which every user of the machine can read.
        extra={"OS_BOOTSTRAP_PASSWORD": home.password},
    )


def glance(home: Home, venv: Path) -> None:
    conf = ["--config-file", str(home.etc / "glance/glance-api.conf")]
    definitions = str(venv / "etc/glance/metadefs")
    manage(
        home,
        venv,
        "glance.cmd.manage",
        [*conf, "db_sync"],
        [*conf, "db_load_metadefs", definitions],
    )


def placement(home: Home, venv: Path) -> None:
    conf = ["--config-file", str(home.etc / "placement/placement.conf")]
    manage(home, venv, "placement.cmd.manage", [*conf, "db", "sync"])


def nova(home: Home, venv: Path) -> None:
    conf = ["--config-file", str(home.etc / "nova/nova.conf")]
    cell0 = ["--database_connection", home.database_url("nova_cell0")]
    cell1 = ["--database_connection", home.database_url("nova"), "--transport-url", "fake://"]
    manage(
        home,
        venv,
        "nova.cmd.manage",
        [*conf, "api_db", "sync"],
        [*conf, "cell_v2", "map_cell0", *cell0],
        [*conf, "db", "sync"],
        [*conf, "cell_v2", "create_cell", "--name", "cell1", *cell1],
    )


def neutron(home: Home, venv: Path) -> None:
    files = [home.etc / "neutron" / name for name in ("neutron.conf", "ml2_conf.ini")]
    conf = [word for file in files for word in ("--config-file", str(file))]
    script = [str(RUNTIME / "make_neutron_tables.py"), home.database_url("neutron")]
    run(home, venv, "neutron", [*script, *conf])


def cinder(home: Home, venv: Path) -> None:
    conf = ["--config-file", str(home.etc / "cinder/cinder.conf")]
    manage(home, venv, "cinder.cmd.manage", [*conf, "db", "sync"])


def manage(
    home: Home,
    venv: Path,
    module: str,
    *commands: list[str],
    extra: Mapping[str, str] | None = None,
) -> None:
    """Run command lines of one of the services' own administration programs."""
    name = module.partition(".")[0]
    words = [word for command in commands for word in ("--", *command)]
    script = str(RUNTIME / "run_commands.py")
    run(home, venv, name, [script, module, f"{name}-manage", *words], extra or {})


def run(
    home: Home, venv: Path, name: str, words: list[str], extra: Mapping[str, str] | None = None
) -> None:
    log = home.log / f"{name}-setup.log"
    with log.open("w") as output:
        done = subprocess.run(
            [venv / "bin/python", "-P", *words],
            cwd=home.etc / name,
            env={**environment(home), **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
            close_fds=False,  # it holds the home as long as it runs, should this be killed
        )
    if done.returncode:
        raise DevcloudError(f"making {name}'s database failed; see {log}")
