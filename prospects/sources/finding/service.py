"""A search service over HTTP, configured by JSON: one request a page. The network is `leadgen.core.web`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from leadgen.core import clock, web
from leadgen.core.errors import Invalid
from prospects.sources.finding import Found, Page, RateLimited, mapping

LIMIT = 5 * 1024 * 1024
MAX_WAIT = 3600


class SearchService:
    """`operations`: name -> rules.finding_service.check_operation."""

    def __init__(self, operations: Mapping[str, Mapping[str, Any]], headers: Mapping[str, str]) -> None:
        self._operations, self._headers = operations, headers

    def companies(self, criteria: Mapping[str, Any], page: Page) -> Found:
        return self._search("companies", criteria, page)

    def people(self, criteria: Mapping[str, Any], page: Page) -> Found:
        return self._search("people", criteria, page)

    def email(self, who: Mapping[str, str]) -> dict[str, Any]:
        return self._find("email", who)

    def phone(self, who: Mapping[str, str]) -> dict[str, Any]:
        return self._find("phone", who)

    def _search(self, name: str, criteria: Mapping[str, Any], page: Page) -> Found:
        operation = self._operations[name]
        # A service that names its next page by a cursor has none for the first; one that counts begins at 1.
        number = int(page.cursor) if page.cursor.isdigit() and not operation.get("cursor") else page.number
        places = dict(criteria) | {
            "limit": page.limit, "page": number, "offset": (number - 1) * page.limit,
            "cursor": page.cursor if operation.get("cursor") else "",
        }  # fmt: skip
        told, host = self._ask(operation, places)
        if told is None:
            return Found()
        try:
            read = mapping.read_page(operation, told, page=number)
        except Invalid as error:
            raise web.WebError(f"{host}: {error.message}. Check the mapping.", permanent=True) from error
        return Found(read.rows, "" if read.cursor == page.cursor else read.cursor, read.total)

    def _find(self, name: str, who: Mapping[str, str]) -> dict[str, Any]:
        operation = self._operations[name]
        told, _ = self._ask(operation, who)
        if told is None:
            return {}
        row = mapping.read_row(operation, told)
        return row if row.get(name) else {}

    def _ask(self, operation: Mapping[str, Any], places: Mapping[str, Any]) -> tuple[Any, str]:
        url = mapping.fill_url(operation["url"], places)
        if not url:
            return None, ""
        sent = {"Accept": "application/json"} | dict(self._headers)
        raw = None
        if operation["method"] == "POST":
            raw = json.dumps(mapping.fill_body(operation["body"], places) or {}).encode()
            sent["Content-Type"] = "application/json"
        answer = web.fetch(url, method=operation["method"], headers=sent, body=raw, limit=LIMIT)
        host = web.host_of(url)
        if answer.status in (404, 204):
            return None, host
        refuse(answer, host)
        return answer.json(), host


def refuse(answer: web.Answer, host: str) -> None:
    """Raise what an answer that is none says, in words."""
    status = answer.status
    if status in (401, 403):
        raise web.WebError(f"{host} refuses the key ({status}). Check it in the provider's headers.", permanent=True)
    if status == 402:
        raise web.WebError(
            f"{host} says the plan is used up (402). Top it up there, then run this again.", permanent=True
        )
    if status == 429:
        wait = _wait(answer.headers.get("retry-after", ""))
        if wait > MAX_WAIT:
            raise web.WebError(
                f"{host} says its quota is used up (429) for {wait // 3600 or 1} hours or more.", permanent=True
            )
        raise RateLimited(f"{host} asks us to slow down (429).", wait)
    if status in (400, 422):
        raise web.WebError(f"{host} does not understand the request ({status}): {_hint(answer)}", permanent=True)
    if not answer.ok:
        raise web.WebError(f"{host} answered {status}.", permanent=400 <= status < 500)


def _wait(text: str) -> int:
    """Seconds of a Retry-After (a number or a date); a minute where it says none."""
    if text.strip().isdigit():
        return max(int(text), 1)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 60
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    now: datetime = clock.now()
    return max(int((at - now).total_seconds()), 1)


def _hint(answer: web.Answer) -> str:
    """The first words of an answer, one line: services say there what is wrong. Never our own headers."""
    return " ".join(answer.text()[:160].split()) or "no reason was given"
