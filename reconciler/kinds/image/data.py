"""From a file or a URL to the data of an image, checked on the way and again afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from typing import Annotated, BinaryIO
from urllib.parse import urlsplit

from pydantic import AfterValidator

from reconciler.errors import Missing, Rejected, Transient
from reconciler.kinds.calls import Work
from reconciler.kinds.image.checksums import Sums, chunks
from reconciler.kinds.image.fetch import fetch, refuse_near
from reconciler.kinds.values import Json, Text

NOTED = "reconciler_checksum"
"""The property that notes the checksums which Glance does not keep."""
LARGEST = 1 << 40
"""Bytes after which a download is given up."""
PATIENCE = 2 * 3600.0
"""Seconds that data may take to come."""
TICK = 2.0
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port  # "https://user:pass#word@host" has its password there
    except ValueError:
        # What Python says of it repeats it, and there may be a password in it.
        raise ValueError("is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("takes http://… or https://…")
    if parts.username or parts.password:
        raise ValueError("holds a password, which has no place in the state")
    return value


Url = Annotated[Text, AfterValidator(_url)]


def kept(raw: Mapping[str, Json]) -> dict[str, str]:
    """Give the checksums that are known of an image's data; without data there are none."""
    found: dict[str, str] = {}
    if raw.get("os_hash_value") or raw.get("checksum"):
        words = (word.partition(":") for word in str(raw.get(NOTED) or "").split())
        found = {algorithm: digits for algorithm, _, digits in words}
    if raw.get("checksum"):
        found["md5"] = str(raw["checksum"])
    if raw.get("os_hash_value"):
        found[str(raw["os_hash_algo"])] = str(raw["os_hash_value"])
    return found


def put_data(work: Work) -> None:
    """Give an image its data; data that are not what was stated go, and the image with them.

    Raises:
        CloudError: they could not be had, or are not what was stated.

    """
    stated: Mapping[str, str] = work.values.get("checksum") or {}
    file, url = work.values.get("file"), work.values.get("url")
    if not file and not url:
        raise Rejected("it has no data, and neither file nor url says where to take them from")
    if url and work.values.get("import_method"):
        refuse_near(str(url), work.allowed_hosts)
        sums = _import(work, str(url))
    else:
        with closing(work.open(file) if file else fetch(str(url), work.allowed_hosts)) as stream:
            sums = _upload(work, stream)
    _check(work, stated, sums)


def _upload(work: Work, stream: BinaryIO) -> dict[str, str]:
    """Pass data on as they come, so that they never lie here whole; give their checksums."""
    sums = Sums({"sha512", *(work.values.get("checksum") or {})})
    whole = _length(stream)
    deadline = time.monotonic() + PATIENCE

    def passed_on() -> Iterator[bytes]:
        for chunk in chunks(stream):
            sums.add(chunk)
            work.progress(sums.size, whole)
            if sums.size > LARGEST or time.monotonic() > deadline:
                raise Transient(f"given up after {sums.size} bytes: too much, or too slow")
            yield chunk

    work.http.request("image", "PUT", f"/images/{work.id}/file", content=passed_on())
    if whole and sums.size != whole:
        raise _dropped(work, f"{sums.size} of {whole} bytes came")
    return sums.found()


def _length(stream: BinaryIO) -> int:
    """Give the number of bytes where that can be told, else 0."""
    announced = getattr(stream, "length", None)  # of an answer of HTTP
    if announced is not None:
        return int(announced)
    if not stream.seekable():
        return 0
    end = stream.seek(0, 2)
    stream.seek(0)
    return end


def _import(work: Work, url: str) -> dict[str, str]:
    """Have the cloud fetch the data itself, and wait for it."""
    method = {"method": {"name": "web-download", "uri": url}}
    work.http.request("image", "POST", f"/images/{work.id}/import", json=method)
    waited = 0.0
    while waited < PATIENCE:
        raw = work.http.request("image", "GET", f"/images/{work.id}")
        if raw["status"] == "active":
            return {}
        if raw["status"] == "killed" or (
            raw["status"] == "queued" and raw.get("os_glance_failed_import")
        ):
            raise Rejected(f"the cloud could not fetch it{_why(work)}")
        work.sleep(TICK)
        waited += TICK
    raise Transient(f"the cloud did not fetch it within {PATIENCE:.0f} s")


def _why(work: Work) -> str:
    tasks = work.http.request("image", "GET", f"/images/{work.id}/tasks").get("tasks") or ()
    told = [str(task["message"]) for task in tasks if task.get("message")]
    return f": {told[0]}" if told else ""


def _check(work: Work, stated: Mapping[str, str], ours: Mapping[str, str]) -> None:
    """Compare what was stated, what passed here and what Glance keeps; note what it does not."""
    raw = work.http.request("image", "GET", f"/images/{work.id}")
    theirs = kept({key: value for key, value in raw.items() if key != NOTED})
    for algorithm in {*stated, *ours}:
        sums = {s[algorithm] for s in (stated, ours, theirs) if algorithm in s}
        if len(sums) > 1:
            found = ours.get(algorithm) or theirs[algorithm]
            text = f"the data have {algorithm}:{found}, another one than stated"
            if stated.get(algorithm) == found or algorithm not in stated:
                text = f"the data were damaged on their way: {algorithm} is {theirs[algorithm]}"
            raise _dropped(work, text)
    unknown = sorted(f"{a}:{digits}" for a, digits in stated.items() if a not in theirs)
    if unknown:
        note = [{"op": "add", "path": f"/{NOTED}", "value": " ".join(unknown)}]
        work.http.request("image", "PATCH", f"/images/{work.id}", json=note, headers=PATCH)


def _dropped(work: Work, why: str) -> Rejected:
    """Delete an image with wrong data, which can be put right in no other way."""
    free = [{"op": "add", "path": "/protected", "value": False}]
    with suppress(Missing):
        work.http.request("image", "PATCH", f"/images/{work.id}", json=free, headers=PATCH)
        work.http.request("image", "DELETE", f"/images/{work.id}")
    return Rejected(f"{why}; the image was deleted")
