"""From all that is known of one address to JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cloud.live import owners, protected
from reconciler.engine.compare import FieldChange
from reconciler.engine.explain import Explanation
from reconciler.kinds.address import Address
from reconciler.report.answers import (
    AroundForm,
    CommitForm,
    DeclaredForm,
    ExplainForm,
    IgnoredForm,
    LiveForm,
)
from reconciler.report.facts import Background, item, live_items, safe_fields, stated_options
from reconciler.report.jsonform import FORMAT_VERSION, SourceForm, plan_form
from reconciler.report.jsontext import dump
from reconciler.report.table import make_table
from reconciler.report.words import SENSITIVE, plain
from reconciler.state.values import Resource


def explain_json(found: Explanation, at: Background) -> str:
    """Write it as one JSON object, of which fields are added and never changed."""
    changes = plan_form(make_table(found.plan, folder=at.folder))["changes"]
    removed = found.removed
    return dump(ExplainForm(
        format_version=FORMAT_VERSION,
        address=str(found.address),
        kind=found.kind.name,
        declared=_declared_form(found.resource, found),
        live=_live_form(found, at),
        changes=changes,
        ignored=[_ignored_form(one, found.address) for one in found.ignored],
        inside=_around_form(found.declared.inside, found.live.inside),
        referring=_around_form(found.declared.referring, found.live.referring),
        last=_declared_form(found.last, None),
        removed=CommitForm(revision=removed.name, author=removed.author) if removed else None,
    ))  # fmt: skip


def _declared_form(resource: Resource | None, found: Explanation | None) -> DeclaredForm | None:
    if resource is None:
        return None
    lists: dict[str, list[str]] = {}
    for one in found.items if found else ():
        lists.setdefault(one.kind.collection, []).append(item(one.kind, one.parent, one.fields))
    origin = resource.origin
    return DeclaredForm(
        source=SourceForm(file=origin.file, line=origin.line) if origin.file else None,
        lifecycle=resource.lifecycle.value,
        implied=resource.implied,
        fields=safe_fields(resource.kind, resource.fields, resource.parent),
        options=stated_options(resource),
        lists={name: sorted(items) for name, items in lists.items()},
        claims=sorted(found.claims_of) if found else [],
    )


def _live_form(found: Explanation, at: Background) -> LiveForm | None:
    one = found.found
    if one is None and not found.twins:
        return None
    alone = LiveForm(
        id=None, name=None, owners=[], protected=False, fields={}, lists={},
        twins=[twin.id for twin in found.twins], strangers=list(found.strangers),
    )  # fmt: skip
    if one is not None:
        alone["id"], alone["name"] = one.id or None, one.name or None
        alone["owners"] = sorted(owners(one.kind, one.raw))
        alone["protected"] = protected(one.kind, one.raw, at.owner)
        alone["fields"] = safe_fields(one.kind, at.live.fields(one), one.parent)
        alone["lists"] = live_items(found, at.live)
    return alone


def _ignored_form(one: FieldChange, base: Address) -> IgnoredForm:
    before, after = plain(one.before, base), plain(one.after, base)
    if one.sensitive:
        before = after = SENSITIVE
    return IgnoredForm(path=one.path, before=before, after=after)


def _around_form(git: Sequence[Address], cloud: Sequence[Address]) -> AroundForm:
    return AroundForm(declared=[str(a) for a in git], live=[str(a) for a in cloud])
