"""From what should be to a drawing of what needs what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.kinds.address import Address
from reconciler.kinds.fields import fields_of
from reconciler.kinds.references import references
from reconciler.kinds.registry import ROOT
from reconciler.report.words import clean
from reconciler.state.values import Desired

Edges = Mapping[Address, frozenset[Address]]


def edges_of(desired: Desired) -> Edges:
    """Give what each object needs: what it lies in, and what it refers to; folded ones folded."""
    shown = {
        r.address: r.parent if r.kind.folded else r.address for r in desired.resources.values()
    }
    found: dict[Address, set[Address]] = {}
    for resource in desired.resources.values():
        targets = [t for _, t in references(fields_of(resource.kind.spec), resource.fields)]
        own = shown[resource.address]
        needs = found.setdefault(own, set())
        needs |= {shown.get(target, target) for target in (resource.parent, *targets)}
        needs -= {own, ROOT}
    return {address: frozenset(found[address]) for address in sorted(found)}


def dot(edges: Edges) -> str:
    """Write the graph for Graphviz: `dot -Tsvg`."""
    lines = ["digraph state {", "  rankdir=RL;", "  node [shape=box, style=rounded];"]
    lines += [f"  {_quoted(str(a))} [label={_quoted(*_label(a))}];" for a in _nodes(edges)]
    for address, needs in edges.items():
        lines += [f"  {_quoted(str(address))} -> {_quoted(str(t))};" for t in sorted(needs)]
    return "\n".join([*lines, "}"]) + "\n"


def mermaid(edges: Edges) -> str:
    """Write the graph as code hosts draw it in Markdown."""
    names = {address: f"n{number}" for number, address in enumerate(_nodes(edges))}
    lines = ["flowchart RL"]
    for address, name in names.items():
        lines.append(f'  {name}["{"<br>".join(_in_mermaid(word) for word in _label(address))}"]')
    for address, needs in edges.items():
        lines += [f"  {names[address]} --> {names[target]}" for target in sorted(needs)]
    return "\n".join(lines) + "\n"


def _nodes(edges: Edges) -> Iterable[Address]:
    return sorted({*edges, *(target for needs in edges.values() for target in needs)})


def _label(address: Address) -> tuple[str, str]:
    return address.kind, "/".join(address.names)


def _in_mermaid(text: str) -> str:
    """Write characters that mean something to mermaid or to HTML by their numbers."""
    return "".join(c if c.isalnum() or c in " -_./+@:" else f"#{ord(c)};" for c in clean(text))


def _quoted(*lines: str) -> str:
    escaped = (clean(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
