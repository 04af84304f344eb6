"""Offers: list, sheet, deletion that keeps campaigns, API."""

import json
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEntry
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.offers import create_offer, update_offer
from prospects.models import Campaign, Offer
from tests.factories.prospects import make_campaign, make_offer


def test_channels_keep_the_order_of_the_list_and_money_its_cents(in_acme, by_alice, now) -> None:
    offer = create_offer(
        by=by_alice, now=now, name="Line monitoring", channels=["phone", "email"], deal_min="8000", deal_max=40000
    )
    assert (offer.channels, offer.deal_min, offer.currency) == (["email", "phone"], Decimal("8000.00"), "EUR")
    with pytest.raises(Conflict):
        create_offer(by=by_alice, now=now, name="Line monitoring")
    with pytest.raises(Invalid) as smaller:
        update_offer(offer=offer, changes={"deal_max": 1}, by=by_alice, now=now)
    with pytest.raises(Invalid) as channel:
        update_offer(offer=offer, changes={"channels": ["pigeon"]}, by=by_alice, now=now)
    assert (smaller.value.field, channel.value.field) == ("deal_max", "channels")
    assert update_offer(offer=offer, changes={"audience": "Plants", "name": offer.name}, by=by_alice, now=now) == [
        "audience"
    ]


def test_crud_in_the_browser_and_what_stays(alice, bob, as_, acme) -> None:
    client = as_(alice)
    values = {"name": "Line monitoring", "currency": "EUR", "channels": ["email", "linkedin"], "deal_min": "100"}
    assert client.post("/w/acme/offers/new/", values).status_code == 302
    with workspace_scope(acme.pk):
        offer = Offer.objects.get()
        campaign = make_campaign("Plants", offer=offer)
    body = client.get("/w/acme/offers/").content.decode()
    assert "Line monitoring" in body and "LinkedIn" in body and "from €100" in body
    assert client.post(f"/w/acme/offers/{offer.pk}/", values | {"name": ""}).status_code == 422
    assert client.post(f"/w/acme/offers/{offer.pk}/", values | {"name": "Lines"}).status_code == 302
    # An SDR sees it and cannot change it.
    seller = as_(bob)
    assert "Lines" in seller.get(f"/w/acme/offers/{offer.pk}/").content.decode()
    assert seller.post(f"/w/acme/offers/{offer.pk}/", values | {"name": "X"}).status_code == 403
    assert seller.post(f"/w/acme/offers/{offer.pk}/delete/").status_code == 403
    with workspace_scope(acme.pk):
        assert Offer.objects.get().name == "Lines"
    assert client.post(f"/w/acme/offers/{offer.pk}/delete/").status_code == 302
    with workspace_scope(acme.pk):
        assert not Offer.objects.exists()
        assert Campaign.objects.get(pk=campaign.pk).offer_id is None
        assert AuditEntry.objects.filter(action="offer.deleted").get().detail == {"campaigns": 1}


def test_api_and_foreign_ids(alice, charlie, api, as_, acme, globex) -> None:
    token = api(alice)

    def send(client: Any, method: str, path: str, data: Any) -> Any:
        return getattr(client, method)(f"/api/v1/offers/{path}", data=json.dumps(data), content_type="application/json")

    made = send(token, "post", "", {"name": "A", "channels": ["email"]})
    assert (made.status_code, made.json()["channels"], made.json()["currency"]) == (201, ["email"], "EUR")
    key = made.json()["id"]
    assert send(token, "patch", f"{key}/", {"cycle_days": 60}).json()["cycle_days"] == 60
    assert send(token, "post", "", {"name": "A"}).status_code == 409
    other = api(charlie)
    assert other.get(f"/api/v1/offers/{key}/").status_code == 404
    assert other.delete(f"/api/v1/offers/{key}/").status_code == 404
    assert as_(charlie).post(f"/w/globex/offers/{key}/delete/").status_code == 404
    with workspace_scope(acme.pk):
        make_offer()
        assert Offer.objects.count() == 2
    assert token.delete(f"/api/v1/offers/{key}/").status_code == 204
