"""What can be said in reconciler.yaml: whose state this is, which clouds, within which limits."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from reconciler.urls import BRANCH, checked_url, is_near, protocol_of

FILE = "reconciler.yaml"
OWNER = r"^[a-z0-9][a-z0-9-]{0,40}$"
DEFAULT_STATE = "desired_state"

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)([smhd])$")
_CRON = re.compile(r"^[\d*/,\-A-Za-z]+(?: [\d*/,\-A-Za-z]+){4}$")


def seconds(value: str) -> float:
    """Give the seconds of a time as people write it: 60s, 5m, 9h, 1d.

    Raises:
        ValueError: it is none.

    """
    match = _DURATION.match(value)
    if not match:
        raise ValueError("takes a time such as 60s, 5m, 9h or 1d")
    return float(match[1]) * _UNITS[match[2]]


def _seconds(value: object) -> object:
    if isinstance(value, str):
        return seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("takes a time such as 60s, 5m, 9h or 1d")  # noqa: TRY004 - pydantic
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is no time zone such as Europe/Berlin") from error
    return value


def _cron(value: str) -> str:
    if not _CRON.match(value):
        raise ValueError('takes five fields as cron does, such as "0 8 * * 1-5"')
    return value


Text = Annotated[str, Strict(), StringConstraints(min_length=1)]
PlainPath = Annotated[str, Strict(), StringConstraints(pattern=r"^/[\w./@+,:=-]+$")]
"""An absolute path that a shell and ssh read as it stands."""
Flag = Annotated[bool, Strict()]
Count = Annotated[int, Strict(), Field(ge=0)]
Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0),
    WithJsonSchema({"type": ["string", "number"], "pattern": _DURATION.pattern}),
]
Owner = Annotated[str, Strict(), StringConstraints(pattern=OWNER)]


class Part(BaseModel):
    """A part of the settings: closed, and never changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class VerifyMode(StrEnum):
    """Which commits must carry a signature."""

    OFF = "off"
    HEAD = "head"
    RANGE = "range"


class Verify(Part):
    """Whose commits are taken."""

    mode: VerifyMode = VerifyMode.OFF
    """head: the newest commit is signed; range: every one since the last that was applied."""
    keys: Text | None = None
    """The folder with the keys: absolute, on the controller's machine, or else in the repository,
    where it is read from the commit in force and never from the one that is to be verified."""

    @model_validator(mode="after")
    def _has_keys(self) -> Verify:
        if self.mode is not VerifyMode.OFF and not self.keys:
            raise ValueError("needs keys: the folder with the keys that commits are signed with")
        return self


class Ssh(Part):
    """How to go to a repository by ssh."""

    key: PlainPath
    """The file with the private key, which has no passphrase."""
    known_hosts: PlainPath
    """The file with the host keys of the server: no other is trusted."""


class Token(Part):
    """Where the token for a repository by https is: a reference, never the token."""

    env: Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = (
        None
    )
    """The name of an environment variable."""
    file: PlainPath | None = None
    """A file, read anew at every fetch."""
    username: Annotated[str, Strict(), StringConstraints(pattern=r"^[\w.@+-]+$")] = "git"
    """Whose token it is, where the server asks."""

    @model_validator(mode="after")
    def _has_one(self) -> Token:
        if (self.env is None) == (self.file is None):
            raise ValueError("takes one of env and file")
        return self


class Source(Part):
    """The repository that the controller follows."""

    url: Annotated[Text, AfterValidator(checked_url)]
    """Where to fetch from: https, ssh, or an absolute path; credentials never stand in it."""
    branch: Annotated[Text, StringConstraints(pattern=BRANCH)] = "main"
    """The branch that says what should be."""
    path: Text | None = None
    """The folder of the desired state in the repository, where it is not what state says."""
    interval: Duration = 60.0
    """How often to look for commits."""
    timeout: Duration = 60.0
    """How long one fetch may take."""
    ssh: Ssh | None = None
    """For a repository by ssh."""
    token: Token | None = None
    """For a repository by https."""
    ca: PlainPath | None = None
    """The file with the certificates that a server by https is checked with."""
    verify: Verify = Verify()
    """Signatures to ask for."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Source:
        protocol, near = protocol_of(self.url), is_near(self.url)
        if protocol == "ssh" and self.ssh is None:
            raise ValueError("needs ssh.key and ssh.known_hosts: its url goes by ssh")
        if self.token and not (protocol == "https" or (protocol == "http" and near)):
            raise ValueError("takes a token with https only: else anybody could read it")
        proven = near or self.verify.mode is not VerifyMode.OFF
        if protocol in ("http", "git") and not proven:
            raise ValueError(f"by {protocol} anybody could answer: take https, or verify commits")
        return self


class Mode(StrEnum):
    """Whether differences are only told or also mended."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


class Adopt(StrEnum):
    """What becomes of objects that are declared, there already, and nobody's."""

    ASK = "ask"
    ALLOW = "allow"
    REFUSE = "refuse"


class Budget(Part):
    """How much may be deleted within 24 hours."""

    fraction: Annotated[float, Field(ge=0, le=1)] | None = None
    """Of what was owned 24 hours ago."""
    absolute: Count | None = None
    """Objects, whatever the fraction says."""
    free: Count | None = None
    """Objects that are always allowed."""


class Limits(Part):
    """What a run may not go beyond by itself."""

    delete: Budget = Budget()
    """For every kind that is not named below."""
    kinds: dict[Text, Budget] = Field(default_factory=dict)
    """For one kind: Network: {absolute: 2}."""
    plan: Count | None = None
    """Deletes in one plan."""
    min_admins: Count = 2
    """Enabled users that keep the admin role."""


class Window(Part):
    """When the controller may write."""

    allow: Annotated[Text, AfterValidator(_cron)]
    """When it opens, as cron says it."""
    duration: Duration
    """How long it stays open."""
    time_zone: Annotated[Text, AfterValidator(_zone)] = "UTC"
    """The zone that the hours are in."""


class CloudSettings(Part):
    """One cloud that this state is for."""

    cloud: Text | None = None
    """Its name in clouds.yaml, where that is another."""
    region: Text | None = None
    """The region, where clouds.yaml names none or several."""
    mode: Mode = Mode.OBSERVE
    """observe: nothing is ever written; enforce: what differs is mended."""
    apply_commits: Flag = True
    """Whether the controller applies new commits."""
    heal: Flag = False
    """Whether the controller mends what was changed by hand."""
    prune: dict[Text, Flag] = Field(default_factory=dict)
    """Kinds of which an object goes when its entry goes: Network: true."""
    adopt: Adopt = Adopt.ASK
    """What becomes of what is there already and nobody's."""
    limits: Limits = Limits()
    """How much may be deleted."""
    windows: tuple[Window, ...] = ()
    """When it may be written; none: always."""


class MetricSettings(Part):
    """What the controller tells at /metrics."""

    names: Flag = False
    """Whether objects that differ are named one by one: whoever may scrape reads the names."""


class Settings(Part):
    """What stands in reconciler.yaml."""

    owner: Owner | None = None
    """The name that marks are written with: never empty, never reused by another repository."""
    state: Text = DEFAULT_STATE
    """The folder of the desired state, relative to this file."""
    source: Source | None = None
    """The repository that the controller follows."""
    metrics: MetricSettings = MetricSettings()
    """What the controller tells of it."""
    clouds: dict[Text, CloudSettings] = Field(default_factory=dict)
    """The clouds that the state is for, by a name of ours."""
