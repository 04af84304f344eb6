"""The funnel page, the rows behind it and its files, through HTTP."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from accounts.models import Role, Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.models import Lead, Spend
from tests.analytics.loading import load_history
from tests.factories.accounts import make_member

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
PERIOD = "from=2026-03-01&to=2026-04-01"
SPENT = [
    {"channel": "paid", "campaign": "Ads", "from": "2026-03-01", "to": "2026-03-31", "amount": "620", "currency": "EUR"}
]


def row(number: int, **fields: str) -> dict[str, str]:
    return {
        "external_id": f"R-{number}", "first_name": "Ana", "last_name": f"Nr{number}", "email": f"ana{number}@people.example",
        "channel": "paid", "campaign": "Ads", "owner": "ines@acme.example", "created_at": "2026-03-02T10:00:00+00:00",
        "grade": "A",
    } | fields  # fmt: skip


ROWS = [
    row(1, mql_at="2026-03-04T10:00:00+00:00", sql_at="2026-03-08T10:00:00+00:00", opportunity_at="2026-03-09T10:00:00+00:00",
        closed_at="2026-03-20T10:00:00+00:00", outcome="won", deal_value="9300", mrr="310"),
    row(2, mql_at="2026-03-05T10:00:00+00:00"),
    row(3, grade="D"),
    row(4, channel="email", campaign="", owner=""),
    row(5, created_at=""),
]  # fmt: skip


@pytest.fixture(autouse=True)
def frozen() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def history(acme: Workspace) -> dict[str, Lead]:
    with workspace_scope(acme.pk):
        return load_history(ROWS, SPENT)


@pytest.fixture
def leader(acme: Workspace, as_: Any) -> Client:
    client: Client = as_(make_member(acme, Role.LEADER))
    return client


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_page_shows_the_numbers_of_the_command(leader: Client, history: dict[str, Lead]) -> None:
    out = io.StringIO()
    call_command("funnel", "-w", "acme", "--from", "2026-03-01", "--to", "2026-04-01", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert found["period"]["cpl"] == "155.0000"
    page = leader.get(f"/w/acme/analytics/?{PERIOD}").content.decode()
    words = text_of(page)
    assert found["period"]["qualified_pipeline_per_spend"] == "15.0000"
    assert "Qualified pipeline per unit of spend 15.00" in words.replace("  ", " ")
    assert "€155 / " not in words
    assert "CPL €155 €620 / 4 leads" in words
    assert "CAC €620 €620 / 1 customer" in words
    assert "In-ICP share 75.0 %" in words
    rate = found["cohort"]["lead_to_mql"]
    assert (rate["numerator"], rate["denominator"]) == (2, 4)
    assert "50.0 % [15.0 %–85.0 %]" in words
    assert "see the 2 who stayed" in words
    # The first figure of the page is the pipeline a unit of spend brings.
    assert (
        page.index("Qualified pipeline per unit of spend") < page.index("Acceptance per hand-off") < page.index(">CPL<")
    )


def test_every_figure_opens_to_as_many_rows_as_it_counts(leader: Client, history: dict[str, Lead]) -> None:
    page = leader.get(f"/w/acme/analytics/?{PERIOD}").content.decode()
    links = {link.replace("&amp;", "&") for link in re.findall(r'href="(/w/acme/analytics/rows/[^"]+)"', page)}
    assert len(links) > 40
    for link in links:
        assert leader.get(link).status_code == 200, link
    counts = {}
    for name in ("numerator", "denominator", "rest"):
        response = leader.get(f"/w/acme/analytics/rows/?{PERIOD}&key=lead_to_mql&of=cohort&set={name}")
        counts[name] = response.context["total"]
    assert counts == {"numerator": 2, "denominator": 4, "rest": 2}
    shown = leader.get(f"/w/acme/analytics/rows/?{PERIOD}&key=lead_to_mql&of=cohort&set=rest").content.decode()
    assert "Ana Nr3" in shown
    assert "Ana Nr1" not in shown
    assert f"/w/acme/leads/{history['R-3'].pk}/" in shown
    assert leader.get(f"/w/acme/analytics/rows/?{PERIOD}&key=cpl&of=period").context["total"] == 1
    spend = leader.get(f"/w/acme/analytics/rows/?{PERIOD}&key=spend&of=period")
    assert "€620" in spend.content.decode()
    assert leader.get(f"/w/acme/analytics/rows/?{PERIOD}&key=undated&of=period").context["total"] == 1


def test_a_spend_line_shows_the_part_that_lies_in_the_period(leader: Client, history: dict[str, Lead]) -> None:
    rows = leader.get("/w/acme/analytics/rows/?from=2026-03-01&until=2026-03-10&key=spend&of=period").content.decode()
    assert "€200" in rows
    assert "€620" in rows


def test_filters_choose_and_a_filter_by_owner_invents_no_cost(leader: Client, history: dict[str, Lead]) -> None:
    paid = leader.get(f"/w/acme/analytics/?{PERIOD}&channel=paid").context
    assert paid["total"]["leads"] == "3"
    assert paid["costs"][0].text == "€206.67"
    owned = leader.get(f"/w/acme/analytics/?{PERIOD}&owner=ines@acme.example").context
    assert owned["total"]["leads"] == "3"
    assert owned["costs"][0].text == "–"
    nobody = leader.get(f"/w/acme/analytics/?{PERIOD}&channel=fax")
    assert nobody.status_code == 422
    assert "No channel “fax” in this workspace" in nobody.content.decode()


def test_the_table_adds_up_and_each_tab_works(leader: Client, history: dict[str, Lead]) -> None:
    for by in ("channel", "campaign", "owner", "grade", "month"):
        spread = leader.get(f"/w/acme/analytics/?{PERIOD}&by={by}").context["spread"]
        assert sum(row["cells"]["leads"].value for row in spread) == 4, by
    channels = leader.get(f"/w/acme/analytics/?{PERIOD}").context["spread"]
    assert [(row["label"], row["cells"]["leads"].value) for row in channels] == [("E-mail", 1), ("Paid", 3)]


def test_period_basis_counts_events_and_shows_no_rates(leader: Client, history: dict[str, Lead]) -> None:
    context = leader.get(f"/w/acme/analytics/?{PERIOD}&basis=period").context
    assert [bar.count for bar in context["bars"]] == ["4", "2", "0", "1", "1", "1"]
    assert all(bar.step is None for bar in context["bars"])


def test_htmx_swaps_the_report_and_says_so(leader: Client, history: dict[str, Lead]) -> None:
    response = leader.get(f"/w/acme/analytics/?{PERIOD}", headers={"HX-Request": "true"})
    assert "<html" not in response.content.decode()
    assert "4 leads, 1 Mar to 31 Mar 2026" in response["HX-Trigger"]


def test_presets_stand_in_the_address(leader: Client, history: dict[str, Lead]) -> None:
    context = leader.get("/w/acme/analytics/?period=this_month").context
    assert (context["ask"].start, context["ask"].end) == (date(2026, 3, 1), date(2026, 4, 1))
    assert "period=this_month" in context["bases"][1]["url"]
    assert leader.get("/w/acme/analytics/?period=last_quarter").context["dates"] == "1 Oct to 31 Dec 2025"
    assert leader.get("/w/acme/analytics/?period=all").context["ask"].start == date(2026, 3, 1)
    wrong = leader.get("/w/acme/analytics/?from=2026-03-01&until=2026-02-01")
    assert wrong.status_code == 422
    assert "ends before it begins" in wrong.content.decode()


def test_an_empty_workspace_says_what_to_do(leader: Client) -> None:
    page = text_of(leader.get("/w/acme/analytics/").content.decode())
    assert "Nothing to count yet" in page
    assert "Import leads" in page


def test_a_period_without_anything_points_to_the_history(leader: Client, history: dict[str, Lead]) -> None:
    page = text_of(leader.get("/w/acme/analytics/?from=2020-01-01&until=2020-02-01").content.decode())
    assert "Nothing happened in this period. The history begins on 1 Mar 2026" in page


def test_leads_without_spend_are_not_called_free(leader: Client, history: dict[str, Lead], acme: Workspace) -> None:
    with workspace_scope(acme.pk):
        Spend.objects.all().delete()
    context = leader.get(f"/w/acme/analytics/?{PERIOD}").context
    assert context["no_spend"]
    assert all("no spend recorded" in cost.flags for cost in context["costs"] if cost.key != "clv")


@pytest.mark.parametrize("role", [Role.SDR, Role.AE])
def test_who_may_not_see_spend_sees_no_figure_that_tells_it(
    acme: Workspace, as_: Any, history: dict[str, Lead], role: str
) -> None:
    client = as_(make_member(acme, role))
    page = client.get(f"/w/acme/analytics/?{PERIOD}").content.decode()
    assert "€620" not in page
    assert "€155" not in page
    assert "CPL" not in page
    assert "Your role does not see spend" in page
    assert "€9,300" in page  # deals it may see
    assert client.get(f"/w/acme/analytics/rows/?{PERIOD}&key=cpl&of=period").status_code == 403
    assert client.get(f"/w/acme/analytics/rows/?{PERIOD}&key=leads&of=period").status_code == 200
    exported = client.get(f"/w/acme/analytics/export/?{PERIOD}").content.decode()
    assert ",cpl," not in exported
    assert ",leads," in exported


def test_a_viewer_sees_spend_but_takes_no_people_away(acme: Workspace, as_: Any, history: dict[str, Lead]) -> None:
    client = as_(make_member(acme, Role.VIEWER))
    assert "€620" in client.get(f"/w/acme/analytics/?{PERIOD}").content.decode()
    assert client.get(f"/w/acme/analytics/rows/export/?{PERIOD}&key=leads&of=period").status_code == 403


def test_figures_and_rows_as_csv(leader: Client, history: dict[str, Lead], acme: Workspace) -> None:
    with workspace_scope(acme.pk):
        history["R-3"].person.__class__.objects.filter(pk=history["R-3"].person_id).update(full_name="=HYPERLINK(1)")
    lines = list(csv.DictReader(io.StringIO(leader.get(f"/w/acme/analytics/export/?{PERIOD}").content.decode())))
    total = {(line["basis"], line["key"]): line for line in lines if line["breakdown"] == "total"}
    assert total["period", "cpl"]["figure"] == "155.0000"
    assert total["cohort", "lead_to_mql"]["denominator"] == "4"
    paid = [line for line in lines if line["value"] == "paid" and line["key"] == "leads" and line["basis"] == "period"]
    assert [line["figure"] for line in paid] == ["3"]
    response = leader.get(f"/w/acme/analytics/rows/export/?{PERIOD}&key=lead_to_mql&of=cohort&set=denominator")
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert {line["id"] for line in rows} == {str(history[f"R-{number}"].pk) for number in (1, 2, 3, 4)}
    assert "'=HYPERLINK(1)" in {line["Lead"] for line in rows}


@pytest.mark.parametrize(
    "query",
    [
        "key=mood",
        "key=lead_to_mql&of=period",
        "key=cpl&of=sideways",
        "key=leads&set=rest",
        "key=stage_days&part=a_to_b",
    ],
)
def test_rows_of_what_is_no_figure_are_not_found(leader: Client, history: dict[str, Lead], query: str) -> None:
    assert leader.get(f"/w/acme/analytics/rows/?{PERIOD}&{query}").status_code == 404


def test_rows_page_by_page(leader: Client, acme: Workspace) -> None:
    with workspace_scope(acme.pk):
        load_history([row(number) for number in range(120)])
    first = leader.get(f"/w/acme/analytics/rows/?{PERIOD}&key=leads&of=period").context
    assert (first["total"], first["shown"], first["previous_url"]) == (120, 50, "")
    third = leader.get("/w/acme/analytics/rows/" + first["next_url"].replace("page=2", "page=3")).context
    assert (third["shown"], third["next_url"]) == (20, "")
    assert leader.get(f"/w/acme/analytics/rows/?{PERIOD}&key=leads&page=0").status_code == 400


def test_another_workspaces_rows_count_nowhere(
    acme: Workspace, globex: Workspace, charlie: Any, as_: Any, history: dict[str, Lead]
) -> None:
    with workspace_scope(globex.pk):
        load_history([row(99, channel="event", campaign="Secret fair")])
    outsider = as_(charlie)
    assert outsider.get(f"/w/acme/analytics/?{PERIOD}").status_code == 404
    context = outsider.get(f"/w/globex/analytics/?{PERIOD}").context
    assert context["total"]["leads"] == "1"
    assert [one["label"] for one in context["spread"]] == ["Event"]


def test_the_cost_of_leads_rose_while_they_got_cheaper(leader: Client, acme: Workspace) -> None:
    before = [
        row(200, created_at="2026-02-03T10:00:00+00:00", sql_at="2026-02-10T10:00:00+00:00"),
        row(201, created_at="2026-02-03T10:00:00+00:00"),
    ]
    now = [row(number) for number in range(6)] + [row(7, channel="email", campaign="")]
    lines = [line | {"from": f"2026-{month}-01", "to": f"2026-{month}-28"} for line in SPENT for month in ("02", "03")]
    with workspace_scope(acme.pk):
        load_history([*before, *now], lines)
        sql = row(8, sql_at="2026-03-12T10:00:00+00:00")
        load_history([{**sql, "campaign": "", "owner": ""}], [{**lines[1], "campaign": "", "amount": "30"}])
    page = text_of(leader.get(f"/w/acme/analytics/?{PERIOD}").content.decode())
    assert (
        "Cost per lead fell 74 % while cost per SQL rose 5 %: more leads, fewer that sales can use. Largest part: Paid."
        in page
    )


def test_money_is_exact(leader: Client, history: dict[str, Lead]) -> None:
    context = leader.get(f"/w/acme/analytics/?{PERIOD}").context
    assert Decimal(next(one for one in context["values"] if one.key == "revenue_won").value) == Decimal("9300.00")
