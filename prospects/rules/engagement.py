"""Engagement: points that halve every half-life, kept so that the order of people does not change as time passes.

A row of `points` at `at` is worth points * 2^-((now - at) / half-life). Every row shrinks by the same factor, so
log2 of the sum taken back to a fixed epoch (`level`) ranks people the same way at any moment, and no sweep is needed:
score(now) = 2^(level - half-lives from the epoch to now).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

from prospects.rules.stages import is_conversation, is_refusal

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
# After this many half-lives a row is taken back by a dated negative row: what is left of it then is under 2 %.
EXPIRES_AFTER = 6
# Below this a sum is zero: what rounding of an expiry row to four decimals can leave behind.
NOTHING = 0.001
QUANTUM = Decimal("0.0001")
# The rule of a row that takes another back, because its activity turned out to be a machine's.
CORRECTED = "corrected:"

Row = tuple[float | Decimal, datetime]


def half_lives(at: datetime, half_life_days: float) -> float:
    """Half-lives from the epoch to `at`."""
    return (at - EPOCH) / timedelta(days=half_life_days)


def decayed(points: float | Decimal, at: datetime, now: datetime, half_life_days: float) -> float:
    """What a row is worth at `now`; 0 before it happened."""
    if at > now:
        return 0.0
    return float(points) * 2.0 ** -((now - at) / timedelta(days=half_life_days))


def level_of(rows: Iterable[Row], half_life_days: float) -> float | None:
    """The level of a ledger, from nothing but its rows; None where their sum is nothing or less."""
    placed = [(float(points), half_lives(at, half_life_days)) for points, at in rows]
    if not placed:
        return None
    # Relative to the newest row: no power overflows, and fsum makes the order of rows irrelevant.
    newest = max(place for _, place in placed)
    total = math.fsum(points * 2.0 ** (place - newest) for points, place in placed)
    return math.log2(total) + newest if total > NOTHING else None


def add_to_level(level: float | None, points: float | Decimal, at: datetime, half_life_days: float) -> float:
    """The level after one more positive row, without reading the others."""
    place = math.log2(float(points)) + half_lives(at, half_life_days)
    if level is None:
        return place
    high, low = max(level, place), min(level, place)
    return high + math.log2(1.0 + 2.0 ** (low - high))


def score_at(level: float | None, now: datetime, half_life_days: float) -> float:
    """The score shown at `now`."""
    if level is None:
        return 0.0
    return 2.0 ** (level - half_lives(now, half_life_days))


def earns(kind: str, hit_class: str, detail: Mapping[str, Any]) -> bool:
    """Whether an activity may earn points at all: human hits only, no refusals, calls only if somebody answered."""
    if hit_class != "human" or is_refusal(detail):
        return False
    return kind != "called" or is_conversation(kind, detail)


def award(rule: Mapping[str, Any], awarded_today: Decimal) -> Decimal:
    """Points one more activity of a kind earns when `awarded_today` were earned that day: `cap_per_day` is in points."""
    points = Decimal(str(rule.get("points", 0)))
    cap = rule.get("cap_per_day")
    if cap is not None:
        points = min(points, Decimal(str(cap)) - awarded_today)
    return max(points, Decimal(0)).quantize(QUANTUM, ROUND_HALF_EVEN)


def expiry_of(points: Decimal, at: datetime, half_life_days: float) -> tuple[Decimal, datetime]:
    """The dated negative row that takes back what is left of a row after EXPIRES_AFTER half-lives."""
    left = Decimal(points) / (2**EXPIRES_AFTER)
    return -left.quantize(QUANTUM, ROUND_HALF_EVEN), at + timedelta(days=half_life_days) * EXPIRES_AFTER


def corrected(rule: str) -> str:
    """The rule of the row that takes back a row of `rule`."""
    return f"{CORRECTED}{rule}"[:60]


def add_up(values: Sequence[float], places: int = 1) -> tuple[list[Decimal], Decimal]:
    """Values rounded so that they add up to their rounded sum, to the digit shown (largest remainder first)."""
    unit = Decimal(1).scaleb(-places)
    exact = [Decimal(repr(value)) for value in values]
    total = sum(exact, Decimal(0)).quantize(unit, ROUND_HALF_EVEN)
    shown = [value.quantize(unit, ROUND_FLOOR) for value in exact]
    left = int((total - sum(shown, Decimal(0))) / unit)
    for place in sorted(range(len(exact)), key=lambda n: (shown[n] - exact[n], n))[:left]:
        shown[place] += unit
    return shown, total


def replay_rows(
    activities: Iterable[tuple[str, str, Mapping[str, Any], datetime, date]],
    points: Mapping[str, Mapping[str, Any]],
) -> list[tuple[Decimal, datetime]]:
    """The rows a table of points would have written: activities are (kind, hit class, detail, at, local day) by time."""
    spent: dict[tuple[str, date], Decimal] = {}
    rows = []
    for kind, hit_class, detail, at, day in activities:
        rule = points.get(kind)
        if rule is None or not earns(kind, hit_class, detail):
            continue
        earned = award(rule, spent.get((kind, day), Decimal(0)))
        if earned > 0:
            spent[kind, day] = spent.get((kind, day), Decimal(0)) + earned
            rows.append((earned, at))
    return rows
