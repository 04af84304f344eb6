"""Campaigns: the sheet, the steps of a campaign's life, the page with its money and leads, and the API."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from prospects.actions.campaigns import (
    create_campaign,
    end_campaign,
    pause_campaign,
    resume_campaign,
    start_campaign,
    update_campaign,
)
from prospects.models import Campaign
from prospects.queries.campaigns import channel_doubt, figures_of
from tests.factories.accounts import make_member
from tests.factories.prospects import make_campaign, make_deal, make_lead, make_offer, make_person

HTMX = {"HX-Request": "true"}


def send(client: Any, method: str, path: str, data: Any = None, **extra: Any) -> Any:
    return getattr(client, method)(f"/api/v1/{path}", data=json.dumps(data), content_type="application/json", **extra)


def fields(**changes: Any) -> dict[str, Any]:
    values = {
        "name": "Plants in Iberia",
        "motion": "outbound",
        "channel": "email",
        "currency": "EUR",
        "budget": "12000",
    }
    return values | changes


def test_a_new_campaign_is_a_draft_of_its_maker(in_acme, by_alice, now) -> None:
    campaign = create_campaign(by=by_alice, now=now, name="  Plants  in Iberia ", channel="email", budget="1200.5")
    assert (campaign.name, campaign.state, campaign.owner, campaign.currency, campaign.budget) == (
        "Plants in Iberia", "draft", by_alice.member, "EUR", Decimal("1200.50"),
    )  # fmt: skip
    row = AuditEntry.objects.get()
    assert (row.action, row.target_label, row.member) == ("campaign.created", "Plants in Iberia", by_alice.member)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "A", "channel": "pigeon"}, "channel"),
        ({"name": "A", "budget": "-1"}, "budget"),
        ({"name": "A", "currency": "euro"}, "currency"),
        ({"name": "A", "soul": 1}, "soul"),
    ],
)
def test_what_cannot_be_is_refused_by_field(in_acme, by_alice, now, values, field) -> None:
    with pytest.raises(Invalid) as refused:
        create_campaign(by=by_alice, now=now, **values)
    assert refused.value.field == field
    assert not Campaign.objects.exists()


def test_names_and_external_ids_are_one_row_each(in_acme, by_alice, now) -> None:
    create_campaign(by=by_alice, now=now, name="A", external_id="x")
    with pytest.raises(Conflict) as name:
        create_campaign(by=by_alice, now=now, name="A")
    with pytest.raises(Conflict) as key:
        create_campaign(by=by_alice, now=now, name="B", external_id="x")
    assert (name.value.field, key.value.field) == ("name", "external_id")


def test_the_life_of_a_campaign(in_acme, by_alice, now) -> None:
    campaign = create_campaign(by=by_alice, now=now, name="A")
    with pytest.raises(Conflict):
        pause_campaign(campaign=campaign, reason="x", by=by_alice, now=now)
    start_campaign(campaign=campaign, by=by_alice, now=now)
    with pytest.raises(Invalid):
        pause_campaign(campaign=campaign, reason="  ", by=by_alice, now=now)
    pause_campaign(campaign=campaign, reason="price list changes", by=by_alice, now=now)
    assert (campaign.state, campaign.pause_reason) == ("paused", "price list changes")
    resume_campaign(campaign=campaign, by=by_alice, now=now)
    assert (campaign.state, campaign.pause_reason) == ("active", "")
    assert Lane.objects.get(kind="campaign").key == str(campaign.pk)
    end_campaign(campaign=campaign, by=by_alice, now=now)
    with pytest.raises(Conflict):
        resume_campaign(campaign=campaign, by=by_alice, now=now)
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [f"campaign.{word}" for word in ("created", "started", "paused", "resumed", "ended")]


def test_changes_are_told_with_what_stood_there_before(in_acme, by_alice, now) -> None:
    campaign = make_campaign("A", channel="email")
    assert update_campaign(campaign=campaign, changes={"name": "A", "channel": "phone"}, by=by_alice, now=now) == [
        "channel"
    ]
    assert AuditEntry.objects.get().detail == {"changes": {"channel": ["email", "phone"]}}


def test_figures_count_money_of_its_currency_and_leads_by_stage(in_acme, by_alice, now) -> None:
    from prospects.actions.spend import create_spend

    campaign = make_campaign("A", currency="EUR")
    for amount, currency in ((100, "EUR"), (50, "EUR"), (70, "USD")):
        create_spend(by=by_alice, now=now, campaign=campaign, starts_on=now.date(), amount=amount, currency=currency)
    for stage in ("lead", "sql", "customer", "disqualified"):
        make_lead(make_person(), campaign=campaign, stage=stage)
    make_deal(campaign=campaign, outcome="won", closed_at=now)
    found = figures_of([campaign])[campaign.pk]
    assert (found.spent, found.elsewhere, found.leads, found.open_leads, found.sqls, found.won) == (
        Decimal(150), (("USD", Decimal(70)),), 4, 2, 2, 1,
    )  # fmt: skip
    assert found.share_of(Decimal(300)) == 0.5


def test_an_offer_says_which_channel_does_not_suit(in_acme) -> None:
    offer = make_offer("Line monitoring", channels=["email", "phone"])
    assert channel_doubt(make_campaign(offer=offer, channel="phone")) == ""
    assert channel_doubt(make_campaign(offer=offer, channel="paid")) == (
        "The offer Line monitoring is said to suit E-mail, Phone, not Paid."
    )


def test_create_edit_pause_and_end_in_the_browser(alice, as_, acme) -> None:
    client = as_(alice)
    made = client.post("/w/acme/campaigns/new/", fields(start="1"))
    with workspace_scope(acme.pk):
        campaign = Campaign.objects.get()
    assert (made.status_code, made["Location"], campaign.state) == (302, f"/w/acme/campaigns/{campaign.pk}/", "active")
    url = f"/w/acme/campaigns/{campaign.pk}/"
    assert client.post("/w/acme/campaigns/new/", fields()).status_code == 422
    assert client.post(f"{url}edit/", fields(name="Plants", goal="12 talks")).status_code == 302
    dialog = client.get(f"{url}pause/", headers=HTMX).content.decode()
    assert "Nobody is inside now." in dialog
    assert client.post(f"{url}pause/", {"reason": ""}).status_code == 422
    assert client.post(f"{url}pause/", {"reason": "holidays"}).status_code == 302
    page = client.get(url).content.decode()
    assert "holidays" in page and "12 talks" in page
    assert client.post(f"{url}resume/").status_code == 302
    assert client.post(f"{url}end/").status_code == 302
    with workspace_scope(acme.pk):
        campaign.refresh_from_db()
    assert (campaign.name, campaign.state) == ("Plants", "ended")


def test_the_page_shows_money_leads_and_the_balance(alice, as_, acme) -> None:
    with workspace_scope(acme.pk):
        campaign = make_campaign("Plants", budget=Decimal(1000), currency="EUR")
        make_lead(make_person("Ana Ferreira"), campaign=campaign)
    body = as_(alice).get(f"/w/acme/campaigns/{campaign.pk}/").content.decode()
    assert "of €1,000" in body and "Ana Ferreira" in body
    assert body.count("balance-cell") == 6  # five states and their sum


def test_a_sales_role_sees_no_spend_and_changes_nothing(acme, as_, api, bob) -> None:
    with workspace_scope(acme.pk):
        campaign = make_campaign("Plants", budget=Decimal(1000))
    client = as_(bob)
    assert "Your role does not see spend." in client.get(f"/w/acme/campaigns/{campaign.pk}/").content.decode()
    for path in ("pause", "resume", "end", "edit"):
        assert client.post(f"/w/acme/campaigns/{campaign.pk}/{path}/", fields(reason="x")).status_code == 403
    token = api(bob)
    assert token.get(f"/api/v1/campaigns/{campaign.pk}/").json()["spent"] is None
    assert send(token, "patch", f"campaigns/{campaign.pk}/", {"name": "X"}).status_code == 403
    with workspace_scope(acme.pk):
        campaign.refresh_from_db()
        assert (campaign.name, campaign.state, AuditEntry.objects.count()) == ("Plants", "active", 0)


def test_rows_of_another_workspace_are_not_there(charlie, as_, api, acme, globex) -> None:
    with workspace_scope(acme.pk):
        campaign, offer = make_campaign("Plants"), make_offer()
    client = as_(charlie)
    for path in ("", "edit/", "pause/", "end/"):
        assert client.get(f"/w/globex/campaigns/{campaign.pk}/{path}").status_code == 404
    assert client.post(f"/w/globex/campaigns/{campaign.pk}/resume/").status_code == 404
    token = api(charlie)
    assert send(token, "post", f"campaigns/{campaign.pk}/end/").status_code == 404
    foreign = send(token, "post", "campaigns/", {"name": "A", "offer": str(offer.pk)})
    assert (foreign.status_code, foreign.json()["error"]["field"]) == (400, "offer")


def test_the_list_filters_and_costs_the_same_for_many_rows(alice, as_, acme) -> None:
    client = as_(alice)

    def queries(count: int) -> int:
        with workspace_scope(acme.pk):
            for number in range(count):
                make_campaign(
                    f"C{Campaign.objects.count()}-{number}", owner=alice.member, state="paused", pause_reason="why not"
                )
        client.get("/w/acme/campaigns/")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/w/acme/campaigns/").status_code == 200
        return len(captured)

    assert queries(1) == queries(8) <= 28
    assert "why not" in client.get("/w/acme/campaigns/?state=paused", headers=HTMX).content.decode()
    assert "No campaign matches" in client.get("/w/acme/campaigns/?state=ended", headers=HTMX).content.decode()
    assert client.get("/w/acme/campaigns/?sort=soul").status_code == 400


def test_api_upserts_by_external_id_and_runs_the_life(acme, api) -> None:
    token = api(make_member(acme, "marketer"))
    first = send(
        token, "put", "campaigns/by-external-id/crm-1/", {"name": "Plants", "channel": "email", "budget": "900"}
    )
    again = send(token, "put", "campaigns/by-external-id/crm-1/", {"goal": "12 talks"})
    assert (first.status_code, again.status_code, again.json()["goal"], again.json()["budget"]) == (
        201, 200, "12 talks", "900.00",
    )  # fmt: skip
    key = first.json()["id"]
    assert send(token, "post", f"campaigns/{key}/start/").json()["state"] == "active"
    refused = send(token, "post", f"campaigns/{key}/pause/", {})
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "reason")
    assert send(token, "post", f"campaigns/{key}/pause/", {"reason": "why"}).json()["pause_reason"] == "why"
    assert send(token, "post", f"campaigns/{key}/resume/").json()["state"] == "active"
    assert send(token, "post", f"campaigns/{key}/end/").json()["state"] == "ended"
    conflict = send(token, "post", f"campaigns/{key}/resume/")
    assert (conflict.status_code, conflict.json()["error"]["code"]) == (409, "state")
    listed = token.get("/api/v1/campaigns/?state=ended").json()["results"]
    assert [(row["name"], row["spent"], row["leads"]) for row in listed] == [("Plants", "0.00", 0)]


def test_api_list_costs_the_same_for_many_rows(alice, api, acme) -> None:
    token = api(alice)

    def queries(count: int) -> int:
        with workspace_scope(acme.pk):
            for _ in range(count):
                make_campaign(owner=alice.member)
        token.get("/api/v1/campaigns/")
        with CaptureQueriesContext(connection) as captured:
            assert token.get("/api/v1/campaigns/").status_code == 200
        return len(captured)

    assert queries(1) == queries(8) <= 12


def test_api_idempotency_key_makes_one_campaign(alice, api, acme) -> None:
    token = api(alice)
    for _ in range(2):
        answer = send(token, "post", "campaigns/", {"name": "Plants"}, headers={"Idempotency-Key": "k1"})
        assert answer.status_code == 201
    with workspace_scope(acme.pk):
        assert Campaign.objects.count() == 1
