"""The people list of the API as its caller gets it (token, workspace, permission, a filter), against a bare DRF list.

The reference is what one would write in ten lines: a ModelSerializer of plain columns under DRF's own CursorPagination, by
the owner role, with no sign-in, no tenant, no filter and no middleware. Both are asked in this process, in turn.
`value` and reference are answers a second at the 95th percentile. Then a page in the deep of the list against the first one,
and the first page of the larger table against that of the smaller.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.test import Client, RequestFactory
from rest_framework import generics, pagination, serializers

from accounts.actions.audit import Actor
from accounts.actions.tokens import create_token
from accounts.models import Member, Role, User, Workspace
from leadgen.core import clock
from leadgen.core.pagination import Order, cursor_after
from leadgen.core.tenancy import workspace_scope
from prospects.models import Person
from tests.bench.figures import Figure
from tests.bench.world import analyze, fill_people, make_workspace

URL = "/api/v1/people/"
FILTER = {"seniority": "vp"}
ROUNDS = 60


class _Row(serializers.ModelSerializer[Person]):
    class Meta:
        model = Person
        fields = (
            "id",
            "full_name",
            "email",
            "title",
            "phone",
            "city",
            "country",
            "seniority",
            "department",
            "created_at",
        )


class _Cursor(pagination.CursorPagination):
    page_size, ordering = 50, ("-created_at", "-id")


class _Bare(generics.ListAPIView[Person]):
    """The reference: no sign-in, no workspace, no filter."""

    serializer_class, pagination_class = _Row, _Cursor
    authentication_classes: Any = ()
    permission_classes: Any = ()
    throttle_classes: Any = ()
    filter_backends: Any = ()

    def get_queryset(self) -> Any:
        return Person.unscoped.using("owner").filter(workspace_id=self.kwargs["workspace_id"])


def run(*, full: bool) -> Iterator[Figure]:
    few, many = (100_000, 1_000_000) if full else (5_000, 50_000)
    small, large = _filled(few), _filled(many)
    analyze("prospects_company", "prospects_person")
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    first = _caller(large)
    _as_owner(large)
    bare, ours = _p95(_bare(large), lambda: first(FILTER))
    yield Figure("list_api_p95", 1 / ours, "lists/s", 1 / bare, "a bare DRF cursor list of 10 columns", 0.2)
    yield Figure("list_api_p95_ms", 25, "ms allowed", ours * 1e3, "ms at the 95th percentile")
    deep = _cursor_at(large, many // 2)
    front, behind = _p95(first, lambda: first({"cursor": deep}))
    yield Figure("list_api_deep_page", 1 / behind, "lists/s", 1 / front, "the first page", 1 / 1.5)
    less = _caller(small)
    lower, upper = _p95(lambda: less(FILTER), lambda: first(FILTER))
    yield Figure(f"list_api_{many}_rows", 1 / upper, "lists/s", 1 / lower, f"of {few:,} rows", 1 / 1.5)
    connections["owner"].close()


def _filled(count: int) -> Workspace:
    """A workspace of `count` people, added one after another in the last hours."""
    workspace = make_workspace()
    fill_people(workspace, count)
    with workspace_scope(workspace.pk), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE prospects_person SET created_at = now() - (substr(full_name, 4, length(full_name) - 8)::int * interval '1 ms')"
            " WHERE workspace_id = %s",
            [workspace.pk],
        )
    return workspace


def _caller(workspace: Workspace) -> Callable[..., None]:
    """Asks for one page of people, as an integrator with a token does."""
    user = User.objects.create_user(f"bench-{workspace.pk.hex}@leadgen.test", None)
    now = clock.now()
    with workspace_scope(workspace.pk):
        member = Member.objects.create(user=user, email=user.email, role=Role.OPS, created_at=now)
        _, secret = create_token(
            by=Actor(member=member), name="Bench", scopes=["people.view"], now=now, expires_at=now + timedelta(days=1)
        )
    client = Client(headers={"authorization": f"Bearer {secret}"})

    def ask(query: dict[str, str] | None = None) -> None:
        answer = client.get(URL, query or {})
        assert answer.status_code == 200, answer.content[:300]
        assert len(answer.json()["results"]) == 50

    return ask


def _bare(workspace: Workspace) -> Callable[[], None]:
    view, requests = _Bare.as_view(), RequestFactory()

    def ask() -> None:
        answer = view(requests.get("/"), workspace_id=workspace.pk).render()
        assert len(json.loads(answer.content)["results"]) == 50

    return ask


def _as_owner(workspace: Workspace) -> None:
    """The owner is bound by the policies too: it reads the rows of this workspace."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"SET leadgen.workspace = '{workspace.pk}'")


def _cursor_at(workspace: Workspace, place: int) -> str:
    with workspace_scope(workspace.pk):
        row = Person.objects.order_by("-created_at", "-pk")[place : place + 1].get()
        return cursor_after(Order("created_at", descending=True), row)


def _p95(*acts: Callable[[], None]) -> list[float]:
    """Seconds at the 95th percentile of each, asked in turn so that all meet the same machine."""
    times: list[list[float]] = [[] for _ in acts]
    for number in range(ROUNDS + 3):
        for place, act in enumerate(acts):
            started = time.perf_counter()
            act()
            if number >= 3:  # the first ones connect and read code
                times[place].append(time.perf_counter() - started)
    return [sorted(found)[int(len(found) * 0.95)] for found in times]
