"""Images: what servers and volumes are made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from reconciler.kinds.calls import FIELDS, TAGGED_IN_BODY, Call, Listing, Lock, Retire
from reconciler.kinds.image.checksums import Checksums, complete
from reconciler.kinds.image.data import Url, put_data
from reconciler.kinds.image.properties import (
    Properties,
    authored_image,
    read_image,
    write_image,
)
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import CreateOnly, Immutable, Keyed, Spec, Via, Wire
from reconciler.kinds.values import Bool, GiB, Json, MiB, Tags, Text, is_reserved

PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class ImageSpec(Spec):
    """An image of a project. Its data never change: other data are another image."""

    file: Annotated[Text | None, CreateOnly(), Via("data")] = None
    """The data: a file beside the state, by its path below the state's root."""
    url: Annotated[Url | None, CreateOnly(), Via("data")] = None
    """The data: where to fetch them from; needs `checksum`."""
    import_method: Annotated[Literal["web-download"] | None, CreateOnly(), Via("data")] = None
    """web-download has the cloud fetch from `url` itself; left out, they pass through here."""
    checksum: Annotated[Checksums, Immutable(once=True), Keyed(), Via("data")] = {}  # noqa: RUF012
    """What the data must be: `sha512:…`, `sha256:…` or `md5:…`; of a `file`, told by the file."""
    disk_format: Annotated[
        Annotated[Text, BeforeValidator(_lower)] | None, Immutable(once=True)
    ] = None
    """`qcow2`, `raw`, `iso` and so on."""
    container_format: Annotated[
        Annotated[Text, BeforeValidator(_lower)] | None, Immutable(once=True)
    ] = None
    """What is around the disk: mostly `bare`."""
    visibility: Literal["private", "shared", "community", "public"] = "shared"
    """Who can use it: the project; its `members`, too; whoever knows its id; everybody."""
    protected: Bool = False
    """Whether it cannot be deleted until this is taken away."""
    hidden: Annotated[Bool, Wire("os_hidden")] = False
    """Whether lists leave it out."""
    min_disk: GiB = 0
    """The smallest disk that it fits on; a bare number is in GiB."""
    min_ram: MiB = 0
    """The least memory that it runs in; a bare number is in MiB."""
    properties: Annotated[Properties, Keyed()] = Field(default_factory=dict)
    """Further words for the scheduler, the hypervisor and people; only the stated keys are ours."""
    tags: Tags = frozenset()
    """Short words to find it by."""
    active: Annotated[Bool, Via("active")] = True
    """Whether its data can be had; false deactivates it."""

    @model_validator(mode="after")
    def _has_one_source(self) -> ImageSpec:
        if self.file is not None and self.url is not None:
            raise ValueError("takes either file or url")
        if self.url is not None and not self.checksum:
            raise ValueError("url needs checksum: sha512:…, or nobody knows what was fetched")
        if self.import_method and not self.url:
            raise ValueError("import_method needs url")
        if self.import_method and not {"sha512", "md5"} & set(self.checksum):
            raise ValueError("import_method needs a checksum that the cloud keeps: sha512 or md5")
        if (self.file or self.url) and not (self.disk_format and self.container_format):
            raise ValueError("data need disk_format and container_format (mostly bare)")
        return self


def _action(values: Mapping[str, Json]) -> str:
    return f"/images/{{id}}/actions/{'reactivate' if values['active'] else 'deactivate'}"


def _called(raw: Json) -> str:
    """Tell one that has a successor from it: until it is gone, both bear the name."""
    retired = any(is_reserved(tag) and tag.endswith(":retired") for tag in raw["tags"])
    return f"{raw['name']} (retired {raw['id']})" if retired else raw["name"] or ""


def _patch(field: str, *, value: bool) -> Call:
    change = {"op": "add", "path": f"/{field}", "value": value}
    return Call("PATCH", "/images/{id}", [change], headers=PATCH)


def _images(hidden: str) -> Listing:
    # Without `visibility` those of communities are missing, and hidden ones come in a list apart.
    params = {"visibility": "all", "os_hidden": hidden}
    return Listing(path="/images", items="images", page=500, params=params)


IMAGE = Kind(
    name="Image",
    collection="images",
    within=("Project",),
    spec=ImageSpec,
    service="image",
    ancestors={"owner": "Project"},
    called=_called,
    retire=Retire(
        Call("PUT", "/images/{id}/tags/{mark}:retired"), _patch("os_hidden", value=True)
    ),
    mark=TAGGED_IN_BODY,
    read=read_image,
    authored=authored_image,
    write=write_image,
    complete=complete,
    listing=_images("false"),
    more=(_images("true"),),
    find=Call("GET", "/images?name={name}&owner={Project}&visibility=all", returns="images"),
    create=Call("POST", "/images", FIELDS),
    update=Call("PATCH", "/images/{id}", FIELDS, headers=PATCH),
    get=Call("GET", "/images/{id}"),
    delete=Call("DELETE", "/images/{id}"),
    calls={
        "mark": Call("PUT", "/images/{id}/tags/{mark}"),
        "active": Call("POST", _action),
    },
    steps={"data": put_data},
    lock=Lock(
        lambda raw: bool(raw["protected"]),
        "protected",
        _patch("protected", value=False),
        updates=False,
    ),
)  # fmt: skip
