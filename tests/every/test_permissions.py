"""One reviewed table of every page and API operation with its permission; a role without it is refused, and nothing changes."""

import json
import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Role
from accounts.permissions import PERMISSIONS, allows
from tests.every.routes import all_routes, api_routes, pages
from tests.factories.accounts import make_member

TABLE = Path(__file__).with_name("permissions.json")
# Routes outside a workspace, open to everybody or to everybody signed in; what they do is tested with their topic.
PUBLIC_PREFIXES = (
    "accounts/",
    "p/",
    "livez",
    "readyz",
    "api/v1/schema",
    "api/v1/docs",
    "api/v1/redoc",
    "static/",
    "_components",
)
PUBLIC_NAMES = {"home", "workspaces", "workspace_create", "invitation", "profile", "theme", "components"}


def _table() -> dict[str, str]:
    found: dict[str, str] = {}
    for route in pages():
        view = route.callback
        found[f"page {route.name}"] = (
            f"{view.permission} / {view.post_permission}" if hasattr(view, "permission") else "UNGUARDED"
        )
    for route in api_routes():
        for method, action in route.actions.items():
            permissions = getattr(route.callback.cls, "permissions", {})
            found[f"api {method.upper()} {route.route}"] = permissions.get(action, "UNGUARDED")
    return dict(sorted(found.items()))


def test_every_route_stands_in_the_permission_table() -> None:
    """LEADGEN_WRITE_TABLES=1 rewrites the file, so that a change of permission is a line in review."""
    table = _table()
    if os.environ.get("LEADGEN_WRITE_TABLES"):
        TABLE.write_text(json.dumps(table, indent=1) + "\n")
    assert "UNGUARDED" not in table.values(), [name for name, value in table.items() if value == "UNGUARDED"]
    assert table == json.loads(TABLE.read_text())


def test_no_route_escapes_the_table() -> None:
    strays = [
        r.route
        for r in all_routes()
        if not r.is_page and not r.actions and not r.route.startswith(PUBLIC_PREFIXES) and r.name not in PUBLIC_NAMES
    ]
    assert strays == []


def test_every_permission_is_used_and_known() -> None:
    used = {part for value in _table().values() for part in value.split(" / ")}
    assert used <= PERMISSIONS.keys()


def _url(route: str, slug: str) -> str:
    """The route with ids of rows that do not exist: the guard must answer before the look-up."""
    import re

    route = route.replace("<slug:slug>", slug)
    route = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=1)), route)
    route = re.sub(r"<int:\w+>", "1", route)
    route = re.sub(r"<(?:str|slug|path):\w+>", "people", route)
    route = re.sub(r"\(\?P<\w+>\[0-9\][^)]*\)", "1", route)
    return "/" + re.sub(r"\(\?P<\w+>[^)]*\)", str(uuid.UUID(int=1)), route)


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_pages_refuse_roles_without_the_permission(
    acme: Any, as_: Any, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = make_member(acme, role)
    client = as_(someone)
    wrong = []
    for route in pages():
        for method, needed in (("get", route.callback.permission), ("post", route.callback.post_permission)):
            if allows(role, needed):
                continue
            status = getattr(client, method)(_url(route.route, "acme")).status_code
            if status != 403:
                wrong.append(f"{role} {method} {route.name}: {status}")
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_the_api_refuses_roles_and_scopes_without_the_permission(acme: Any, api: Any, role: str) -> None:
    someone = make_member(acme, role)
    every, none = api(someone), api(someone, "nothing.at_all")
    wrong = []
    for route in api_routes():
        for method, action in route.actions.items():
            needed = route.callback.cls.permissions[action]
            url = _url(route.route, "acme")
            if getattr(none, method)(url, content_type="application/json").status_code != 403:
                wrong.append(f"no scope: {method} {url}")
            if (
                not allows(role, needed)
                and getattr(every, method)(url, content_type="application/json").status_code != 403
            ):
                wrong.append(f"{role}: {method} {url}")
    assert wrong == []


@pytest.mark.django_db
def test_signed_out_visitors_are_sent_to_the_log_in_page(client: Any, acme: Any) -> None:
    for route in pages():
        response = client.get(_url(route.route, "acme"))
        assert response.status_code == 302, route.name
        assert response["Location"].startswith("/accounts/login/"), route.name
