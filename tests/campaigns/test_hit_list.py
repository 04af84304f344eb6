"""From a figure of clicks to its rows: the list says what the figure counted, page by page, and so does the API."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import HitVerdict, LinkHit, Message, TrackedLink
from campaigns.rules.hits import features_in_words
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import keyed_mailbox, sent_to
from tests.conftest import NOW
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
PAGE = "/w/acme/settings/tracking/"
HITS = f"{PAGE}hits/"
WHY = {
    "human": "a browser, in human time",
    "automated": "asked for headers only",
    "unsure": "the user agent is no browser’s",
}


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def link(acme: Any) -> TrackedLink:
    with workspace_scope(acme.pk):
        message = sent_to(make_person("Ana Ferreira", email="ana@x.example"), keyed_mailbox())
        return TrackedLink.objects.create(message=message, position=1, url="https://acme.example/pricing")


def click(link: TrackedLink, *verdicts: tuple[int, str], days: float = 1, **features: Any) -> LinkHit:
    """A hit `days` ago, judged by (version, class)."""
    with workspace_scope(link.workspace_id):
        hit = LinkHit.objects.create(
            message_id=link.message_id, link=link, at=NOW - timedelta(days=days), method="GET", user_agent=f"Browser/{days}",
            seconds_after=90.0,
        )  # fmt: skip
        for version, hit_class in verdicts:
            HitVerdict.objects.create(
                hit=hit, version=version, hit_class=hit_class, reason=WHY[hit_class], at=hit.at, features=features
            )
        return hit


@pytest.fixture
def clicks(link: TrackedLink) -> dict[str, LinkHit]:
    return {
        "human": click(link, (1, "unsure"), (2, "human"), days=1),
        "automated": click(link, (2, "automated"), days=2, method="HEAD", other_links=2, links_total=4),
        "old rules": click(link, (1, "unsure"), days=3),
        "unsure": click(link, (2, "unsure"), days=4),
        "waiting": click(link, days=0.00005),
        "before": click(link, (2, "human"), days=31),
    }


def figures(page: str) -> dict[str, tuple[int, str]]:
    """{name of the class in the link: (figure, address)} of the page."""
    found = re.findall(r'<a class="num figure-value figure-link" href="([^"]+)">([\d,]+)<', page)
    return {unescape(url).rpartition("hit_class=")[2]: (int(n.replace(",", "")), unescape(url)) for url, n in found}


def shown(page: str) -> list[str]:
    """The user agents of the rows, which tell the hits apart."""
    return re.findall(r"GET (Browser/[\d.e-]+)", page)


def test_each_figure_opens_the_rows_it_counted(clicks: dict[str, LinkHit], as_: Any, alice: Any, api: Any) -> None:
    client, token = as_(alice), api(alice, "tracking.view")
    found = figures(client.get(PAGE).content.decode())
    assert {name: n for name, (n, _) in found.items()} == {"human": 1, "unsure": 2, "automated": 1, "waiting": 1}
    for name, (count, url) in found.items():
        page = client.get(url).content.decode()
        assert len(shown(page)) == count, name
        told = token.get("/api/v1/hits/", {"hit_class": name, "days": "30"}).json()["results"]
        assert len(told) == count, name
    assert shown(client.get(found["unsure"][1]).content.decode()) == ["Browser/3", "Browser/4"]
    assert shown(client.get(f"{HITS}?older=yes").content.decode()) == ["Browser/3"]
    assert f'href="{HITS}?days=30&amp;older=yes"' in client.get(PAGE).content.decode()


def test_a_row_says_who_why_and_what_stood_out(clicks: dict[str, LinkHit], as_: Any, alice: Any) -> None:
    page = unescape(as_(alice).get(f"{HITS}?hit_class=automated").content.decode())
    for words in (
        "Ana Ferreira", "A question", "automated", "asked for headers only", "3 of 4 links within 10 seconds", "classifier 2",
        "https://acme.example/pricing", "GET Browser/2", "90 s after sending", f"/messages/{clicks['automated'].message_id}/",
    ):  # fmt: skip
        assert words in page, words


def test_the_api_has_the_features(clicks: dict[str, LinkHit], alice: Any, api: Any) -> None:
    token = api(alice, "tracking.view")
    row = token.get("/api/v1/hits/?hit_class=automated").json()["results"][0]
    assert (row["id"], row["reason"], row["classifier"]) == (str(clicks["automated"].pk), WHY["automated"], 2)
    assert row["features"] == {"method": "HEAD", "other_links": 2, "links_total": 4}
    waiting = token.get("/api/v1/hits/?hit_class=waiting").json()["results"][0]
    assert (waiting["hit_class"], waiting["features"], waiting["classifier"]) == ("", {}, None)
    assert token.get("/api/v1/hits/?hit_class=robot").status_code == 400
    assert len(token.get("/api/v1/hits/").json()["results"]) == 6, "without a filter all of history"


def test_pages_go_by_keyset_and_cost_the_same_however_many_rows(link: TrackedLink, as_: Any, alice: Any) -> None:
    client, counts = as_(alice), []
    client.get(HITS)
    for n in range(1, 121):
        click(link, (2, "human"), days=n / 100)
        if n in (2, 120):
            with CaptureQueriesContext(connection) as taken:
                client.get(f"{HITS}?hit_class=human")
            counts.append(len(taken))
    assert counts[0] == counts[1], "no query a row"
    seen, url = [], f"{HITS}?hit_class=human"
    for _ in range(3):
        page = client.get(url).content.decode()
        seen += shown(page)
        onward = re.search(r'href="([^"]*cursor=[^"]+)"[^>]*rel="next"|rel="next"[^>]*href="([^"]+)"', page)
        url = HITS + unescape(onward.group(1) or onward.group(2)) if onward else ""
    assert (len(seen), len(set(seen)), url) == (120, 120, "")


def test_empty_and_without_a_match(link: TrackedLink, as_: Any, alice: Any) -> None:
    client = as_(alice)
    assert "No clicks yet" in client.get(HITS).content.decode()
    click(link, (2, "human"))
    page = client.get(f"{HITS}?hit_class=unsure").content.decode()
    assert ("No click matches" in page, "Clear the filters" in page) == (True, True)


def test_who_may_not_look_sees_nothing(clicks: dict[str, LinkHit], as_: Any, bob: Any, charlie: Any, api: Any) -> None:
    assert as_(charlie).get(HITS).status_code == 404
    assert api(charlie).get("/api/v1/hits/").json()["results"] == []
    assert api(bob, "people.view").get("/api/v1/hits/").status_code == 403


def test_one_mails_clicks(link: TrackedLink, clicks: dict[str, LinkHit], as_: Any, alice: Any, acme: Any) -> None:
    with workspace_scope(acme.pk):
        other = sent_to(make_person("Ben Okafor", email="ben@y.example"), Message.objects.get().mailbox)
        theirs = TrackedLink.objects.create(message=other, position=1, url="https://acme.example/b")
    click(theirs, (2, "human"), days=5)
    client = as_(alice)
    assert shown(client.get(f"{HITS}?message={other.pk}").content.decode()) == ["Browser/5"]
    assert shown(client.get(f"{HITS}?q=okafor").content.decode()) == ["Browser/5"]


def test_words_of_features() -> None:
    assert features_in_words({}) == []
    assert features_in_words({"method": "GET", "other_links": 0, "links_total": 3, "hidden": False}) == []
    assert features_in_words({"hidden": True, "proxied": True, "repeats": "x"}) == [
        "opened the hidden link", "through a proxy", "repeats the click before it",
    ]  # fmt: skip
