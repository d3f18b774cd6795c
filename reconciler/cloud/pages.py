"""From a listing to all of its items, page by page until the last."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from reconciler.errors import Transient
from reconciler.kinds.calls import Http, Listing
from reconciler.kinds.values import Json

MAX_PAGES = 10_000


def read_pages(http: Http, service: str, listing: Listing, path: str, version: str) -> list[Json]:
    """Give every item of a collection.

    Raises:
        CloudError: a page could not be read; there is no such thing as a part of a listing.

    """
    params: dict[str, str | int] = {**listing.params}
    if listing.page:
        # Keystone cuts lists at 1 000 silently unless a limit is sent.
        params["limit"] = listing.page
    items: list[Json] = []
    for _ in range(MAX_PAGES):
        body = http.request(service, "GET", path, params=params, version=version)
        if not isinstance(body, Mapping) or listing.items not in body:
            raise Transient(
                f"{service}: GET {path} answered without {listing.items}", service=service
            )
        found = body[listing.items]
        if isinstance(found, list):
            items += [one[listing.envelope] for one in found] if listing.envelope else found
        else:
            return [found]
        # Only the query of the link is used: its host is often one that only the cloud knows.
        more = _next_query(body, listing.items)
        if not more:
            if body.get("truncated"):
                raise Transient(f"{service}: GET {path} was cut short", service=service)
            return items
        if all(params.get(key) == value for key, value in more.items()):
            raise Transient(f"{service}: GET {path} gives the same page again", service=service)
        params.update(more)
    raise Transient(f"{service}: GET {path} has no last page", service=service)


def _next_query(body: Mapping[str, Json], items: str) -> dict[str, str]:
    """Find the link to the next page in any of the forms that the services use."""
    links = body.get("links")
    link = links.get("next") if isinstance(links, Mapping) else None
    link = link or body.get("next")
    # Cinder calls the links of volume_types volume_type_links.
    for entry in body.get(f"{items}_links") or body.get(f"{items.removesuffix('s')}_links") or ():
        if entry.get("rel") == "next":
            link = entry.get("href")
    return dict(parse_qsl(urlsplit(link).query)) if isinstance(link, str) else {}
