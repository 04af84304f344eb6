"""Query budgets: how many statements each list page and API list takes with demo data, in a reviewed file."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actions.tokens import create_token
from accounts.models import Member
from analytics.demo import story
from leadgen.core.tenancy import workspace_scope
from tests.conftest import NOW
from tests.every.routes import api_routes, pages

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

TABLE = Path(__file__).with_name("queries.json")
# A page of 50 rows that asks for something row by row takes more than this.
MOST = 45


def test_lists_keep_to_their_query_budgets(settings: Any, tmp_path: Path) -> None:
    """LEADGEN_WRITE_TABLES=1 rewrites the file, so that a budget grows only as a line in review."""
    settings.DATA_DIR = tmp_path
    workspace = story.tell(now=NOW, say=lambda words: None)
    with workspace_scope(workspace.pk):
        owner = Member.objects.select_related("user").get(role="owner")
        from accounts.actions.audit import Actor

        _, text = create_token(by=Actor(member=owner, source="user"), name="budget", scopes=["*"], now=NOW)
    browser = Client()
    browser.force_login(owner.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    token = Client(headers={"Authorization": f"Bearer {text}"})
    counts: dict[str, int] = {}
    for route in pages():
        if route.params == ("slug",) and route.name:
            _count(
                counts,
                f"page {route.name}",
                browser,
                f"/w/{workspace.slug}/" + route.route.removeprefix("w/<slug:slug>/"),
            )
    for route in api_routes():
        if not route.params and "get" in route.actions:
            _count(counts, f"api {route.route}", token, "/" + route.route)
    if os.environ.get("LEADGEN_WRITE_TABLES"):
        TABLE.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
    budgets = json.loads(TABLE.read_text())
    assert counts.keys() == budgets.keys()
    assert {name: n for name, n in counts.items() if n > budgets[name]} == {}
    assert {name: n for name, n in counts.items() if n > MOST} == {}


def _count(counts: dict[str, int], name: str, client: Client, path: str) -> None:
    client.get(path)  # caches of the first request (URLs, templates, content types) are not the page's
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)
    if response.status_code == 200:
        counts[name] = len(queries)
