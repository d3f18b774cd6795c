"""From YAML text to values that remember their lines. With ``yamlout`` the only user of PyYAML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 40
MAX_VALUES = 300_000
"""Values of one file; some half a kilobyte of memory each."""
MAX_IN_ALL = 2_000_000
"""Values of all files of a state."""
TOO_MANY = (
    f"more than {MAX_VALUES:,} values in a file, or {MAX_IN_ALL:,} in all: aliases counted in full"
)
MAX_DIGITS = 40


class YamlError(Exception):
    """The text is not YAML that we take; ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(message)


class Table(dict[str, Any]):
    """A mapping that knows the line of each of its keys."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Series(list[Any]):
    """A sequence that knows the line of each of its items."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


class _Loader(yaml.CSafeLoader):
    """The YAML 1.2 core schema: ``no``, ``on`` and ``1:30`` are strings."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.count = 0
        self.path: list[None] = []
        self.ascend_resolver = self.path.pop  # type: ignore[method-assign] # called for each node

    def descend_resolver(self, parent: yaml.Node | None, _index: object) -> None:
        """Refuse a pit where it begins: the C parser's own recursion would end the process."""
        self.path.append(None)
        self.count += 1
        if len(self.path) <= MAX_DEPTH + 1 and self.count <= 2 * MAX_VALUES:  # keys are nodes, too
            return
        line = parent.start_mark.line + 1 if parent is not None else 1
        deep = len(self.path) > MAX_DEPTH + 1
        raise YamlError(line, f"nested more than {MAX_DEPTH} levels deep" if deep else TOO_MANY)

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """Tell the tag of a node that bears none: PyYAML tries every pattern it knows instead."""
        if kind is yaml.ScalarNode:
            return _tag_of(value) if implicit[0] else _STRING
        return _SEQUENCE if kind is yaml.SequenceNode else _MAPPING


_INT = re.compile(r"^(?:[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_OCTAL_LIKE = re.compile(r"^[-+]?0[0-9]+$")
_NUMERIC = frozenset("-+.0123456789")
"""What numbers begin with."""
_PREFIX = "tag:yaml.org,2002:"
_INTEGER, _REAL = f"{_PREFIX}int", f"{_PREFIX}float"
_WORDS_OF = {
    "null": ("", "~", "null", "Null", "NULL"),
    "bool": ("true", "True", "TRUE", "false", "False", "FALSE"),
    "merge": ("<<",),
}
_TYPES = frozenset({*_WORDS_OF, "int", "float"})
_TAGS = {word: f"{_PREFIX}{tag}" for tag, words in _WORDS_OF.items() for word in words}
_STRING = f"{_PREFIX}str"
_MAPPING, _SEQUENCE = f"{_PREFIX}map", f"{_PREFIX}seq"


@dataclass(slots=True)
class Budget:
    """How many values may yet be read, in all files together. Guards the number."""

    left: int = MAX_IN_ALL


class _Builder:
    """Makes values out of nodes, within limits."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.count = 0
        self.open: set[int] = set()

    def document(self, node: yaml.Node) -> Any:
        self.spend(1, node.start_mark.line + 1)
        return self.build(node)

    def spend(self, values: int, line: int) -> None:
        self.count += values
        self.budget.left -= values
        if self.count > MAX_VALUES or self.budget.left < 0:
            raise YamlError(line, TOO_MANY)

    def build(self, node: yaml.Node) -> Any:
        if node.__class__ is yaml.ScalarNode:
            return _scalar(node)
        line = node.start_mark.line + 1
        if len(self.open) > MAX_DEPTH:
            raise YamlError(line, f"nested more than {MAX_DEPTH} levels deep")
        if id(node) in self.open:
            raise YamlError(line, "an alias that contains itself")
        if node.tag not in (_MAPPING, _SEQUENCE):
            raise YamlError(line, f"the tag {node.tag} is not taken here")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return self.series(node)
            assert isinstance(node, yaml.MappingNode)  # the three sorts of node there are
            return self.table(node)
        finally:
            self.open.remove(id(node))

    def series(self, node: yaml.SequenceNode) -> Series:
        result = Series(node.start_mark.line + 1)
        self.spend(len(node.value), result.line)
        for item in node.value:
            result.append(self.build(item))
            result.lines.append(item.start_mark.line + 1)
        return result

    def table(self, node: yaml.MappingNode) -> Table:
        result = Table(node.start_mark.line + 1)
        self.spend(len(node.value), result.line)
        merged: list[Table] = []
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == f"{_PREFIX}merge":
                merged += self.merge(value_node)
                continue
            key = _scalar(key_node) if key_node.__class__ is yaml.ScalarNode else None
            if not isinstance(key, str):
                word = key_node.value if isinstance(key_node, yaml.ScalarNode) else "this"
                raise YamlError(
                    line, f'the key {word} is not a string; write it in quotes: "{word}"'
                )
            if key in result:
                raise YamlError(
                    line, f"the key {key} stands here twice, first in line {result.lines[key]}"
                )
            result[key] = self.build(value_node)
            result.lines[key] = line
        for table in merged:
            for key, value in table.items():
                if key not in result:
                    result[key] = value
                    result.lines[key] = table.lines[key]
        return result

    def merge(self, node: yaml.Node) -> list[Table]:
        value = self.build(node)
        tables = value if isinstance(value, Series) else [value]
        if not all(isinstance(table, Table) for table in tables):
            raise YamlError(node.start_mark.line + 1, "<< takes a mapping or a list of mappings")
        return list(tables)


def _tag_of(text: str) -> str:
    """Tell what a plain word is."""
    tag = _TAGS.get(text)
    if tag is None and text[0] in _NUMERIC:
        tag = _INTEGER if _INT.match(text) else _REAL if _FLOAT.match(text) else None
    return tag or _STRING


def _scalar(node: Any) -> Any:
    if node.tag == _STRING:
        return node.value
    text, tag, fits = node.value, node.tag.removeprefix(_PREFIX), _tag_of(node.value)
    if tag in _TYPES and fits != node.tag and not (tag == "float" and _FLOAT.match(text)):
        raise YamlError(node.start_mark.line + 1, f"the tag !!{tag} does not fit what it stands at")
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    if tag == "int":
        return int(text, 0) if len(text) <= MAX_DIGITS else text
    if tag == "float" and not _OCTAL_LIKE.match(text):
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    if tag == "float":
        return text
    raise YamlError(node.start_mark.line + 1, f"the tag {node.tag} is not taken here")


def load_all(text: str | bytes, budget: Budget | None = None) -> list[Any]:
    """Read every document of a file, as far as the budget of all files allows.

    Raises:
        YamlError: it is no YAML, too large, too deep, or has a key twice.

    """
    if len(text) > MAX_BYTES:
        raise YamlError(1, f"larger than {MAX_BYTES >> 20} MiB: state belongs into more files")
    try:
        if isinstance(text, bytes):
            text = text.decode()
        loader = _Loader(text)
        try:
            values, builder = [], _Builder(budget or Budget())
            while loader.check_node():
                node = loader.get_node()
                assert node is not None  # check_node said so
                values.append(builder.document(node))
            return values
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(
            mark.line + 1 if mark else 1, str(error.problem or error.context)
        ) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise YamlError(1, f"not YAML: {str(error).splitlines()[0]}") from error
