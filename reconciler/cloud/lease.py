"""The time in which one run alone writes: a lease in the record, renewed as long as it works."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.cloud.record import Lease, Record, read_record, write_record
from reconciler.errors import CloudError, LockedError, Rejected
from reconciler.kinds.calls import Http

GOOD_FOR = 120.0
"""Seconds that a lease is believed in without being renewed."""
RENEWED = 30.0
CLOCKS = 600.0
"""Seconds by which the clocks of two hosts may differ."""
SETTLING = 0.3
"""Seconds, or more on a slow cloud, after which a look tells who wrote last, where two did."""


class Tenure:
    """Guards the record while we hold the lease: a thread of its own renews it."""

    def __init__(
        self,
        http: Http,
        project_id: str,
        owner: str,
        *,
        anew: bool = False,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = http
        self._project_id = project_id
        self._owner = owner
        self._anew = anew
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._holder = own_name()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self.record = Record()
        self.lost = ""
        """Why the lease is not ours any more, if so: then nothing more may be written."""

    def __enter__(self) -> Self:
        """Take the lease.

        Raises:
            LockedError: another run holds it.
            CloudError: the record can not be written.

        """
        now = self._clock()
        record = self._read()
        refuse_if_held(record.lease, self._holder, now)
        try:
            self.record = self._write(record)
        except Rejected:
            self._refuse_if_another_took_it(now)
            raise
        # Who read when there was no lease yet may take as long to write as we did.
        self._sleep(max(SETTLING, 2 * (self._clock() - now)))
        self._refuse_if_another_took_it(now)
        self._thread.start()
        return self

    def _refuse_if_another_took_it(self, now: float) -> None:
        after = read_record(self._http, self._project_id, self._owner) or Record()
        refuse_if_held(after.lease, self._holder, now)

    def _read(self) -> Record:
        """Read the record; one that makes no sense is begun anew, where somebody said so."""
        try:
            return read_record(self._http, self._project_id, self._owner) or Record()
        except Rejected:
            if not self._anew:
                raise
            return Record()

    def note(self, record: Record) -> None:
        """Write the record, with our lease in it.

        Raises:
            LockedError: the lease is not ours any more: we were away for too long.
            CloudError: it was not taken.

        """
        with self._lock:
            self._see_that_it_is_ours()
            self.record = self._write(record)

    def _see_that_it_is_ours(self) -> None:
        found = read_record(self._http, self._project_id, self._owner)
        if found is None or found.lease is None or found.lease.holder != self._holder:
            self.lost = "the lease is another run's by now: nothing more is written"
            raise LockedError(self.lost)

    def _write(self, record: Record) -> Record:
        lease = Lease(self._holder, self._clock() + GOOD_FOR)
        held = replace(record, lease=lease)
        write_record(self._http, self._project_id, self._owner, held)
        return held

    def _renew(self) -> None:
        until = self._clock() + GOOD_FOR
        while not self._over.wait(RENEWED) and not self.lost:
            try:
                self.note(self.record)
                until = self._clock() + GOOD_FOR
            except LockedError:
                return
            except CloudError:
                if self._clock() > until:
                    self.lost = "the lease ran out, for the record could not be written"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lease back, if it is ours still."""
        self._over.set()
        self._thread.join()
        if self.lost:
            return
        try:
            with self._lock:
                self._see_that_it_is_ours()
                write_record(
                    self._http, self._project_id, self._owner, replace(self.record, lease=None)
                )
        except (CloudError, LockedError):
            return  # it ends by itself: on this host at once, elsewhere after GOOD_FOR


def refuse_if_held(lease: Lease | None, holder: str, now: float) -> None:
    """Refuse to write while another run does.

    Raises:
        LockedError: it is one that still lives, as far as anybody can tell.

    """
    if lease is None or lease.holder == holder or lease.until <= now or _is_dead(lease.holder):
        return
    if lease.until > now + GOOD_FOR + CLOCKS:
        return  # no run takes one for so long: it is of a clock that was wrong
    seconds = round(lease.until - now)
    raise LockedError(
        f"another run holds the cloud: {lease.holder.split(' ')[0]}; its lease ends in {seconds} s "
        "unless it is renewed; --lock-timeout waits for it"
    )


def own_name() -> str:
    """Name this process so that others on this host can tell whether it still lives."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid} {_place()} {_started(pid)}"


def _place() -> str:
    """Name the kernel that runs, and the name space in which process numbers mean anything."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return "unknown"


def _started(pid: int) -> str:
    """Give when a process began, in ticks since the host did, or nothing where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    zombie = fields[0] in ("Z", "X")
    return "" if zombie else fields[19]


def _is_dead(holder: str) -> bool:
    """Say whether a holder was a process of this host that is no more."""
    name, _, rest = holder.partition(" ")
    place, _, started = rest.partition(" ")
    pid = name.rpartition(":")[2]
    if place == "unknown" or place != _place() or not pid.isdigit():
        return False
    return _started(int(pid)) != started
