"""Every kind, against real services, by the data of its case file ``<Kind>.yaml``.

The keys of a case file (all states are YAML as authors write it; ``{domain}`` is a domain of the
test's own, to be declared in the state, ``{n}`` a word for names that are the whole cloud's):

    kind            the kind it is about
    setup           further state, applied together with each of the states below
    create          the first state: the object is made, and reads back as it was stated
    address         the address of the object
    files           further files of the state's folder
    updates         [{name, state}]: changed in place, by updates of the object or of its folded
                    children alone
    replaces        [state]: cannot be changed in place; the plan holds a replace
    changes_nothing [state]: another spelling of what the last update left
    drift           [{call or calls, fields}]: requests that somebody makes by hand, and the fields
                    that the plan then shows; a request is {service, method, path, body, headers,
                    version}; ``{id}``, ``{parent}`` and ``{id:ADDRESS}`` stand for ids. A folded
                    child is shown as ``rules`` or ``extra_specs.KEY``, an edge by its collection,
                    an object that is gone altogether as ``*``
    rejects         [{state, says}]: what no author gets past validation, and a part of the message
    absent          the last state: the object is gone
    without         {section: reason}, for what the kind does not have

The password in $RECONCILER_TEST_PASSWORD can be used for users.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler import line
from reconciler.cloud.live import Live, owners, protected
from reconciler.cloud.observe import observe
from reconciler.cloud.session import Cloud
from reconciler.engine.apply import apply_plan, failures
from reconciler.engine.memory import Memory
from reconciler.engine.plan import make_plan, wants_of
from reconciler.engine.prune import pruned
from reconciler.engine.values import Action, Change, Plan, Reason
from reconciler.errors import StateError
from reconciler.kinds.address import Address
from reconciler.kinds.fields import Field, Shape, fields_of
from reconciler.kinds.kind import Form
from reconciler.kinds.registry import Kinds
from reconciler.state.history import Prior
from reconciler.state.model import make_desired
from reconciler.state.values import Desired, OnRemove, Resource
from reconciler.yamlio import load_all
from tests.support.runs import Runner, only, runner_for, shown, write_state

Json = Any
HERE = Path(__file__).parent
SECTIONS = ("create", "updates", "replaces", "changes_nothing", "drift", "rejects", "absent")
KEYS = frozenset({*SECTIONS, "kind", "setup", "address", "files", "without"})
PLACES = {"domain": "dom-word", "n": "word"}


@dataclass(frozen=True, slots=True)
class Case:
    """One case file, its places still open."""

    name: str
    content: Mapping[str, Json] = field(hash=False)

    def section(self, name: str) -> list[Json]:
        return list(self.content.get(name) or ())

    def states(self) -> list[str]:
        """Give every state that has to be valid, the first one first."""
        updates = [update["state"] for update in self.section("updates")]
        others = [*self.section("replaces"), *self.section("changes_nothing")]
        last = [self.content["absent"]] if "absent" in self.content else []
        return [self.content["create"], *updates, *others, *last]

    def state(self, text: str, places: Mapping[str, str]) -> dict[str, str]:
        """Give the files of one state of this case."""
        setup = self.content.get("setup") or ""
        files = {
            **self.content.get("files", {}), "setup.yaml": setup, f"{self.name}.yaml": text,
        }  # fmt: skip
        return {filled(name, places): filled(body, places) for name, body in files.items()}


def filled(text: str, places: Mapping[str, str]) -> str:
    for word, value in places.items():
        text = text.replace(f"{{{word}}}", value)
    return text


def read_cases() -> list[Case]:
    files = sorted(HERE.rglob("*.yaml"))
    return [Case(file.stem, load_all(file.read_text(encoding="utf-8"))[0]) for file in files]


CASES = read_cases()
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@dataclass(slots=True)
class Walk:
    """One case on its way through a real cloud. Guards what was seen and applied last."""

    case: Case
    runner: Runner
    states: Mapping[str, Desired]
    wants: frozenset[tuple[Address, str]]
    places: Mapping[str, str]
    address: Address
    live: Live
    last: Desired

    def look(self) -> Live:
        """Observe again, as the cloud may have changed."""
        target = self.runner.target
        self.live = observe(
            target.http, target.kinds, target.who, wants=lambda *place: place in self.wants
        )
        assert not self.live.incomplete
        return self.live

    def plan(self, desired: Desired) -> Plan:
        return make_plan(desired, self.live, self.runner.target.kinds, self.runner.policy)

    def apply(self, desired: Desired, plan: Plan) -> None:
        """Apply, and see that the next plan is empty."""
        runner = self.runner
        context = line.make_context(runner.target, desired, self.live, runner.policy.owner)
        outcomes = apply_plan(plan, context)
        bad = [f"{o.change.action} {o.change.address}: {o.error}" for o in failures(outcomes)]
        assert bad == []
        self.look()
        if not any(change.detach for change in plan.changes):
            assert shown(self.plan(desired)) == [], "a second look finds more to do"
        self.last = desired

    def touches(self, change: Change) -> bool:
        """Whether a change is one of the object, of its folded children or of its edges."""
        if change.address == self.address:
            return True
        if change.kind.folded and change.parent == self.address:
            return True
        return change.kind.edge and change.kind.name == self.case.content["kind"]

    def paths(self, plan: Plan) -> list[str]:
        """Name what a plan shows, as reports do."""
        found: set[str] = set()
        for change in plan.changes:
            assert self.touches(change), f"a change elsewhere: {shown(plan)}"
            assert not change.held, f"held: {shown(plan)}"
            if change.kind.edge and change.kind.form is Form.MAP:
                found.add(f"{change.kind.collection}.{change.address.name}")
            elif change.kind.edge and change.action is not Action.UPDATE:
                found.add(change.kind.collection)
            elif change.action is Action.CREATE:
                found.add("*")
            elif change.kind.edge and change.address != self.address:
                found |= {f"{change.kind.collection}.{f.path}" for f in change.fields}
            else:
                found |= {f.path for f in change.fields}
        return sorted(found)


@pytest.mark.devcloud
@each_case
def test_a_kind_lives_its_whole_life(
    case: Case, cloud: Cloud, domain: str, word: str, kinds: Kinds, tmp_path: Path
) -> None:
    walk = _start(case, cloud, {"domain": domain, "n": word}, kinds, tmp_path)
    _created(walk)
    _updated(walk)
    _replaced(walk)
    _unchanged(walk)
    _healed(walk)
    _guarded(walk)
    _gone(walk)


def _start(case: Case, cloud: Cloud, places: Mapping[str, str], kinds: Kinds, folder: Path) -> Walk:
    """Read every state of a case, and look once at all the kinds that any of them speaks of."""
    states = {
        text: make_desired(write_state(case.state(text, places), folder / str(at)), kinds)[0]
        for at, text in enumerate(case.states())
    }
    wants = frozenset(place for desired in states.values() for place in wants_of(desired))
    runner = runner_for(cloud, cloud.who(), only(kinds, states.values()))
    address = Address.parse(filled(case.content["address"], places))
    first = states[case.content["create"]]
    walk = Walk(case, runner, states, wants, places, address, Live({}), first)
    walk.look()
    return walk


def _created(walk: Walk) -> None:
    desired = walk.last
    plan = walk.plan(desired)
    kind = desired.resources[walk.address].kind
    actions = {change.address: change.action for change in plan.changes}
    if not kind.implicit(walk.address):
        assert actions.get(walk.address) is Action.CREATE, shown(plan)
    walk.apply(desired, plan)
    _reads_back(walk, desired)


def _reads_back(walk: Walk, desired: Desired) -> None:
    """See that the cloud has what was stated, field by field; nothing hangs on ``compare``."""
    resource = desired.resources[walk.address]
    found = walk.live.fields(walk.live.objects[walk.address])
    for one in fields_of(resource.kind.spec):
        if one.name in resource.fields:
            wanted, there = resource.fields[one.name], found.get(one.name)
            assert holds(one, wanted, there), f"{one.name}: stated {wanted!r}, found {there!r}"


def holds(field: Field, wanted: Any, found: Any) -> bool:
    """Whether a value that was read says what was stated; parts that were not stated may differ."""
    if field.create_only or (field.secret and field.shape is not Shape.MODEL):
        return True
    if wanted is None or wanted in ("", (), frozenset()) or wanted == {}:
        return field.server_default or field.keyed or not found
    if field.shape is Shape.MODEL:
        inner = {f.name: f for f in field.nested}
        return all(
            holds(inner[name], value, (found or {}).get(name)) for name, value in wanted.items()
        )
    if field.shape is Shape.MAP:
        reverts = field.keyed and field.beside  # null there means the default, not away
        stated = {k: v for k, v in wanted.items() if v is not None or not reverts}
        return isinstance(found, dict) and all(found.get(k) == v for k, v in stated.items())
    if field.nested:
        said = [set(item) for item in wanted]
        there = [set(item) for item in found]
        return len(said) == len(there) and all(any(a <= b for b in there) for a in said)
    return bool(wanted == found)


def _updated(walk: Walk) -> None:
    for update in walk.case.section("updates"):
        desired = walk.states[update["state"]]
        plan = walk.plan(desired)
        assert plan.changes, f"{update['name']}: nothing to update"
        assert all(walk.touches(change) for change in plan.changes), (update["name"], shown(plan))
        replaced = [c for c in plan.changes if c.action is Action.REPLACE and not c.kind.edge]
        assert not replaced, (update["name"], shown(plan))
        walk.apply(desired, plan)
        if walk.address in desired.resources:
            _reads_back(walk, desired)


def _replaced(walk: Walk) -> None:
    for text in walk.case.section("replaces"):
        plan = walk.plan(walk.states[text])
        change = next((c for c in plan.changes if c.address == walk.address), None)
        assert change is not None, f"no change of {walk.address}: {shown(plan)}"
        assert change.action is Action.REPLACE, shown(plan)
        assert change.held is not None, shown(plan)
        assert change.held.reason is Reason.REPLACE, shown(plan)


def _unchanged(walk: Walk) -> None:
    for text in walk.case.section("changes_nothing"):
        assert shown(walk.plan(walk.states[text])) == [], "another spelling is no change"


def _healed(walk: Walk) -> None:
    for drift in walk.case.section("drift"):
        for call in drift.get("calls") or [drift["call"]]:
            _by_hand(walk, call)
        walk.look()
        plan = walk.plan(walk.last)
        fields = sorted(filled(one, walk.places) for one in drift["fields"])
        assert walk.paths(plan) == fields, shown(plan)
        walk.apply(walk.last, plan)


def _by_hand(walk: Walk, call: Mapping[str, Json]) -> None:
    assert set(call) <= {"service", "method", "path", "body", "headers", "version"}, call
    target = walk.runner.target
    kind = target.kinds[walk.case.content["kind"]]
    target.http.request(
        call["service"],
        call["method"],
        _with_ids(walk, call["path"]),
        json=_with_ids(walk, call.get("body")),
        headers=call.get("headers") or {},
        version=call.get("version", kind.version if call["service"] == kind.service else ""),
    )


def _with_ids(walk: Walk, value: Json) -> Json:
    """Put ids and words in their places."""
    if isinstance(value, dict):
        return {_with_ids(walk, key): _with_ids(walk, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_ids(walk, inner) for inner in value]
    if not isinstance(value, str):
        return value
    objects = walk.live.objects
    text = filled(value, walk.places)
    text = re.sub(r"\{id:([^}]+)\}", lambda m: objects[Address.parse(m[1])].id, text)
    if "{id}" in text:
        text = text.replace("{id}", objects[walk.address].id)
    if "{parent}" in text:
        text = text.replace("{parent}", objects[objects[walk.address].parent].id)
    return text


def _guarded(walk: Walk) -> None:
    """Protect it, let go of it and adopt it again: what is written on it says whose it is."""
    resource = walk.last.resources.get(walk.address)
    if resource is None or resource.kind.mark is None or not resource.managed:
        return
    kind, owner, last = resource.kind, walk.runner.policy.owner, walk.last
    for wanted in (True, False):
        desired = _with_protection(last, resource, protect=wanted)
        plan = walk.plan(desired)
        assert walk.paths(plan) == ["protect"]
        walk.apply(desired, plan)
        assert protected(kind, walk.live.objects[walk.address].raw, owner) is wanted
    if kind.edge or kind.implicit(walk.address):
        return
    walk.apply(last, replace(walk.plan(last), changes=_letting_go(walk, resource)))
    assert owner not in owners(kind, walk.live.objects[walk.address].raw)
    adoption = walk.plan(last)
    assert [change.action for change in adoption.changes] == [Action.ADOPT]
    walk.apply(last, adoption)
    assert owner in owners(kind, walk.live.objects[walk.address].raw)


def _with_protection(desired: Desired, resource: Resource, *, protect: bool) -> Desired:
    options = resource.options.model_copy(update={"protect": protect})
    said = replace(resource, options=options)
    return replace(desired, resources={**desired.resources, resource.address: said})


def _letting_go(walk: Walk, resource: Resource) -> tuple[Change, ...]:
    """Plan as if the entry had gone from git, where it said that the object stays."""
    options = resource.options.model_copy(update={"on_remove": OnRemove.DETACH})
    before = replace(resource, options=options)
    prior = Prior(known=True, last=lambda _address: (before, None))
    every = walk.last.resources.items()
    rest = {a: r for a, r in every if walk.address not in (a, r.parent)}
    memory = Memory(prior=prior, prunes=True)
    found = pruned(replace(walk.last, resources=rest), walk.live, walk.runner.policy, memory)
    return tuple(change for change in found if change.address == walk.address)


def _gone(walk: Walk) -> None:
    if "absent" not in walk.case.content:
        return  # it always exists; a test sees that the case says why
    desired = walk.states[walk.case.content["absent"]]
    walk.apply(desired, walk.plan(desired))
    assert walk.address not in walk.live.objects


REJECTS = [
    pytest.param(case, reject, id=f"{case.name}-{at}")
    for case in CASES
    for at, reject in enumerate(case.section("rejects"))
]


@pytest.mark.parametrize(("case", "reject"), REJECTS)
def test_what_cannot_be_is_refused_before_anything_is_asked(
    case: Case, reject: Mapping[str, str], kinds: Kinds, tmp_path: Path
) -> None:
    revision = write_state(case.state(reject["state"], PLACES), tmp_path)
    with pytest.raises(StateError) as refusal:
        make_desired(revision, kinds)
    assert reject["says"] in str(refusal.value)


@each_case
def test_every_state_of_a_case_is_valid(case: Case, kinds: Kinds, tmp_path: Path) -> None:
    assert set(case.content) <= KEYS
    for at, text in enumerate(case.states()):
        desired, _ = make_desired(write_state(case.state(text, PLACES), tmp_path / str(at)), kinds)
        if at == 0:
            address = Address.parse(filled(case.content["address"], PLACES))
            assert address in desired.resources
            assert desired.resources[address].kind.name == case.content["kind"]


@each_case
def test_a_case_has_every_section(case: Case, kinds: Kinds) -> None:
    assert case.content["kind"] in kinds
    reasons = case.content.get("without") or {}
    missing = [name for name in SECTIONS if not case.content.get(name) and name not in reasons]
    assert missing == [], f"say it, or say under `without` why {case.name} has none"


def test_every_kind_has_a_case(kinds: Kinds) -> None:
    told = {case.content["kind"] for case in CASES}
    parents = {place for kind in kinds if kind.name in told for place in (kind.name,)}
    missing = [
        kind.name
        for kind in kinds
        if kind.listing
        and kind.name not in told
        and not (kind.folded and parents & set(kind.within))
    ]
    assert missing == []


def test_every_field_is_stated_by_a_case_of_its_kind(kinds: Kinds, tmp_path: Path) -> None:
    said: dict[str, set[str]] = {kind.name: set() for kind in kinds}
    for at, case in enumerate(CASES):
        texts = [case.content["create"], *(u["state"] for u in case.section("updates"))]
        for nth, text in enumerate(texts):
            files = case.state(text, PLACES)
            desired, _ = make_desired(write_state(files, tmp_path / f"{at}-{nth}"), kinds)
            for resource in desired.resources.values():
                said[resource.kind.name] |= set(_stated(fields_of(resource.kind.spec),
                                                        resource.fields))  # fmt: skip
    told = {case.content["kind"] for case in CASES}
    known = {
        kind.name: set(_known(fields_of(kind.spec)))
        for kind in kinds
        if kind.name in told or (kind.folded and told & set(kind.within))
    }
    missing = {name: sorted(all_ - said[name]) for name, all_ in known.items() if all_ - said[name]}
    assert missing == {}


def _known(fields: tuple[Field, ...], above: str = "") -> Iterator[str]:
    for one in fields:
        path = f"{above}{one.name}"
        if one.nested:
            yield from _known(one.nested, f"{path}.")
        else:
            yield path


def _stated(fields: tuple[Field, ...], values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for one in fields:
        if one.name not in values:
            continue
        path, value = f"{above}{one.name}", values[one.name]
        if not one.nested:
            yield path
        elif isinstance(value, Mapping):
            yield from _stated(one.nested, value, f"{path}.")
        elif value:
            for item in value:
                yield from _stated(one.nested, dict(item), f"{path}.")
