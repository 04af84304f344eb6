"""The funnel against figures computed by other code, and against the real pipeline's published totals."""

import csv
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analytics.rules.facts import Conventions, DealFacts, Facts, LeadFacts
from analytics.rules.funnel import funnel, funnel_by, rows_behind
from tests.rules.funnel_csv import data_file, oracle


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where `found` does not match: numbers within half the last printed digit, 1e-6 relative or 1e-9 absolute."""
    if isinstance(expected, dict):
        missing = [f"{path}.{key} is missing" for key in expected if key not in found]
        return missing + [
            line for key in expected if key in found for line in differences(expected[key], found[key], f"{path}.{key}")
        ]
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{path}: {expected} is {found}"]
        return [
            line
            for place, (one, other) in enumerate(zip(expected, found, strict=True))
            for line in differences(one, other, f"{path}[{place}]")
        ]
    if expected is None or found is None or isinstance(expected, bool):
        return [] if expected is found else [f"{path}: {expected} is {found}"]
    if isinstance(expected, int):
        return [] if expected == found else [f"{path}: {expected} is {found}"]
    wanted, got = Decimal(str(expected)), Decimal(str(found))
    half = Decimal(0)
    if isinstance(expected, str):
        assert isinstance(found, str), f"{path} is printed as text"
        half = Decimal(1).scaleb(-len(expected.partition(".")[2])) / 2
    gap = abs(wanted - got)
    near = gap <= half or gap <= Decimal("1e-6") * abs(wanted) or gap <= Decimal("1e-9")
    return [] if near else [f"{path}: {expected} is {found}"]


@pytest.mark.parametrize("name", ["2025-Q3", "2026-H1", "all"])
def test_every_figure_of_the_oracle(name: str) -> None:
    facts, conventions, periods = oracle()
    period = periods[name]
    start, end = date.fromisoformat(period["from"]), date.fromisoformat(period["to"])
    assert differences(period["total"], funnel(facts, start, end, conventions)) == []
    rows = {row["key"]: row for row in funnel_by(facts, "channel", start, end, conventions)}
    assert set(rows) == set(period["by_channel"])
    assert differences(period["by_channel"], rows) == []


def test_the_comparison_itself_can_fail() -> None:
    expected = {"cpl": "797.3656", "n": 3, "rate": 0.25, "none": None}
    assert differences(expected, {"cpl": "797.3657", "n": 3, "rate": 0.25, "none": None}) == []  # 1e-6 relative
    found = differences(expected, {"cpl": "797.37", "n": 4, "rate": 0.2501, "none": 0})
    assert found == [".cpl: 797.3656 is 797.37", ".n: 3 is 4", ".rate: 0.25 is 0.2501", ".none: None is 0"]
    assert differences({"cac": None}, {}) == [".cac is missing"]


def test_every_figure_of_the_oracle_opens_to_its_rows() -> None:
    facts, conventions, periods = oracle()
    start, end = date(2026, 1, 1), date(2026, 7, 1)
    period = periods["2026-H1"]["total"]["period"]
    won = rows_behind(facts, "win_rate", start, end, conventions, "period")
    assert (won.numerator.kind, len(won.numerator.ids)) == ("deals", period["win_rate"]["numerator"])
    assert won.denominator is not None
    assert len(won.denominator.ids) == period["win_rate"]["denominator"]
    by_id = {deal.id: deal for deal in facts.deals}
    assert sum(by_id[one].value or 0 for one in won.numerator.ids) == Decimal(period["revenue_won"])
    cohort = periods["2026-H1"]["by_channel"]["linkedin"]["cohort"]["mql_to_sql"]
    rows = rows_behind(facts, "mql_to_sql", start, end, conventions, "cohort", dimension="channel", value="linkedin")
    assert rows.denominator is not None
    assert (len(rows.numerator.ids), len(rows.denominator.ids)) == (cohort["numerator"], cohort["denominator"])
    assert set(rows.numerator.ids) < set(rows.denominator.ids)


PIPELINE = {  # README of the data: won, lost, won value
    "Central": (1629, 975, 3_346_293),
    "West": (1438, 811, 3_568_647),
    "East": (1171, 687, 3_090_594),
}


def pipeline_facts() -> Facts:
    folder: Path = data_file("pipeline/sales_pipeline.csv").parent
    with (folder / "sales_teams.csv").open() as teams:
        region = {row["sales_agent"]: row["regional_office"] for row in csv.DictReader(teams)}
    with (folder / "sales_pipeline.csv").open() as file:
        rows = list(csv.DictReader(file))

    def moment(text: str) -> datetime | None:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None

    leads, deals = [], []
    for row in rows:
        engaged, closed = moment(row["engage_date"]), moment(row["close_date"])
        outcome = {"Won": "won", "Lost": "lost"}.get(row["deal_stage"])
        won = outcome == "won"
        leads.append(
            LeadFacts(
                id=row["opportunity_id"],
                opened_at=engaged,
                customer_at=closed if won else None,
                exit_at=closed if outcome == "lost" else None,
                exit_kind="lost" if outcome == "lost" else None,
                owner=row["sales_agent"],
                team=region[row["sales_agent"]],
            )
        )
        deals.append(
            DealFacts(
                id=row["opportunity_id"],
                lead_id=row["opportunity_id"],
                value=Decimal(row["close_value"]) if row["close_value"] else None,
                created_at=engaged,
                closed_at=closed,
                outcome=outcome,  # type: ignore[arg-type]  # won, lost or None, from the table above
            )
        )
    return Facts(leads=tuple(leads), deals=tuple(deals))


def test_the_real_pipeline() -> None:
    facts = pipeline_facts()
    conventions = Conventions(as_of=datetime(2018, 1, 1, tzinfo=UTC), zone=ZoneInfo("UTC"), currency="USD")
    whole = funnel(facts, date(2016, 1, 1), date(2018, 1, 1), conventions)
    assert whole["period"]["win_rate"]["numerator"] == 4238
    assert whole["period"]["win_rate"]["denominator"] == 4238 + 2473
    assert round(whole["period"]["win_rate"]["value"] * 100, 2) == 63.15
    assert whole["period"]["revenue_won"] == "10005534.00"
    assert whole["cohort"]["sales_cycle_days"]["median"] == 57
    assert round(whole["cohort"]["sales_cycle_days"]["mean"], 2) == 51.78
    assert whole["period"]["undated"] == 500
    assert whole["period"]["arpa"] is None  # nobody knows a recurring revenue: not 0
    quarters = [
        funnel(facts, date(2017, month, 1), date(2017 + month // 10, (month + 2) % 12 + 1, 1), conventions, "period")
        for month in (1, 4, 7, 10)
    ]
    values = [quarter["period"]["revenue_won"] for quarter in quarters]
    assert values == ["1134672.00", "3086111.00", "2982255.00", "2802496.00"]
    regions = {}
    for row in funnel_by(facts, "team", date(2016, 1, 1), date(2018, 1, 1), conventions, "period"):
        rate = row["period"]["win_rate"]
        lost = rate["denominator"] - rate["numerator"]
        regions[row["key"]] = (rate["numerator"], lost, row["period"]["revenue_won"])
    assert regions == {name: (won, lost, f"{value}.00") for name, (won, lost, value) in PIPELINE.items()}
    assert Counter(lead.exit_kind for lead in facts.leads)["lost"] == 2473
