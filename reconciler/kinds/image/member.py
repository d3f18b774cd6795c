"""Members of images: the projects that a shared image is offered to."""

from __future__ import annotations

from reconciler.kinds.calls import Call, Listing
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.spec import ProjectRef, Spec


class MemberSpec(Spec):
    """A project that a shared image is offered to; whether it takes it, only it can say."""

    project: ProjectRef
    """The project: `domain/name`."""


IMAGE_MEMBER = Kind(
    name="ImageMember",
    collection="members",
    within=("Image",),
    spec=MemberSpec,
    service="image",
    form=Form.LIST,
    shorthand="project",
    identity=("project",),
    folded=True,
    id_wire="",
    listing=Listing(
        path="/images/{parent}/members",
        items="members",
        each="Image",
        # Only shared images have members; the list of any other one is a 403.
        wanted=lambda raw: raw["visibility"] == "shared",
    ),
    read=lambda raw: {"project_id": raw["member_id"]},
    create=Call("POST", "/images/{parent}/members", {"member": "{project_id}"}),
    delete=Call("DELETE", "/images/{parent}/members/{project_id}"),
)
