"""From a cloud that exists to files after which a plan finds nothing to change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO

from reconciler.cloud.index import NO_KEYS, Keys
from reconciler.cloud.live import Live, LiveObject
from reconciler.cloud.observe import observe
from reconciler.engine.plan import make_plan
from reconciler.engine.policy import Policy
from reconciler.engine.values import Action, Change
from reconciler.errors import SourceError, StateError
from reconciler.export.choose import Choice, choose, filled_for, scope_of
from reconciler.export.files import Tree
from reconciler.export.words import (
    Unsayable,
    Words,
    fields_in_words,
    in_short,
    list_in_words,
    naming,
)
from reconciler.kinds.address import Address
from reconciler.kinds.fields import Field, fields_of
from reconciler.kinds.kind import Form
from reconciler.kinds.registry import Kinds
from reconciler.line import Target
from reconciler.state.entries import OPTIONS
from reconciler.state.model import make_desired
from reconciler.state.source import Revision
from reconciler.state.values import Desired, Lifecycle

ROUNDS = 3
"""How often what would differ is left out before the rest is only told."""
BESIDE = "(found)"
"""The path of what is written to stand beside the files of a state: no file of theirs."""
SHORT = 8
"""Characters of an id that tell twins apart in their keys."""

Left = frozenset[tuple[Address, str]]
"""Fields of objects, and kinds of lists, that are not stated."""


@dataclass(frozen=True, slots=True)
class Export:
    """Files by their path, and what they could not express: for people, one line each."""

    files: Mapping[str, str]
    notes: tuple[str, ...] = ()


def export_cloud(
    target: Target,
    *,
    projects: Collection[str] = (),
    only: Collection[str] = (),
    progress: Callable[[str, int], None] = lambda _kind, _count: None,
) -> Export:
    """Write down a cloud; the plan of these files may adopt, and finds nothing else to do.

    ``projects`` (names, or ``domain/name``) and ``only`` (names of kinds) keep to a part of it:
    what that part refers to is declared external. This is what ``reconciler export`` calls;
    ``write_export`` puts the files into a folder, and the notes belong on stderr.
    """

    def look(keys: Keys) -> Live:
        return observe(
            target.http, target.kinds, target.who, wants=lambda _parent, _kind: True,
            keys=keys, progress=progress, width=target.width,
        )  # fmt: skip

    live, keys = look_at_all(look)
    return export_live(live, target.kinds, keys, projects=projects, only=only)


def look_at_all(look: Callable[[Keys], Live], keys: Keys = NO_KEYS) -> tuple[Live, Keys]:
    """Look until everything has an address; the keys are those that objects were given for it."""
    live = look(keys)
    # What lies in twins has addresses only once these have some, so one look may show further ones.
    while more := {place: key for place, key in keys_for(live).items() if place not in keys}:
        keys = {**keys, **more}
        live = look(keys)
    return live, keys


def keys_for(live: Live) -> dict[tuple[str, str], str]:
    """Give a key of its own to each object whose name is another's, too, or is none or no key."""
    twins = [twin for found in live.twins.values() for twin in found]
    odd = [o for o in live.objects.values() if o.name != o.name.strip()]
    names = {
        (found.kind.name, found.id): found.name.strip()
        for found in (*twins, *odd)
        if found.id and found.kind.form is not Form.ONE and not found.kind.edge
    }
    names |= {(kind, one): kind.lower() for kind, one in live.nameless if one}
    names |= {
        (address.kind, one): address.name for address, ids in live.strangers.items() for one in ids
    }
    short = {place: f"{name}-{place[1][:SHORT]}" for place, name in names.items()}
    often = Counter((kind, short[kind, one]) for kind, one in names)
    return {
        (kind, one): key if often[kind, key] == 1 else f"{names[kind, one]}-{one}"
        for (kind, one), key in short.items()
    }


def export_live(
    live: Live,
    kinds: Kinds,
    keys: Keys = NO_KEYS,
    *,
    projects: Collection[str] = (),
    only: Collection[str] = (),
) -> Export:
    """Write down what was observed, and leave out what a plan would still see otherwise."""
    return write_down(live, kinds, keys, choose(live, kinds, projects=projects, only=only))


def write_down(
    live: Live, kinds: Kinds, keys: Keys, choice: Choice, beside: Desired | None = None
) -> Export:
    """Write down what was chosen: in files of their own, or in one that fits ``beside`` others."""
    left: Left = frozenset()
    notes: list[str] = [
        f"{kind}: left out, it could not be listed: {why}" for kind, why in live.incomplete.items()
    ]
    for _ in range(ROUNDS):
        writing = _Writing(live, kinds, keys, choice, left, beside)
        files = writing.files()
        differing, told = _check(files, live, kinds, choice, beside)
        if differing <= left:
            break
        left |= differing
    notes += [
        f"{address}: {what} is left out: the state does not say it so" for address, what in left
    ]
    return Export(files, (*notes, *writing.notes(), *told))


@dataclass(slots=True)
class _Writing:
    """One round of writing; guards what could not be expressed."""

    live: Live
    kinds: Kinds
    keys: Keys
    choice: Choice
    left: Left
    beside: Desired | None
    lost: list[str] = field(default_factory=list)
    hidden: Counter[tuple[str, str]] = field(default_factory=Counter)

    def files(self) -> dict[str, str]:
        scope = scope_of(self.choice, self.live, self.kinds, self.beside)
        tree = Tree(self.kinds)
        for address in sorted(self.choice.objects, key=lambda a: (len(a.names), a)):
            found = self.choice.objects[address]
            filled = filled_for(found, self.live)
            words, lost = fields_in_words(
                found.kind, self._fields(found), naming(scope, found.parent), filled
            )
            self.lost += [f"{address}: {reason}" for reason in lost]
            if words or found.kind.form is not Form.ONE:
                tree.put(address, self._key(found) | in_short(found.kind, words))
            unread = [f.name for f in fields_of(found.kind.spec) if f.secret or _is_source(f)]
            self.hidden[found.kind.collection, ", ".join(unread)] += 1
        for address in self.choice.external:
            words = self._key(self.live.objects.get(address))
            options = {**words.get(OPTIONS, {}), "lifecycle": str(Lifecycle.EXTERNAL)}
            tree.put(address, words | {OPTIONS: options})
        for (parent, name), items in sorted(self.choice.lists.items()):
            if (parent, name) in self.left:
                continue
            kind = self.kinds[name]
            try:
                said = [(self.live.fields(item), filled_for(item, self.live)) for item in items]
                words = list_in_words(kind, said, naming(scope, parent))
                tree.put_list(parent, kind.collection, words)
            except Unsayable as reason:
                self.lost.append(f"{parent}: {kind.collection}: {reason}")
        return tree.files() if self.beside is None else {BESIDE: tree.whole()}

    def _fields(self, found: LiveObject) -> dict[str, object]:
        fields = self.live.fields(found)
        return {k: v for k, v in fields.items() if (found.address, k) not in self.left}

    def _key(self, found: LiveObject | None) -> Words:
        """Name an object whose key is not its name."""
        if found is None or (found.kind.name, found.id) not in self.keys:
            return {}
        name = {"name": found.name} if found.name else {}
        return {**name, OPTIONS: {"id": found.id}}

    def notes(self) -> Iterator[str]:
        """Say what could not be expressed: each thing once, secrets counted."""
        for (collection, names), count in self.hidden.items():
            if names:
                yield f"{collection}: of {count} nobody can read {names}: not stated"
        yield from self.lost


def _is_source(field: Field) -> bool:
    """Whether the field says where something was taken from that went into the object once."""
    return field.create_only and bool(field.via)


def _check(
    files: Mapping[str, str], live: Live, kinds: Kinds, choice: Choice, beside: Desired | None
) -> tuple[frozenset[tuple[Address, str]], list[str]]:
    """Plan the files against what they were made of; give what differs, and what else is wrong."""

    def nothing(name: str) -> BytesIO:
        raise SourceError(f"{name}: not part of an export")

    contents = {path: text.encode() for path, text in files.items()}
    if beside is not None:
        contents = {**beside.revision.files, **contents}
    revision = Revision("", "", contents, beside.revision.opener if beside else nothing)
    try:
        desired, _ = make_desired(revision, kinds)
    except StateError as error:
        return frozenset(), [str(problem) for problem in error.problems if not problem.warning]
    plan = make_plan(desired, live, kinds, Policy())
    changes = [
        change
        for change in plan.changes
        if change.action is not Action.ADOPT and (beside is None or _chosen(change, choice))
    ]
    return (
        frozenset(place for change in changes for place in _places(change)),
        [
            *(plan.warnings if beside is None else ()),
            *(f"{c.address}: a plan would {c.action} it" for c in changes),
        ],
    )


def _chosen(change: Change, choice: Choice) -> bool:
    """Whether a change is to something that was written down, and not to what stands beside it."""
    return change.address in choice.objects or (change.parent, change.kind.name) in choice.lists


def _places(change: Change) -> Iterator[tuple[Address, str]]:
    if change.kind.edge:
        yield change.parent, change.kind.name
    for one in change.fields:
        yield change.address, one.path.split(".")[0]
