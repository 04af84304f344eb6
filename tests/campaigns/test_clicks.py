"""Clicks on tracked links: everybody is sent to the stored address, only people count."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from campaigns.models import Message, TrackedLink
from campaigns.queries.mail import click_url
from campaigns.rules.tokens import public_token
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, PointEntry
from tests.campaigns.inbound import keyed_mailbox, sent_to
from tests.conftest import NOW
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def links(acme: Any) -> list[TrackedLink]:
    """Four links of a mail that was sent an hour ago."""
    with workspace_scope(acme.pk):
        message = sent_to(make_person("Ana Ferreira"), keyed_mailbox())
        return [
            TrackedLink.objects.create(message=message, position=n, url=f"https://acme.example/page/{n}?a=1&b=2")
            for n in range(1, 5)
        ]


def path(link: TrackedLink) -> str:
    return "/p/c/" + click_url(link).partition("/p/c/")[2]


def hit(link: TrackedLink, agent: str = BROWSER, method: str = "get", **headers: str) -> Any:
    return getattr(Client(), method)(path(link), headers={"User-Agent": agent, **headers})


def classes(acme: Any) -> list[str]:
    with workspace_scope(acme.pk):
        return list(
            Activity.objects.filter(kind="clicked").order_by("recorded_at", "id").values_list("hit_class", flat=True)
        )


def test_a_person_is_sent_on_counts_and_earns_points(acme: Any, links: list[TrackedLink]) -> None:
    answer = hit(links[0])
    assert (answer.status_code, answer["Location"]) == (302, "https://acme.example/page/1?a=1&b=2")
    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert classes(acme) == ["human"]
    with workspace_scope(acme.pk):
        assert PointEntry.objects.get().points == 5


@pytest.mark.parametrize(
    ("agent", "method", "headers", "why"),
    [
        ("Mimecast link scanner", "get", {}, "the user agent is a program's"),
        ("", "get", {}, "the user agent is a program's"),
        (BROWSER, "head", {}, "asked for headers only"),
        (BROWSER, "get", {"Sec-Purpose": "prefetch"}, "the browser prefetched it"),
    ],
)
def test_programs_are_sent_on_and_do_not_count(
    acme: Any, links: list[TrackedLink], agent: str, method: str, headers: dict[str, str], why: str
) -> None:
    assert hit(links[0], agent, method, **headers).status_code == 302
    assert classes(acme) == ["automated"]
    with workspace_scope(acme.pk):
        assert Activity.objects.get().detail["why"] == why
        assert not PointEntry.objects.exists()


def test_a_gateway_that_opens_every_link_is_known_by_its_burst(acme: Any, links: list[TrackedLink], clock: Any) -> None:
    with workspace_scope(acme.pk):
        Message.objects.update(submitted_at=NOW)
    clock.shift(timedelta(seconds=3))
    for link in links:
        assert hit(link).status_code == 302
    assert classes(acme) == ["unsure", "unsure", "automated", "automated"]


def test_the_same_link_twice_in_a_moment_is_one_fact(acme: Any, links: list[TrackedLink]) -> None:
    hit(links[0])
    hit(links[0])
    assert classes(acme) == ["human"]


def test_a_click_proves_that_a_mail_of_unknown_outcome_was_delivered(acme: Any, links: list[TrackedLink]) -> None:
    with workspace_scope(acme.pk):
        Message.objects.update(state="unknown", sent_at=None, reason_code="no_answer")
    hit(links[0], "Mimecast link scanner")
    with workspace_scope(acme.pk):
        assert Message.objects.get().state == "unknown", "a program proves nothing"
    hit(links[0].__class__(pk=links[1].pk, workspace_id=acme.pk))
    with workspace_scope(acme.pk):
        assert (Message.objects.get().state, Message.objects.get().settled_by) == ("sent", "click")


def test_no_request_can_choose_where_it_leads(acme: Any, globex: Any, links: list[TrackedLink]) -> None:
    assert (
        Client()
        .get(path(links[0]) + "?url=https://evil.example/")
        .headers["Location"]
        .startswith("https://acme.example/")
    )
    for token in (
        public_token("click", workspace_id=globex.pk, row=links[0].pk),
        public_token("unsubscribe", workspace_id=acme.pk, row=links[0].pk),
        public_token("click", workspace_id=acme.pk, row=uuid.uuid4()),
    ):
        assert Client().get(f"/p/c/{token}/").status_code == 404
    assert Client().post(path(links[0])).status_code == 405
