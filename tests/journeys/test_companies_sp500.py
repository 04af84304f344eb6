"""Step 1 of the main job, its import: 503 real companies, known again by their symbol; and the accounts of step 2."""

import json
import time
from io import StringIO
from typing import Any

from django.core.management import call_command

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.models import Company, Lead
from tests.rules.shared_data import data_file


def imported(kind: str, name: str, *options: str) -> dict[str, Any]:
    out = StringIO()
    call_command(f"import_{kind}", str(data_file(name)), "-w", "acme", "--json", *options, stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    assert report["created"] + report["updated"] + report["unchanged"] + report["invalid"] == report["rows"]
    return report


def counts(report: dict[str, Any]) -> tuple[int, int, int, int]:
    return report["created"], report["updated"], report["unchanged"], report["invalid"]


def test_the_sp500_comes_in_whole_and_a_second_time_changes_nothing(acme: Workspace) -> None:
    first = imported("companies", "companies/sp500_constituents.csv")
    assert counts(first) == (503, 0, 0, 0)
    assert {name: first["mapping"][name] for name in ("external_id", "name", "industry", "sub_industry", "founded")} == {
        "external_id": "Symbol", "name": "Security", "industry": "GICS Sector", "sub_industry": "GICS Sub-Industry",
        "founded": "Founded",
    }  # fmt: skip
    with workspace_scope(acme.pk):
        assert Company.objects.values("external_id").distinct().count() == 503
        mmm = Company.objects.get(external_id="MMM")
        assert (mmm.name, mmm.industry, mmm.city, mmm.region, mmm.country, mmm.founded) == (
            "3M", "Industrials", "Saint Paul", "Minnesota", "US", 1902,
        )  # fmt: skip
        before = list(Company.objects.order_by("pk").values())
    assert counts(imported("companies", "companies/sp500_constituents.csv")) == (0, 0, 503, 0)
    with workspace_scope(acme.pk):
        assert list(Company.objects.order_by("pk").values()) == before


def test_accounts_and_their_pipeline_meet_by_exact_name(acme: Workspace) -> None:
    assert counts(imported("companies", "pipeline/accounts.csv")) == (85, 0, 0, 0)
    start = time.perf_counter()
    report = imported("leads", "pipeline/sales_pipeline.csv", "--teams", str(data_file("pipeline/sales_teams.csv")))
    assert counts(report) == (8800, 0, 0, 0)
    assert time.perf_counter() - start < 60  # design: 20 s; loose, for machines that do other things
    with workspace_scope(acme.pk):
        # Every account is one of the 85: none was made twice, and the data's typing errors stay as they are.
        assert Company.objects.count() == 85
        assert Company.objects.filter(industry="technolgy").exists()
        assert Lead.objects.filter(company=None).count() == 1425
        assert Lead.objects.filter(opened_at=None).count() == 500
        teams = Lead.objects.values_list("owner__team", flat=True).distinct()
        assert sorted(teams) == ["Central", "East", "West"]
    assert counts(imported("leads", "pipeline/sales_pipeline.csv")) == (0, 0, 8800, 0)
