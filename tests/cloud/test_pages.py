"""Listings that come in pages, with links of every form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reconciler.cloud.pages import read_pages
from reconciler.errors import Rejected, Transient
from reconciler.kinds.calls import Listing

Json = Any


class Scripted:
    """Answers GETs from a script and keeps the parameters of each."""

    def __init__(self, answer: Callable[[Mapping[str, Json]], Json]) -> None:
        self.answer = answer
        self.asked: list[dict[str, Json]] = []

    def request(self, service: str, method: str, path: str, **more: Any) -> Json:
        assert (service, method, path) == ("network", "GET", "/things")
        self.asked.append(dict(more["params"]))
        return self.answer(more["params"])


def _links(url: str) -> list[Json]:
    back = {"rel": "previous", "href": "http://x?marker=no"}
    return [back, {"rel": "next", "href": url}] if url else [back]


LINKS: dict[str, Callable[[str], Json]] = {
    "keystone": lambda url: {"links": {"self": "x", "next": url or None}},
    "glance": lambda url: {"next": url} if url else {},
    "neutron": lambda url: {"things_links": _links(url)},
    "nova": lambda url: {"things_links": _links(url)[1:]} if url else {},
    "cinder": lambda url: {"thing_links": _links(url)[1:]} if url else {},
}


@pytest.mark.parametrize("style", LINKS)
def test_every_page_is_read(style: str) -> None:
    def answer(params: Mapping[str, Json]) -> Json:
        start = int(params.get("marker", 0))
        more = f"http://10.0.0.1:99/inside/v9/things?limit=2&marker={start + 2}"
        return {"things": [start, start + 1], **LINKS[style](more if start < 4 else "")}

    http = Scripted(answer)
    listing = Listing(path="/things", items="things", page=2, params={"all": 1})
    assert read_pages(http, "network", listing, "/things", "") == [0, 1, 2, 3, 4, 5]
    assert [one.get("marker") for one in http.asked] == [None, "2", "4"]
    assert all((str(one["limit"]), one["all"]) == ("2", 1) for one in http.asked)


def read(answer: Json, **listing: Any) -> list[Json]:
    http = Scripted(lambda _params: answer)
    chosen = Listing(path="/things", items="things", **listing)
    return read_pages(http, "network", chosen, "/things", "")


def test_one_page_without_links_is_all() -> None:
    assert read({"things": [1, 2]}) == [1, 2]
    assert read({"things": []}, page=500) == []


def test_what_is_no_list_is_one_item() -> None:
    assert read({"things": {"a": 1}}) == [{"a": 1}]


UNFINISHED: dict[str, Json] = {
    "no envelope": {"error": "x"},
    "no object": [],
    "the same page again": {"things": [1], "links": {"next": "http://x/things?limit=5"}},
    "cut short": {"things": [1], "truncated": True},
}


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_listing_that_does_not_finish_is_no_listing(name: str) -> None:
    with pytest.raises(Transient):
        read(UNFINISHED[name], page=5)


def test_an_error_on_a_later_page_loses_the_listing() -> None:
    def answer(params: Mapping[str, Json]) -> Json:
        if "marker" in params:
            raise Rejected("no such marker")
        return {"things": [1], "next": "/things?marker=1"}

    listing = Listing(path="/things", items="things")
    with pytest.raises(Rejected):
        read_pages(Scripted(answer), "network", listing, "/things", "")
