"""Deals: won or lost once, customers made and extended, and the lead follows."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.actions.audit import Actor
from accounts.models import AuditEntry, Workspace
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.deals import create_deal, delete_deal, edit_deal, lose_deal, move_deal, win_deal
from prospects.models import Activity, Customer, Deal, Lead, Person, Stage, StageTransition
from tests.conftest import NOW
from tests.factories.accounts import Someone, make_member
from tests.factories.prospects import make_company, make_deal, make_lead, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(in_acme: Workspace) -> Person:
    return make_person("Ana Ferreira", make_company("Lumen Robotics"))


def test_a_deal_makes_its_lead_an_opportunity_and_inherits_where_it_came_from(ana: Person, by_alice: Actor) -> None:
    lead = make_lead(ana, stage=Stage.SQL, channel="webinar")
    deal = create_deal(lead=lead, by=by_alice, now=NOW, mrr=Decimal("499.90"), term_months=12)
    assert (deal.name, deal.company, deal.person, deal.channel) == ("Lumen Robotics", ana.company, ana, "webinar")
    assert (deal.value, deal.currency, deal.probability) == (Decimal("5998.80"), "EUR", Decimal("0.200"))
    lead.refresh_from_db()
    assert lead.stage == Stage.OPPORTUNITY
    assert StageTransition.objects.get(lead=lead).facts["deal"] == str(deal.pk)
    assert "5,998.80 EUR" in Activity.objects.get(kind="deal_changed").summary


def test_winning_twice_makes_one_customer_and_one_transition(ana: Person, by_alice: Actor) -> None:
    lead = make_lead(ana, stage=Stage.SQL)
    deal = create_deal(lead=lead, by=by_alice, now=NOW, value=Decimal(12000))
    stale = Deal.objects.get(pk=deal.pk)
    win_deal(deal=deal, by=by_alice, now=NOW + timedelta(days=30))
    win_deal(deal=stale, by=by_alice, now=NOW + timedelta(days=31))
    assert (deal.outcome, deal.stage, deal.probability) == ("won", "closed", 1)
    assert stale.closed_at == NOW + timedelta(days=30)
    customer = Customer.objects.get()
    assert (customer.name, customer.started_at, deal.customer) == ("Lumen Robotics", NOW + timedelta(days=30), customer)
    lead.refresh_from_db()
    assert (lead.stage, lead.closed_at) == ("customer", NOW + timedelta(days=30))
    assert StageTransition.objects.filter(to_stage="customer").count() == 1
    assert AuditEntry.objects.filter(action="deal.won").count() == 1
    with pytest.raises(Conflict, match="won already"):
        lose_deal(deal=deal, reason="Price", by=by_alice, now=NOW + timedelta(days=32))
    with pytest.raises(Conflict, match="cannot be deleted"):
        delete_deal(deal=deal, by=by_alice, now=NOW)
    assert Deal.objects.get().outcome == "won"


def test_a_second_won_deal_extends_the_customer_and_an_ended_one_comes_back_as_a_new_one(
    ana: Person, by_alice: Actor
) -> None:
    first, second, third = (make_deal(company=ana.company, value=1000) for _ in range(3))
    win_deal(deal=first, by=by_alice, now=NOW)
    win_deal(deal=second, by=by_alice, now=NOW, at=NOW - timedelta(days=9))
    customer = Customer.objects.get()
    assert customer.started_at == NOW - timedelta(days=9)
    Customer.objects.update(ended_at=NOW)
    win_deal(deal=third, by=by_alice, now=NOW)
    assert Customer.objects.count() == 2
    assert third.customer != customer


def test_a_lead_is_lost_with_its_last_deal_and_only_then(ana: Person, by_alice: Actor) -> None:
    lead = make_lead(ana, stage=Stage.SQL)
    first = create_deal(lead=lead, by=by_alice, now=NOW, name="Plant 1")
    second = create_deal(lead=lead, by=by_alice, now=NOW, name="Plant 2")
    with pytest.raises(Invalid, match="why"):
        lose_deal(deal=first, reason="  ", by=by_alice, now=NOW)
    with pytest.raises(Invalid, match="future"):
        lose_deal(deal=first, reason="Price", by=by_alice, now=NOW, at=NOW + timedelta(days=1))
    lose_deal(deal=first, reason="Price", by=by_alice, now=NOW)
    assert Lead.objects.get().stage == Stage.OPPORTUNITY
    lose_deal(deal=second, reason="Competitor", by=by_alice, now=NOW)
    lose_deal(deal=second, reason="Other", by=by_alice, now=NOW)
    lead = Lead.objects.get()
    assert (lead.stage, lead.reason) == ("lost", "Competitor")
    assert Deal.objects.get(pk=second.pk).reason == "Competitor"
    with pytest.raises(Conflict, match="lost already"):
        win_deal(deal=second, by=by_alice, now=NOW)
    with pytest.raises(Conflict, match="Reopen"):
        create_deal(lead=lead, by=by_alice, now=NOW)
    assert Deal.objects.count() == 2 and not Customer.objects.exists()


def test_moving_sets_the_probability_and_closing_is_not_a_move(in_acme: Workspace, by_alice: Actor) -> None:
    deal = make_deal("Pilot")
    move_deal(deal=deal, stage="negotiation", by=by_alice, now=NOW)
    move_deal(deal=deal, stage="negotiation", by=by_alice, now=NOW)
    assert (deal.stage, deal.probability) == ("negotiation", Decimal("0.700"))
    assert Activity.objects.count() == 1
    with pytest.raises(Invalid, match="won or lost"):
        move_deal(deal=deal, stage="closed", by=by_alice, now=NOW)


def test_editing_writes_only_what_changed(in_acme: Workspace, by_alice: Actor) -> None:
    deal = make_deal("Pilot", value=Decimal(100))
    edit_deal(deal=deal, changes={"name": "Pilot", "value": "250.5", "next_step": "Send offer"}, by=by_alice, now=NOW)
    assert Activity.objects.get().detail["changes"] == {
        "value": ["100.00", "250.50"], "next_step": ["", "Send offer"],
    }  # fmt: skip
    edit_deal(deal=deal, changes={"value": Decimal("250.50")}, by=by_alice, now=NOW)
    assert Activity.objects.count() == 1
    for field, bad in [("value", "-1"), ("value", "NaN"), ("currency", "EURO"), ("term_months", 0), ("name", " ")]:
        with pytest.raises(Invalid) as refused:
            edit_deal(deal=deal, changes={field: bad}, by=by_alice, now=NOW)
        assert refused.value.field == field
    assert Deal.objects.get().value == Decimal("250.50")


# Pages.


def test_the_board_sums_columns_and_cards_move_by_menu(as_: Any, acme: Workspace, alice: Someone) -> None:
    with workspace_scope(acme.pk):
        deal = make_deal("Lumen pilot", value=Decimal(10000), probability=Decimal("0.2"))
        make_deal("Kite rollout", value=Decimal(5000), probability=Decimal("0.2"))
        make_deal("Gone", value=Decimal(777), outcome="lost", stage="closed")
    client = as_(alice)
    page = client.get("/w/acme/deals/board/").content.decode()
    assert "Lumen pilot" in page and "Gone" not in page
    assert "15,000" in page and "3,000" in page  # sum and weighted sum of discovery
    moved = client.post(f"/w/acme/deals/{deal.pk}/stage/", {"stage": "proposal"}, headers={"HX-Request": "true"})
    assert moved.status_code == 200
    with workspace_scope(acme.pk):
        assert Deal.objects.get(pk=deal.pk).stage == "proposal"


def test_pages_create_win_and_lose(as_: Any, acme: Workspace, alice: Someone) -> None:
    client = as_(alice)
    with workspace_scope(acme.pk):
        make_company("Lumen Robotics")
    made = client.post(
        "/w/acme/deals/new/", {"name": "Pilot", "company": "Lumen Robotics", "value": "1200", "currency": "EUR", "stage": "proposal", "channel": "webinar"}
    )  # fmt: skip
    assert made.status_code == 302, made.content.decode()[:3000]
    with workspace_scope(acme.pk):
        deal = Deal.objects.get()
    assert (deal.stage, deal.value, deal.owner_id) == ("proposal", 1200, alice.member.pk)
    for url in (
        "/w/acme/deals/",
        f"/w/acme/deals/{deal.pk}/",
        f"/w/acme/deals/{deal.pk}/edit/",
        "/w/acme/deals/?outcome=open",
    ):
        assert client.get(url).status_code == 200
    refused = client.post(f"/w/acme/deals/{deal.pk}/lost/", {"reason": ""})
    assert refused.status_code == 422
    assert client.post(f"/w/acme/deals/{deal.pk}/won/", {}).status_code == 302
    with workspace_scope(acme.pk):
        assert Deal.objects.get().outcome == "won" and Customer.objects.count() == 1
    assert "Pilot" in client.get("/w/acme/deals/?outcome=won&closed_from=2026-01-01").content.decode()
    assert "Pilot" not in client.get("/w/acme/deals/?outcome=won&closed_to=2026-01-01").content.decode()


def test_an_sdr_may_not_change_deals_and_a_stranger_sees_none(
    as_: Any, acme: Workspace, bob: Someone, charlie: Someone
) -> None:
    with workspace_scope(acme.pk):
        deal = make_deal("Pilot")
    assert as_(bob).get(f"/w/acme/deals/{deal.pk}/").status_code == 200
    assert as_(bob).post(f"/w/acme/deals/{deal.pk}/won/").status_code == 403
    assert as_(charlie).get(f"/w/globex/deals/{deal.pk}/").status_code == 404
    assert as_(charlie).post(f"/w/globex/deals/{deal.pk}/won/").status_code == 404
    with workspace_scope(acme.pk):
        assert Deal.objects.get().outcome == "open"


# API.


def test_the_api_creates_upserts_and_closes(api: Any, acme: Workspace) -> None:
    eve = make_member(acme, "ae", "eve@acme.example")
    client = api(eve)
    made = client.post("/api/v1/deals/", {"name": "Pilot", "value": "1200.00", "currency": "USD"}, "application/json")
    assert made.status_code == 201, made.content
    assert made.json()["weighted_value"] == "240.00"
    body = {"name": "From CRM", "value": "10.00"}
    first = client.put("/api/v1/deals/by-external-id/crm-7/", body, "application/json")
    again = client.put("/api/v1/deals/by-external-id/crm-7/", {**body, "value": "20.00"}, "application/json")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"] and again.json()["value"] == "20.00"
    for _ in range(2):
        won = client.post(f"/api/v1/deals/{first.json()['id']}/won/", {}, "application/json")
        assert won.status_code == 200 and won.json()["outcome"] == "won"
    lost = client.post(f"/api/v1/deals/{first.json()['id']}/lost/", {"reason": "Price"}, "application/json")
    assert (lost.status_code, lost.json()["error"]["code"]) == (409, "closed")
    assert client.delete(f"/api/v1/deals/{first.json()['id']}/").status_code == 409
    assert client.delete(f"/api/v1/deals/{made.json()['id']}/").status_code == 204
    rows = client.get("/api/v1/deals/?outcome=won").json()["results"]
    assert [row["name"] for row in rows] == ["From CRM"]
    bad = client.post("/api/v1/deals/", {"name": "X", "value": "-5"}, "application/json")
    assert (bad.status_code, bad.json()["error"]["field"]) == (400, "value")
    with workspace_scope(acme.pk):
        assert Deal.objects.count() == 1


def test_a_deal_cannot_point_into_another_workspace(api: Any, acme: Workspace, globex: Workspace) -> None:
    eve = make_member(acme, "ae", "eve@acme.example")
    with workspace_scope(globex.pk):
        foreign = make_company("Foreign")
    answer = api(eve).post("/api/v1/deals/", {"name": "X", "company": str(foreign.pk)}, "application/json")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "company")
    with workspace_scope(acme.pk):
        assert not Deal.objects.exists()
