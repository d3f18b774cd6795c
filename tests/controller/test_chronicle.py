"""What only tells is told again after its file broke."""

from __future__ import annotations

from pathlib import Path

from reconciler.chronicle import FLAPS, Chronicle, digest_of
from reconciler.engine.compare import FieldChange
from reconciler.engine.values import Action, Cause, Change
from reconciler.kinds.address import Address
from reconciler.kinds.registry import load_kinds

CHANGE = Change(
    Address("Network", ("campus", "shop", "front")), load_kinds()["Network"], Action.UPDATE,
    Address("Project", ("campus", "shop")), (FieldChange("mtu", 1400, 1450),), cause=Cause.LIVE,
)  # fmt: skip


def test_a_file_that_breaks_is_put_aside_and_flaps_are_stopped_again(tmp_path: Path) -> None:
    chronicle = Chronicle(tmp_path / "told.sqlite3")
    chronicle.path.write_bytes(b"this is no database, but long enough to be taken for one" * 9)
    assert chronicle.seen([CHANGE], 1.0) == {}
    assert chronicle.seen([CHANGE], 2.0) == {str(CHANGE.address): 2.0}
    for at in range(FLAPS):
        chronicle.corrected([CHANGE], float(at))
    assert chronicle.flapping(9.0) == {(str(CHANGE.address), digest_of(CHANGE))}
    assert (tmp_path / "told.sqlite3.broken").exists()
