"""Two workspaces, every URL and API operation: what belongs to the other one cannot be seen, changed or told apart from nothing.

Run with both locks, then with each lock off in turn: either one alone must hold. With both off the crawl must turn red,
or it would prove nothing.
"""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from leadgen.core import database
from leadgen.core.tenancy import PlainManager, TenantManager, TenantModel, tenant_models
from tests.database import TestServices
from tests.every.routes import Route, api_routes, pages
from tests.every.world import fill_workspace
from tests.factories.accounts import Someone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

MARK = "GLOBEXSECRET"
MODELS = {model._meta.model_name: model for model in tenant_models()}
# URL parameters that name no row of a tenant table.
WORDS = {
    "kind": "people",
    "external_id": "of-our-own",
    "domain": "nowhere.example",
    "email": "nobody@nowhere.example",
    "position": 1,
    "number": 7,
    "stage": "lead",
    "key": "x",
    "name": "people",
    "state": "open",
}


@pytest.fixture
def world(alice: Someone, charlie: Someone) -> dict[type[TenantModel], TenantModel]:
    """One row of every tenant table in globex; acme has none of its own."""
    return fill_workspace(charlie.workspace, charlie.member, MARK)


@pytest.fixture(params=["both locks", "row security off", "scope off"])
def locks(request: pytest.FixtureRequest, services: TestServices, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "row security off":
        with Bypassing(services):
            yield request.param
        return
    if request.param == "scope off":
        monkeypatch.setattr(TenantManager, "get_queryset", lambda self: PlainManager.get_queryset(self))
    yield request.param


class Bypassing:
    """Django's connection as a role that bypasses row-level security."""

    def __init__(self, services: TestServices) -> None:
        target = database.Target.of(services.bypass)
        self.role = {"USER": target.user, "PASSWORD": target.password}

    def __enter__(self) -> None:
        self.before = {key: connection.settings_dict[key] for key in self.role}
        connection.close()
        connection.settings_dict.update(self.role)

    def __exit__(self, *args: object) -> None:
        connection.close()
        connection.settings_dict.update(self.before)


def _fingerprint(services: TestServices, workspace_id: uuid.UUID) -> dict[str, str]:
    """A checksum of every row a workspace has, read past both locks."""
    with database.connect(services.superuser) as raw:
        return {
            model._meta.db_table: raw.execute(
                f"SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY id)), '') FROM {model._meta.db_table} t WHERE workspace_id = %s",
                [workspace_id],
            ).fetchone()[0]
            for model in tenant_models()
        }


def _row_of(param: str, route: Route, world: dict[Any, Any]) -> Any:
    """The value of a URL parameter that names a row of globex: `person_id` -> the Person, `pk` -> the viewset's model."""
    if param in WORDS:
        return WORDS[param]
    if param == "pk":
        view = route.callback.cls
        model = getattr(view, "model", None) or getattr(view.queryset, "model", None)
        assert model, f"{route}: {view.__name__} must say its model, so that the crawl can fill its addresses"
        return world[model].pk
    stem = param.removesuffix("_id").replace("_", "")
    stem = {"import": "import", "importrun": "import", "version": "agreementversion"}.get(stem, stem)
    if stem == "agreementversion" and "icp" in route.route:
        stem = "icpversion"
    if stem == "agreementversion" and "sequence" in route.route:
        stem = "sequenceversion"
    if stem == "token":
        stem = "apitoken"
    assert stem in MODELS, (
        f"{route}: name the parameter {param!r} after its model (person_id), so that the crawl can fill it"
    )
    return world[MODELS[stem]].pk


def _path(route: Route, world: dict[Any, Any], slug: str) -> str:
    path = "/" + route.route
    for param in route.params:
        value = slug if param == "slug" else _row_of(param, route, world)
        if f"(?P<{param}>" in path:  # first: the plain form below is a part of it
            start = path.index(f"(?P<{param}>")
            path = path[:start] + str(value) + path[path.index(")", start) + 1 :]
        for form in (
            f"<slug:{param}>",
            f"<uuid:{param}>",
            f"<str:{param}>",
            f"<int:{param}>",
            f"<path:{param}>",
            f"<{param}>",
        ):
            path = path.replace(form, str(value))
    return path


def _answer(client: Client, method: str, path: str) -> Any:
    call: Callable[..., Any] = getattr(client, method)
    as_json = path.startswith("/api/") and method != "get"
    return call(path, **({"data": {}, "content_type": "application/json"} if as_json else {}))


def _leaks(client: Client, method: str, path: str, world: dict[Any, Any]) -> list[str]:
    """What is wrong with one answer: it succeeded on a foreign row, shows something of it, or tells that it exists."""
    response = _answer(client, method, path)
    body = b"".join(response.streaming_content) if response.streaming else response.content
    where = f"{method.upper()} {path}: {response.status_code}"
    if MARK.encode() in body:
        return [f"{where}, shows the other workspace's data"]
    foreign = "/w/globex/" in path or any(str(row.pk) in path for row in world.values())
    if not foreign:
        return [where] if response.status_code >= 500 else []
    if response.status_code in {404, 405}:
        return []
    if response.status_code in {400, 422}:
        # The body is refused before the row is looked up: then it must be refused alike for a row that exists nowhere.
        for row in world.values():
            path = path.replace(str(row.pk), str(uuid.UUID(int=7)))
        other = _answer(client, method, path)
        if (other.status_code, other.content) == (response.status_code, body):
            return []
    return [where]


def _crawl(alice: Someone, as_: Callable[..., Client], api: Callable[..., Client], world: dict[Any, Any]) -> list[str]:
    client, token = as_(alice), api(alice)
    found = []
    for route in pages():
        for slug in ("globex", "acme"):
            if slug == "acme" and route.params == ("slug",):
                found += _leaks(client, "get", _path(route, world, slug), world)
                continue
            for method in ("get", "post"):
                found += _leaks(client, method, _path(route, world, slug), world)
    for route in api_routes():
        for method in route.actions:
            if method == "get" or route.params:
                found += _leaks(token, method, _path(route, world, ""), world)
    return found


def test_nothing_of_another_workspace_is_seen_or_changed(
    locks: str, alice: Someone, charlie: Someone, as_: Any, api: Any, world: Any, services: TestServices
) -> None:
    before = _fingerprint(services, charlie.workspace.pk)
    assert _crawl(alice, as_, api, world) == []
    assert _fingerprint(services, charlie.workspace.pk) == before


def test_the_crawl_turns_red_with_both_locks_off(
    alice: Someone,
    charlie: Someone,
    as_: Any,
    api: Any,
    world: Any,
    services: TestServices,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(TenantManager, "get_queryset", lambda self: PlainManager.get_queryset(self))
    token = api(alice)
    with Bypassing(services):
        listed = [
            _leaks(token, "get", _path(r, world, ""), world)
            for r in api_routes()
            if not r.params and "get" in r.actions
        ]
    assert any("shows the other workspace's data" in leak for leaks in listed for leak in leaks)


def test_a_token_works_in_its_own_workspace_only(alice: Someone, charlie: Someone, api: Any) -> None:
    """The workspace id in a token is a claim: with another workspace's id the secret is found nowhere."""
    token = api(alice)
    stolen = token.defaults["HTTP_AUTHORIZATION"].replace(alice.workspace.pk.hex, charlie.workspace.pk.hex)
    answer = Client(headers={"Authorization": stolen}).get("/api/v1/members/")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] in {"authentication_failed", "not_authenticated"}
