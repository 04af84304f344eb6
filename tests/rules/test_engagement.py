"""Engagement: the shown score is the sum of its decayed rows, in whatever order they came, and ranks never change by waiting."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prospects.rules import engagement as rules

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
rows_of_a_person = st.lists(
    st.tuples(
        st.decimals(min_value=Decimal("0.5"), max_value=100, places=4),
        st.integers(0, 400 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(rows=rows_of_a_person, half_life=st.sampled_from([1, 7, 14, 90]), later=st.integers(0, 365), seed=st.integers())
def test_the_score_is_the_sum_of_its_decayed_rows_in_any_order(
    rows: list[rules.Row], half_life: int, later: int, seed: int
) -> None:
    now = NOW + timedelta(days=later)
    total = sum(rules.decayed(points, at, now, half_life) for points, at in rows)
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    level = None
    for points, at in shuffled:
        level = rules.add_to_level(level, points, at, half_life)
    rebuilt = rules.level_of(rows, half_life)
    assert rules.score_at(level, now, half_life) == pytest.approx(total, rel=1e-9)
    # Sums too small to see are nothing when rebuilt; any other is the same to nine digits.
    if rebuilt is not None:
        assert rules.score_at(rebuilt, now, half_life) == pytest.approx(total, rel=1e-9)


@settings(max_examples=200, deadline=None)
@given(ana=rows_of_a_person, tom=rows_of_a_person, later=st.integers(1, 200))
def test_waiting_never_changes_who_is_ahead(ana: list[rules.Row], tom: list[rules.Row], later: int) -> None:
    levels = rules.level_of(ana, 14), rules.level_of(tom, 14)
    if None in levels or abs(levels[0] - levels[1]) < 1e-9:  # type: ignore[operator]  # None is excluded before
        return
    first = [rules.score_at(level, NOW, 14) for level in levels]
    then = [rules.score_at(level, NOW + timedelta(days=later), 14) for level in levels]
    assert (first[0] > first[1]) == (then[0] > then[1])


def test_points_halve_after_one_half_life() -> None:
    level = rules.level_of([(Decimal(40), NOW)], 14)
    assert rules.score_at(level, NOW, 14) == pytest.approx(40)
    assert rules.score_at(level, NOW + timedelta(days=14), 14) == pytest.approx(20)
    assert rules.score_at(level, NOW + timedelta(days=28), 14) == pytest.approx(10)


def test_an_expiry_row_takes_back_what_is_left_and_nothing_more() -> None:
    back, at = rules.expiry_of(Decimal("30.0000"), NOW, 14)
    assert at == NOW + timedelta(days=84)
    assert back == Decimal("-0.4688")  # 30 / 64
    assert rules.level_of([(Decimal(30), NOW), (back, at)], 14) is None
    other = (Decimal(10), NOW + timedelta(days=80))
    level = rules.level_of([(Decimal(30), NOW), (back, at), other], 14)
    assert rules.score_at(level, at, 14) == pytest.approx(rules.decayed(*other, at, 14), abs=1e-4)


def test_a_cap_is_in_points_and_a_day_cannot_exceed_it() -> None:
    rule = {"points": 5, "cap_per_day": 12}
    assert rules.award(rule, Decimal(0)) == 5
    assert rules.award(rule, Decimal(10)) == 2
    assert rules.award(rule, Decimal(12)) == 0
    assert rules.award({"points": 5}, Decimal(500)) == 5


def test_machines_refusals_and_unanswered_calls_earn_nothing() -> None:
    assert rules.earns("clicked", "human", {})
    assert not rules.earns("clicked", "automated", {})
    assert not rules.earns("clicked", "unsure", {})
    assert not rules.earns("replied", "human", {"intent": "not_interested"})
    assert not rules.earns("called", "human", {"outcome": "voicemail"})
    assert rules.earns("called", "human", {"outcome": "connected_positive"})


def test_a_replay_counts_caps_by_local_day() -> None:
    day = date(2026, 3, 4)
    hits = [("clicked", "human", {}, NOW + timedelta(minutes=n), day) for n in range(4)]
    hits.append(("clicked", "human", {}, NOW + timedelta(days=1), date(2026, 3, 5)))
    rows = rules.replay_rows(hits, {"clicked": {"points": 5, "cap_per_day": 12}})
    assert [points for points, _ in rows] == [5, 5, 2, 5]


@given(values=st.lists(st.floats(-50, 100, allow_nan=False), max_size=12))
def test_rows_as_shown_add_up_to_the_score_as_shown(values: list[float]) -> None:
    shown, total = rules.add_up(values)
    assert sum(shown, Decimal(0)) == total
    assert all(abs(float(part) - value) < 0.1 + 1e-9 for part, value in zip(shown, values, strict=True))
    assert abs(float(total) - sum(values)) <= 0.05 + 1e-6
