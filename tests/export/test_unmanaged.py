"""How what is not in git is written down where a file of its own cannot say it."""

from __future__ import annotations

from reconciler.cloud.index import NO_KEYS
from reconciler.cloud.live import Live, LiveObject
from reconciler.export.unmanaged import Asked, find_unmanaged, unmanaged_yaml
from reconciler.kinds.address import Address
from reconciler.kinds.registry import ROOT, load_kinds
from reconciler.state.model import make_desired
from tests.support.runs import in_memory

STATE = """
regions: {one: {}}
services:
  nova: {type: compute}
"""


def test_a_list_that_needs_an_entry_which_is_there_is_a_comment_that_names_its_line() -> None:
    kinds = load_kinds()
    nova, one = Address("Service", ("nova",)), Address("Region", ("one",))
    url = Address("Endpoint", ("nova", "one", "public"))
    raw = {
        "id": "e",
        "service_id": "s",
        "region_id": "one",
        "interface": "public",
        "url": "http://a",
    }
    live = Live(
        {
            nova: LiveObject(nova, kinds["Service"], ROOT, "s", {"type": "compute"}),
            one: LiveObject(one, kinds["Region"], ROOT, "one", {"id": "one"}),
            url: LiveObject(url, kinds["Endpoint"], nova, "e", raw),
        },
        ids={("Service", "s"): nova, ("Region", "one"): one, ("Endpoint", "e"): url},
    )  # fmt: skip
    desired, _ = make_desired(in_memory(STATE), kinds)
    found = find_unmanaged(live, kinds, NO_KEYS, Asked(desired))
    written = unmanaged_yaml(found, kinds, desired)
    (text,) = written.files.values()
    first, *rest = text.splitlines()
    assert first == "# into Service/nova, at a.yaml:4:"
    assert all(line.startswith("#   ") for line in rest)
    assert "{region: one, interface: public, url: 'http://a'}" in text
    assert written.notes == ()
