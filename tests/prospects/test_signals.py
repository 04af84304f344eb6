"""Signals: told by API, webhook and by hand, matched by what only one can have, said as "why now", asked by rules, setting
off to-dos."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.actions.audit import Actor
from accounts.models import AuditEntry, Workspace
from leadgen.core import signing
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.merges import merge_rows
from prospects.actions.signals import match_signal, match_waiting, record_signal
from prospects.actions.signals_sources import create_source
from prospects.actions.signals_triggers import create_trigger
from prospects.models import Company, Person, Signal, SignalSource, SignalTrigger, Task
from prospects.queries import companies, people
from prospects.queries.duplicates import COMPANIES
from prospects.queries.signals import signals_card, why_now_of
from tests.conftest import NOW
from tests.factories.accounts import Someone
from tests.factories.prospects import make_company, make_person

BY = Actor(source="command")
Clients = Callable[[Someone], Client]


def tell(**values: Any) -> Signal:
    given = {"kind": "funding", "title": "Raised 20 M EUR"} | values
    return record_signal(by=BY, now=NOW, **given)[0]


def test_a_signal_is_matched_by_address_and_domain_and_never_by_name(in_acme: Workspace) -> None:
    lumen, kite = make_company("Lumen", domain="lumen.example"), make_company("Kite", domain="kite.example")
    ana = make_person("Ana Ferreira", lumen, email="ana@lumen.example")
    by_domain = tell(domain="https://www.lumen.example/press")
    assert (by_domain.company, by_domain.state, by_domain.match) == (lumen, "matched", "domain")
    by_mail = tell(title="Joined", kind="job_change", email="Ana@Lumen.example")
    assert (by_mail.person, by_mail.company) == (ana, lumen)
    # News of a person at another company: about both.
    moved = tell(title="Ana joins Kite", kind="job_change", email="ana@lumen.example", domain="kite.example")
    assert (moved.person, moved.company) == (ana, kite)
    assert tell(title="x", email="new@kite.example").company == kite
    named = tell(title="Lumen raised", company_name="Lumen")
    assert (named.company, named.state) == (None, "unmatched")
    assert tell(title="y", email="somebody@gmail.com").state == "unmatched"


def test_told_twice_is_one_and_what_cannot_be_is_refused(in_acme: Workspace) -> None:
    make_company("Lumen", domain="lumen.example")
    first, new = record_signal(by=BY, now=NOW, kind="news", title="A", domain="lumen.example", external_id="7")
    again, second = record_signal(by=BY, now=NOW, kind="funding", title="B", external_id="7")
    assert new and not second and again.pk == first.pk and again.title == "A"
    tell(title="Same  words", domain="lumen.example")
    tell(title="same words", domain="lumen.example", at=NOW - timedelta(minutes=5))
    assert Signal.objects.filter(title__iexact="same words").count() == 1
    for wrong, field in (
        ({"kind": "moon"}, "kind"), ({"title": " "}, "title"), ({"url": "javascript:x"}, "url"), ({"at": "soon"}, "at"),
        ({"at": NOW + timedelta(days=2)}, "at"), ({"domain": "no domain"}, "domain"), ({"email": "@"}, "email"), ({"moon": 1}, "moon"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            tell(**wrong)
        assert refused.value.field == field
    assert Signal.objects.count() == 2


def test_what_waits_is_matched_when_its_company_comes_or_somebody_says_so(in_acme: Workspace, by_alice: Actor) -> None:
    waits = tell(title="1", domain="late.example", company_name="Late")
    one, two = tell(title="2", company_name="Acme"), tell(title="3", company_name="ACME")
    other = tell(title="4", company_name="Acme", domain="acme2.example")
    assert match_waiting(now=NOW) == 0
    late, acme = make_company("Late", domain="late.example"), make_company("Acme")
    assert match_waiting(now=NOW) == 1
    waits.refresh_from_db()
    assert (waits.company, waits.state) == (late, "matched")
    # The yes is to the name: what waits under it and nothing else follows; another domain is another firm.
    assert match_signal(signal=one, by=by_alice, now=NOW, company=acme, person=None) == 2
    two.refresh_from_db()
    other.refresh_from_db()
    assert (two.company, two.decided_by, other.state) == (acme, by_alice.member, "unmatched")
    assert AuditEntry.objects.get(action="signal.matched").detail["signals"] == 2


def test_why_now_on_pages_and_lists(acme: Workspace, alice: Someone, as_: Clients) -> None:
    with time_machine.travel(NOW, tick=False), workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
        ana = make_person("Ana Ferreira", lumen, email="ana@lumen.example")
        tell(domain="lumen.example", at=NOW - timedelta(days=12))
        tell(title="Hires ten", kind="hiring", domain="lumen.example", at=NOW - timedelta(days=40))
        tell(title="Old news", kind="news", domain="lumen.example", at=NOW - timedelta(days=300))
        usage = tell(title="Hit the limit", kind="usage", email="ana@lumen.example")
        assert why_now_of([lumen], NOW)[lumen.pk].signal == usage
        assert why_now_of([ana], NOW)[ana.pk].signal == usage
        assert [shown.signal.title for shown in signals_card(ana, NOW).rows] == [
            "Hit the limit", "Raised 20 M EUR", "Hires ten", "Old news",
        ]  # fmt: skip
        client = as_(alice)
    with time_machine.travel(NOW, tick=False):
        for url in (f"/w/acme/companies/{lumen.pk}/", f"/w/acme/people/{ana.pk}/"):
            page = client.get(url).content.decode()
            assert "Why now:" in page and "Hit the limit" in page and "Old news" in page
        for url in ("/w/acme/companies/", "/w/acme/people/"):
            assert "Hit the limit" in client.get(url).content.decode()
        # Dismissed, it is no reason any more.
        client.post(f"/w/acme/signals/{usage.pk}/dismiss/", {"from": "page"})
        assert "Hit the limit" not in client.get("/w/acme/companies/").content.decode()
        assert "Raised 20 M EUR" in client.get("/w/acme/people/").content.decode()
        client.post(f"/w/acme/signals/{usage.pk}/restore/")
        assert "Hit the limit" in client.get("/w/acme/people/").content.decode()


def test_rules_ask_for_signals_of_a_kind_within_days(in_acme: Workspace) -> None:
    lumen, kite = make_company("Lumen", domain="lumen.example"), make_company("Kite", domain="kite.example")
    make_person("Ana", lumen, email="ana@lumen.example")
    make_person("Tom", kite)
    tell(domain="lumen.example", at=NOW - timedelta(days=20))
    tell(kind="usage", title="In", email="ana@lumen.example", at=NOW - timedelta(days=2))
    tell(kind="news", domain="kite.example", at=NOW - timedelta(days=2))

    def found(queries: Any, field: str, op: str, value: Any = None) -> list[str]:
        rule = {"field": field, "op": op} | ({"value": value} if value is not None else {})
        return sorted(str(row) for row in queries.matching(rule, now=NOW))

    assert found(companies, "company.funding_signal_at", "within_days", 30) == ["Lumen"]
    assert found(companies, "company.funding_signal_at", "within_days", 10) == []
    assert found(people, "company.funding_signal_at", "within_days", 30) == ["Ana"]
    assert found(people, "person.usage_signal_at", "within_days", 7) == ["Ana"]
    assert found(people, "person.signal_at", "unknown") == ["Tom"]
    assert found(companies, "company.signal_at", "within_days", 7) == ["Kite", "Lumen"]


def test_triggers_put_one_to_do_a_company_into_the_owners_queue(acme: Workspace, bob: Someone) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example", owner=bob.member)
        make_company("Kite", domain="kite.example", country="DE")
        create_trigger(by=BY, now=NOW, name="Money", kinds=["funding", "hiring"])
        tell(kind="news", title="No", domain="lumen.example")
        tell(title="Stale", domain="lumen.example", at=NOW - timedelta(days=200))
        assert not Task.objects.exists()
        tell(domain="lumen.example", at=NOW - timedelta(days=3), text="Led by X", url="https://paper.example/1")
        task = Task.objects.get()
        assert (task.kind, task.company, task.owner, task.state) == ("todo", lumen, bob.member, "open")
        assert task.reason == "Funding 3 days ago: Raised 20 M EUR (trigger “Money”)" and "paper.example" in task.body
        tell(kind="hiring", title="Hires", domain="lumen.example")
        tell(domain="lumen.example", at=NOW - timedelta(days=3), text="Led by X")
        assert Task.objects.count() == 1  # one reason to call is enough
        tell(domain="kite.example")
        assert Task.objects.get(company__name="Kite").owner is None
        assert SignalTrigger.objects.get().made == 2
        # A trigger that asks for a fit nobody has, and one that is off, do nothing.
        SignalTrigger.objects.update(grades=["A"])
        create_trigger(by=BY, now=NOW, name="Off", kinds=["funding"], is_active=False)
        make_company("Nova", domain="nova.example")
        tell(domain="nova.example")
        assert Task.objects.count() == 2


def _call(client: Client, address: str, secret: str, body: Any, *, at: datetime = NOW, message: str = "msg_1") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = int(at.timestamp())
    signed = signing.signature(secret, message_id=message, timestamp=stamp, body=raw)
    return client.post(
        address, raw, content_type="application/json",
        headers={"webhook-id": message, "webhook-timestamp": str(stamp), "webhook-signature": signed},
    )  # fmt: skip


def test_a_webhook_is_made_called_signed_and_called_again(acme: Workspace, alice: Someone, as_: Clients) -> None:
    with workspace_scope(acme.pk):
        make_company("Lumen", domain="lumen.example")
    with time_machine.travel(NOW, tick=False):
        made = as_(alice).post(
            "/w/acme/signals/sources/new/?kind=webhook", {"name": "Zap", "signal_kind": "news", "is_active": "on"}
        )
        page = made.content.decode()
        secret = page[page.index("whsec_") :].split("<")[0]
        address = "/p/signals/" + page.split("/p/signals/")[1].split("<")[0]
        assert (
            made.headers["Cache-Control"] == "no-store"
            and "whsec_" not in as_(alice).get("/w/acme/signals/sources/").content.decode()
        )
        outside = Client()
        body = {
            "signals": [
                {"title": "Raised", "type": "funding", "domain": "lumen.example"},
                {"title": "Who?", "company": "Nobody"},
            ]
        }
        assert outside.get(address).json() == {"ok": True}
        first = _call(outside, address, secret, body)
        assert (first.status_code, first.json()) == (200, {"received": 2, "new": 2, "unmatched": 1})
        assert _call(outside, address, secret, body).json() == {"received": 2, "new": 0, "unmatched": 0}
        # All or none, and the place is named.
        half = _call(outside, address, secret, [{"title": "Good"}, {"title": "Bad", "at": "x"}], message="msg_2")
        assert (half.status_code, half.json()["error"]["field"]) == (400, "signals[1].at")
        refused = [
            _call(outside, address, signing.new_secret(), body, message="m3"),
            _call(outside, address, secret, body, message="m3", at=NOW - timedelta(hours=1)),
            outside.post(address, body, content_type="application/json"),
        ]
        assert [answer.status_code for answer in refused] == [401, 401, 401]
        assert _call(outside, address, secret, b"{", message="m4").status_code == 400
        assert _call(outside, address[:-4] + "aaa/", secret, body).status_code == 404
        with workspace_scope(acme.pk):
            assert sorted(Signal.objects.values_list("title", "kind", "state")) == [
                ("Raised", "funding", "matched"), ("Who?", "news", "unmatched"),
            ]  # fmt: skip
            source = SignalSource.objects.get()
            assert source.received_at == NOW and secret not in source.secret_sealed
        # A new secret ends the old one.
        as_(alice).post(f"/w/acme/signals/sources/{source.pk}/secret/")
        assert _call(outside, address, secret, body, message="m5").status_code == 401


def test_the_waiting_list_proposes_and_a_person_says_yes(acme: Workspace, bob: Someone, as_: Clients) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
        named = tell(title="Lumen opens in Porto")
        other = tell(title="Nova hires", company_name="Nova Ltd", kind="hiring")
    client = as_(bob)
    page = client.get("/w/acme/signals/?state=unmatched").content.decode()
    assert "Yes, it is" in page and "Nova Ltd" in page
    client.post(f"/w/acme/signals/{named.pk}/match/", {"company": str(lumen.pk)})
    sheet = client.get(f"/w/acme/signals/{other.pk}/match/").content.decode()
    assert "Another company, by its domain" in sheet
    assert client.post(f"/w/acme/signals/{other.pk}/match/", {"company": "other", "domain": ""}).status_code == 422
    client.post(f"/w/acme/signals/{other.pk}/match/", {"company": "other", "domain": "nova.example"})
    with workspace_scope(acme.pk):
        nova = Company.objects.get(domain="nova.example")
        assert nova.name == "Nova Ltd" and nova.source.startswith("signal: ")
        assert {row.company for row in Signal.objects.all()} == {lumen, nova}
        assert set(Signal.objects.values_list("match", flat=True)) == {str(bob.member)}


def test_the_api(acme: Workspace, alice: Someone, charlie: Someone, api: Callable[..., Client]) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
    with time_machine.travel(NOW, tick=False):
        client, reader, outsider = api(alice), api(alice, "signals.view"), api(charlie)
        told = {"kind": "funding", "title": "Raised", "domain": "lumen.example", "external_id": "r1"}
        made = client.post("/api/v1/signals/", told, content_type="application/json")
        assert made.status_code == 201 and made.json()["company"] == str(lumen.pk) and made.json()["freshness"] == 1
        assert client.post("/api/v1/signals/", told, content_type="application/json").status_code == 200
        batch = {
            "signals": [{"kind": "news", "title": "One", "company": str(lumen.pk)}, {"kind": "news", "title": "Two"}]
        }
        answer = client.post("/api/v1/signals/batch/", batch, content_type="application/json")
        assert answer.json() == {"received": 2, "new": 2, "unmatched": 1}
        waiting = client.get("/api/v1/signals/?state=unmatched").json()["results"]
        assert [row["title"] for row in waiting] == ["Two"]
        matched = client.post(
            f"/api/v1/signals/{waiting[0]['id']}/match/", {"company": str(lumen.pk)}, content_type="application/json"
        )
        assert matched.json()["state"] == "matched"
        dismissed = client.post(f"/api/v1/signals/{waiting[0]['id']}/dismiss/")
        assert dismissed.json()["state"] == "dismissed"
        hook = client.post(
            "/api/v1/signal-sources/", {"kind": "webhook", "name": "Zap"}, content_type="application/json"
        ).json()
        assert hook["secret"].startswith("whsec_")
        assert client.get(f"/api/v1/signal-sources/{hook['id']}/").json()["secret"] == ""
        assert (
            _call(Client(), hook["address"], hook["secret"], {"title": "Hi", "domain": "lumen.example"}).json()["new"]
            == 1
        )
        bad = client.post(
            "/api/v1/signal-sources/",
            {"kind": "feed", "name": "In", "url": "http://10.0.0.1/"},
            content_type="application/json",
        )
        assert bad.status_code == 400 and "private network" in bad.json()["error"]["message"]
        trigger = client.post(
            "/api/v1/signal-triggers/", {"name": "T", "kinds": ["news"]}, content_type="application/json"
        )
        assert trigger.status_code == 201
        # Another workspace sees and matches nothing of it.
        assert outsider.get("/api/v1/signals/").json()["results"] == []
        foreign = outsider.post(
            "/api/v1/signals/",
            {"kind": "news", "title": "x", "company": str(lumen.pk)},
            content_type="application/json",
        )
        assert foreign.status_code == 400
        assert (
            reader.post("/api/v1/signals/", told | {"external_id": "r2"}, content_type="application/json").status_code
            == 403
        )
    with workspace_scope(acme.pk):
        assert Signal.objects.count() == 4


def test_a_viewer_reads_and_tells_nothing(acme: Workspace, as_: Clients) -> None:
    from tests.factories.accounts import make_member

    viewer = as_(make_member(acme, "viewer", "v@acme.example"))
    assert viewer.get("/w/acme/signals/").status_code == 200
    assert viewer.post("/w/acme/signals/new/", {"kind": "news", "title": "x"}).status_code == 403
    assert viewer.get("/w/acme/signals/sources/new/").status_code == 403
    with workspace_scope(acme.pk):
        assert not Signal.objects.exists()


def test_merging_companies_takes_their_signals_along(in_acme: Workspace, by_alice: Actor) -> None:
    kept, gone = make_company("Lumen", domain="lumen.example"), make_company("Lumen GmbH", domain="")
    signal = tell(company=gone, title="Raised")
    merge_rows(subject=COMPANIES, kept=kept, gone=gone, by=by_alice, now=NOW)
    signal.refresh_from_db()
    assert signal.company_id == kept.pk


def test_names_are_unique_and_settings_are_checked(in_acme: Workspace, by_alice: Actor) -> None:
    feed = {"kind": "feed", "name": "Paper", "url": "https://paper.example/feed"}
    source, secret = create_source(by=by_alice, now=NOW, **feed)
    assert secret == "" and source.next_poll_at == NOW.astimezone(UTC)
    for wrong in (
        feed,
        feed | {"name": ""},
        feed | {"name": "B", "every_minutes": 1},
        feed | {"name": "C", "url": "paper"},
        {"kind": "moon", "name": "D"},
    ):
        with pytest.raises(Exception, match=r"already|name|Poll|https|Choose"):
            create_source(by=by_alice, now=NOW, **wrong)
    assert SignalSource.objects.count() == 1 and Person.objects.count() == 0
