"""Helpers of the finding tests: a search service on loopback that answers pages of two, and a search of it run to its end."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.enrichment_providers import create_provider
from prospects.actions.finding import create_search, start_run
from prospects.actions.finding_lane import run_lane
from prospects.models import (
    EnrichmentProvider,
    FindingRun,
    FindingSearch,
)
from tests.conftest import NOW
from tests.web_server import WebServer

BY = Actor(source="command")
RULE = {"field": "company.employees", "op": "gte", "value": 50}
COMPANIES = {
    "results": "rows", "id": "id", "total": "count", "page_size": 2,
    "mapping": {"name": "n", "domain": "d", "employees": "s", "country": "c", "industry": "i"},
}  # fmt: skip


def service(server: WebServer, *, price: Any = None, **values: Any) -> EnrichmentProvider:
    operation = COMPANIES | {
        "url": f"{server.url}/c?country={{countries}}&min={{employees_min}}&page={{page}}&limit={{limit}}", "price": price or {},
    }  # fmt: skip
    given = {"operations": {"companies": operation}, "headers": {"Authorization": "Bearer s3cret"}, "currency": "EUR"}
    return create_provider(by=BY, now=NOW, kind="search", name="Acme Data", **(given | values))


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"r{number}", "n": f"Firm {number}", "d": f"firm{number}.example", "s": 10 * number, "c": "DE"} | more


def answers(server: WebServer, *rows: dict[str, Any]) -> None:
    """Pages of two."""

    def reply(asked: Any) -> tuple[int, dict[str, str], bytes]:
        at = (int(parse_qs(urlsplit(asked[1]).query)["page"][0]) - 1) * 2
        return 200, {}, json.dumps({"rows": rows[at : at + 2], "count": len(rows)}).encode()

    server.pages["/c"] = reply


def search_of(acme: Workspace, by: Actor, provider: EnrichmentProvider, **values: Any) -> FindingSearch:
    with workspace_scope(acme.pk):
        given: dict[str, Any] = {
            "subject": "companies",
            "criteria": {"countries": ["Germany"], "employees_min": 10},
            "wanted": 10,
        } | values
        return create_search(by=by, now=NOW, provider=provider, **given)


def run(acme: Workspace, by: Actor, search: FindingSearch, token: str = "t1", price: str = "0") -> FindingRun:
    with workspace_scope(acme.pk):
        found = start_run(search=search, by=by, now=NOW, token=token, confirmed=Decimal(price))
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        found.refresh_from_db()
    return found
