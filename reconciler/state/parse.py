"""From the text of a file to documents whose every key knows its line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from reconciler.errors import MOST, Problem
from reconciler.yamlio import Budget, Table, YamlError, load_all

LONGEST_NAME = 255
"""Characters of a name: no service takes more."""
WIDEST = 500
"""Known words from which on none is guessed: comparing takes its time with each."""


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


def parse_file(file: str, text: bytes, budget: Budget, problems: list[Problem]) -> list[Document]:
    """Read one file; what cannot be read is a problem, and the rest goes on."""
    documents: list[Document] = []
    try:
        contents = load_all(text, budget)
    except YamlError as error:
        problems.append(Problem(file, error.line, "", str(error)))
        return documents
    for content in contents:
        if len(problems) > MOST:
            break
        if content is None:
            continue
        if isinstance(content, Table):
            documents.append(Document(file, content))
        else:
            problems.append(Problem(file, 1, "", "a file holds collections: `projects:` and so on"))
    return documents


def nearest(word: str, known: Iterable[str]) -> str:
    """Give `` (did you mean …?)`` for a known word that is close, else nothing."""
    words = list(islice((one for one in known if len(one) <= LONGEST_NAME), WIDEST + 1))
    if len(words) > WIDEST or len(word) > LONGEST_NAME:
        return ""
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
