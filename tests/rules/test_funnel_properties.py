"""What must hold for any history: rows add up, spend is neither lost nor made, statistics equal their naive selves."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.rules.facts import (
    AgreementChange,
    Conventions,
    CustomerFacts,
    DealFacts,
    Facts,
    HandoffFacts,
    LeadFacts,
    MeetingFacts,
    SpendFacts,
)
from analytics.rules.funnel import funnel, funnel_by, rows_behind
from analytics.rules.periods import Period, elapsed, midnight
from analytics.rules.statistics import P90, kaplan_meier_median, percentile_cont, printed, wilson

BERLIN = ZoneInfo("Europe/Berlin")
CHANNELS = ["email", "paid", "event", None]
CONVENTIONS = Conventions(
    as_of=datetime(2026, 6, 1, tzinfo=UTC),
    zone=BERLIN,
    gross_margin=Decimal("0.7"),
    assumed_churn=Decimal("0.02"),
    agreements=(AgreementChange(datetime(2025, 12, 1, tzinfo=UTC), "2"),),
    known={"channel": ("email", "paid", "event", "seo")},
)
ADDITIVE = [
    "leads",
    "mqls",
    "accepted",
    "sqls",
    "opportunities",
    "customers",
    "spend",
    "spend_media",
    "spend_awareness",
    "pipeline_value",
    "revenue_won",
    "qualified_pipeline_value",
    "pipeline_weighted",
    "meetings_held",
]
COHORT_ADDITIVE = [
    "leads",
    "mqls",
    "accepted",
    "sqls",
    "opportunities",
    "customers",
    "disqualified",
    "recycled",
    "lost",
    "meetings_held",
]


def history(seed: int, size: int = 60) -> Facts:
    """A messy random history: skipped stages, reversed and missing dates, unknowns, exits, one company won twice."""
    pick = random.Random(seed)
    origin = datetime(2025, 6, 1, tzinfo=UTC)

    def later(at: datetime | None, days: float) -> datetime | None:
        start = at or origin + timedelta(days=pick.random() * 330)
        return start + timedelta(seconds=pick.randint(-40_000, int(days * 86_400)))

    leads, deals, customers, handoffs, meetings = [], [], [], [], []
    for number in range(size):
        opened = None if pick.random() < 0.1 else origin + timedelta(seconds=pick.randint(0, 330 * 86_400))
        last = opened
        dates: dict[str, Any] = {}
        for stage in ("mql_at", "accepted_at", "sql_at", "opportunity_at"):
            if pick.random() < 0.7:
                dates[stage] = last = later(last, 30)
        exit_kind: Any = pick.choice(["disqualified", "recycled", "lost", None, None])
        won = exit_kind is None and pick.random() < 0.5
        closed = later(last, 60) if pick.random() < 0.9 else None
        leads.append(
            LeadFacts(
                id=f"L{number}",
                opened_at=opened,
                customer_at=closed if won else None,
                exit_at=closed if exit_kind else None,
                exit_kind=exit_kind,
                channel=pick.choice(CHANNELS),
                campaign=pick.choice(["a", "b", None]),
                owner=pick.choice(["ana", "bo"]),
                grade=pick.choice(["A", "B", "C", None]),
                company_id=f"C{number % 40}",
                captured_at=opened,
                touched_at=later(opened, 1) if opened and pick.random() < 0.5 else None,
                sla_due_at=opened + timedelta(hours=4) if opened else None,
                **dates,
            )
        )
        if "opportunity_at" in dates or won:
            value = pick.choice([None, Decimal(pick.randint(1, 9_999_999)) / 100])
            outcome: Any = "won" if won else ("lost" if exit_kind == "lost" else None)
            closing = closed if outcome else None
            mrr = pick.choice([None, Decimal(pick.randint(0, 99_999)) / 100])
            created = dates.get("opportunity_at")
            deals.append(
                DealFacts(f"D{number}", value, mrr, None, created, closing, outcome, Decimal("0.4"), f"L{number}")
            )
            if won:
                ended = later(closed, 200) if pick.random() < 0.4 else None
                customers.append(CustomerFacts(f"K{number}", closed, ended, mrr, None, f"D{number}", f"L{number}"))
        if pick.random() < 0.5:
            outcome_of: Any = pick.choice(["accepted", "rejected", None])
            decided = later(last, 3)
            handoffs.append(HandoffFacts(f"H{number}", "mql", f"L{number}", last, None, decided, outcome_of, "late"))
            meetings.append(
                MeetingFacts(f"M{number}", later(last, 9), pick.choice(["held", "no_show", "booked"]), f"L{number}")
            )
    spend = []
    for number in range(25):
        first = date(2025, 5, 20) + timedelta(days=pick.randint(0, 350))
        last_day = first + timedelta(days=pick.choice([0, 1, 6, 30, 89]))
        spend.append(
            SpendFacts(
                f"S{number}",
                first,
                last_day,
                Decimal(pick.randint(0, 1_000_000)) / 100,
                channel=pick.choice(CHANNELS),
                campaign=pick.choice(["a", None]),
                kind=pick.choice(["media", "people"]),
                purpose=pick.choice(["leads", "leads", "awareness"]),
            )
        )
    return Facts(tuple(leads), tuple(deals), tuple(customers), tuple(spend), tuple(handoffs), tuple(meetings))


def exact(row: dict[str, Any], basis: str, key: str) -> Fraction:
    value: Fraction = row[basis][key].exact
    return value


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), days=st.integers(1, 400), shift=st.integers(-40, 330))
@pytest.mark.parametrize("dimension", ["channel", "campaign", "owner", "grade", "month"])
def test_the_rows_of_a_breakdown_add_up(dimension: str, seed: int, days: int, shift: int) -> None:
    facts = history(seed)
    start = date(2025, 6, 1) + timedelta(days=shift)
    end = start + timedelta(days=days)
    total = funnel(facts, start, end, CONVENTIONS, full=True)
    rows = funnel_by(facts, dimension, start, end, CONVENTIONS, full=True)
    for basis, keys in (("period", ADDITIVE), ("cohort", COHORT_ADDITIVE)):
        for key in keys:
            assert sum(exact(row, basis, key) for row in rows) == exact(total, basis, key), (basis, key)
        assert sum(row[basis]["undated"].exact for row in rows) == total[basis]["undated"].exact
    keys = [row["key"] for row in rows]
    assert len(set(keys)) == len(keys)
    if dimension == "channel":
        assert {"email", "paid", "event", "seo"} <= set(keys)  # a known channel has a row even at 0
        assert keys[-1] == "unknown"


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(-30, 450), min_size=2, max_size=6, unique=True))
def test_neighbouring_periods_share_every_event_and_every_cent(seed: int, cuts: list[int]) -> None:
    facts = history(seed)
    edges = [date(2025, 6, 1) + timedelta(days=cut) for cut in sorted(cuts)]
    parts = [funnel(facts, start, end, CONVENTIONS, "period", full=True) for start, end in pairwise(edges)]
    whole = funnel(facts, edges[0], edges[-1], CONVENTIONS, "period", full=True)
    for key in ADDITIVE:
        assert sum(exact(part, "period", key) for part in parts) == exact(whole, "period", key), key


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_counts_and_velocity_equal_a_naive_reading(seed: int) -> None:
    facts = history(seed)
    start, end = date(2025, 9, 1), date(2026, 3, 1)

    def inside(at: datetime | None) -> bool:
        return at is not None and at <= CONVENTIONS.as_of and start <= at.astimezone(BERLIN).date() < end

    def known(at: datetime | None) -> datetime | None:
        return at if at is not None and at <= CONVENTIONS.as_of else None

    found = funnel(facts, start, end, CONVENTIONS)
    period, cohort = found["period"], found["cohort"]
    assert period["mqls"] == sum(inside(lead.mql_at) for lead in facts.leads)
    assert period["customers"] == sum(inside(lead.customer_at) for lead in facts.leads)
    group = [lead for lead in facts.leads if inside(lead.opened_at)]
    both = [lead for lead in group if known(lead.mql_at) and known(lead.sql_at)]
    mqls = [lead for lead in group if known(lead.mql_at)]
    assert (cohort["mql_to_sql"]["numerator"], cohort["mql_to_sql"]["denominator"]) == (len(both), len(mqls))
    assert cohort["mql_to_sql_days"]["finished"] == len(both)
    assert cohort["mql_to_sql_days"]["waiting"] == len(mqls) - len(both)
    times = [(lead.sql_at - lead.mql_at).total_seconds() / 86_400 for lead in both if lead.sql_at and lead.mql_at]
    if times:
        assert cohort["mql_to_sql_days"]["mean"] == pytest.approx(sum(times) / len(times), abs=1e-9)
    active = [
        one
        for one in facts.customers
        if one.started_at
        and one.started_at < min(midnight(end, BERLIN), CONVENTIONS.as_of)
        and not (one.ended_at and one.ended_at < midnight(end, BERLIN))
    ]
    assert period["customers_active"] == len(active)
    paying = [one.mrr for one in active if one.mrr is not None]
    assert period["arpa"] == (printed(Fraction(sum(paying)) / len(paying), 4) if paying else None)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_rows_behind_a_figure_are_what_was_counted(seed: int) -> None:
    facts = history(seed)
    start, end = date(2025, 9, 1), date(2026, 3, 1)
    for row in funnel_by(facts, "channel", start, end, CONVENTIONS, full=True):
        for basis in ("period", "cohort"):
            for key, figure in row[basis].items():
                if isinstance(figure, dict) or key == "bottleneck":
                    continue
                rows = rows_behind(
                    facts,
                    key,
                    start,
                    end,
                    CONVENTIONS,
                    basis,
                    dimension="channel",
                    value=row["key"],
                )
                if figure.about.shape == "rate":
                    assert rows.denominator is not None
                    assert (len(rows.numerator.ids), len(rows.denominator.ids)) == (
                        figure.numerator,
                        figure.denominator,
                    )
                elif figure.about.shape == "count":
                    assert len(rows.numerator.ids) == figure.value, key
                elif isinstance(figure.denominator, int) and rows.denominator is not None:
                    assert len(rows.denominator.ids) == figure.denominator or figure.about.shape == "duration", key


def naive_kaplan_meier(finished: list[int], waiting: list[int]) -> int | None:
    survival = Fraction(1)
    for time in sorted(set(finished)):
        at_risk = sum(one >= time for one in finished + waiting)
        survival *= 1 - Fraction(finished.count(time), at_risk)
        if survival <= Fraction(1, 2):
            return time
    return None


TIMES = st.lists(st.integers(-5, 30), max_size=40)


@settings(max_examples=200, deadline=None)
@given(finished=TIMES, waiting=TIMES)
def test_kaplan_meier_equals_the_definition(finished: list[int], waiting: list[int]) -> None:
    assert kaplan_meier_median(finished, waiting) == naive_kaplan_meier(finished, waiting)


def test_kaplan_meier_is_exact_where_a_float_would_slip() -> None:
    # Without censoring S after k of 2k is exactly 1/2; a float product lands a little above it for some k.
    for half in (3, 7, 49, 147, 1000):
        assert kaplan_meier_median(range(2 * half), []) == half - 1
    assert kaplan_meier_median([4], [4]) == 4  # the one last seen at 4 is still at risk at 4: S = 1/2
    assert kaplan_meier_median([4], [4, 9]) is None


@given(total=st.integers(1, 10**6), data=st.data())
def test_wilson_lies_around_the_share_and_within_bounds(total: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, total))
    interval = wilson(hits, total)
    assert interval is not None
    low, high = interval
    assert 0 <= low <= hits / total <= high <= 1
    assert low < high
    mirror = wilson(total - hits, total)
    assert mirror is not None
    assert low == pytest.approx(1 - mirror[1], abs=1e-12)


def test_wilson_of_nothing_is_unknown() -> None:
    assert wilson(0, 0) is None
    assert wilson(5, 29) == pytest.approx((0.07597857252891227, 0.34548439890195237), abs=1e-12)


@given(values=st.lists(st.integers(-1000, 1000), min_size=1, max_size=50))
def test_percentile_interpolates_linearly(values: list[int]) -> None:
    ordered = sorted(values)
    found = percentile_cont(ordered, P90)
    place = 0.9 * (len(ordered) - 1)
    below, above = ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)]
    assert float(found or 0) == pytest.approx(below + (place - int(place)) * (above - below), abs=1e-6)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        ("0.00005", 4, "0.0000"),
        ("0.00015", 4, "0.0002"),
        ("-0.00001", 4, "0.0000"),
        ("2.5", 0, "2"),
        ("-1.005", 2, "-1.00"),
    ],
)
def test_printing_rounds_half_to_even(value: str, decimals: int, text: str) -> None:
    assert printed(Decimal(value), decimals) == text


ZONES: list[tuple[str, date, datetime]] = [
    ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC)),  # the day a clock change makes short
    ("Europe/Berlin", date(2026, 3, 30), datetime(2026, 3, 29, 22, tzinfo=UTC)),
    ("America/New_York", date(2026, 11, 1), datetime(2026, 11, 1, 4, tzinfo=UTC)),
    ("America/Sao_Paulo", date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC)),  # midnight does not exist: 01:00
    ("Asia/Kolkata", date(2026, 1, 1), datetime(2025, 12, 31, 18, 30, tzinfo=UTC)),
]


@pytest.mark.parametrize(("zone", "day", "start"), ZONES)
def test_a_day_starts_at_its_first_moment_in_the_zone(zone: str, day: date, start: datetime) -> None:
    period = Period.of(day, day + timedelta(days=1), ZoneInfo(zone))
    assert period.start == start
    assert start in period
    assert start - timedelta(microseconds=1) not in period
    assert period.end not in period
    assert (period.first, period.past) == (day, day + timedelta(days=1))


def test_bare_dates_are_whole_days_apart_across_a_clock_change() -> None:
    before, after = midnight(date(2026, 3, 1), BERLIN), midnight(date(2026, 3, 31), BERLIN)
    assert elapsed(before, after, BERLIN) == 30 * 86_400_000_000
    assert elapsed(after, before, BERLIN) == -30 * 86_400_000_000
    assert elapsed(before, after + timedelta(minutes=15), BERLIN) == (30 * 86_400 - 3600 + 900) * 1_000_000


def test_the_previous_period_and_months_follow_the_calendar() -> None:
    quarter = Period.of(date(2026, 1, 1), date(2026, 4, 1), BERLIN)
    assert (quarter.previous().first, quarter.previous().past) == (date(2025, 10, 1), date(2026, 1, 1))
    week = Period.of(date(2026, 3, 25), date(2026, 4, 1), BERLIN)
    assert (week.previous().first, week.previous().past) == (date(2026, 3, 18), date(2026, 3, 25))
    span = Period.of(date(2026, 1, 20), date(2026, 3, 2), BERLIN)
    assert [(name, month.first, month.past) for name, month in span.months()] == [
        ("2026-01", date(2026, 1, 20), date(2026, 2, 1)),
        ("2026-02", date(2026, 2, 1), date(2026, 3, 1)),
        ("2026-03", date(2026, 3, 1), date(2026, 3, 2)),
    ]
    months = Period.of(date(2026, 1, 20), date(2026, 3, 15), BERLIN).churn_months()
    assert (len(months), months[0][0], months[-1][1]) == (
        12,
        midnight(date(2025, 3, 1), BERLIN),
        midnight(date(2026, 3, 1), BERLIN),
    )


@pytest.mark.parametrize("edges", [(date(2026, 1, 2), date(2026, 1, 2)), (date(2026, 1, 2), date(2026, 1, 1))])
def test_an_empty_period_is_refused(edges: tuple[date, date]) -> None:
    with pytest.raises(ValueError, match="exclusive"):
        funnel(Facts(), *edges, CONVENTIONS)


@pytest.mark.parametrize("ask", [lambda: funnel_by(Facts(), "colour", date(2026, 1, 1), date(2026, 2, 1), CONVENTIONS)])
def test_an_unknown_dimension_is_refused(ask: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="no breakdown by colour"):
        ask()
