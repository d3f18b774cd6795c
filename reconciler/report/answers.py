"""The forms of what `unmanaged` and `explain` answer programs: fields are added, never changed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic needs it below Python 3.12

from reconciler.kinds.values import Json
from reconciler.report.jsonform import AddressWord, ChangeForm, SourceForm

CLOSED = ConfigDict(extra="forbid")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Fields = Annotated[dict[str, Any], Field(description="By name; secrets are hidden.")]
Lists = Annotated[
    dict[str, list[str]],
    Field(description="What has no address of its own, such as rules, by the field that has it."),
]


@with_config(CLOSED)
class StrangerForm(TypedDict):
    """One object in the cloud."""

    address: AddressWord
    kind: str
    id: Annotated[str | None, Field(description="null where the service gives none.")]
    owners: Annotated[list[str], Field(description="Whose marks it carries.")]
    parent: Annotated[AddressWord | None, Field(description="What it lies in.")]
    item: Annotated[str | None, Field(description="What it says, where it is an edge.")]


@with_config(CLOSED)
class UnmanagedForm(TypedDict):
    """What is in the cloud and not in git."""

    format_version: Literal["1.0"]
    cloud: str
    unmanaged: Annotated[list[StrangerForm], Field(description="Neither declared nor ours.")]
    ours: Annotated[
        list[StrangerForm], Field(description="Ours and declared no more: a plan speaks of it.")
    ]
    summary: Annotated[dict[str, int], Field(description="Of what is unmanaged, by kind.")]
    incomplete: Annotated[
        dict[str, str], Field(description="Kinds that could not be listed whole, and why.")
    ]


@with_config(CLOSED)
class DeclaredForm(TypedDict):
    """What git says of an object."""

    source: Annotated[SourceForm | None, Field(description="null where no file names it.")]
    lifecycle: str
    implied: Annotated[bool, Field(description="Named only because something lies in it.")]
    fields: Fields
    options: Annotated[dict[str, Any], Field(description="What stands under reconcile.")]
    lists: Lists
    claims: Annotated[list[str], Field(description="Lists that are stated whole.")]


@with_config(CLOSED)
class LiveForm(TypedDict):
    """What the cloud has of an object."""

    id: Annotated[str | None, Field(description="null where it has none, or several answer to it.")]
    name: str | None
    owners: Annotated[list[str], Field(description="Whose marks it carries.")]
    protected: bool
    fields: Fields
    lists: Lists
    twins: Annotated[list[str], Field(description="Ids, where several answer to the address.")]
    strangers: Annotated[list[str], Field(description="Ids of others of that name, not ours.")]


@with_config(CLOSED)
class IgnoredForm(TypedDict):
    """A difference that is not looked at, because the entry says so."""

    path: str
    before: Any
    after: Any


@with_config(CLOSED)
class AroundForm(TypedDict):
    """Addresses in git, and in the cloud."""

    declared: list[AddressWord]
    live: list[AddressWord]


@with_config(CLOSED)
class CommitForm(TypedDict):
    """One commit."""

    revision: str
    author: str


@with_config(CLOSED)
class ExplainForm(TypedDict):
    """All that is known of one address."""

    format_version: Literal["1.0"]
    address: AddressWord
    kind: str
    declared: Annotated[DeclaredForm | None, Field(description="null where git does not name it.")]
    live: Annotated[LiveForm | None, Field(description="null where it is not in the cloud.")]
    changes: Annotated[list[ChangeForm], Field(description="What a plan makes of it.")]
    ignored: list[IgnoredForm]
    inside: Annotated[AroundForm, Field(description="What lies in it.")]
    referring: Annotated[AroundForm, Field(description="What refers to it.")]
    last: Annotated[
        DeclaredForm | None, Field(description="Of what is declared no more: what git said last.")
    ]
    removed: Annotated[CommitForm | None, Field(description="The commit that took it away.")]


def answer_schemas() -> dict[str, Json]:
    """Give the JSON Schemas of the answers, by the name of the command."""
    return {
        name: {"$schema": DIALECT, **TypeAdapter(form).json_schema(),
               "title": f"The answer of `reconciler {name} -o json`"}
        for name, form in (("unmanaged", UnmanagedForm), ("explain", ExplainForm))
    }  # fmt: skip
