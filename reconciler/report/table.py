"""From a plan, and from what became of it, to the one table that every report renders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from reconciler.engine.apply import Outcome, Status
from reconciler.engine.compare import FieldChange
from reconciler.engine.values import Action, Cause, Change, Held, Plan
from reconciler.kinds.address import Address
from reconciler.kinds.edges import label
from reconciler.kinds.fields import Value, fields_of
from reconciler.kinds.kind import Form, Kind
from reconciler.kinds.values import Json
from reconciler.report.values import Line, Result, Row, Table
from reconciler.report.words import SENSITIVE, plain

WORST = (Status.FAILED, Status.PENDING, Status.SKIPPED, Status.APPLIED)


def make_table(
    plan: Plan,
    *,
    folder: str = "",
    seconds: float | None = None,
    since: Mapping[str, float] = MappingProxyType({}),
    now: float | None = None,
) -> Table:
    """Fold what has no address of its own into its parents, and count."""
    rows = _rows(plan.changes, since)
    summary = _summary(rows, plan.unchanged)
    return Table(
        plan.id, plan.cloud, plan.revision, plan.subject, rows, plan.observed, plan.unchanged,
        plan.warnings, summary, folder=folder, settled=plan.settled, seconds=seconds,
        now=now,
    )  # fmt: skip


def _summary(rows: tuple[Row, ...], unchanged: int) -> Mapping[str, int]:
    summary = {action.value: 0 for action in Action}
    summary |= Counter(row.action.value for row in rows)
    summary["held"] = sum(row.held is not None for row in rows)
    summary["unchanged"] = unchanged
    return summary


def only_live(table: Table) -> Table:
    """Keep to what somebody did to the cloud: neither commits to come nor adoptions."""
    kept = tuple(
        row for row in table.rows if row.cause is Cause.LIVE and row.action is not Action.ADOPT
    )
    return replace(table, rows=kept, summary=_summary(kept, table.unchanged))


def only_at(table: Table, addresses: Collection[Address]) -> Table:
    """Keep to these objects."""
    kept = tuple(row for row in table.rows if row.address in addresses)
    return replace(table, rows=kept, summary=_summary(kept, table.unchanged))


def with_outcomes(table: Table, outcomes: Iterable[Outcome]) -> Table:
    """Add what became of the plan."""
    return replace(table, results=_results(outcomes))


def shown_address(change: Change) -> Address:
    """Give the address under which a change is reported: the parent's, where it has none."""
    return change.parent if change.kind.folded else change.address


def _rows(
    changes: Iterable[Change], since: Mapping[str, float] = MappingProxyType({})
) -> tuple[Row, ...]:
    every = list(changes)
    shown = {change.address: shown_address(change) for change in every}
    parts: dict[Address, list[Change]] = {}
    own: dict[Address, Change] = {}
    for change in every:
        if change.kind.folded:
            parts.setdefault(change.parent, []).append(change)
        else:
            own[change.address] = change
    first: dict[Address, float] = {}
    for change in every:
        at = since.get(str(change.address))
        if at is not None:
            first[shown[change.address]] = min(at, first.get(shown[change.address], at))
    return tuple(
        replace(
            _row(address, own.get(address), parts.get(address, []), shown),
            since=first.get(address),
        )
        for address in sorted(own.keys() | parts.keys())
    )


def _row(
    address: Address, own: Change | None, parts: list[Change], shown: Mapping[Address, Address]
) -> Row:
    going = own is not None and own.action is Action.DELETE
    folded = () if going else _folded(parts)  # what goes with its parent needs no words
    every = [*([own] if own else []), *parts]
    after = dict.fromkeys(shown.get(a, a) for c in every for a in c.after)
    first = own or parts[0]
    action, held, reason = Action.UPDATE, None, ""
    lines = tuple(_own_line(f, own) for f in own.fields) if own else ()
    if own:
        action, held, reason = own.action, own.held, own.reason
        if action is Action.ADOPT and folded:
            action = Action.UPDATE
    held = held or _held_part(folded)
    return Row(
        address,
        own.parent if own else Address("", address.names[:-1]),
        action,
        next((c.cause for c in every if c.cause is Cause.LIVE), first.cause),
        (*lines, *folded),
        first.origin,
        tuple(a for a in after if a != address),
        held,
        reason,
    )


def _held_part(lines: tuple[Line, ...]) -> Held | None:
    """Give why a row is held of which only a part is."""
    for line in lines:
        if line.held:
            what = line.before if line.after is None else line.after
            return replace(line.held, detail=f"{line.path} {what}: {line.held.detail}")
    return None


def _own_line(field_change: FieldChange, change: Change) -> Line:
    line = _line(field_change, change.address)
    told = change.action is not Action.REPLACE and line.path in change.kind.identity
    forces = line.forces_replace and change.action is not Action.CREATE
    return replace(line, told=told, forces_replace=forces)


def _line(change: FieldChange, base: Address) -> Line:
    before, after = plain(change.before, base), plain(change.after, base)
    if change.sensitive:
        before, after = (None if v is None else SENSITIVE for v in (before, after))
    return Line(change.path, before, after, change.sensitive, change.forces_replace)


def _folded(parts: list[Change]) -> tuple[Line, ...]:
    """Say children as fields of their parent, each in one steady place; added ones first."""
    lines: dict[tuple[str, bool, str], Line] = {}
    for line in (line for change in parts for line in _child_lines(change)):
        # What goes and what comes under one key of a map is one change of its value.
        key = (line.path, line.after is None, f"{line.after} {line.before}")
        if not line.item:
            key = (line.path, False, "")
        other = lines.get(key)
        if other:
            before = other.before if line.before is None else line.before
            after = other.after if line.after is None else line.after
            line = replace(line, before=before, after=after, held=line.held or other.held)  # noqa: PLW2901
        lines[key] = line
    return tuple(lines[key] for key in sorted(lines))


def _child_lines(change: Change) -> Iterator[Line]:
    kind, base, held = change.kind, change.parent, change.held
    note = change.reason if change.action is Action.DELETE else ""
    lost = {f.path: f.before for f in change.fields if "." not in f.path}
    wanted: Mapping[str, Value] = change.resource.fields if change.resource else {}
    if change.action in (Action.UPDATE, Action.REPLACE):
        path, value = _said(kind, base, wanted)
        if kind.form is not Form.MAP:
            path = f"{path}.{value}"
        for one in change.fields:
            inner = _line(one, base)
            whole = kind.form is Form.MAP and one.path == kind.shorthand
            yield replace(inner, path=path if whole else f"{path}.{one.path}", held=held)
        return
    secret = any(f.secret for f in fields_of(kind.spec))
    gone = change.action is Action.DELETE
    path, value = _said(kind, base, lost if gone else wanted)
    if secret:
        value = SENSITIVE
    yield Line(
        path, value if gone else None, None if gone else value, secret,
        note=note, item=kind.form is not Form.MAP, held=held,
    )  # fmt: skip


def _said(kind: Kind, base: Address, fields: Mapping[str, Value]) -> tuple[str, Json]:
    """Give the path under the parent and the value of a child without an address of its own."""
    words = {name: plain(value, base) for name, value in fields.items()}
    if kind.form is Form.MAP:
        return f"{kind.collection}.{words.get(kind.key)}", words.get(kind.shorthand)
    if kind.phrase:
        return kind.collection, kind.phrase(words)
    if kind.identity == (kind.shorthand,):
        return kind.collection, words.get(kind.shorthand)
    return kind.collection, label(kind, base, fields)


def _error(outcome: Outcome) -> str:
    """Give what went wrong, and with which of the fields of a row."""
    part = part_of(outcome.change)
    return f"{part}: {outcome.error}" if part else outcome.error


def line_words(line: Line) -> str:
    """Name a folded child in a few words: ``rules ingress tcp 443 0.0.0.0/0``."""
    value = line.before if line.after is None else line.after
    return f"{line.path} {value}" if line.item else line.path


def change_words(change: Change) -> tuple[Action, str]:
    """Name one change as reports do: its sign, its address, and its field where it is folded."""
    address, part = str(shown_address(change)), part_of(change)
    return change.action, f"{address}  {part}" if part else address


def part_of(change: Change) -> str:
    """Name the part of an object that a change is about; empty where it has its own address."""
    line = next(iter(_child_lines(change)), None) if change.kind.folded else None
    return line_words(line) if line else ""


def _results(outcomes: Iterable[Outcome]) -> tuple[Result, ...]:
    every = list(outcomes)
    rows = {row.address: row for row in _rows(outcome.change for outcome in every)}
    found: dict[Address, list[Outcome]] = {}
    for outcome in every:
        found.setdefault(shown_address(outcome.change), []).append(outcome)
    results = []
    for address, row in rows.items():
        parts = found[address]
        worst = min((p.status for p in parts), key=WORST.index)
        errors = dict.fromkeys(_error(p) for p in parts if p.error and p.status is worst)
        request = next((p.request_id for p in parts if p.request_id), "")
        seconds = round(sum(p.seconds for p in parts), 3)
        results.append(Result(address, row.action, worst, "; ".join(errors), request, seconds))
    return tuple(results)
