"""From values to YAML text as people write it. With ``yamlio`` the only user of PyYAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml


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
    tag = "tag:yaml.org,2002:str"
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
