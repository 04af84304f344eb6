"""Data quality: every figure counts exactly the rows it opens to; a report a day makes the trend."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from leadgen.core import lanes
from leadgen.core.rulelang import parse
from leadgen.core.tenancy import workspace_scope
from prospects.actions import quality as actions
from prospects.actions.quality import take_report
from prospects.models import Person, PersonPair, QualityReport, Segment
from prospects.queries import quality as queries
from prospects.queries.segments import TooSlow, matching, members_of
from prospects.rules import quality as rules
from prospects.rules.segments import CATALOGUES
from tests.conftest import NOW
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db


def fill() -> None:
    """At least one row for every figure, and more of a bad source than of a good one."""
    lumen, bare = make_company("Lumen", industry="Machinery", employees=50, country="DE"), make_company("Bare", domain="")  # fmt: skip
    fresh = {"updated_at": NOW - timedelta(days=9), "email_status_at": NOW, "title": "Buyer", "source": "Fair", "lawful_basis": "interest"}  # fmt: skip
    for number in range(12):
        make_person(f"Good {number}", lumen, **fresh, email_status="valid", email_checks=["answered"], phone=f"+4930{number}", linkedin_url=f"linkedin.com/in/{number}")  # fmt: skip
    for status, checks in (
        ("unknown", ["unproven"]), ("risky", ["role"]), ("risky", ["disposable"]), ("unknown", ["unproven", "free"]),
        ("invalid", ["no_domain"]), ("invalid", []), ("invalid", ["guess"]), ("bounced", ["bounced"]),
    ):  # fmt: skip
        make_person("", lumen, **fresh | {"source": "Broker"}, email_status=status, email_checks=checks)
    for signal in ("left", "bounced", "moved", "role"):
        make_person("", bare, **fresh | {"source": "Broker"}, stale_signal=signal, stale_at=NOW - timedelta(days=3))
    make_person("", lumen, **fresh | {"source": "Broker"}, email_status="valid", email_checks=["delivered"])
    make_person("", None, email="", updated_at=NOW - timedelta(days=500), created_at=NOW - timedelta(days=500))
    make_person("", None, updated_at=NOW - timedelta(days=500), last_reply_at=NOW - timedelta(days=5))  # they answered
    make_person("", None, **fresh | {"email_status_at": NOW - timedelta(days=200)}, email_status="valid", email_checks=["stated"])  # fmt: skip


def test_every_rule_is_one_and_every_key_is_its_own() -> None:
    assert len({figure.key for figure in rules.ALL}) == len(rules.ALL)
    for figure in rules.ALL:
        parse(figure.rule, CATALOGUES[figure.subject])
        assert figure.group in {*rules.GROUPS, "head"}


def test_a_count_is_that_of_its_rows(in_acme, now) -> None:
    fill()
    one, other = Person.objects.order_by("id")[:2]
    PersonPair.objects.create(first=one, second=other, score=80, reasons=["name"], found_at=now)
    found = queries.count_all(now)
    for figure in rules.ALL:
        count, of = found[figure.key]
        assert count == queries.rows_of(figure, now=now).count(), figure.key
        base = matching(figure.subject, figure.base, now=now).count() if figure.base else found[figure.subject][0]
        assert of == base, figure.key
        assert 0 < count <= of, f"{figure.key}: the world of this test has none"
    assert found["pairs_people"] == (1, Person.objects.count())
    assert found["old"][0] == 1  # whoever answered lately is confirmed by that
    # A guessed address is not known not to work, though nothing is sent to it: it speaks against no source either.
    assert (found["mail_guess"][0], found["mail_bad"][0]) == (1, 3)
    (guess,) = queries.rows_of(rules.BY_KEY["mail_guess"], now=now)
    assert not matching("people", {"any": [rules.BAD, rules.ANY_TROUBLE]}, now=now).filter(pk=guess.pk).exists()
    assert matching("people", rules.HEADLINES[1].rule, now=now).filter(pk=guess.pk).exists()
    # Of the worst source each number is that of its rows, too.
    (broker,) = queries.worst_sources(now)  # the fair's people are fine, and of the rest there are too few
    assert (broker.source, broker.people, broker.troubled) == ("Broker", 13, 7)
    for key, (_, rule) in rules.TROUBLES.items():
        assert broker.by[key] == matching("people", rules.of_source("Broker", rule), now=now).count(), key
    assert broker.troubled == matching("people", rules.of_source("Broker", rules.ANY_TROUBLE), now=now).count()


def test_each_number_of_the_page_opens_to_as_many_rows(acme, alice, bob, as_) -> None:
    with workspace_scope(acme.pk):
        fill()
    with time_machine.travel(NOW, tick=False):
        page = as_(alice).get("/w/acme/quality/").content.decode()
        rows = re.findall(r'<a class="link" href="([^"]+)">([^<]+)</a>.*?data-label="(?:Rows|With trouble)" class="num text-end">([\d,]+)<', page, re.DOTALL)  # fmt: skip
        assert len(rows) == len(rules.FIGURES) + len(queries.PAIRS) + 1
        for href, label, count in rows:
            if label.startswith("Pairs"):
                continue
            url = unescape(href)
            listed = as_(alice).get(url).content.decode()
            total = re.search(r'num muted ml-auto text-xs">([\d,]+) ', listed)
            assert total, label
            assert total[1] == count, label
            assert parse_qs(urlsplit(url).query)["rule"]
        # One click makes a segment of them; a second opens the same.
        for _ in range(2):
            made = as_(bob).post("/w/acme/quality/mail_bad/segment/")
            assert made.status_code in (200, 302), made.content
        assert as_(bob).post("/w/acme/quality/nothing/segment/").status_code == 404
    with workspace_scope(acme.pk):
        segment = Segment.objects.get()
        assert (segment.name, segment.subject) == ("Do not work", "people")
        assert members_of(segment, now=NOW).count() == queries.count_all(NOW)["mail_bad"][0] == 3


def test_a_report_a_day_makes_the_trend(acme, alice, as_, api, monkeypatch) -> None:
    with workspace_scope(acme.pk):
        fill()
        report, due = take_report(now=NOW)
        assert report.figures["mail_bad"] == [3, len(Person.objects.exclude(email=""))]
        # The next is due soon after midnight in Berlin.
        assert due.isoformat() == "2026-03-04T23:10:00+00:00"
        Person.objects.filter(email_status="bounced").delete()
        take_report(now=NOW + timedelta(hours=1))  # a later one of the day replaces it
        assert QualityReport.objects.count() == 1
        take_report(now=NOW + timedelta(days=1))
        assert queries.trend(NOW + timedelta(days=1))["mail_bad"][-3:] == [None, 2, 2]
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        answer = api(alice).get("/api/v1/quality/").json()
        bad = next(figure for figure in answer["figures"] if figure["key"] == "mail_bad")
        assert (answer["live"], bad["rows"], bad["trend"][-2:], answer["sources"][0]["source"]) == (True, 2, [2, 2], "Broker")  # fmt: skip

        # Where counting takes longer than a page may, the last report stands there with its time.
        def slow(now: Any) -> Any:
            raise TooSlow

        monkeypatch.setattr(queries, "count_all", slow)
        page = as_(alice).get("/w/acme/quality/").content.decode()
        assert "Counted" in page
        assert "Count again" in page
        with workspace_scope(acme.pk):
            QualityReport.objects.all().delete()
        assert "Not counted yet" in as_(alice).get("/w/acme/quality/").content.decode()
        assert as_(alice).post("/w/acme/quality/count/").status_code in (200, 302)
        assert api(alice, "people.view").post("/api/v1/quality/refresh/").status_code == 403
        lane = lanes.take(kind=actions.LANE, now=NOW + timedelta(days=1))
        assert lane is not None
        assert lane.workspace_id == acme.pk


def test_an_empty_workspace_says_what_to_do(acme, alice, as_) -> None:
    page = as_(alice).get("/w/acme/quality/").content.decode()
    assert "No people yet" in page
