"""From what is declared and there, of kinds that take no mark, to its adoption."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.cloud.live import Live
from reconciler.engine.memory import Memory
from reconciler.engine.values import Action, Change
from reconciler.kinds.kind import Form
from reconciler.state.values import Desired, Mode


def unmarked_adoptions(desired: Desired, live: Live, memory: Memory) -> Iterator[Change]:
    """Give what is there, differs in nothing, and was never made or taken over by us.

    Nothing is written on it; but once this is settled, it is ours, and goes with its entry.
    """
    known = {*memory.prior.settled, *memory.record.taken}
    for resource in desired.resources.values() if memory.prior.known else ():
        kind, address = resource.kind, resource.address
        found = live.objects.get(address)
        if kind.mark is not None or kind.delete is None or kind.form is not Form.NAMED:
            continue
        if found is None or not resource.managed or resource.options.mode is Mode.OBSERVE:
            continue
        if address not in known and str(address) not in known:
            yield Change(
                address, kind, Action.ADOPT, resource.parent, resource=resource, live=found,
                origin=resource.origin,
            )  # fmt: skip
