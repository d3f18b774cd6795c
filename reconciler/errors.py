"""What can go wrong, named by whose move is next.

ReconcilerError
├── UsageError            the person at the terminal: wrong options
├── StateError            the author: one or many problems in the state, each with file:line
├── SettingsError         the operator: reconciler.yaml or clouds.yaml
├── SourceError           the operator: the repository cannot be read
│   └── DamagedError      nobody: what git keeps cannot be read; fetch it anew
├── StaleError            nobody: the plan no longer fits the cloud, plan again
├── StoppedError          nobody: it was told to end before it was done
├── LockedError           nobody: another run writes, or it is not the time to
└── CloudError            an API answered, or did not
    ├── Transient         nobody: try again later
    ├── Rejected          the author: the cloud will never take this
    ├── Denied            the operator: credentials or policy
    ├── Missing           what was asked for is not there
    ├── Exists            it is there already
    └── Conflict          something else stands in the way (in use, over quota)
        └── Stale         it was changed since it was read (412)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReconcilerError(Exception):
    """Anything that the reconciler reports as a message rather than as a traceback."""


class UsageError(ReconcilerError):
    """The command line makes no sense."""


class SettingsError(ReconcilerError):
    """reconciler.yaml or clouds.yaml cannot be used as it is."""


class SourceError(ReconcilerError):
    """The repository or folder that holds the state cannot be read."""


class DamagedError(SourceError):
    """What git keeps cannot be read, whatever an author wrote: a clone may be damaged."""


class StaleError(ReconcilerError):
    """The plan no longer fits the cloud or the state."""


LONGEST = 1_000
"""Characters of a problem that are told: a name, or what was written, may be of any length."""
MOST = 1_000
"""Problems that are told at once."""


class LockedError(ReconcilerError):
    """Another run writes to the cloud, or nobody may at this time."""


class StoppedError(ReconcilerError):
    """Somebody told the process to end before this was done."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing an author can fix: where it is, what it is about, what is wrong and what to do."""

    file: str
    line: int
    address: str
    message: str
    warning: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", _shortened(self.address))
        object.__setattr__(self, "message", _shortened(self.message))

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file else ""
        about = f"{self.address}: " if self.address else ""
        return f"{place}{'warning: ' if self.warning else ''}{about}{self.message}"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


class StateError(ReconcilerError):
    """All problems of a state at once, as long as anybody would read them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        errors = tuple(problem for problem in problems if not problem.warning)
        if len(problems) > MOST:
            last = Problem("", 0, "", f"there are more than {MOST:,} problems: mend these first")
            problems = (*(errors or problems)[:MOST], last)
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class CloudError(ReconcilerError):
    """A service answered with an error, or did not answer."""

    def __init__(
        self,
        message: str,
        *,
        service: str = "",
        status: int = 0,
        request_id: str = "",
        sent: bool = True,
    ) -> None:
        self.service = service
        self.status = status
        self.request_id = request_id
        self.sent = sent
        """Whether the service may have acted on the request although no answer came."""
        super().__init__(message)


class Transient(CloudError):
    """Nobody's move: it may work later."""


class Rejected(CloudError):
    """The author's move: the cloud will not take this as it is."""


class Denied(CloudError):
    """The operator's move: the credentials or the policy do not allow it."""


class Missing(CloudError):
    """The object is not there."""


class Exists(CloudError):
    """The object is there already."""


class Conflict(CloudError):
    """Something stands in the way: in use, over quota, wrong state."""


class Stale(Conflict):
    """The object was changed after it was read."""


class Trouble(StrEnum):
    """When it makes sense to try again what went wrong."""

    TRANSIENT = "transient"  # soon: it may work by itself
    REJECTED = "rejected"  # when the state or the cloud is another one
    DENIED = "denied"  # when somebody gave the right


def trouble_of(error: Exception) -> Trouble:
    """Say when to try again after an error; what nobody foresaw may have been a chance."""
    match error:
        case Denied():
            return Trouble.DENIED
        case Stale():
            return Trouble.TRANSIENT
        case Rejected() | Conflict() | Exists() | StateError() | SettingsError() | UsageError():
            return Trouble.REJECTED
        case _:
            return Trouble.TRANSIENT
