"""From states as authors write them to runs of the line over a cloud, real or in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType

from reconciler import line
from reconciler.cloud.live import Live
from reconciler.cloud.session import Who
from reconciler.engine.apply import Status
from reconciler.engine.policy import Policy
from reconciler.engine.values import Action, Plan
from reconciler.kinds.calls import Http
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Kinds
from reconciler.state.model import make_desired
from reconciler.state.source import Revision, read_folder
from reconciler.state.values import Desired

OWNER = "tests"
PASSWORD = "correct horse battery staple"
NO_FILES: Mapping[str, str] = MappingProxyType({})
EVERYTHING = line.Selection()


def write_state(files: Mapping[str, str], folder: Path | None = None) -> Revision:
    """Lay a state down as a folder, and read it as the line would."""
    folder = folder or Path(tempfile.mkdtemp(prefix="state-"))
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return read_folder(folder)


def in_memory(*texts: str, files: Mapping[str, str] = NO_FILES) -> Revision:
    """Give a revision of texts that lie in no folder: ``a.yaml``, ``b.yaml`` and so on."""
    named = {f"{chr(97 + at)}.yaml": text for at, text in enumerate(texts)} | dict(files)
    contents = {name: dedent(text).encode() for name, text in named.items()}
    return Revision("", "", contents, lambda name: (_ for _ in ()).throw(FileNotFoundError(name)))


@dataclass(frozen=True, slots=True)
class Runner:
    """A cloud, with all that it takes to walk the line over it."""

    target: line.Target
    policy: Policy

    def desired(self, *texts: str) -> Desired:
        return make_desired(in_memory(*texts), self.target.kinds)[0]

    def plan(self, desired: Desired) -> tuple[Plan, Live]:
        return line.plan_for(self.target, desired, self.policy, EVERYTHING)

    def apply(self, desired: Desired, first: tuple[Plan, Live] | None = None) -> line.Report:
        return line.carry_out(
            self.target, desired, self.policy, first or self.plan(desired), EVERYTHING
        )


def runner_for(http: Http, who: Who, kinds: Kinds, policy: Policy | None = None) -> Runner:
    return Runner(line.Target(http, who, "tests", kinds), policy or Policy(OWNER))


def shown(plan: Plan) -> list[str]:
    """Say a plan in lines that read well where a test fails."""
    lines = []
    for change in plan.changes:
        fields = ", ".join(f"{f.path}: {f.before!r} → {f.after!r}" for f in change.fields)
        held = f" [held {change.held.reason}: {change.held.detail}]" if change.held else ""
        if change.action is Action.CREATE and not change.held:
            fields = ""
        lines.append(f"{change.action} {change.address} {fields}".strip() + held)
    return lines


def went_wrong(report: line.Report) -> list[str]:
    """Say what was not done, and what a look after the apply still finds."""
    bad = [
        f"{o.status} {o.change.action} {o.change.address}: {o.error}"
        for o in (*report.outcomes, *report.later)
        if o.status is not Status.APPLIED
    ]
    again = [f"took another pass: {o.change.action} {o.change.address}" for o in report.later]
    left = shown(report.left) if report.left else []
    return [*bad, *again, *(f"left: {line}" for line in left)]


def only(kinds: Kinds, states: Iterable[Desired]) -> Kinds:
    """Keep to the kinds that states speak of, with what they lie in and what lies in them."""
    names: set[str] = set()
    for desired in states:
        names |= {r.kind.name for r in desired.resources.values()} | {k for _, k in desired.claims}
    return _closed(kinds, names)


def _closed(kinds: Kinds, names: set[str]) -> Kinds:
    chosen = set(names)
    for name in names:
        chosen |= {k.name for k in kinds.below(name) if k.edge}
    grown = True
    while grown:
        more = {n for name in chosen for n in _leans_on(kinds[name]) if n in kinds} - chosen
        chosen |= more
        grown = bool(more)
    return Kinds(kind for kind in kinds if kind.name in chosen)


def _leans_on(kind: Kind) -> set[str]:
    above = {place for place in kind.within if place}
    listings = [kind.listing, *kind.more] if kind.listing else []
    return above | {word for one in listings for word in (one.each, one.embedded) if word}
