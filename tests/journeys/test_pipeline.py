"""Step 2 of the main job: a real sales pipeline of 8,800 rows, from its files to the figures its README gives, to the unit."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.models import Deal, Lead
from tests.factories.accounts import make_workspace
from tests.rules.shared_data import data_file

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
REGIONS = {  # won, lost, won value
    "Central": (1629, 975, 3_346_293),
    "West": (1438, 811, 3_568_647),
    "East": (1171, 687, 3_090_594),
}
QUARTERS = {
    ("2017-01-01", "2017-04-01"): "1134672.00",
    ("2017-04-01", "2017-07-01"): "3086111.00",
    ("2017-07-01", "2017-10-01"): "2982255.00",
    ("2017-10-01", "2018-01-01"): "2802496.00",
}
IMPORT = [
    "--map", "external_id=opportunity_id", "--map", "owner=sales_agent", "--map", "company=account",
    "--map", "outcome=deal_stage", "--map", "opened_at=engage_date", "--map", "closed_at=close_date",
    "--map", "value=close_value", "--value", "outcome:Won=won", "--value", "outcome:Lost=lost", "--value", "outcome:Engaging=",
    "--value", "outcome:Prospecting=",
]  # fmt: skip


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def funnel(start: str, end: str, *words: str) -> Any:
    return json.loads(
        run("funnel", "-w", "pipeline", "--from", start, "--to", end, "--as-of", "2018-01-01", *words, "--json")
    )


def test_the_real_pipeline_to_the_unit(db: Any) -> None:
    workspace: Workspace = make_workspace("pipeline", time_zone="America/New_York", currency="USD")
    source = data_file("pipeline/sales_pipeline.csv")
    teams = [
        "--teams",
        str(source.parent / "sales_teams.csv"),
        "--team-map",
        "owner=sales_agent",
        "--team-map",
        "team=regional_office",
    ]
    run("import_leads", str(source), "-w", "pipeline", *IMPORT, *teams)
    whole = funnel("2016-01-01", "2018-01-01", "--by", "team")
    period, cohort = whole["period"], whole["cohort"]
    assert (period["win_rate"]["numerator"], period["win_rate"]["denominator"]) == (4238, 4238 + 2473)
    assert round(period["win_rate"]["value"] * 100, 2) == 63.15
    assert period["revenue_won"] == "10005534.00"
    assert cohort["sales_cycle_days"]["median"] == 57
    assert round(cohort["sales_cycle_days"]["mean"], 2) == 51.78
    assert (period["undated"], period["undated_deals"]) == (500, 0)
    regions = {}
    for row in whole["by"]:
        rate = row["period"]["win_rate"]
        regions[row["key"]] = (rate["numerator"], rate["denominator"] - rate["numerator"], row["period"]["revenue_won"])
    assert regions == {name: (won, lost, f"{value}.00") for name, (won, lost, value) in REGIONS.items()}
    assert {dates: funnel(*dates, "--basis", "period")["period"]["revenue_won"] for dates in QUARTERS} == QUARTERS
    with workspace_scope(workspace.pk):
        assert Lead.objects.count() == 8800
        assert Lead.objects.filter(company__isnull=True).count() == 1425
        assert Deal.objects.filter(outcome="won").count() == 4238
