"""The statistics of `metrics.md` in plain Python: exact until the last step, so that print and test agree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

Z_95 = NormalDist().inv_cdf(0.975)
P50, P90 = Fraction(1, 2), Fraction(9, 10)


def wilson(numerator: int, denominator: int, z: float = Z_95) -> tuple[float, float] | None:
    """The Wilson score interval of a share, within [0, 1]; None where there is nothing to divide by."""
    if denominator <= 0:
        return None
    share = numerator / denominator
    square = z * z
    scale = 1 + square / denominator
    centre = (share + square / (2 * denominator)) / scale
    half = z * math.sqrt(share * (1 - share) / denominator + square / (4 * denominator * denominator)) / scale
    # At the ends the bound is the share itself; computed, it would be off by a rounding error, even below 0.
    low = 0.0 if numerator == 0 else max(0.0, centre - half)
    high = 1.0 if numerator == denominator else min(1.0, centre + half)
    return low, high


def percentile_cont(ordered: Sequence[int], share: Fraction) -> Fraction | None:
    """PostgreSQL's `percentile_cont` over values already in order: linear between neighbours, exact."""
    if not ordered:
        return None
    position = share * (len(ordered) - 1)
    below = position.numerator // position.denominator
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def mean(values: Sequence[int]) -> Fraction | None:
    """The plain mean, exact; None of nothing."""
    return Fraction(sum(values), len(values)) if values else None


def kaplan_meier_median(finished: Iterable[int], waiting: Iterable[int]) -> int | None:
    """The first t with S(t) <= 1/2; None where the curve never gets there.

    `finished` are times to the event, `waiting` times at which a case was last seen without it; a case last seen at t is
    still at risk at t. The curve is a float until it comes near 1/2, and then an exact product decides.
    """
    events = sorted(finished)
    censored = sorted(waiting)
    at_risk = len(events) + len(censored)
    survival = 1.0
    stayed: list[int] = []
    exposed: list[int] = []
    left = position = 0
    while position < len(events):
        time = events[position]
        while left < len(censored) and censored[left] < time:
            left += 1
            at_risk -= 1
        deaths = 0
        while position < len(events) and events[position] == time:
            position += 1
            deaths += 1
        survival *= (at_risk - deaths) / at_risk
        stayed.append(at_risk - deaths)
        exposed.append(at_risk)
        if abs(survival - 0.5) < 1e-9:
            if 2 * _product(stayed) <= _product(exposed):
                return time
        elif survival < 0.5:
            return time
        at_risk -= deaths
    return None


def _product(factors: Sequence[int]) -> int:
    # Halves first: multiplying numbers of like size is what keeps a product of 100,000 factors quick.
    if len(factors) <= 8:
        return math.prod(factors)
    middle = len(factors) // 2
    return _product(factors[:middle]) * _product(factors[middle:])


def ratio(numerator: Fraction | Decimal | int | None, denominator: Fraction | Decimal | int | None) -> Fraction | None:
    """numerator / denominator, exact; None where either is unknown or the denominator is 0."""
    if numerator is None or denominator is None or denominator == 0:
        return None
    return Fraction(numerator) / Fraction(denominator)


def printed(value: Fraction | Decimal | int | None, decimals: int) -> str | None:
    """A number as text with a fixed count of decimals, rounded half-even: `printed(Fraction(5, 2), 0)` is "2"."""
    if value is None:
        return None
    scaled = round(Fraction(value) * 10**decimals)  # round() of a Fraction is half-even
    sign = "-" if scaled < 0 else ""
    digits = str(abs(scaled)).rjust(decimals + 1, "0")
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)
