"""From all that is known of one address to text for people, and JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from reconciler.cloud.live import Live, LiveObject, owners, protected
from reconciler.engine.explain import Explanation
from reconciler.kinds.address import Address
from reconciler.report.facts import Background, item, live_items, safe_fields, stated_options
from reconciler.report.table import make_table
from reconciler.report.text import header, rows_text
from reconciler.report.words import bare, clean, count_of, plain, shown
from reconciler.state.values import Resource

NAMED = 8
"""Addresses that are named before the rest is only counted."""


def explain_text(found: Explanation, at: Background, width: int = 100) -> Text:
    """Render what git says, what the cloud has, what a plan makes of it, and what hangs on it."""
    table = make_table(found.plan, folder=at.folder)
    text = header(table).append("\n\n").append(f"{clean(str(found.address))}\n", "bold cyan")
    for title, about, lines in (
        ("in git", _git_words(found), list(_git_lines(found))),
        ("in the cloud", _cloud_words(found, at), list(_cloud_lines(found, at.live))),
    ):
        text.append(f"\n{title}", "bold").append(f"  {about}\n")
        column = max((len(name) for name, _ in lines), default=0) + 2
        for name, value in lines:
            text.append(f"    {name:<{column}}{value}\n")
    words = _plan_words(found, at)
    text.append("\nplan", "bold").append(f"  {words}\n" if words else "\n")
    text.append_text(rows_text(table, width))
    for one in found.ignored:
        was, wanted = (shown(plain(v, found.address)) for v in (one.before, one.after))
        text.append(f"      {clean(one.path)}  {was}, not {wanted}: ignored, as git says\n", "dim")
    for title, git, cloud in (
        ("lies in it", found.declared.inside, found.live.inside),
        ("refers to it", found.declared.referring, found.live.referring),
    ):
        if git or cloud:
            text.append(f"\n{title}", "bold")
            text.append(f"  {count_of(len(git))} in git, {count_of(len(cloud))} in the cloud\n")
            text.append("".join(f"    {line}\n" for line in _around(git, cloud)))
    return text


def _git_words(found: Explanation) -> str:
    resource = found.resource
    if resource is None:
        if found.last is None:
            return "not declared"
        where = f", at {found.last.origin}" if found.last.origin.file else ""
        gone = f"removed in {clean(found.removed.words)}; " if found.removed else ""
        return f"declared no more: {gone}the last settled revision declares it{clean(where)}"
    place = f"{clean(str(resource.origin))} · " if resource.origin.file else ""
    if resource.implied:
        return f"{place}not declared, only what lies in it: nothing of it is managed"
    return f"{place}{resource.lifecycle.value}"


def _git_lines(found: Explanation) -> Iterator[tuple[str, str]]:
    resource = found.resource or found.last
    if resource is None:
        return
    values = safe_fields(resource.kind, resource.fields, resource.parent)
    for name, value in values.items():
        yield clean(name), shown(value)
    for name, items in _by_collection(found.items, found.claims_of).items():
        yield clean(name), items
    for name, value in stated_options(resource).items():
        yield f"reconcile.{clean(name)}", shown(value)


def _cloud_words(found: Explanation, at: Background) -> str:
    if found.twins:
        ids = ", ".join(clean(one.id) for one in found.twins)
        return f"{len(found.twins)} objects have this name ({ids}): nobody can tell which is meant"
    if found.found is None:
        why = at.live.incomplete.get(found.kind.name)
        return f"nobody knows: {clean(why)}" if why else "not there"
    words = [f"id {clean(found.found.id)}"] if found.found.id else []
    words.append(_mark_words(found.found, at.owner))
    if found.strangers:
        words.append(f"{len(found.strangers)} more of this name, not ours")
    return " · ".join(words)


def _mark_words(one: LiveObject, owner: str) -> str:
    if one.kind.mark is None:
        return "its kind takes no mark: git alone decides whose it is"
    marks = owners(one.kind, one.raw)
    if not marks:
        return "no mark: nobody's"
    words = ", ".join(f"{clean(m)} (ours)" if m == owner else clean(m) for m in sorted(marks))
    return f"mark of {words}" + (", protected" if protected(one.kind, one.raw, owner) else "")


def _cloud_lines(found: Explanation, live: Live) -> Iterator[tuple[str, str]]:
    one = found.found
    if one is None:
        return
    if one.name not in ("", found.address.name):
        yield "name", shown(one.name)
    for name, value in safe_fields(one.kind, live.fields(one), one.parent).items():
        if value not in (None, "", [], {}):
            yield clean(name), shown(value)
    for name, items in live_items(found, live).items():
        yield clean(name), "; ".join(bare(item) for item in items)


def _plan_words(found: Explanation, at: Background) -> str:
    """Say in words why there is nothing to do, where there is not."""
    if found.plan.changes:
        return ""
    if found.resource is not None and not found.resource.implied:
        external = not found.resource.managed
        return "never touched: it is declared external" if external else "nothing differs"
    one = found.found
    ours = one is not None and at.owner and at.owner in owners(one.kind, one.raw)
    if ours and not at.prunes:
        return "a folder, or without a history, takes nothing away: plan a commit to see it pruned"
    return "nothing: what is neither declared nor ours is never touched"


def _around(git: Sequence[Address], cloud: Sequence[Address]) -> Iterator[str]:
    """Name what is in git and in the cloud, or count it where it is too much to name."""
    every = sorted({*git, *cloud})
    if len(every) <= NAMED:
        for address in every:
            only = "" if address in cloud else "   in git only"
            yield clean(str(address)) + (only if address in git else "   in the cloud only")
        return
    here, there = Counter(a.kind for a in git), Counter(a.kind for a in cloud)
    for kind in sorted({*here, *there}):
        yield f"{kind}: {count_of(here[kind])} in git, {count_of(there[kind])} in the cloud"


def _by_collection(items: Iterable[Resource], whole: frozenset[str]) -> dict[str, str]:
    """Give the lists as they are stated, and whether they are all there shall be."""
    found: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for one in items:
        names[one.kind.collection] = one.kind.name
        found.setdefault(one.kind.collection, []).append(item(one.kind, one.parent, one.fields))
    return {
        name: "; ".join(clean(word) for word in sorted(words))
        + ("  (these and no others)" if names[name] in whole else "")
        for name, words in found.items()
    }
