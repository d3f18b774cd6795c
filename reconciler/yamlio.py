"""From YAML text to values that remember their lines, and back. The only user of PyYAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
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

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012
    depth = 0
    count = 0

    def descend_resolver(self, parent: yaml.Node | None, _index: object) -> None:
        """Refuse a pit where it begins: the C parser's own recursion would end the process."""
        self.depth += 1
        self.count += 1
        line = parent.start_mark.line + 1 if parent is not None else 1
        if self.depth > MAX_DEPTH + 1:
            raise YamlError(line, f"nested more than {MAX_DEPTH} levels deep")
        if self.count > 2 * MAX_VALUES:  # keys are nodes, too
            raise YamlError(line, TOO_MANY)

    def ascend_resolver(self) -> None:
        self.depth -= 1


_INT = re.compile(r"^(?:[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_OCTAL_LIKE = re.compile(r"^[-+]?0[0-9]+$")
_SCHEMA = {
    "null": (re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    "bool": (re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    "int": (_INT, list("-+0123456789")),
    "float": (_FLOAT, list("-+0123456789.")),
    "merge": (re.compile(r"^<<$"), ["<"]),
}
for _tag, (_pattern, _first) in _SCHEMA.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)

_PREFIX = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset({f"{_PREFIX}map", f"{_PREFIX}seq"})


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

    def build(self, node: yaml.Node) -> Any:
        line = node.start_mark.line + 1
        self.count += 1
        self.budget.left -= 1
        if self.count > MAX_VALUES or self.budget.left < 0:
            raise YamlError(line, TOO_MANY)
        if len(self.open) > MAX_DEPTH:
            raise YamlError(line, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self.open:
            raise YamlError(line, "an alias that contains itself")
        if node.tag not in _PLAIN_TAGS:
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
        for item in node.value:
            result.append(self.build(item))
            result.lines.append(item.start_mark.line + 1)
        return result

    def table(self, node: yaml.MappingNode) -> Table:
        result = Table(node.start_mark.line + 1)
        merged: list[Table] = []
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == f"{_PREFIX}merge":
                merged += self.merge(value_node)
                continue
            key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
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


def _scalar(node: yaml.ScalarNode) -> Any:
    tag, text = node.tag.removeprefix(_PREFIX), node.value
    if tag in _SCHEMA and not _SCHEMA[tag][0].match(text):
        raise YamlError(node.start_mark.line + 1, f"the tag !!{tag} does not fit what it stands at")
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    if tag == "int":
        return int(text, 0) if len(text) <= MAX_DIGITS else text
    if tag == "float" and not _OCTAL_LIKE.match(text):
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    if tag in ("float", "str"):
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
                values.append(builder.build(node))
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


class _Writer(yaml.representer.SafeRepresenter):
    """Writes what YAML 1.1 and 1.2 readers agree on: what either could misread is quoted."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


_BARE = re.compile(r"^(?:[^\W\d]|/)[\w .'/@+:()-]*$|^\d+(?:\.\d+){3}(?:/\d+)?$|^\d+-\d+$")
"""Words, and also IPv4 addresses, prefixes and ranges of numbers."""
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
WIDTH = 100
LEAF = 8
"""Keys of a mapping that is written in one line, if it fits."""


def _string(writer: _Writer, text: str) -> yaml.ScalarNode:
    tag = f"{_PREFIX}str"
    if "\n" in text:
        return writer.represent_scalar(tag, text, style="|")
    plain = _BARE.match(text) and text.lower() not in _WORDS and text == text.strip()
    structure = ": " in text or text.endswith(":")
    return writer.represent_scalar(tag, text, style=None if plain and not structure else '"')


_Writer.add_representer(str, _string)


def dump(value: Mapping[str, Any]) -> str:
    """Write a document as people do: blocks, and in one line what is short and has no names."""
    node = _Writer(sort_keys=False).represent_data(value)
    _lay_out(node, 0)
    if value and isinstance(node, yaml.CollectionNode):
        node.flow_style = False
    text: str = yaml.serialize(
        node, Dumper=yaml.CSafeDumper, allow_unicode=True, width=2 * WIDTH, indent=2
    )
    return text


def _lay_out(node: yaml.Node, column: int, *, item: bool = False) -> None:
    """Choose block or flow: an item of a list may nest, a named mapping holds plain values."""
    if isinstance(node, yaml.ScalarNode):
        return
    assert isinstance(node, yaml.CollectionNode)  # the three sorts of node there are
    node.flow_style = _is_short(node, item=item) and column + _length(node) <= WIDTH
    if isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            _lay_out(inner, column + 2, item=True)
    elif isinstance(node, yaml.MappingNode):
        for key, inner in node.value:
            _lay_out(inner, column + 2 if not _is_leaf(inner) else column + 4 + len(key.value))


def _is_short(node: yaml.Node, *, item: bool) -> bool:
    if not node.value:
        return True
    if isinstance(node, yaml.SequenceNode):
        return all(isinstance(inner, yaml.ScalarNode) for inner in node.value)
    if item:
        return all(_is_leaf(inner) for _, inner in node.value)
    return len(node.value) <= LEAF and all(isinstance(v, yaml.ScalarNode) for _, v in node.value)


def _is_leaf(node: yaml.Node) -> bool:
    """Whether there is nothing in it but plain values."""
    if isinstance(node, yaml.MappingNode):
        return all(isinstance(inner, yaml.ScalarNode) for _, inner in node.value)
    if isinstance(node, yaml.SequenceNode):
        return all(isinstance(inner, yaml.ScalarNode) for inner in node.value)
    return True


def _length(node: yaml.Node) -> int:
    """Count the characters of a node in one line."""
    if isinstance(node, yaml.MappingNode):
        return sum(len(key.value) + 4 + _length(inner) for key, inner in node.value)
    if isinstance(node, yaml.SequenceNode):
        return 2 + sum(2 + _length(inner) for inner in node.value)
    return WIDTH if "\n" in node.value else len(node.value) + 2
