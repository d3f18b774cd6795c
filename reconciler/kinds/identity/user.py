"""Users of a domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import model_validator

from reconciler.kinds.calls import ATTRIBUTED, Listing, rest
from reconciler.kinds.identity.extra import Extra, put_extra, take_extra
from reconciler.kinds.kind import Kind
from reconciler.kinds.secret import SecretSource
from reconciler.kinds.spec import CreateOnly, ProjectRef, Secret, Spec, Wire
from reconciler.kinds.values import Bool, Int, Json, Text

ROTATION = "reconciler_rotation"
"""The attribute of a user that notes which rotation of the password was sent last."""


class Password(Spec):
    """Where the password is kept; it is never written into the state."""

    env: Annotated[Text | None, CreateOnly()] = None
    """The environment variable that holds it."""
    file: Annotated[Text | None, CreateOnly()] = None
    """The file that holds it."""
    rotation: Int = 1
    """Raise it to have the password sent again."""

    @model_validator(mode="before")
    @classmethod
    def _never_in_clear(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError("in clear; write {env: VARIABLE} or {file: PATH}")  # noqa: TRY004
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Password:
        if (self.env is None) == (self.file is None):
            raise ValueError("takes either env or file")
        self.__pydantic_fields_set__.add("rotation")  # noted on the user from the beginning
        return self


class UserOptions(Spec):
    """Options that Keystone knows by name."""

    ignore_change_password_upon_first_use: Bool | None = None
    """Do not ask for a new password at the first log-in."""
    ignore_password_expiry: Bool | None = None
    """The password does not expire."""
    ignore_lockout_failure_attempts: Bool | None = None
    """Wrong passwords do not lock the user out."""
    lock_password: Bool | None = None
    """The user cannot change the password."""
    ignore_user_inactivity: Bool | None = None
    """The user is not disabled for being away."""
    multi_factor_auth_enabled: Bool | None = None
    """Whether the rules below are enforced."""
    multi_factor_auth_rules: tuple[tuple[Text, ...], ...] | None = None
    """Sets of authentication methods, one of which is needed."""


class UserSpec(Spec):
    """Somebody, or something, that logs in."""

    password: Annotated[Password | None, Secret()] = None
    """Sent on create, and when its rotation changes."""
    email: Text | None = None
    """Where to reach the user."""
    description: Text | None = None
    """Free text."""
    enabled: Bool = True
    """Whether the user can log in."""
    default_project: Annotated[ProjectRef | None, Wire("default_project_id")] = None
    """The project of a log-in that names none."""
    options: UserOptions = UserOptions()
    """Keystone's resource options."""
    extra: Extra = {}  # noqa: RUF012 - pydantic copies it
    """Further attributes; only the stated keys are managed."""

    @model_validator(mode="before")
    @classmethod
    def _keeps_its_password(cls, value: object) -> object:
        if isinstance(value, Mapping) and "password" in value and value["password"] is None:
            raise ValueError("password cannot be null; leave it out, or disable the user")
        return value


def _read(raw: dict[str, Json]) -> dict[str, Json]:
    return {**take_extra(raw), "password": {"rotation": raw.get(ROTATION)}}


def _write(body: dict[str, Json], raw: Mapping[str, Json]) -> dict[str, Json]:
    body = put_extra(body)
    password = body.pop("password", None)
    if password:
        body[ROTATION] = password.get("rotation", 1)
        # Adopting a user sends nothing; it only notes the rotation from which on we send.
        if not raw or raw.get(ROTATION) is not None:
            body["password"] = SecretSource(password.get("env") or "", password.get("file") or "")
    return body


USER = Kind(
    name="User",
    collection="users",
    within=("Domain",),
    spec=UserSpec,
    unique=True,
    case_insensitive=True,
    replaceable=False,
    mark=ATTRIBUTED,
    grave=True,
    vital=("name", "enabled", "password"),
    read=_read,
    write=_write,
    ancestors={"domain_id": "Domain"},
    **{
        **rest("/users", "user", update="PATCH"),
        "service": "identity",
        # With a driver a domain (LDAP) a plain list shows one domain only, and says 200.
        "listing": Listing(
            path="/users?domain_id={parent}", items="users", page=500, each="Domain",
            all_parents=True,
        ),
    },
)  # fmt: skip
