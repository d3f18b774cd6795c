"""From whose an object is to what is written on it: the owner's mark, and protection beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.engine.send import Sender
from reconciler.engine.values import Change
from reconciler.errors import Missing
from reconciler.kinds.calls import Mark, MarkStyle
from reconciler.kinds.values import Json

TAGS = (MarkStyle.TAG, MarkStyle.TAG_IN_BODY)


def marks_in_body(change: Change, owner: str) -> dict[str, Json]:
    """Give the attributes that say so in the object's own body."""
    mark = change.kind.mark
    if mark is None or mark.style is not MarkStyle.ATTRIBUTE:
        return {}
    words = dict(_added(change, mark, owner))
    return {**words, **dict.fromkeys(_dropped(change, mark, owner))}


def tags_with_marks(change: Change, owner: str, tags: set[str]) -> list[str]:
    """Give the tags of an object with those that say so."""
    mark = change.kind.mark
    if mark is None or mark.style not in TAGS:
        return sorted(tags)
    added = {name for name, _ in _added(change, mark, owner)}
    return sorted(tags - set(_dropped(change, mark, owner)) | added)


def send_marks(change: Change, sender: Sender, owner: str) -> None:
    """Write and take away, by requests of their own, what could not go with the object."""
    mark = change.kind.mark
    if mark is None or mark.style is MarkStyle.ATTRIBUTE:
        return
    for name, value in _added(change, mark, owner):
        _with(sender, name, value).send(change.kind.calls["mark"])
    for name in _dropped(change, mark, owner):
        unmark = change.kind.calls.get("unmark")
        taken = unmark or replace(change.kind.calls["mark"], method="DELETE", body=None)
        try:
            _with(sender, name, "").send(taken)
        except Missing:
            continue  # it was not there: just what was wanted


def _with(sender: Sender, name: str, value: str) -> Sender:
    words: Mapping[str, Json] = {"mark": name, "mark_key": name, "mark_value": value}
    return Sender(sender.http, sender.kind, {**sender.values, **words})


def _added(change: Change, mark: Mark, owner: str) -> list[tuple[str, str]]:
    if mark.style in TAGS:
        words = [(f"reconciler:{owner}", ""), (f"reconciler:{owner}:protect", "")]
    else:
        words = [(_owner_key(mark), owner), (mark.guard, "true")]
    return [
        word for word, wanted in zip(words, (change.mark, change.protect), strict=True) if wanted
    ]


def _dropped(change: Change, mark: Mark, owner: str) -> list[str]:
    if mark.style in TAGS:
        words = [f"reconciler:{owner}", f"reconciler:{owner}:protect"]
    else:
        words = [_owner_key(mark), mark.guard]
    unprotect = change.detach or change.protect is False
    return [word for word, drop in zip(words, (change.detach, unprotect), strict=True) if drop]


def _owner_key(mark: Mark) -> str:
    return mark.field if mark.style is MarkStyle.ATTRIBUTE else mark.key
