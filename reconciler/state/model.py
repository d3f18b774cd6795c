"""From documents to what should be: scopes, references, cycles; every author error at once."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from reconciler.errors import MOST, Problem, SourceError, StateError
from reconciler.kinds.address import Address
from reconciler.kinds.edges import edge_address
from reconciler.kinds.fields import Value, leading
from reconciler.kinds.kind import Kind
from reconciler.kinds.references import convert, references
from reconciler.kinds.registry import ROOT, Kinds
from reconciler.kinds.spec import Named, Ref
from reconciler.state.entries import Entries, Entry
from reconciler.state.parse import NOWHERE
from reconciler.state.reading import read_entries
from reconciler.state.resolve import Scope, Unresolved, bootstrap, make_scope
from reconciler.state.source import Revision
from reconciler.state.values import Claim, Desired, Lifecycle, Options, Resource

EXTERNAL = Options(lifecycle=Lifecycle.EXTERNAL)


def make_desired(revision: Revision, kinds: Kinds) -> tuple[Desired, list[Problem]]:
    """Read a revision whole; the second value are warnings.

    Raises:
        StateError: with all that its authors have to mend.

    """
    entries, problems = read_entries(revision, kinds)
    problems += entries.problems
    scope = make_scope(entries, kinds)
    resources = _resources(entries, scope, revision, problems)
    needs = _imply(resources, entries, kinds)
    claims = _claims(entries, resources)
    _cycles(resources, needs, problems)
    warnings = _same_but_for_case(resources, kinds)
    if problems:
        raise StateError(tuple(sorted([*problems, *warnings])))
    return Desired(revision, resources, claims), warnings


def _resources(
    entries: Entries, scope: Scope, revision: Revision, problems: list[Problem]
) -> dict[Address, Resource]:
    """Resolve every reference and merge entries by address."""
    resources: dict[Address, Resource] = {}
    spoken_of: set[Address] = set()
    born = set(bootstrap(scope.kinds))
    for entry in entries.found:
        if len(problems) > MOST:
            break
        fields = _resolve(entry, scope, revision, problems)
        why = entry.kind.refuse(entry.parent, fields) if entry.kind.refuse else None
        if why:
            about = f"{entry.parent} {entry.kind.collection}"
            problems.append(Problem(entry.origin.file, entry.origin.line, about, why))
        try:
            address = entry.address or edge_address(entry.kind, entry.parent, fields)
        except ValueError as error:
            problems.append(Problem(*_place(entry), str(error)))
            continue
        options = entry.options
        if not entry.declares or (address in born and not entry.fields):
            options = EXTERNAL if options.lifecycle is Lifecycle.MANAGED else options
        resource = Resource(
            address, entry.kind, entry.parent, fields, entry.origin, options, entry.name,
            implied=not entry.declares,
        )  # fmt: skip
        earlier = resources.get(address)
        if earlier is None or earlier.implied:
            resources[address] = resource
        elif not entry.says:
            continue
        elif address in spoken_of:
            problems.append(_twice(entry, resource, earlier))
        else:
            resources[address] = resource
        if entry.says:
            spoken_of.add(address)
    return resources


def _twice(entry: Entry, resource: Resource, earlier: Resource) -> Problem:
    what = "the same is stated twice" if entry.kind.edge else "is declared twice"
    about = f"{entry.parent} {entry.kind.collection}: {resource.address.name}"
    return Problem(
        entry.origin.file,
        entry.origin.line,
        about if entry.kind.folded else str(resource.address),
        f"{what}, first at {earlier.origin}",
    )


def _resolve(
    entry: Entry, scope: Scope, revision: Revision, problems: list[Problem]
) -> Mapping[str, Value]:
    fields = leading(entry.kind.spec)

    def one(ref: Ref, word: Value) -> Value:
        if isinstance(word, Address) or not isinstance(word, str | Named):
            return word
        if word == "*" and any(field.shares and field.ref == ref for field in fields):
            return word
        try:
            return scope.resolve(ref.kind, word, entry.parent)
        except Unresolved as error:
            problems.append(Problem(*_place(entry), str(error)))
            return Address(ref.kind, ("?", str(word)))

    resolved = entry.fields
    if any(resolved.get(field.name) is not None for field in fields):
        resolved = convert(fields, resolved, one)
    if entry.kind.complete is None:
        return resolved
    try:
        return entry.kind.complete(resolved, revision.open)
    except (SourceError, OSError, ValueError) as error:
        problems.append(Problem(*_place(entry), str(error)))
        return resolved


def _place(entry: Entry) -> tuple[str, int, str]:
    about = str(entry.address or f"{entry.parent} {entry.kind.collection}")
    return entry.origin.file, entry.origin.line, about


Needs = dict[Address, list[Address]]
"""What each resource lies in and refers to."""


def _imply(resources: dict[Address, Resource], entries: Entries, kinds: Kinds) -> Needs:
    """Add what is there without being declared: scopes, the bootstrap's own, implied groups."""
    wanted: dict[Address, None] = dict.fromkeys(entries.scopes)
    needs: Needs = {}
    for address, resource in resources.items():
        refers = references(leading(resource.kind.spec), resource.fields)
        needs[address] = [resource.parent, *(target for _, target in refers)]
        wanted.update((one, None) for one in needs[address] if one not in resources)
    queue = list(wanted)
    while queue:
        address = queue.pop()
        kind = kinds.of(address)
        if address in resources or address == ROOT or kind is None:
            continue
        parent = parent_of(kind, address, kinds)
        origin = entries.scopes.get(address, NOWHERE)
        resources[address] = Resource(
            address, kind, parent, {}, origin, EXTERNAL, address.name, implied=True
        )
        needs[address] = [parent]
        queue.append(parent)
    return needs


def parent_of(kind: Kind, address: Address, kinds: Kinds) -> Address:
    """Give what an object of a named kind lies in, by its address."""
    above = address.names[:-1] if kind.named else address.names
    for place in kind.within:
        if not above and place == "":
            return ROOT
        if place and _depth(kinds[place], kinds) == len(above):
            return Address(place, above)
    return ROOT


def _depth(kind: Kind, kinds: Kinds) -> int:
    own = 1 if kind.named else 0
    return own if "" in kind.within else own + _depth(kinds[kind.within[0]], kinds)


def _claims(
    entries: Entries, resources: Mapping[Address, Resource]
) -> dict[tuple[Address, str], Claim]:
    """Give the lists that were stated whole; a second statement of one adds to it."""
    claims: dict[tuple[Address, str], Claim] = {}
    scopes: dict[tuple[Address, str], set[tuple[Value, ...]]] = {}
    for resource in resources.values():
        if resource.kind.claim_scope:
            part = tuple(resource.fields.get(name) for name in resource.kind.claim_scope)
            scopes.setdefault((resource.parent, resource.kind.name), set()).add(part)
    for parent, kind, origin in entries.lists:
        place = (parent, kind.name)
        above = resources.get(parent)
        if above and above.kind.claims_if and not above.fields.get(above.kind.claims_if):
            continue
        inside = frozenset(scopes.get(place, ())) if kind.claim_scope else None
        claims.setdefault(place, Claim(parent, kind.name, inside, origin))
    return claims


def _cycles(resources: Mapping[Address, Resource], needs: Needs, problems: list[Problem]) -> None:
    """Find objects that wait for one another: nothing could be made first."""
    if not _can_ring(needs):
        return
    graph = {address: set(needs[address]) for address in resources}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        ring = [address for address in error.args[1] if address in resources]
        first = resources[min(ring)]
        path = " → ".join(str(address) for address in reversed(error.args[1]))
        problems.append(
            Problem(
                first.origin.file,
                first.origin.line,
                str(first.address),
                f"refers to itself: {path}",
            )
        )


def _can_ring(needs: Needs) -> bool:
    """Say whether kinds need one another, or themselves: else nothing of them can.

    Most states end here, and are spared a walk from each object to the next.
    """
    kinds: dict[str, set[str]] = {}
    for address, found in needs.items():
        kinds.setdefault(address.kind, set()).update([one.kind for one in found])
    try:
        TopologicalSorter(kinds).prepare()
    except CycleError:
        return True
    return False


def _same_but_for_case(resources: Mapping[Address, Resource], kinds: Kinds) -> list[Problem]:
    """Warn of names that are one to most databases, those that every cloud is born with too."""
    seen = {_folded(address): address for address in bootstrap(kinds)}
    warnings = []
    for address, resource in resources.items():
        if resource.kind.edge:
            continue
        other = seen.setdefault(_folded(address), address)
        origin = resource.origin
        if other != address and origin.file:  # what is wrong already may have no place of its own
            text = f"differs only by case from {other}; most databases take them for one name"
            warnings.append(Problem(origin.file, origin.line, str(address), text, warning=True))
    return warnings


def _folded(address: Address) -> tuple[str, tuple[str, ...]]:
    return address.kind, (*address.names[:-1], address.name.casefold())
