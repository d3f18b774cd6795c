"""From what is wrong with a state to text, JSON and SARIF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.errors import Problem
from reconciler.kinds.values import Json
from reconciler.report.jsontext import dump
from reconciler.report.words import clean

FORMAT_VERSION: Final = "1.0"
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def problems_text(problems: Sequence[Problem]) -> str:
    """Write one line a problem: ``file:line: address: what is wrong; what to do``."""
    return "".join(f"{clean(str(problem))}\n" for problem in problems)


def problems_json(problems: Sequence[Problem], *, files: int, objects: int, valid: bool) -> str:
    """Write what was checked and what is wrong with it."""
    return dump(
        {
            "format_version": FORMAT_VERSION,
            "valid": valid,
            "files": files,
            "objects": objects,
            "problems": [
                {
                    "file": problem.file,
                    "line": problem.line,
                    "address": problem.address,
                    "severity": "warning" if problem.warning else "error",
                    "message": problem.message,
                }
                for problem in problems
            ],
        }
    )


def problems_sarif(problems: Sequence[Problem], *, version: str, folder: str) -> str:
    """Write what code hosts show beside the lines of a merge request."""
    rules = [
        {"id": "state-error", "shortDescription": {"text": "The state cannot be used as it is"}},
        {"id": "state-warning", "shortDescription": {"text": "The state may not mean this"}},
    ]
    driver = {"name": "reconciler", "version": version, "rules": rules}
    results = [_result(problem, folder) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return dump({"$schema": SARIF, "version": "2.1.0", "runs": [run]})


def _result(problem: Problem, folder: str) -> dict[str, Json]:
    about = f"{problem.address}: " if problem.address else ""
    result: dict[str, Json] = {
        "ruleId": "state-warning" if problem.warning else "state-error",
        "level": "warning" if problem.warning else "error",
        "message": {"text": f"{about}{problem.message}"},
    }
    if problem.file:
        uri = f"{folder}/{problem.file}" if folder not in ("", ".") else problem.file
        place = {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": max(problem.line, 1)},
        }
        result["locations"] = [{"physicalLocation": place}]
    return result
