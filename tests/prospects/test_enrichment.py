"""Enrichment against a server on loopback: the waterfall, costs, the cache, the preview, and what is never written over."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.actions.audit import Actor
from accounts.models import AuditEntry, Workspace
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.companies import update_company
from prospects.actions.enrichment import cancel_run, resume_run, run_lane, start_run, write_items
from prospects.actions.enrichment_providers import (
    create_provider,
    headers_of,
    move_provider,
    update_provider,
    upload_table,
)
from prospects.models import (
    Company,
    EnrichmentAnswer,
    EnrichmentCharge,
    EnrichmentItem,
    EnrichmentProvider,
    EnrichmentRun,
    FieldOrigin,
)
from prospects.queries.enrichment import origins_of, spent
from tests.conftest import NOW
from tests.dns_server import dns_server
from tests.factories.prospects import make_company, make_person
from tests.web_server import WebServer

BY = Actor(source="command")
MAPPING = {"industry": "c.industry", "employees": "c.size", "country": "c.country", "city": "c.city"}


def service(server: WebServer, name: str = "Clear", **values: Any) -> EnrichmentProvider:
    given = {
        "url": f"{server.url}/{name}?d={{domain}}",
        "mapping": MAPPING,
        "headers": {"Authorization": f"Bearer {name}"},
    } | values
    return create_provider(by=BY, now=NOW, kind="http", name=name, **given)


def answers(server: WebServer, name: str = "Clear", **found: Any) -> None:
    server.page(f"/{name}", json.dumps({"c": found}))


def ask(acme: Workspace, *rows: Company, **values: Any) -> EnrichmentRun:
    with workspace_scope(acme.pk):
        run = start_run(by=BY, now=NOW, subject="companies", ids=[row.pk for row in rows], **values)
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        run.refresh_from_db()
    return run


def test_the_waterfall_fills_and_nothing_is_written_before_somebody_agrees(
    acme: Workspace, by_alice: Actor, server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        first, second = service(server), service(server, "Deep")
        lumen = make_company("Lumen", domain="lumen.example", country="PT")
        full = make_company("Full", domain="full.example", industry="x", employees=1, country="PT", city="y")
    answers(server, industry="Machinery", country="DE")
    answers(server, "Deep", industry="Other", size="51-200", city="Porto")
    run = ask(acme, lumen, full)
    # Who has everything is not asked about; the second is asked for what the first left open.
    assert server.paths() == ["/Clear?d=lumen.example", "/Deep?d=lumen.example"]
    assert server.asked[0][2]["authorization"] == "Bearer Clear"
    with workspace_scope(acme.pk):
        assert run.state == "review"
        item = EnrichmentItem.objects.get(run=run, company=lumen)
        assert {name: (told["value"], told["name"]) for name, told in item.proposal.items()} == {
            "industry": ("Machinery", "Clear"), "city": ("Porto", "Deep"),
        } | ({"employees": (item.proposal["employees"]["value"], "Deep")} if "employees" in item.proposal else {})  # fmt: skip
        lumen.refresh_from_db()
        assert lumen.industry == ""
        assert write_items(run=run, by=by_alice, now=NOW) == 1
        lumen.refresh_from_db()
        assert (lumen.industry, lumen.city, lumen.country) == ("Machinery", "Porto", "PT")
        assert {o.field: o.provider_name for o in origins_of(lumen)}["industry"] == "Clear"
        assert FieldOrigin.objects.get(field="city").at == NOW
        assert (run.state, write_items(run=run, by=by_alice, now=NOW)) == ("done", 0)
        assert AuditEntry.objects.filter(action="enrichment.written").exists()
        # Asked again within its days, nobody is: the answers are kept.
        answered = EnrichmentAnswer.objects.count()
        Company.objects.filter(pk=lumen.pk).update(city="")
        assert (answered, first.position, second.position) == (2, 0, 1)
    ask(acme, lumen)
    assert len(server.asked) == 2


def test_what_a_person_typed_stays_also_when_typed_after_the_proposal(
    acme: Workspace, by_alice: Actor, server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        service(server)
        lumen = make_company("Lumen", domain="lumen.example", industry="Old", city="Lisbon")
        update_company(by=by_alice, now=NOW, company=lumen, changes={"industry": "", "city": "Porto"})
    answers(server, industry="Machinery", city="Faro", size=540)
    run = ask(acme, lumen)
    with workspace_scope(acme.pk):
        item = EnrichmentItem.objects.get()
        assert list(item.proposal) == ["employees"]  # emptied by hand is a decision too
        lumen.refresh_from_db()
        update_company(by=by_alice, now=NOW, company=lumen, changes={"employees": 7})
        assert write_items(run=run, by=by_alice, now=NOW) == 0
        lumen.refresh_from_db()
        item.refresh_from_db()
        assert (lumen.industry, lumen.city, lumen.employees) == ("", "Porto", 7)
        assert item.state == "refused" and "changed since" in item.notes[-1]


def test_a_value_of_ours_is_refreshed_and_one_edited_since_is_not(
    acme: Workspace, by_alice: Actor, server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        service(server, cache_days=0)
        lumen, kite = make_company("Lumen", domain="lumen.example"), make_company("Kite", domain="kite.example")
    answers(server, size=100)
    run = ask(acme, lumen, kite, write_at_once=True)
    with workspace_scope(acme.pk):
        assert (run.state, Company.objects.filter(employees=100).count()) == ("done", 2)
        kite.refresh_from_db()
        update_company(by=by_alice, now=NOW, company=kite, changes={"employees": 55})
    answers(server, size=200)
    ask(acme, lumen, kite, write_at_once=True)
    with workspace_scope(acme.pk):
        assert {c.name: c.employees for c in Company.objects.all()} == {"Lumen": 200, "Kite": 55}
        assert origins_of(Company.objects.get(name="Kite")) == []


def test_a_budget_stops_with_the_reason_and_the_run_is_resumed(
    acme: Workspace, by_alice: Actor, server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        provider = service(server, price="0.40", monthly_budget="1.00", currency="EUR")
        rows = [make_company(f"C{n}", domain=f"c{n}.example") for n in range(4)]
    answers(server, industry="Machinery")
    run = ask(acme, *rows)
    with workspace_scope(acme.pk):
        assert len(server.asked) == 2 and spent(provider, NOW) == Decimal("0.8000")
        states = list(EnrichmentItem.objects.order_by("id").values_list("state", flat=True))
        assert states == ["found", "found", "stopped", "stopped"]
        assert EnrichmentItem.objects.filter(state="stopped").first().notes == [
            "Clear: the budget of March is used up (0.80 of 1.00 EUR). Raise it, or resume next month."
        ]
        assert spent(provider, NOW + timedelta(days=28)) == 0  # a new month
        update_provider(provider=provider, changes={"monthly_budget": "9"}, by=by_alice, now=NOW)
        assert resume_run(run=run, by=by_alice, now=NOW) == 2
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        assert spent(provider, NOW) == Decimal("1.6000")
        assert set(EnrichmentItem.objects.values_list("state", flat=True)) == {"found"}


def test_an_answer_that_is_priced_by_match_costs_nothing_where_nothing_is_found(
    acme: Workspace, server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        provider = service(server, price="1", per="match")
        lumen, kite = make_company("L", domain="l.example"), make_company("K", domain="k.example")
    server.pages["/Clear?d=l.example"] = (404, {}, b"")
    answers(server, size=3)
    ask(acme, lumen, kite)
    with workspace_scope(acme.pk):
        assert spent(provider, NOW) == Decimal(1)
        assert EnrichmentAnswer.objects.get(key="l.example").values == {}


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [(401, "", "refuses the key"), (402, "", "plan is used up"), (429, "", "slow down"), (500, "", "answered 500"), (200, "no", "not JSON"), (302, "", "answered 302")],
)  # fmt: skip
def test_failures_are_said_and_stop_only_what_nobody_else_fills(
    acme: Workspace, server: WebServer, status: int, body: str, words: str
) -> None:
    with workspace_scope(acme.pk):
        service(server)
        lumen = make_company("Lumen", domain="lumen.example")
    server.page("/Clear", body, status, Location=server.url + "/elsewhere")
    run = ask(acme, lumen)
    with workspace_scope(acme.pk):
        item = EnrichmentItem.objects.get()
        assert item.state == "stopped" and words in item.notes[0] and run.state == "done"
        assert words in EnrichmentProvider.objects.get().error
    assert server.paths() == ["/Clear?d=lumen.example"]  # a redirect would carry the key elsewhere


def test_a_record_that_is_being_asked_about_is_nobody_elses_however_old_the_turn_is(
    acme: Workspace, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace_scope(acme.pk):
        service(server)
        start_run(by=BY, now=NOW, subject="companies", ids=[make_company("C", domain="c.example").pk])
    asked: list[str] = []

    def slow(workspace_id: Any, provider: Any, question: Any, lookup: Any, *, item: Any, now: Any) -> Any:
        asked.append(question.key)
        # Another worker, whose turn began an hour after ours.
        assert run_lane(acme.pk, now=NOW + timedelta(hours=1)) is not None
        return {"industry": "Machinery"}, now

    monkeypatch.setattr("prospects.actions.enrichment.answer_of", slow)
    assert run_lane(acme.pk, now=NOW) is None
    assert asked == ["c.example"]


def test_each_record_is_asked_once_whatever_worker_dies(acme: Workspace, server: WebServer) -> None:
    with workspace_scope(acme.pk):
        service(server)
        rows = [make_company(f"C{n}", domain=f"c{n}.example") for n in range(3)]
        start_run(by=BY, now=NOW, subject="companies", ids=[row.pk for row in rows])
    answers(server, industry="Machinery")
    run_lane(acme.pk, now=NOW, most=1)
    with workspace_scope(acme.pk):
        taken = EnrichmentItem.objects.filter(state="waiting").order_by("id").first()
        # A worker that took it and is gone.
        EnrichmentItem.objects.filter(pk=taken.pk).update(taken_until=Now() + timedelta(minutes=5))
    assert run_lane(acme.pk, now=NOW) == NOW + timedelta(minutes=5)
    assert len(server.asked) == 2
    with workspace_scope(acme.pk):  # its lease is over, by the database's clock
        EnrichmentItem.objects.filter(pk=taken.pk).update(taken_until=Now() - timedelta(seconds=1))
    assert run_lane(acme.pk, now=NOW) is None
    assert sorted(server.paths()) == [f"/Clear?d=c{n}.example" for n in range(3)]
    with workspace_scope(acme.pk):
        run = EnrichmentRun.objects.get()
        assert (run.state, EnrichmentItem.objects.filter(state="found").count()) == ("review", 3)
        cancel_run(run=run, by=BY, now=NOW)
        assert Company.objects.filter(industry="").count() == 3


def test_a_paid_question_whose_worker_died_is_paid_again_only_by_a_person(
    acme: Workspace, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace_scope(acme.pk):
        service(server, price="0.50")
        service(server, name="Second", price="0.70")
        ids = [make_company("C", domain="c.example").pk]
        start_run(by=BY, now=NOW, subject="companies", ids=ids, fields=["industry"])
    answers(server, industry="Machinery")

    def dies(*args: Any) -> Any:
        raise SystemExit  # as a killed process: nothing after the question happens

    monkeypatch.setattr("prospects.actions.enrichment_answers.ask_provider", dies)
    with pytest.raises(SystemExit):
        run_lane(acme.pk, now=NOW)
    monkeypatch.undo()
    with workspace_scope(acme.pk):
        EnrichmentItem.objects.update(taken_until=Now() - timedelta(seconds=1))
    run_lane(acme.pk, now=NOW + timedelta(minutes=6))
    assert not server.asked
    with workspace_scope(acme.pk):
        item = EnrichmentItem.objects.get()
        assert item.state == "stopped"
        assert "Clear was asked on 04 Mar 2026 10:00 UTC" in item.notes[0]
        assert [str(charge.amount) for charge in EnrichmentCharge.objects.all()] == ["0.5000"]
        resume_run(run=EnrichmentRun.objects.get(), by=BY, now=NOW)
    run_lane(acme.pk, now=NOW + timedelta(minutes=7))
    with workspace_scope(acme.pk):
        assert EnrichmentItem.objects.get().state == "found"
        assert [str(charge.amount) for charge in EnrichmentCharge.objects.all()] == ["0.5000", "0.5000"]
    assert len(server.asked) == 1


def test_a_website_and_dns_tell_technologies(acme: Workspace, server: WebServer, settings: Any) -> None:
    server.page(
        "/",
        '<title>Lumen</title><meta name="description" content="Pumps"><script src="//js.stripe.com/v3"></script>',
        Server="nginx",
    )
    with workspace_scope(acme.pk):
        site = create_provider(by=BY, now=NOW, kind="website", name="Website")
        EnrichmentProvider.objects.filter(pk=site.pk).update(settings={"base": server.url + "/"})
        create_provider(by=BY, now=NOW, kind="dns", name="DNS")
        lumen = make_company("Lumen", domain="lumen.example", technologies=["SAP"])
    with dns_server() as names:
        settings.DNS_SERVERS = [f"127.0.0.1:{names.port}"]
        names.add("lumen.example", "MX", "10 aspmx.l.google.com.")
        names.add("lumen.example", "TXT", "v=spf1 include:sendgrid.net ~all")
        run = ask(acme, lumen, write_at_once=True)
        with workspace_scope(acme.pk):
            kite = make_company("Kite", domain="kite.example")
        server.page("/", "down", 503)
        ask(acme, kite)
    with workspace_scope(acme.pk):
        # A website that is down is no fault of the provider, and nothing to resume.
        item = EnrichmentItem.objects.get(company=kite)
        assert item.state == "nothing" and "answered 503" in item.notes[0]
        assert EnrichmentProvider.objects.get(name="Website").error == ""
        lumen.refresh_from_db()
        assert lumen.description == "Pumps" and {"SAP", "Stripe", "nginx"} <= set(lumen.technologies)
        assert run.state == "done"


def test_a_table_is_uploaded_and_looked_up(acme: Workspace, by_alice: Actor) -> None:
    with workspace_scope(acme.pk):
        table = create_provider(by=BY, now=NOW, kind="table", name="List", subject="people")
        done = upload_table(
            provider=table,
            name="list.csv",
            content=b"E-mail;Job title;Phone\nAna@Lumen.example;VP Sales;+351 21 123 4567\nnobody;x;y\n",
            by=by_alice,
            now=NOW,
        )
        assert done == {"rows": 1, "left_out": 1, "fields": ["title", "phone"]}
        ana = make_person("Ana Ferreira", None, email="ana@lumen.example")
        with pytest.raises(Invalid, match="no column"):
            upload_table(provider=table, name="x.csv", content=b"Name;Age\nAna;3\n", by=by_alice, now=NOW)
        start_run(by=BY, now=NOW, subject="people", ids=[ana.pk], write_at_once=True)
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        ana.refresh_from_db()
        assert (ana.title, ana.phone, ana.seniority) == ("VP Sales", "+351211234567", "vp")


def test_secrets_stay_where_they_belong(in_acme: Workspace, by_alice: Actor, server: WebServer) -> None:
    one, two = service(server), service(server, "Deep")
    assert "Bearer" not in one.headers_sealed and headers_of(one) == {"Authorization": "Bearer Clear"}
    two.headers_sealed = one.headers_sealed
    with pytest.raises(ValueError, match="another row"):
        headers_of(two)
    with pytest.raises(Invalid, match="belong to the old one"):
        update_provider(provider=one, changes={"url": "https://other.example/{domain}"}, by=by_alice, now=NOW)
    for wrong in (
        {"headers": {"Host": "x"}},
        {"headers": {"X": "a\nb"}},
        {"url": "http://10.0.0.1/{domain}"},
        {"price": "-1"},
        {"mapping": {}},
        {"currency": "moon"},
    ):
        with pytest.raises(Invalid):
            service(server, "Other", **wrong)
    move_provider(provider=EnrichmentProvider.objects.get(name="Deep"), up=True, by=by_alice, now=NOW)
    assert list(EnrichmentProvider.objects.order_by("position").values_list("name", flat=True)) == ["Deep", "Clear"]
