"""Customers: their end is recorded once, with a reason, and takes the recurring part of their deals along."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.customers import end_customer
from prospects.actions.deals import win_deal
from prospects.models import Customer, Deal
from tests.conftest import NOW
from tests.factories.accounts import Someone, make_member
from tests.factories.prospects import make_company, make_deal

pytestmark = pytest.mark.django_db


@pytest.fixture
def lumen(in_acme: Workspace, by_alice: Actor) -> Customer:
    deal = make_deal("Pilot", company=make_company("Lumen Robotics"), value=Decimal(6000), mrr=Decimal(500))
    win_deal(deal=deal, by=by_alice, now=NOW)
    customer = deal.customer
    assert customer is not None
    return customer


def test_ending_twice_is_once_and_another_date_is_refused(lumen: Customer, by_alice: Actor) -> None:
    at = NOW + timedelta(days=90)
    now = NOW + timedelta(days=100)
    end_customer(customer=lumen, at=at, reason="Went out of business", by=by_alice, now=now)
    end_customer(customer=lumen, at=at, reason="Other words", by=by_alice, now=now)
    assert (lumen.ended_at, lumen.end_reason) == (at, "Went out of business")
    assert Deal.objects.get().ended_at == at
    with pytest.raises(Conflict, match="ended on"):
        end_customer(customer=lumen, at=now, reason="x", by=by_alice, now=now)
    assert Customer.objects.get().ended_at == at


@pytest.mark.parametrize(
    ("days", "reason", "field"), [(1, "x", "at"), (-1, "x", "at"), (0, " ", "reason")]
)  # tomorrow, before it began, without a reason
def test_an_impossible_end_is_refused_and_changes_nothing(
    lumen: Customer, by_alice: Actor, days: int, reason: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        end_customer(customer=lumen, at=NOW + timedelta(days=days), reason=reason, by=by_alice, now=NOW)
    assert refused.value.field == field
    assert Customer.objects.get().ended_at is None and Deal.objects.get().ended_at is None


def test_pages_show_what_a_customer_is_worth_and_end_it(
    as_: Any, acme: Workspace, lumen: Customer, alice: Someone
) -> None:
    client = as_(alice)
    page = client.get("/w/acme/customers/?state=active").content.decode()
    assert "Lumen Robotics" in page and "6,000" in page and "500" in page
    assert client.get(f"/w/acme/customers/{lumen.pk}/").status_code == 200
    refused = client.post(f"/w/acme/customers/{lumen.pk}/end/", {"on": "2026-03-05", "reason": ""})
    assert refused.status_code == 422
    done = client.post(f"/w/acme/customers/{lumen.pk}/end/", {"on": "2026-03-05", "reason": "Price"})
    assert done.status_code == 302
    client.get("/w/acme/customers/")  # takes the notice
    assert "Lumen Robotics" not in client.get("/w/acme/customers/?state=active").content.decode()
    with workspace_scope(acme.pk):
        assert Customer.objects.get().ended_at is not None


def test_an_sdr_may_not_end_a_customer_by_page_or_token(
    as_: Any, api: Any, acme: Workspace, lumen: Customer, bob: Someone
) -> None:
    body = {"at": NOW.isoformat(), "reason": "x"}
    assert as_(bob).post(f"/w/acme/customers/{lumen.pk}/end/", {"on": "2026-03-04"}).status_code == 403
    assert api(bob).post(f"/api/v1/customers/{lumen.pk}/end/", body, "application/json").status_code == 403
    with workspace_scope(acme.pk):
        assert Customer.objects.get().ended_at is None


def test_the_api_lists_and_ends(api: Any, acme: Workspace, lumen: Customer) -> None:
    client = api(make_member(acme, "ae", "eve@acme.example"))
    listed = client.get("/api/v1/customers/?state=active").json()["results"]
    assert [(row["name"], row["mrr"]) for row in listed] == [("Lumen Robotics", "500.00")]
    body = {"at": (NOW + timedelta(hours=1)).isoformat(), "reason": "Price"}
    ended = client.post(f"/api/v1/customers/{lumen.pk}/end/", body, "application/json")
    assert ended.status_code == 200 and ended.json()["end_reason"] == "Price"
    assert client.get("/api/v1/customers/?state=active").json()["results"] == []
