"""Between runs: what is recalled before a plan, noted before an apply, and settled after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.cloud.live import Live, owners
from reconciler.cloud.record import MAKING, TAKEN, Record, read_record
from reconciler.engine.apply import Outcome, Status, failures
from reconciler.engine.budget import grown_by, spent_by
from reconciler.engine.memory import Memory
from reconciler.engine.plan import MAKING as MAKING_ACTIONS
from reconciler.engine.policy import Policy
from reconciler.engine.values import Action, Cause, Change, Plan, Reason
from reconciler.errors import CloudError, SourceError
from reconciler.kinds.address import Address
from reconciler.kinds.calls import MarkStyle
from reconciler.kinds.kind import Form
from reconciler.line import Report, Selection, Target, renames_of
from reconciler.state.history import Prior, Revisions, read_prior
from reconciler.state.source import (
    Commit,
    Revision,
    commits_since,
    fingerprint,
    keep_commit,
    read_commit,
    toplevel,
)
from reconciler.state.values import Desired

BEHIND = 8_000
"""Characters of addresses that a commit may be behind in and still count as applied."""
NOT_TAKEN = (Reason.APPROVAL, Reason.OWNERSHIP, Reason.AMBIGUOUS)
"""What holds a change to an object that is not known to be ours."""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where earlier revisions of the state are read from."""

    root: Path
    folder: str
    have: Callable[[str], bool] | None = None
    """Fetches what is missing of the history, and says whether a commit comes before the head."""
    at_hand: tuple[Desired, ...] = ()
    """What was read of it before."""


def repository_of(root: Path, folder: Path) -> Repository | None:
    """Find the repository that the state's folder lies in, if there is one.

    Raises:
        SourceError: the settings lie in one, and the state does not.

    """
    top = toplevel(root)
    if top is None:
        return None
    inner, outer = folder.resolve(), top.resolve()
    if not inner.is_relative_to(outer):
        raise SourceError(
            f"{folder}: lies outside of the repository {top}, whose commits are read; "
            "a state in another repository is followed by source, in reconciler.yaml"
        )
    return Repository(top, inner.relative_to(outer).as_posix())


def recall(
    target: Target,
    desired: Desired,
    owner: str,
    selection: Selection,
    repository: Repository | None,
    now: float,
) -> Memory:
    """Read the record, and what the revisions declared that it names."""
    revision = desired.revision
    whole = bool(revision.name) and not selection.targets and not selection.excludes
    attempt = revision.name or f"~{fingerprint(revision)[:16]}"
    if selection.marks_only:
        attempt = ""  # it makes nothing: what turns up later is no interrupted create of ours
    try:
        record = read_record(target.http, target.who.project_id, owner)
    except CloudError as error:
        why = f"the record cannot be read: {error}"
        return Memory(now=now, problem=why, prunes=whole, attempt=attempt)
    prior = Prior()
    if revision.name and repository is not None:
        prior = _prior(record or Record(), target, desired, repository)
    return Memory(
        record or Record(), prior, now, fresh=record is None, prunes=whole, attempt=attempt
    )


def _prior(record: Record, target: Target, desired: Desired, repository: Repository) -> Prior:
    named = Revisions(record.settled, record.applied, record.attempted)
    return read_prior(
        desired, named, renames_of(desired), target.kinds,
        lambda revision: _read(repository, revision),
        lambda old: _since(repository, old, desired.revision.name),
        repository.at_hand,
    )  # fmt: skip


def _read(repository: Repository, revision: str) -> Revision:
    try:
        return read_commit(repository.root, revision, repository.folder)
    except SourceError:
        if repository.have is None or not repository.have(revision):
            raise
        return read_commit(repository.root, revision, repository.folder)


def _since(repository: Repository, old: str, new: str) -> tuple[Commit, ...]:
    if old == new:
        return ()
    if repository.have is not None and not repository.have(old):
        raise SourceError(f"{new[:7]} does not come after {old[:7]}")
    return commits_since(repository.root, old, new)


def begin(
    record: Record, plan: Plan, live: Live, memory: Memory, policy: Policy, now: float
) -> Record:
    """Note what an apply is about to do, before its first request."""
    todo = [change for change in plan.changes if not change.held]
    noted = record.attempt(memory.attempt, now).spend(spent_by(todo), now)
    noted = noted.grow(grown_by(todo), now)
    planned = {str(change.address) for change in plan.changes}
    making = {*_nameless_makes(todo), *(one for one in record.making if one in planned)}
    noted = replace(noted, making=tuple(sorted(making))[:MAKING])
    noted = replace(noted, kinds=_written(record, live, policy.owner) | {c.kind.name for c in todo})
    missed = frozenset() if policy.releases.unlisted else record.services
    noted = replace(noted, services=live.services | missed)
    taken = {str(change.address) for change in todo if _takes_unmarked(change)}
    noted = replace(noted, taken=tuple(sorted({*record.taken, *taken}))[:TAKEN])
    if policy.releases.seen or policy.releases.first_meeting:
        noted = replace(noted, met=noted.met | {change.kind.name for change in todo})
    approval = memory.record.approval(plan.id, memory.now)
    return noted.use(approval) if policy.releases.approved and approval else noted


def _written(record: Record, live: Live, owner: str) -> frozenset[str]:
    """Name the kinds of which there may be objects of ours; without a note all were looked at."""
    if record.kinds is not None:
        return record.kinds
    marked = (o.kind.name for o in live.objects.values() if owner in owners(o.kind, o.raw))
    return frozenset(marked)


def _takes_unmarked(change: Change) -> bool:
    kind = change.kind
    return kind.mark is None and kind.form is Form.NAMED and change.resource is not None


def _nameless_makes(todo: Iterable[Change]) -> Iterator[str]:
    """Give what is created without a mark, by a service that keeps no time of it."""
    for change in todo:
        mark = change.kind.mark
        if change.action in MAKING_ACTIONS and mark and mark.style is MarkStyle.MAP:
            yield str(change.address)


def end(
    record: Record, report: Report, memory: Memory, now: float, *, whole: bool = True
) -> Record:
    """Note what became of it: what was not deleted is given back, and how far we are."""
    outcomes = (*report.outcomes, *report.later)
    undone = [
        o.change
        for o in outcomes
        if o.status in (Status.SKIPPED, Status.PENDING) or (o.status is Status.FAILED and o.refused)
    ]
    noted = record.spend(_negative(spent_by(undone)), now)
    unmade = [o.change for o in outcomes if o.status is not Status.APPLIED]
    noted = noted.grow(_negative(grown_by(unmade)), now)
    if report.interrupted or report.unseen:
        return noted
    unsure = _uncertain(outcomes)
    noted = replace(noted, making=tuple(one for one in noted.making if one in unsure))
    refused = {o.change.address for o in outcomes if o.left is Reason.OWNERSHIP}
    open_still = [o for o in failures(outcomes) if o.change.address not in refused]
    done = not open_still and _all_done(report, refused)
    if not memory.prunes:
        folder = memory.attempt.startswith("~")
        kept = tuple(one for one in noted.attempted if one[0] != memory.attempt)
        return replace(noted, attempted=kept) if done and folder else noted
    behind = _behind(report)
    if not whole or sum(map(len, behind)) > BEHIND:
        return noted  # the commit does not count as applied: too much of it is still to be done
    noted = replace(noted, applied=memory.attempt, behind=behind)
    if not done:
        return noted
    return replace(noted, settled=memory.attempt, attempted=(), taken=())


def _negative(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: -count for kind, count in counts.items()}


def _behind(report: Report) -> tuple[str, ...]:
    """Give what a commit asks for and that was held or not done: its cause stays that commit."""
    left = report.left or report.plan
    found = {str(c.address) for c in left.changes if c.cause is Cause.GIT}
    return tuple(sorted(found))


def _uncertain(outcomes: Iterable[Outcome]) -> set[str]:
    """Give what may be there unmarked: an answer was lost, or what was there was not marked yet."""
    return {
        str(o.change.address) for o in outcomes
        if o.status is Status.FAILED
        or (o.status is not Status.APPLIED and o.change.action not in MAKING_ACTIONS)
    }  # fmt: skip


def _all_done(report: Report, refused: Collection[Address]) -> bool:
    """Say whether nothing is left that decides whose an object is."""
    left = report.left or report.plan
    for change in left.changes:
        if change.detach:
            return False  # a later revision would not know that it is not to be deleted
        if change.kind.mark is None and change.held and change.held.reason in NOT_TAKEN:
            return False  # settled alone would tell that it is ours
        if change.action is Action.UPDATE or change.address in refused:
            continue  # it is there, and whose it is was settled when it was made or adopted
        if change.held and change.held.reason is Reason.PRUNE_OFF and change.kind.mark:
            continue  # its mark remembers it, and the operator said that it stays
        return False
    return True


def keep(repository: Repository, cloud: str, record: Record) -> None:
    """Keep the revisions that the record names in this clone."""
    for name, revision in (("settled", record.settled), ("applied", record.applied)):
        if revision:
            keep_commit(repository.root, f"{cloud}/{name}", revision)


def is_behind(memory: Memory) -> bool:
    """Say whether the record has yet to hear of the revision, although nothing differs."""
    record = memory.record
    return memory.prunes and {record.applied, record.settled} != {memory.attempt}
