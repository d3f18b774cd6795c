"""From documents to entries: what was stated under which address, references still as written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from reconciler.errors import MOST, Problem
from reconciler.kinds.address import Address
from reconciler.kinds.fields import Value, fields_of, stated, words_of
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.registry import ROOT, Kinds, child_address
from reconciler.kinds.spec import Spec
from reconciler.state.items import fields_of_item
from reconciler.state.mistakes import mistakes
from reconciler.state.parse import LONGEST_NAME, Document, Origin, nearest
from reconciler.state.values import Lifecycle, Options
from reconciler.yamlio import Series, Table

OPTIONS = "reconcile"
NO_OPTIONS = Options()
NAME = ("name", Form.NAMED)
BLANKS = "a name has no blanks around it and is not empty"
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing stated. Edges have no address before their references are known."""

    kind: Kind
    parent: Address
    address: Address | None
    name: str
    fields: Mapping[str, Value]
    options: Options
    origin: Origin
    declares: bool
    says: bool = True
    """Whether it says something of the object itself, not only of what lies in it."""


@dataclass(slots=True)
class Entries:
    """Everything stated in all files, and everything wrong with it. Guards the two lists."""

    found: list[Entry] = field(default_factory=list)
    lists: list[tuple[Address, Kind, Origin]] = field(default_factory=list)
    scopes: dict[Address, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def collect(documents: list[Document], kinds: Kinds, entries: Entries) -> None:
    """Add what documents state, unless there are more problems already than anybody would read."""
    with suppress(_Enough):
        for document in documents:
            if len(entries.problems) > MOST:
                raise _Enough
            _Walk(document.file, kinds, entries).document(document.content)


class _Enough(Exception):
    """There are more problems than anybody would read."""


class _Walk:
    """One file's walk; guards the place where problems are written."""

    def __init__(self, file: str, kinds: Kinds, entries: Entries) -> None:
        self.file = file
        self.kinds = kinds
        self.entries = entries

    def problem(self, line: int, about: Address | str, message: str) -> None:
        where = "" if about == ROOT else str(about)
        self.entries.problems.append(Problem(self.file, line, where, message))
        if len(self.entries.problems) > MOST:
            raise _Enough

    def document(self, table: Table) -> None:
        place = ROOT
        for header, kind in (("domain", "Domain"), ("project", "Project")):
            if header not in table:
                continue
            name = table[header]
            if not isinstance(name, str) or not name:
                self.problem(table.lines[header], "", f"{header}: takes one name, in this place")
                return
            if flaw := _flaw(name):
                self.problem(table.lines[header], "", f"{header}: {flaw}")
                return
            if kind == "Project" and place == ROOT:
                self.problem(table.lines[header], "", "project: needs domain: beside it")
                return
            place = Address(kind, (*place.names, name))
            self.entries.scopes.setdefault(place, Origin(self.file, table.lines[header]))
        for key, value in table.items():
            if key in ("domain", "project"):
                continue
            kind_here = self.kinds.at(place.kind, key)
            if kind_here:
                self.collection(kind_here, place, value, table.lines[key])
            else:
                known = [k.collection for k in self.kinds.below(place.kind)]
                inside = f" of a {place.kind.lower()}" if place.kind else ""
                self.problem(
                    table.lines[key], place, f"{key} is no collection{inside}{nearest(key, known)}"
                )

    def collection(self, kind: Kind, parent: Address, value: Any, line: int) -> None:
        if value is None:
            self.problem(
                line, parent, f"{kind.collection} cannot be null; leave it out, or empty it"
            )
            return
        if kind.claims:
            self.entries.lists.append((parent, kind, Origin(self.file, line)))
        if kind.form is Form.LIST:
            if not isinstance(value, Series):
                self.problem(
                    line, parent, f"{kind.collection} is a list: write `- ` before each item"
                )
                return
            for item, at in zip(value, value.lines, strict=True):
                self.edge(kind, parent, item, at)
            return
        if not isinstance(value, Table):
            self.problem(line, parent, f"{kind.collection} maps names to fields")
        elif kind.form is Form.ONE:
            self.entry(kind, parent, "", value, line)
        else:
            for key, inner in value.items():
                if kind.form is Form.MAP:
                    item = {kind.key: key, kind.shorthand: inner}
                    self.edge_item(kind, parent, item, value.lines[key])
                else:
                    self.entry(kind, parent, key, inner, value.lines[key])

    def edge(self, kind: Kind, parent: Address, item: Any, line: int) -> None:
        if isinstance(item, Table) or not kind.shorthand:
            if not isinstance(item, Table):
                self.problem(
                    line, parent, f"an item of {kind.collection} has fields: {{name: value}}"
                )
                return
            stated_item: Mapping[str, Any] = item
            own = words_of(kind.spec)
            if kind.shorthand and own.isdisjoint(item) and "name" in item:
                stated_item = {kind.shorthand: item}  # a reference that says exactly which
        else:
            stated_item = {kind.shorthand: item}
        try:
            items = list(kind.expand(stated_item)) if kind.expand else [stated_item]
        except ValueError as error:
            self.problem(line, parent, f"{kind.collection}: {error}")
            return
        for one in items:
            self.edge_item(kind, parent, one, line)

    def edge_item(self, kind: Kind, parent: Address, item: Mapping[str, Any], line: int) -> None:
        def read() -> Spec | None:
            return self.validate(kind.spec, item, f"{parent} {kind.collection}", line, ())

        fields = fields_of_item(kind, item, read)
        if fields is None:
            return
        self.entries.found.append(
            Entry(
                kind, parent, None, "", fields, NO_OPTIONS, Origin(self.file, line), declares=True
            )
        )

    def entry(self, kind: Kind, parent: Address, key: str, value: Any, line: int) -> None:
        address = child_address(kind, parent, key)
        if value is None:
            value = Table(line)
        if not isinstance(value, Table):
            self.problem(line, address, "takes fields: {field: value}, or {} for none")
            return
        flaw = _flaw(key) if kind.form is not Form.ONE else ""
        if flaw:
            self.problem(line, address, flaw)
            return
        own = _own_words(kind.spec, value)
        fields, says, declares = self.parts(kind, parent if kind.heading else address, value, own)
        if kind.heading:
            return
        options = self.options(value, address)
        spec = None
        if options.lifecycle is Lifecycle.MANAGED and declares:
            spec = self.validate(kind.spec, fields, address, value.line, ())
            if spec is None:
                return
        elif fields:
            self.problem(line, address, f"{options.lifecycle} with fields: it is never written")
        elif options.lifecycle is Lifecycle.ABSENT and kind.listing and kind.delete is None:
            self.problem(line, address, "it always exists, and cannot be absent")
        name = self.name(value, address, key, own, unique=kind.unique)
        said = stated(spec) if spec else {}
        origin = Origin(self.file, line)
        self.entries.found.append(
            Entry(kind, parent, address, name, said, options, origin, declares, says)
        )

    def parts(
        self, kind: Kind, address: Address, value: Table, own: frozenset[str]
    ) -> tuple[Table, bool, bool]:
        """Give the fields, whether the object itself is spoken of, and whether it is declared."""
        fields = Table(value.line)
        says = not value
        lists = False
        for word, inner in value.items():
            child = self.kinds.at(kind.name, word)
            if word in own:
                fields[word] = inner
                fields.lines[word] = value.lines[word]
                says = True
            elif child:
                self.collection(child, address, inner, value.lines[word])
                lists |= child.edge
            elif not kind.heading and (word == OPTIONS or (word, kind.form) == NAME):
                says = True
            else:
                known = [*own, *(k.collection for k in self.kinds.below(kind.name)), OPTIONS]
                hint = kind.spec.rewrites.get(word)
                advice = f"; here it is {hint}" if hint else nearest(word, known)
                self.problem(value.lines[word], address, f"{word} is no field of it{advice}")
        return fields, says, says or lists

    def name(
        self, value: Table, address: Address, key: str, own: frozenset[str], *, unique: bool
    ) -> str:
        if "name" in own or "name" not in value:
            return key
        said = value["name"]
        flaw = "name takes a string" if not isinstance(said, str) or not said else _flaw(said)
        if flaw == BLANKS and not unique:
            flaw = ""  # services that take any name keep it as it is; those that do not, strip it
        if flaw:
            self.problem(value.lines["name"], address, flaw)
            return key
        return str(said)

    def options(self, value: Table, address: Address) -> Options:
        stated_options = value.get(OPTIONS)
        if stated_options is None:
            return NO_OPTIONS
        line = value.lines[OPTIONS]
        if isinstance(stated_options, Table) and isinstance(stated_options.get("previously"), str):
            stated_options["previously"] = [stated_options["previously"]]
        options = self.validate(Options, stated_options, address, line, (OPTIONS,))
        if options is None:
            return NO_OPTIONS
        if options.protect and options.lifecycle is Lifecycle.ABSENT:
            self.problem(line, address, "protect and absent contradict each other")
        return options

    def validate(
        self, model: type[M], value: Any, about: Address | str, line: int, above: tuple[str, ...]
    ) -> M | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for at, message in mistakes(error, model, value, line, above):
                self.problem(at, about, message)
            return None


def _own_words(spec: type[Spec], value: Table) -> frozenset[str]:
    """Give the words in an entry that are its fields, and those that could be."""
    beside = [field for field in fields_of(spec) if field.beside]
    own = words_of(spec)
    if not beside:
        return own
    own -= {field.name for field in beside}
    return own | {w for w in value if w not in own and any(f.owns(w) for f in beside)}


def _flaw(name: str) -> str:
    """Say what is wrong with a name, whatever it is the name of."""
    if name.strip() != name or not name:
        return BLANKS
    return "" if len(name) <= LONGEST_NAME else f"a name has {LONGEST_NAME} characters at most"
