"""A data provider's HTTP service: one request, one JSON answer. The network is `leadgen.core.web`."""

import json
from collections.abc import Mapping
from typing import Any

from leadgen.core import web

LIMIT = 1024 * 1024


def ask(url: str, *, method: str = "GET", headers: Mapping[str, str], body: Any = None) -> Any:
    """The answer as JSON; None where the service says it knows nothing (404). Raises WebError in words, no redirects."""
    sent = {"Accept": "application/json"} | dict(headers)
    raw = None
    if body is not None:
        raw, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
    answer = web.fetch(url, method=method, headers=sent, body=raw, limit=LIMIT)
    host = web.host_of(url)
    if answer.status in (404, 204):
        return None
    if answer.status in (401, 403):
        raise web.WebError(f"{host} refuses the key ({answer.status}). Check it.", permanent=True)
    if answer.status == 402:
        raise web.WebError(f"{host} says the plan is used up (402).", permanent=True)
    if answer.status == 429:
        raise web.WebError(f"{host} asks us to slow down (429).")
    if not answer.ok:
        raise web.WebError(f"{host} answered {answer.status}.", permanent=400 <= answer.status < 500)
    return answer.json()
