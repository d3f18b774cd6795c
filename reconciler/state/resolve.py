"""From names as written to the addresses they mean, by the scope they are written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from reconciler.kinds.address import Address
from reconciler.kinds.bootstrap import BOOTSTRAP
from reconciler.kinds.fields import sharing
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Kinds
from reconciler.kinds.spec import Named
from reconciler.state.entries import Entries, Entry
from reconciler.state.parse import nearest
from reconciler.state.values import Lifecycle

PROJECT_DEPTH = 2
"""Names down to a project: domain, project."""


class Unresolved(ValueError):
    """A name that means nothing, or too much, where it stands."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything that a name can mean."""

    kinds: Kinds
    by_name: Mapping[tuple[str, str], tuple[Address, ...]]
    by_place: Mapping[tuple[str, str, tuple[str, ...]], tuple[Address, ...]]
    """The same by domain and project, too: a thousand projects may each have a `front`."""
    absent: frozenset[Address]
    public: frozenset[Address]
    shared_to: Mapping[Address, frozenset[tuple[str, ...]]]

    def resolve(self, kind_name: str, word: str | Named, base: Address) -> Address:
        """Give what ``word`` means to somebody in ``base``.

        Raises:
            Unresolved: nothing declares it, or several do, or it shall be absent.

        """
        if isinstance(word, Named):
            hits = self._exact(kind_name, word, base)
            shown = ", ".join(f"{k}: {v}" for k, v in word.model_dump(exclude_unset=True).items())
            shown = f"{{{shown}}}"
        else:
            hits, shown = self._lexical(kind_name, word, base), word
        if not hits:
            raise Unresolved(self._nothing(kind_name, word, shown))
        if len(hits) > 1:
            found = ", ".join(str(hit) for hit in sorted(hits))
            raise Unresolved(
                f"{kind_name} {shown} can mean {found}; say {{name:, project:, domain:}}"
            )
        if hits[0] in self.absent:
            raise Unresolved(f"{hits[0]} is referred to here, but declared absent")
        return hits[0]

    def _exact(self, kind_name: str, word: Named, base: Address) -> list[Address]:
        hits = list(self.by_name.get((kind_name, word.name), ()))
        if word.network is not None:
            hits = [a for a in hits if a.names[PROJECT_DEPTH:-1] == (word.network,)]
        if word.project is not None:
            hits = [a for a in hits if len(a.names) > PROJECT_DEPTH and a.names[1] == word.project]
            own = base.names[0] if base.names else None
            wanted = word.domain if "domain" in word.model_fields_set else own
            near = [a for a in hits if a.names[0] == wanted]
            return near if word.domain is not None else near or hits
        if word.domain is not None:
            return [a for a in hits if len(a.names) > 1 and a.names[0] == word.domain]
        if "domain" in word.model_fields_set:
            return [a for a in hits if len(a.names) == 1]
        return self._lexical(kind_name, word.name, base, hits)

    def _lexical(
        self, kind_name: str, word: str, base: Address, among: list[Address] | None = None
    ) -> list[Address]:
        kind = self.kinds[kind_name]
        hits = self.by_name.get((kind_name, word), ()) if among is None else among
        project, domain = base.names[:PROJECT_DEPTH], base.names[:1]

        within = partial(self._within, (kind_name, word), among)
        here = [a for a in within(*base.names, word) if base.names and a.names[:-1] == base.names]
        if here:
            return here
        if len(project) == PROJECT_DEPTH:
            own = [a for a in within(*project) if len(a.names) > PROJECT_DEPTH]
            if own:
                return own
            implied = Address(kind_name, (*project, word))
            if "Project" in kind.within and kind.implicit(implied):
                return [implied]
        in_domain = [a for a in within(*domain, word) if domain and len(a.names) == PROJECT_DEPTH]
        if in_domain and "Domain" in kind.within:
            return in_domain
        top = [a for a in within(word) if len(a.names) == 1]
        if top and "" in kind.within:
            return top
        visible = [a for a in hits if self._visible(a, project)]
        near = [a for a in visible if a.names[:1] == domain]
        if near or visible:
            return near or visible
        if "Domain" in kind.within and "/" in word:
            outer, _, inner = word.partition("/")
            return [
                a for a in self.by_name.get((kind_name, inner), ()) if a.names == (outer, inner)
            ]
        return []

    def _within(
        self, what: tuple[str, str], among: list[Address] | None, *names: str
    ) -> Iterable[Address]:
        """Give what has these first two names."""
        place = names[:PROJECT_DEPTH]
        if among is None:
            return self.by_place.get((*what, place), ())
        return [a for a in among if a.names[:PROJECT_DEPTH] == place]

    def _visible(self, address: Address, project: tuple[str, ...]) -> bool:
        """Whether the object, or what it lies in, is shared with everybody or with this project."""
        for depth in range(len(address.names), PROJECT_DEPTH, -1):
            names = address.names[:depth]
            for kind in self.kinds:
                outer = Address(kind.name, names)
                if outer in self.public or project in self.shared_to.get(outer, ()):
                    return True
        return False

    def _nothing(self, kind_name: str, word: str | Named, shown: str) -> str:
        name = word.name if isinstance(word, Named) else word
        elsewhere = self.by_name.get((kind_name, name), ())
        if elsewhere:
            places = ", ".join(str(a) for a in sorted(elsewhere)[:3])
            return (
                f"refers to {kind_name} {shown}, which is not visible from here; there is "
                f"{places}: share it, or say {{name:, project:, domain:}}"
            )
        names = (n for k, n in self.by_name if k == kind_name)
        return (
            f"refers to {kind_name} {shown}, which nothing declares{nearest(name, names)} "
            "(declare it; with `reconcile: {lifecycle: external}` if it is not ours)"
        )


def make_scope(entries: Entries, kinds: Kinds) -> Scope:
    """Gather what can be referred to: declarations, scopes and the bootstrap's objects."""
    by_name: dict[tuple[str, str], dict[Address, None]] = {}
    by_place: dict[tuple[str, str, tuple[str, ...]], dict[Address, None]] = {}
    everything = [e.address for e in entries.found if e.address is not None]
    for address in dict.fromkeys([*everything, *entries.scopes, *bootstrap(kinds)]):
        for depth, kind_name in _places(address, kinds):
            above = Address(kind_name, address.names[:depth])
            if above in by_name.get((kind_name, above.name), ()):
                break  # and all that it lies in
            by_name.setdefault((kind_name, above.name), {})[above] = None
            place = (kind_name, above.name, above.names[:PROJECT_DEPTH])
            by_place.setdefault(place, {})[above] = None
    absent = {
        e.address for e in entries.found if e.address and e.options.lifecycle is Lifecycle.ABSENT
    }
    public = {e.address for e in entries.found if e.address and _shared_by_fields(e)}
    scope = Scope(
        kinds, {k: tuple(v) for k, v in by_name.items()},
        {k: tuple(v) for k, v in by_place.items()}, frozenset(absent), frozenset(), {},
    )  # fmt: skip
    shared: dict[Address, set[tuple[str, ...]]] = {}
    for entry in entries.found:
        _note_sharing(entry, scope, public, shared)
    by_now = {address: frozenset(projects) for address, projects in shared.items()}
    return replace(scope, public=frozenset(public), shared_to=by_now)


def bootstrap(kinds: Kinds) -> Iterable[Address]:
    """Give what a cloud is born with, as far as there are kinds for it."""
    return (address for address in BOOTSTRAP if address.kind in kinds)


def _places(address: Address, kinds: Kinds) -> Iterable[tuple[int, str]]:
    """Give the object itself and the named scopes that it lies in."""
    depth, kind = len(address.names), kinds.of(address)
    while kind is not None and depth > 0:
        yield depth, kind.name
        depth -= 1
        above = [p for p in kind.within if p and (depth == _depth(kinds[p], kinds))]
        if not above:
            return
        kind = kinds[above[0]]


def _depth(kind: Kind, kinds: Kinds) -> int:
    return 1 if "" in kind.within else 1 + _depth(kinds[kind.within[0]], kinds)


def _shared_by_fields(entry: Entry) -> bool:
    return any(entry.fields.get(field.name) is True for field in sharing(entry.kind.spec))


def _note_sharing(
    entry: Entry,
    scope: Scope,
    public: set[Address],
    shared: dict[Address, set[tuple[str, ...]]],
) -> None:
    """Heed edges that share their parent with a project, or with all of them."""
    if entry.address is not None:
        return
    for field in sharing(entry.kind.spec):
        if field.name not in entry.fields:
            continue
        word = entry.fields[field.name]
        if word == "*":
            public.add(entry.parent)
            continue
        try:
            project = scope.resolve(field.ref.kind if field.ref else "", word, entry.parent)
        except Unresolved:
            continue  # told where the entry itself is resolved
        shared.setdefault(entry.parent, set()).add(project.names)
