"""Fixtures every test may use: three people of two workspaces, and logged-in clients."""

import gc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from tests.factories.accounts import Someone, make_member, make_workspace

pytest_plugins = ["tests.services", "tests.database"]

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)  # a Wednesday


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the collector need not look through them again and again (a tenth of the time)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.fixture
def now() -> datetime:
    """The frozen instant of a test; pass it to actions."""
    return NOW


@pytest.fixture
def acme(db: Any) -> Workspace:
    return make_workspace(
        "acme", time_zone="Europe/Berlin", currency="EUR", postal_address="Acme, 1 Test Street, Berlin"
    )


@pytest.fixture
def globex(db: Any) -> Workspace:
    return make_workspace("globex", time_zone="America/New_York", currency="USD")


@pytest.fixture
def alice(acme: Workspace) -> Someone:
    """Owner of acme."""
    return make_member(acme, "owner", "alice@acme.example")


@pytest.fixture
def bob(acme: Workspace) -> Someone:
    """SDR of acme."""
    return make_member(acme, "sdr", "bob@acme.example")


@pytest.fixture
def charlie(globex: Workspace) -> Someone:
    """Owner of globex: the outsider."""
    return make_member(globex, "owner", "charlie@globex.example")


@pytest.fixture
def in_acme(acme: Workspace) -> Iterator[Workspace]:
    """Run the test body inside acme's scope."""
    with workspace_scope(acme.pk):
        yield acme


@pytest.fixture
def by_alice(alice: Someone) -> Actor:
    return Actor(member=alice.member, source="user")


@pytest.fixture
def by_bob(bob: Someone) -> Actor:
    return Actor(member=bob.member, source="user")


@pytest.fixture
def as_() -> Callable[[Someone], Client]:
    """`as_(alice)` is a client logged in as alice."""

    def login(someone: Someone) -> Client:
        client = Client()
        client.force_login(someone.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return login


@pytest.fixture
def api(db: Any) -> Callable[..., Client]:
    """`api(alice, "people.view")` is a client with a token of those scopes (all where none is named)."""
    from accounts.authentication import hash_secret, token_text
    from accounts.models import ApiToken

    def client(someone: Someone, *scopes: str) -> Client:
        secret = f"secret{someone.member.pk.hex}{'-'.join(scopes)}"
        with workspace_scope(someone.workspace.pk):
            ApiToken.objects.create(
                name="test", member=someone.member, prefix=secret[:6], secret_hash=hash_secret(secret),
                scopes=list(scopes) or ["*"], created_at=NOW,
            )  # fmt: skip
        return Client(headers={"Authorization": f"Bearer {token_text(someone.workspace.pk, secret)}"})

    return client
