"""From what is live and what git declares to what is in the cloud alone, and its YAML."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.cloud.index import Keys
from reconciler.cloud.live import Live, LiveObject, owners
from reconciler.cloud.observe import observe
from reconciler.engine.compare import same
from reconciler.engine.memory import Memory
from reconciler.engine.unmanaged import Unmanaged, declares, part
from reconciler.export.choose import Choice, Place, choose, filled_for, referred_to, scope_of
from reconciler.export.cloud import BESIDE, Export, look_at_all, write_down
from reconciler.export.words import Unsayable, list_in_words, naming
from reconciler.kinds.fields import fields_of
from reconciler.kinds.kind import Form
from reconciler.kinds.registry import Kinds
from reconciler.line import Target, ids_of, renames_of
from reconciler.state.values import Desired
from reconciler.yamlout import dump


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for: whose state it is not in, and where."""

    desired: Desired
    owner: str = ""
    memory: Memory | None = None
    projects: Collection[str] = ()
    """Names, or ``domain/name``; none: everywhere."""
    only: Collection[str] = ()
    """Names of kinds; none: all."""


@dataclass(frozen=True, slots=True)
class Search:
    """All that was seen, and what of it git does not declare."""

    live: Live
    keys: Keys
    found: Unmanaged
    choice: Choice
    """Strangers that nobody else has marked, with all that lies in them: to be written down."""
    pieces: Mapping[Place, tuple[LiveObject, ...]]
    """Edges that belong into entries which are there already: a second one would lack fields."""


def search(
    target: Target,
    asked: Asked,
    *,
    inside: bool,
    progress: Callable[[str, int], None] = lambda _kind, _count: None,
) -> Search:
    """Look at the cloud for what git does not declare.

    With ``inside`` what lies in strangers is read, too, where that takes a request for each.

    Raises:
        UsageError: there is no such project.

    """

    def look(keys: Keys) -> Live:
        return observe(
            target.http, target.kinds, target.who,
            wants=lambda parent, _kind: inside or declares(asked.desired, parent),
            keys=keys, renames=renames_of(asked.desired), owner=asked.owner, progress=progress,
            width=target.width,
        )  # fmt: skip

    live, keys = look_at_all(look, ids_of(asked.desired))
    return find_unmanaged(live, target.kinds, keys, asked)


def find_unmanaged(live: Live, kinds: Kinds, keys: Keys, asked: Asked) -> Search:
    """Give what git does not declare, and what of it may be written into the state.

    Neither holds what a cloud is born with, nor what services make by themselves. Of edges (rules,
    members, extra specs) it has those that lie in something which git declares: what lies in a
    stranger is no news besides the stranger.

    Raises:
        UsageError: there is no such project.

    """
    every = choose(live, kinds, projects=asked.projects, only=asked.only)
    there = [one for a, one in every.objects.items() if not declares(asked.desired, a)]
    edges = [
        edge
        for (parent, kind), items in every.lists.items()
        if declares(asked.desired, parent) and (not asked.only or kind in asked.only)
        for edge in items
        if not declares(asked.desired, edge.address)
    ]
    alone = [one for one in there if one.kind.form is not Form.ONE or _was_set(one, live, asked)]
    found = part((*alone, *edges), live, asked.desired, asked.owner, asked.memory)
    choice = _to_state(found, there, every, live, kinds, asked.desired)
    return Search(live, keys, found, *_apart(choice, live))


def _was_set(found: LiveObject, live: Live, asked: Asked) -> bool:
    """Say whether somebody set what a declared object has by itself, such as its quotas."""
    if not declares(asked.desired, found.parent):
        return False
    filled, values = filled_for(found, live), live.fields(found)
    return any(
        values.get(field.name) is not None
        and not same(values[field.name], filled.get(field.name, field.default))
        for field in fields_of(found.kind.spec)
    )


def _to_state(
    found: Unmanaged,
    there: list[LiveObject],
    every: Choice,
    live: Live,
    kinds: Kinds,
    desired: Desired,
) -> Choice:
    """Choose what may be written into the state: nobody's strangers, and what lies in them."""
    nobodys = [one for one in found.strangers if not owners(one.kind, one.raw)]
    objects = {one.address: one for one in nobodys if not one.kind.edge}
    objects |= {o.address: o for o in there if o.kind.form is Form.ONE and o.parent in objects}
    lists = {place: items for place, items in every.lists.items() if place[0] in objects}
    for edge in nobodys:
        if edge.kind.edge:
            place = (edge.parent, edge.kind.name)
            lists[place] = (*lists.get(place, ()), edge)
    stated = [*objects.values(), *(item for items in lists.values() for item in items)]
    outside = referred_to(stated, objects, live, kinds)
    external = tuple(address for address in outside if address not in desired.resources)
    return replace(every, objects=objects, lists=lists, external=external)


def _apart(choice: Choice, live: Live) -> tuple[Choice, dict[Place, tuple[LiveObject, ...]]]:
    """Take out the lists for which no second entry can be written, beside the one that is there."""
    pieces = {
        (parent, kind): items
        for (parent, kind), items in choice.lists.items()
        if parent not in choice.objects and parent in live.objects
        if any(field.required for field in fields_of(live.objects[parent].kind.spec))
    }
    lists = {place: items for place, items in choice.lists.items() if place not in pieces}
    return replace(choice, lists=lists), pieces


def unmanaged_yaml(found: Search, kinds: Kinds, desired: Desired) -> Export:
    """Write it down as one file to be laid beside those of the state.

    What belongs into an entry that is there already stands behind it, as comments.
    """
    written = write_down(found.live, kinds, found.keys, found.choice, desired)
    text = written.files[BESIDE] + "".join(_comments(found, kinds, desired))
    others = sum(bool(owners(one.kind, one.raw)) for one in found.found.strangers)
    counts = {"another owner marked it": others, "it is ours": len(found.found.ours)}
    notes = [f"{count} left out, because {why}" for why, count in counts.items() if count]
    return Export({BESIDE: text}, (*notes, *written.notes))


def _comments(found: Search, kinds: Kinds, desired: Desired) -> Iterator[str]:
    """Give each list that belongs into an entry which is there, with where that is."""
    live = found.live
    scope = scope_of(found.choice, live, kinds, desired)
    for (parent, name), items in sorted(found.pieces.items()):
        kind, resource = kinds[name], desired.resources[parent]
        said = [(live.fields(item), filled_for(item, live)) for item in items]
        try:
            words = list_in_words(kind, said, naming(scope, parent))
        except Unsayable as reason:
            yield f"# {resource.origin} {parent}: {kind.collection} cannot be said: {reason}\n"
            continue
        yield f"# into {parent}, at {resource.origin}:\n"
        yield from (f"#   {line}\n" for line in dump({kind.collection: words}).splitlines())
