"""`/api/v1/funnel/` and the rows behind its figures."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from accounts.models import Role, Workspace
from analytics.rules.report import SPEND_KEYS
from leadgen.core.tenancy import workspace_scope
from prospects.models import Lead
from tests.analytics.loading import load_history
from tests.analytics.test_funnel_page import ROWS, SPENT
from tests.factories.accounts import make_member

pytestmark = pytest.mark.django_db
QUESTION = "from=2026-03-01&to=2026-04-01"


@pytest.fixture(autouse=True)
def frozen() -> Any:
    with time_machine.travel(datetime(2026, 3, 31, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def history(acme: Workspace) -> dict[str, Lead]:
    with workspace_scope(acme.pk):
        return load_history(ROWS, SPENT)


def test_it_answers_as_the_command_does(alice: Any, api: Any, history: dict[str, Lead]) -> None:
    client = api(alice)
    words = ("-w", "acme", "--from", "2026-03-01", "--to", "2026-04-01", "--by", "channel", "--json")
    for full in ("0", "1"):
        out = io.StringIO()
        call_command("funnel", *words, *(["--full"] if full == "1" else []), stdout=out)
        expected = json.loads(out.getvalue())
        found = client.get(f"/api/v1/funnel/?{QUESTION}&by=channel&full={full}").json()
        if full == "0":
            assert {key: found[key] for key in ("period", "cohort", "by")} == expected
        assert found["hidden"] == []
        assert found["period"]["cpl"] == expected["period"]["cpl"]
    assert (found["from"], found["to"], found["currency"]) == ("2026-03-01", "2026-04-01", "EUR")
    assert "cohort" not in client.get(f"/api/v1/funnel/?{QUESTION}&basis=period").json()


def test_a_token_without_spend_sees_none_of_it(acme: Workspace, alice: Any, api: Any, history: dict[str, Lead]) -> None:
    narrow = api(alice, "funnel.view")
    sdr = api(make_member(acme, Role.SDR))
    for client in (narrow, sdr):
        found = client.get(f"/api/v1/funnel/?{QUESTION}&by=channel").json()
        assert found["hidden"] == sorted(SPEND_KEYS)
        assert found["period"].keys().isdisjoint(SPEND_KEYS)
        assert found["by"][0]["period"].keys().isdisjoint(SPEND_KEYS)
        refused = client.get(f"/api/v1/funnel/rows/?{QUESTION}&key=cac")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "refused")
    assert {"cpl", "spend", "roi", "clv_cac", "cac_payback_months", "cost_per_held_meeting"} <= SPEND_KEYS
    assert SPEND_KEYS.isdisjoint({"leads", "revenue_won", "win_rate", "arpa", "churn", "clv"})


def test_rows_are_ids_of_the_kind(alice: Any, api: Any, history: dict[str, Lead]) -> None:
    client = api(alice)
    found = client.get(f"/api/v1/funnel/rows/?{QUESTION}&key=lead_to_mql").json()
    assert (found["basis"], found["kind"], found["count"]) == ("cohort", "leads", 2)
    assert set(found["results"]) == {str(history["R-1"].pk), str(history["R-2"].pk)}
    assert found["figure"]["denominator"] == 4
    first = client.get(f"/api/v1/funnel/rows/?{QUESTION}&key=lead_to_mql&set=denominator&limit=3").json()
    second = client.get(first["next"]).json()
    assert (len(first["results"]), len(second["results"]), second["next"]) == (3, 1, None)
    assert not set(first["results"]) & set(second["results"])
    assert second["previous"] is not None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("from=2026-03-01&to=2026-03-01", "to"),
        ("by=mood", "by"),
        ("basis=both", "basis"),
        ("channel=fax", "channel"),
        ("unit=horse", "unit"),
        ("as_of=soon", "as_of"),
    ],
)
def test_what_cannot_be_understood_is_refused(alice: Any, api: Any, query: str, field: str) -> None:
    response = api(alice).get(f"/api/v1/funnel/?{query}")
    assert (response.status_code, response.json()["error"]["field"]) == (400, field)


def test_rows_of_no_figure_are_refused(alice: Any, api: Any, history: dict[str, Lead]) -> None:
    client = api(alice)
    for query, status in (
        ("key=mood", 400),
        ("key=leads&limit=0", 400),
        ("key=leads&set=rest", 400),
        ("key=stage_days&part=a_to_b", 404),
    ):
        assert client.get(f"/api/v1/funnel/rows/?{QUESTION}&{query}").status_code == status, query
