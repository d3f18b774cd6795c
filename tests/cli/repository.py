"""From texts to commits of a state, and to the commands that bring them about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import git
from click.testing import Result

from reconciler.cli.codes import Code
from tests.cli.conftest import Call, write

SETTINGS = """
owner: us
clouds:
  prod:
    mode: enforce
    prune: {{{prune}}}
    {more}
"""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with a state in it, and a cloud that it is for."""

    folder: Path
    call: Call

    def settings(self, *prune: str, more: str = "") -> None:
        words = ", ".join(f"{kind}: true" for kind in prune)
        write(self.folder, {"reconciler.yaml": SETTINGS.format(prune=words, more=more)})

    def commit(self, text: str, author: str = "alice") -> str:
        """Commit this as the whole state; gives the commit's name."""
        write(self.folder, {"desired_state/all.yaml": text})
        with git.Repo(self.folder) as repo:
            repo.git.add("-A")
            actor = git.Actor(author, f"{author}@example.org")
            return repo.index.commit(f"by {author}", author=actor, committer=actor).hexsha

    def apply(self, *words: str, code: Code = Code.DONE) -> dict[str, Any]:
        """Apply without being asked, expect this code, and give the answer."""
        result = self.call("apply", "--auto-approve", "-o", "json", *words)
        assert result.exit_code == code, _brief(result)
        return dict(json.loads(result.stdout))

    def plan(self, *words: str) -> dict[str, Any]:
        result = self.call("plan", "-o", "json", *words)
        assert result.exit_code == Code.DONE, result.output
        return dict(json.loads(result.stdout))

    def text(self, *words: str) -> Result:
        return self.call(*words)


def held(answer: dict[str, Any]) -> dict[str, str]:
    """Give what is held, and by which guard."""
    return {c["address"]: c["held"]["reason"] for c in answer["changes"] if c["held"]}


def actions(answer: dict[str, Any]) -> dict[str, str]:
    """Give what differs, and what would become of it."""
    return {c["address"]: c["action"] for c in answer["changes"]}


def _brief(result: Result) -> str:
    """Say what a run did, without what was observed, for a test that fails."""
    try:
        found = json.loads(result.stdout)
    except ValueError:
        return result.output
    return json.dumps([result.stderr, found["changes"], found.get("outcomes")], indent=1)
