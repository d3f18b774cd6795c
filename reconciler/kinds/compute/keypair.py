"""Key pairs of the controller's own user."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from reconciler.kinds.calls import Call, Listing
from reconciler.kinds.compute.version import MICROVERSION
from reconciler.kinds.kind import Kind
from reconciler.kinds.spec import Immutable, Spec

PublicKey = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class KeypairSpec(Spec):
    """The public half of a key that servers let in. A changed key pair is made again."""

    public_key: Annotated[PublicKey, Immutable()]
    """The key, or the certificate."""
    type: Annotated[Literal["ssh", "x509"], Immutable()] = "ssh"
    """What it is."""


KEYPAIR = Kind(
    name="Keypair",
    collection="keypairs",
    spec=KeypairSpec,
    service="compute",
    version=MICROVERSION,
    unique=True,
    case_insensitive=True,
    renameable=False,
    id_wire="name",
    listing=Listing(path="/os-keypairs", items="keypairs", envelope="keypair", page=500),
    create=Call("POST", "/os-keypairs", {"keypair": "{*}"}, returns="keypair"),
    delete=Call("DELETE", "/os-keypairs/{id}"),
    get=Call("GET", "/os-keypairs/{id}", returns="keypair"),
)
