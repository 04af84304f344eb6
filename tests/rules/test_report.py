"""A report's parts agree with one another, and an address says exactly one question."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analytics.queries.facts import RECORDED
from analytics.rules.ask import parse_ask, preset_range
from analytics.rules.figure import plain
from analytics.rules.funnel import funnel, funnel_by
from analytics.rules.report import SPEND_KEYS, Report
from leadgen.core.errors import Invalid
from tests.rules.funnel_csv import oracle

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 22)
START, END = date(2026, 1, 1), date(2026, 7, 1)


def test_choosing_a_value_gives_what_its_row_of_the_breakdown_said() -> None:
    facts, conventions, _ = oracle()
    for dimension in ("channel", "campaign"):
        for row in funnel_by(facts, dimension, START, END, conventions):
            chosen = funnel(facts, START, END, conventions, where={dimension: row["key"]})
            assert chosen == {"period": row["period"], "cohort": row["cohort"]}, row["key"]
    both = {"channel": "email", "owner": "rep0@us.example"}
    found = funnel(facts, START, END, conventions, where=both)["period"]
    rows = funnel_by(facts, "owner", START, END, conventions, where={"channel": "email"})
    assert found["leads"] == next(row for row in rows if row["key"] == "rep0@us.example")["period"]["leads"] > 0
    assert found["cpl"] is None  # spend knows no owner: a cost would be invented
    with pytest.raises(ValueError, match="no choice by mood"):
        funnel(facts, START, END, conventions, where={"mood": "good"})


def test_a_report_says_what_the_functions_say() -> None:
    facts, conventions, _ = oracle()
    report = Report(facts, START, END, conventions)
    figures = funnel(facts, START, END, conventions, full=True)
    assert report.figures == figures
    assert plain(report.previous["period"]) == funnel(facts, date(2025, 7, 1), START, conventions)["period"]
    rows = {key: plain(found["cohort"]) for key, found in report.by("channel")}
    assert rows == {row["key"]: row["cohort"] for row in funnel_by(facts, "channel", START, END, conventions)}
    assert [key for key, _ in report.by_full("channel")] == list(rows)


def test_the_months_add_up() -> None:
    facts, conventions, _ = oracle()
    report = Report(facts, START, END, conventions)
    months = report.trend()
    assert [month.key for month in months] == [f"2025-{number:02}" for number in range(7, 13)] + [
        f"2026-{number:02}" for number in range(1, 7)
    ]
    inside = months[6:]
    period = plain(report.figures["period"])
    for name in ("leads", "mqls", "sqls"):
        assert sum(getattr(month, name) for month in inside) == period[name]
    assert f"{float(sum(month.spend for month in inside)):.2f}" == period["spend"]
    assert not any(month.running for month in months)
    late = Report(facts, date(2026, 8, 1), date(2026, 10, 1), conventions).trend()
    assert [month.key for month in late if month.running] == ["2026-09"]  # as of 1 September, 02:00 in Berlin


def test_figures_that_tell_spend_are_those_made_of_it() -> None:
    facts, conventions, _ = oracle()
    period = Report(facts, START, END, conventions).figures["period"]
    costly = {key for key in period if key.startswith(("cp", "cac", "spend", "cost_")) or "per_spend" in key}
    assert costly | {"roi", "clv_cac", "clv_cac_observed", "clv_cpl", "clv_cpl_observed"} == SPEND_KEYS


@pytest.mark.parametrize(
    ("preset", "start", "end"),
    [
        ("last_90", date(2026, 8, 25), date(2026, 11, 23)),
        ("this_month", date(2026, 11, 1), date(2026, 11, 23)),
        ("last_month", date(2026, 10, 1), date(2026, 11, 1)),
        ("this_quarter", date(2026, 10, 1), date(2026, 11, 23)),
        ("last_quarter", date(2026, 7, 1), date(2026, 10, 1)),
        ("this_year", date(2026, 1, 1), date(2026, 11, 23)),
        ("last_12_months", date(2025, 11, 1), date(2026, 11, 1)),
        ("all", date(2016, 10, 20), date(2026, 11, 23)),
    ],
)
def test_presets(preset: str, start: date, end: date) -> None:
    assert preset_range(preset, today=TODAY, first=date(2016, 10, 20)) == (start, end)


def ask(**params: str) -> Any:
    return parse_ask(params, today=TODAY, first=None, zone=BERLIN, dimensions=RECORDED)


def test_an_address_and_its_question() -> None:
    assert ask().params() == {}
    found = ask(
        **{"from": "2026-01-01", "to": "2026-07-01", "basis": "period", "channel": "email", "as_of": "2026-09-01"}
    )
    assert (found.start, found.end, found.until) == (START, END, date(2026, 6, 30))
    assert found.as_of == datetime(2026, 8, 31, 22, tzinfo=UTC)
    assert ask(**found.params()) == found
    assert ask(**{"from": "2026-01-01", "until": "2026-06-30"}) == ask(**{"from": "2026-01-01", "to": "2026-07-01"})
    assert found.changed(basis="cohort", where={}) == (
        "?period=custom&from=2026-01-01&until=2026-06-30&as_of=2026-08-31T22%3A00%3A00%2B00%3A00"
    )
    assert ask(utm="x", period="this_month").params() == {"period": "this_month"}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"period": "ages"}, "period"),
        ({"from": "tomorrow"}, "from"),
        ({"from": "0001-01-01"}, "from"),
        ({"from": "2026-05-02", "until": "2026-05-01"}, "until"),
        ({"basis": "mixed"}, "basis"),
        ({"by": "persona"}, "by"),
        ({"unit": "deal"}, "unit"),
        ({"as_of": "2026-13-01"}, "as_of"),
    ],
)
def test_what_an_address_may_not_say(params: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        ask(**params)
    assert caught.value.field == field
