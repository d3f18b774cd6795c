"""From the files of a revision to documents whose every key knows its line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.errors import Problem
from reconciler.state.source import Revision
from reconciler.yamlio import Table, YamlError, load_all


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where something was written."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.file else ""


NOWHERE = Origin("", 0)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document of a file."""

    file: str
    content: Table


def parse(revision: Revision) -> tuple[list[Document], list[Problem]]:
    """Read every file; what cannot be read is a problem, and the rest goes on."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for file, data in revision.files.items():
        try:
            contents = load_all(data)
        except YamlError as error:
            problems.append(Problem(file, error.line, "", str(error)))
            continue
        for content in contents:
            if content is None:
                continue
            if isinstance(content, Table):
                documents.append(Document(file, content))
            else:
                problems.append(
                    Problem(file, 1, "", "a file holds collections: `projects:` and so on")
                )
    return documents, problems


def nearest(word: str, known: Iterable[str]) -> str:
    """Give `` (did you mean …?)`` for a known word that is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
