"""From a request to its answer, as requests' own session does it, less what no API needs."""

from __future__ import annotations

from typing import Any

from keystoneauth1.session import TCPKeepAliveAdapter
from requests import PreparedRequest, Response, Session

from reconciler.cloud.pace import MOST

_TAKEN = frozenset({"headers", "params", "data", "timeout", "verify", "cert", "allow_redirects"})
"""What keystoneauth says of nearly every request; requests sends the others itself."""


class LeanSession(Session):
    """Sends requests to a few hosts, thousands of times. Guards what is known of each host.

    Beside a token no cookie goes out, and nothing that ``.netrc`` says of the host; what the
    environment says of proxies and certificates is asked once a host. To gather all that anew was
    a tenth of what a request costs us. A log-in is sent as ever: some need cookies.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ours = dict(self.headers)
        self._around: dict[object, dict[str, Any]] = {}
        adapter = TCPKeepAliveAdapter(pool_maxsize=MOST)  # keystoneauth's own
        for scheme in tuple(self.adapters):
            self.mount(scheme, adapter)

    def request(self, method: str, url: Any, *words: Any, **how: Any) -> Response:
        """Send one request, and read the answer to its end.

        Raises:
            requests.RequestException: there is none.

        """
        headers = how.get("headers") or {}
        plain = how.keys() <= _TAKEN and not how.get("allow_redirects", True)
        if words or not plain or "X-Auth-Token" not in headers or "@" in url.split("?")[0]:
            return super().request(method, url, *words, **how)
        asked = PreparedRequest()
        asked.prepare_method(method)
        asked.prepare_url(url, how.get("params"))
        sent = {name: value for name, value in headers.items() if value is not None}
        asked.prepare_headers({**self._ours, **sent})
        asked.prepare_body(how.get("data"), None)
        assert asked.url is not None  # it was prepared
        around = self._settings(asked.url, how.get("verify"), how.get("cert"))
        reply = self.get_adapter(asked.url).send(asked, timeout=how.get("timeout"), **around)
        reply.content  # noqa: B018 - it reads it: the connection is free for the next
        return reply

    def _settings(self, url: str, verify: Any, cert: Any) -> dict[str, Any]:
        """Give what the environment says of a host."""
        host = (*url.split("/", 3)[:3], verify, cert)
        found = self._around.get(host)
        if found is None:
            found = dict(self.merge_environment_settings(url, {}, None, verify, cert))
            self._around[host] = found
        return found
