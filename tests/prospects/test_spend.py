"""Spend: lines, month totals spread over days, the hint about channels without spend, and the API."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.spend import create_spend, delete_spend, update_spend
from prospects.models import Spend
from prospects.queries.spend import month_totals
from tests.factories.accounts import make_member
from tests.factories.prospects import make_campaign, make_lead, make_person

TODAY = date(2026, 3, 4)


def line(by: Any, now: datetime, **values: Any) -> Spend:
    return create_spend(by=by, now=now, **({"channel": "paid", "starts_on": TODAY, "amount": 100} | values))


def test_a_line_takes_channel_day_and_currency_from_what_is_known(in_acme, by_alice, now) -> None:
    spend = create_spend(
        by=by_alice, now=now, campaign=make_campaign(channel="webinar"), starts_on=TODAY, amount="10.5"
    )
    assert (spend.channel, spend.ends_on, spend.currency, spend.amount) == ("webinar", TODAY, "EUR", Decimal("10.50"))
    assert AuditEntry.objects.get().action == "spend.created"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": "-3"}, "amount"),
        ({"amount": None}, "amount"),
        ({"channel": ""}, "channel"),
        ({"kind": "bribes"}, "kind"),
        ({"starts_on": None}, "starts_on"),
        ({"ends_on": date(2026, 3, 3)}, "ends_on"),
        ({"ends_on": date(2046, 3, 3)}, "ends_on"),
    ],
)
def test_what_cannot_be_is_refused_by_field(in_acme, by_alice, now, values, field) -> None:
    with pytest.raises(Invalid) as refused:
        line(by_alice, now, **values)
    assert refused.value.field == field
    assert not Spend.objects.exists()


def test_changing_and_deleting_keep_what_stood_there(in_acme, by_alice, now) -> None:
    spend = line(by_alice, now, external_id="x")
    with pytest.raises(Conflict):
        line(by_alice, now, external_id="x")
    assert update_spend(spend=spend, changes={"amount": Decimal(120), "note": ""}, by=by_alice, now=now) == ["amount"]
    changed = AuditEntry.objects.filter(action="spend.changed").get()
    assert changed.detail == {"changes": {"amount": ["100.00", "120.00"]}}
    delete_spend(spend=spend, by=by_alice, now=now)
    assert AuditEntry.objects.filter(action="spend.deleted").get().detail["amount"] == "120.00"
    assert not Spend.objects.exists()


def test_month_totals_spread_over_days_like_the_funnel(in_acme, by_alice, now) -> None:
    # 59 days of January and February, 10 a day; 28 of them in February.
    line(by_alice, now, starts_on=date(2026, 1, 1), ends_on=date(2026, 2, 28), amount=590)
    # Half of it before the first month shown.
    line(by_alice, now, channel="event", starts_on=date(2025, 12, 22), ends_on=date(2026, 1, 10), amount=200)
    line(by_alice, now, channel="event", purpose="awareness", amount=55)
    line(by_alice, now, currency="USD", amount=999)
    found = month_totals(today=TODAY, months=3)
    rows = {row.channel: [None if cell is None else float(cell) for cell in row.amounts] for row in found.rows}
    assert found.months == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    assert rows == {"paid": [310.0, 280.0, None], "event": [100.0, None, None]}
    assert ([float(cell) for cell in found.totals], float(found.total)) == ([410.0, 280.0, 0.0], 690.0)
    assert [float(cell) for cell in found.awareness] == [0.0, 0.0, 55.0]
    assert found.foreign == {"USD": 1}


def test_channels_with_leads_and_no_spend_are_named(in_acme, by_alice, now) -> None:
    line(by_alice, now)
    make_lead(make_person(), channel="paid", opened_at=now)
    for _ in range(2):
        make_lead(make_person(), channel="webinar", opened_at=now)
    # 23:30 UTC on the last of February is March in Berlin, the workspace's zone.
    make_lead(make_person(), channel="referral", opened_at=datetime(2026, 2, 28, 23, 30, tzinfo=UTC))
    make_lead(make_person(), channel="seo", opened_at=datetime(2025, 1, 1, tzinfo=UTC))
    found = month_totals(today=TODAY, months=1)
    assert found.missing_words == "Webinar (2 leads), Referral (1 lead)"


def test_add_edit_delete_and_totals_in_the_browser(acme, as_, bob) -> None:
    client = as_(make_member(acme, "marketer"))
    values = {
        "amount": "310.50",
        "currency": "EUR",
        "starts_on": "2026-03-01",
        "channel": "paid",
        "kind": "media",
        "purpose": "leads",
    }
    assert client.post("/w/acme/spend/new/", values | {"channel": ""}).status_code == 422
    assert client.post("/w/acme/spend/new/", values).status_code == 302
    with workspace_scope(acme.pk):
        spend = Spend.objects.get()
    assert client.post(f"/w/acme/spend/{spend.pk}/", values | {"amount": "400", "note": "Ads"}).status_code == 302
    body = client.get("/w/acme/spend/").content.decode()
    assert "€400" in body and "By month and channel" in body and "Ads" in body
    assert "No line matches" in client.get("/w/acme/spend/?channel=seo").content.decode()
    assert "€400" in client.get("/w/acme/spend/?from=2026-03-01&to=2026-03-01").content.decode()
    seller = as_(bob)
    assert seller.get("/w/acme/spend/").status_code == 403
    assert seller.post(f"/w/acme/spend/{spend.pk}/delete/").status_code == 403
    with workspace_scope(acme.pk):
        assert Spend.objects.get().amount == Decimal(400)
    assert client.post(f"/w/acme/spend/{spend.pk}/delete/").status_code == 302
    with workspace_scope(acme.pk):
        assert not Spend.objects.exists()


def test_api_repeats_are_one_line(alice, bob, charlie, api, acme, globex) -> None:
    token = api(alice)

    def put(client: Any, data: Any) -> Any:
        return client.put("/api/v1/spend/by-external-id/inv-7/", data=json.dumps(data), content_type="application/json")

    data = {"channel": "paid", "starts_on": "2026-03-01", "ends_on": "2026-03-31", "amount": "310.00"}
    assert [put(token, data).status_code for _ in range(2)] == [201, 200]
    assert put(token, data | {"amount": "320.00"}).json()["amount"] == "320.00"
    bad = put(token, data | {"ends_on": "2026-02-01"})
    assert (bad.status_code, bad.json()["error"]["field"]) == (400, "ends_on")
    assert put(api(bob), data | {"amount": "1.00"}).status_code == 403
    with workspace_scope(acme.pk):
        spend = Spend.objects.get()
    assert spend.amount == Decimal(320)
    assert api(charlie).delete(f"/api/v1/spend/{spend.pk}/").status_code == 404
    assert [row["id"] for row in token.get("/api/v1/spend/?channel=paid&from=2026-03-31").json()["results"]] == [
        str(spend.pk)
    ]
    assert token.get("/api/v1/spend/?from=2026-04-01").json()["results"] == []
    assert token.delete(f"/api/v1/spend/{spend.pk}/").status_code == 204


def test_lists_cost_the_same_for_many_rows(alice, as_, api, acme, by_alice, now) -> None:
    client, token = as_(alice), api(alice)

    def queries(count: int) -> tuple[int, int]:
        with workspace_scope(acme.pk):
            for _ in range(count):
                line(by_alice, now, campaign=make_campaign())
        found = []
        for caller, url in ((client, "/w/acme/spend/"), (token, "/api/v1/spend/")):
            caller.get(url)
            with CaptureQueriesContext(connection) as captured:
                assert caller.get(url).status_code == 200
            found.append(len(captured))
        return found[0], found[1]

    assert queries(1) == queries(8)
    assert queries(0) <= (29, 9)
