"""From what is stated, nested as the cloud nests it, to files; one for each project."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.errors import UsageError
from reconciler.kinds.address import Address
from reconciler.kinds.kind import Form
from reconciler.kinds.registry import ROOT, Kinds
from reconciler.state.model import parent_of
from reconciler.yamlout import dump

Words = dict[str, Any]
SUFFIXES = (".yaml", ".yml")
LONGEST = 60
"""Characters of a name that a file's name holds: at most 240 bytes, and file systems take 255."""
DOMAIN = "Domain"
"""What a file's header names: its collections lie in a file of their own."""
DECLARED: Mapping[str, Any] = {"reconcile": {}}
_ODD = re.compile(r"[^\w.@+-]")
_RANK = {Form.ONE: 0, Form.LIST: 1, Form.MAP: 1, Form.NAMED: 2}


@dataclass(slots=True)
class Tree:
    """All that is stated, in one mapping. Guards the collections in it."""

    kinds: Kinds
    top: Words = field(default_factory=dict)
    stated: set[int] = field(default_factory=set)
    """The mappings of objects that are stated themselves, and not only what lies in them."""

    def put(self, address: Address, words: Words) -> None:
        """State an object."""
        node = self._node(address)
        node.update(words)
        self.stated.add(id(node))

    def put_list(self, parent: Address, collection: str, items: Any) -> None:
        """State a whole list, or map, of edges."""
        self._node(parent)[collection] = items

    def _node(self, address: Address) -> Words:
        """Give the mapping that holds an object's own fields and collections."""
        if address == ROOT:
            return self.top
        kind = self.kinds.of(address)
        assert kind is not None  # it was observed, or is what such an object lies in
        above = self._node(parent_of(kind, address, self.kinds))
        found: Words = above.setdefault(kind.collection, {})
        return found if kind.form is Form.ONE else found.setdefault(address.name, {})

    def files(self) -> dict[str, str]:
        """Part it: what is global by collection, then a file for each domain and project."""
        names = _Names()
        made: dict[str, Words] = {}
        top = self._arranged(self.top, "")
        domains: Words = top.pop("domains", {})
        for collection, items in top.items():
            made[names.take(collection)] = {collection: items}
        stated: Words = {}
        for domain, words in sorted(domains.items()):
            scoped = [word for word in words if self.kinds.at(DOMAIN, word)]
            inside = {word: words.pop(word) for word in scoped}
            if words:
                stated[domain] = {} if words == DECLARED else words
            projects = inside.pop("projects", {})
            small = {name: words for name, words in projects.items() if set(words) == {"reconcile"}}
            if small:
                inside["projects"] = small
            if inside:
                made[names.take(domain)] = {"domain": domain, **inside}
            for name in sorted(set(projects) - set(small)):
                path = names.take(name, domain)
                made[path] = {"domain": domain, "projects": {name: projects[name]}}
        if stated:
            made[names.take("domains")] = {"domains": stated}
        return {path: dump(words) for path, words in sorted(made.items())}

    def whole(self) -> str:
        """Give all of it as one file."""
        return dump(self._arranged(self.top, "")) if self.top else ""

    def _arranged(self, node: Words, place: str) -> Words:
        """Give the same with own fields first, then collections, small forms before large."""
        inside = {word: self.kinds.at(place, word) for word in node}
        result = {word: value for word, value in node.items() if inside[word] is None}
        edges = any(kind and kind.edge for kind in inside.values())
        bare = id(node) in self.stated and not result
        if bare and (place == DOMAIN or (node and not edges)):
            result = dict(DECLARED)  # with collections alone it would be no more than a scope
        found = [(word, kind) for word, kind in inside.items() if kind is not None]
        for word, kind in sorted(found, key=lambda pair: (_RANK[pair[1].form], pair[0])):
            value = node[word]
            if kind.form is Form.ONE:
                value = self._arranged(value, kind.name)
            elif kind.form is Form.NAMED:
                value = {name: self._arranged(value[name], kind.name) for name in sorted(value)}
            result[word] = value
        return result


class _Names:
    """The paths given so far; guards that no two are one where case does not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._folders: dict[str, str] = {}

    def take(self, name: str, domain: str = "") -> str:
        """Give a safe path for a name; a number tells apart what would be the same."""
        folder = ""
        if domain:
            if domain not in self._folders:
                self._folders[domain] = self._free(_safe(domain), "/")
            folder = self._folders[domain] + "/"
        return folder + self._free(_safe(name), ".yaml", folder) + ".yaml"

    def _free(self, stem: str, suffix: str, folder: str = "") -> str:
        number, tried = 1, stem
        while f"{folder}{tried}{suffix}".casefold() in self._taken:
            number += 1
            tried = f"{stem}-{number}"
        self._taken.add(f"{folder}{tried}{suffix}".casefold())
        return tried


def _safe(name: str) -> str:
    """Give what every file system takes for a name, and no reader takes for hidden."""
    return re.sub(r"^[.]+", "_", _ODD.sub("-", name))[:LONGEST] or "_"


def write_export(folder: Path, files: Mapping[str, str], *, overwrite: bool = False) -> list[str]:
    """Write the files below ``folder``; give the YAML files there that are not of this export.

    Raises:
        UsageError: the folder is not empty and ``overwrite`` was not said, or cannot be written.

    """
    try:
        if not overwrite and folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; --overwrite writes into it all the same")
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return sorted(set(_yaml_below(folder)) - set(files))
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error


def _yaml_below(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.suffix in SUFFIXES:
            yield path.relative_to(folder).as_posix()
