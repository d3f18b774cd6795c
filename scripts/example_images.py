"""From nothing to the images of the examples: empty qcow2 disks that every tool takes for valid."""

from __future__ import annotations

import struct
from pathlib import Path

CLUSTER = 512
"""Bytes of a cluster: the smallest there is."""
MIB = 1 << 20
EXAMPLES = Path(__file__).parent.parent / "desired_state"
IMAGES = {
    "campus/images/ubuntu-22.04.qcow2": 1 * MIB,
    "campus/images/ubuntu-24.04.qcow2": 2 * MIB,
    "ha-cloud/images/cirros-x86_64.qcow2": 1 * MIB // 2,
    "ha-cloud/images/ubuntu14.04-x86_64.qcow2": 1 * MIB // 4,
}
"""Files, and how large the disks in them look: so no two have the same checksum."""


def qcow2(size: int) -> bytes:
    """Give an empty disk: the header, the table and block of reference counts, the first table."""
    entries = size // (CLUSTER * (CLUSTER // 8))
    header = struct.pack(
        ">4sIQIIQIIQQIIQ",
        b"QFI\xfb", 2, 0, 0, 9, size, 0, entries, 3 * CLUSTER, 1 * CLUSTER, 1, 0, 0,
    )  # fmt: skip
    counts = struct.pack(">4H", 1, 1, 1, 1)
    clusters = (header, struct.pack(">Q", 2 * CLUSTER), counts, b"")
    return b"".join(cluster.ljust(CLUSTER, b"\0") for cluster in clusters)


def main() -> None:
    for name, size in IMAGES.items():
        path = EXAMPLES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(qcow2(size))


if __name__ == "__main__":
    main()
