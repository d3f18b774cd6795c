"""From all that is known of one address to JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cloud.live import owners, protected
from reconciler.engine.compare import FieldChange
from reconciler.engine.explain import Explanation
from reconciler.kinds.address import Address
from reconciler.kinds.values import Json
from reconciler.report.facts import Background, item, live_items, safe_fields, stated_options
from reconciler.report.jsonform import FORMAT_VERSION, dump, plan_form
from reconciler.report.table import make_table
from reconciler.report.words import SENSITIVE, plain
from reconciler.state.values import Resource


def explain_json(found: Explanation, at: Background) -> str:
    """Write it as one JSON object, of which fields are added and never changed."""
    changes = plan_form(make_table(found.plan, folder=at.folder))["changes"]
    return dump({
        "format_version": FORMAT_VERSION,
        "address": str(found.address),
        "kind": found.kind.name,
        "declared": _declared_form(found.resource, found),
        "live": _live_form(found, at),
        "changes": changes,
        "ignored": [_ignored_form(one, found.address) for one in found.ignored],
        "inside": _around_form(found.declared.inside, found.live.inside),
        "referring": _around_form(found.declared.referring, found.live.referring),
        "last": None if found.last is None else _declared_form(found.last, None),
        "removed": None if found.removed is None
        else {"revision": found.removed.name, "author": found.removed.author},
    })  # fmt: skip


def _declared_form(resource: Resource | None, found: Explanation | None) -> Json:
    if resource is None:
        return None
    lists: dict[str, list[str]] = {}
    for one in found.items if found else ():
        lists.setdefault(one.kind.collection, []).append(item(one.kind, one.parent, one.fields))
    origin = resource.origin
    return {
        "source": {"file": origin.file, "line": origin.line} if origin.file else None,
        "lifecycle": resource.lifecycle.value,
        "implied": resource.implied,
        "fields": safe_fields(resource.kind, resource.fields, resource.parent),
        "options": stated_options(resource),
        "lists": {name: sorted(items) for name, items in lists.items()},
        "claims": sorted(found.claims_of) if found else [],
    }


def _live_form(found: Explanation, at: Background) -> Json:
    one = found.found
    if one is None and not found.twins:
        return None
    alone: dict[str, Json] = {"id": None, "name": None, "owners": [], "protected": False,
                              "fields": {}, "lists": {}}  # fmt: skip
    if one is not None:
        alone = {
            "id": one.id or None,
            "name": one.name or None,
            "owners": sorted(owners(one.kind, one.raw)),
            "protected": protected(one.kind, one.raw, at.owner),
            "fields": safe_fields(one.kind, at.live.fields(one), one.parent),
            "lists": live_items(found, at.live),
        }
    return {**alone, "twins": [twin.id for twin in found.twins],
            "strangers": list(found.strangers)}  # fmt: skip


def _ignored_form(one: FieldChange, base: Address) -> dict[str, Json]:
    if one.sensitive:
        return {"path": one.path, "before": SENSITIVE, "after": SENSITIVE}
    return {
        "path": one.path, "before": plain(one.before, base), "after": plain(one.after, base),
    }  # fmt: skip


def _around_form(git: Sequence[Address], cloud: Sequence[Address]) -> dict[str, list[str]]:
    return {"declared": [str(a) for a in git], "live": [str(a) for a in cloud]}
