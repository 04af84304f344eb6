"""A figure: a number that carries what is needed to trust it, and the way it is printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from analytics.rules.definition import Definition
from analytics.rules.definitions import DEFINITIONS

__all__ = ["DEFINITIONS", "Definition", "Figure", "Figures", "as_json", "plain"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of `metrics.md`.

    `value` is ready for JSON: int for counts, text with fixed decimals for money and ratios (half-even), float for rates,
    a dict of floats for durations, None where there is nothing to divide by. `exact` is the number before rounding, for
    further arithmetic and for ordering. `n` is how many cases stand behind it; `interval` is Wilson 95 %; `maturity` is
    the share of the cohort older than the p90 time of the step.
    """

    key: str
    value: Any
    unit: str
    n: int | None
    numerator: Any
    denominator: Any
    interval: tuple[float, float] | None
    maturity: float | None
    definition: str
    as_of: str
    warnings: tuple[str, ...] = ()
    exact: Fraction | None = field(default=None, compare=False)

    @property
    def about(self) -> Definition:
        """Its entry in the dictionary."""
        return DEFINITIONS[self.key]

    @property
    def is_rate(self) -> bool:
        """Whether it is a share of cases, with an interval."""
        return self.about.shape == "rate" or (self.about.shape == "breakdown" and self.unit == "share")

    def plain(self) -> Any:
        """The value as `expected.json` writes it: rates with numerator, denominator and interval, others bare."""
        if not self.is_rate:
            return self.value
        return {
            "value": self.value,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "interval": list(self.interval) if self.interval else None,
        }

    def as_dict(self) -> dict[str, Any]:
        """`{value, unit, n, numerator, denominator, interval, maturity, definition, as_of, warnings}` for JSON."""
        return {
            "value": self.value,
            "unit": self.unit,
            "n": self.n,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "interval": list(self.interval) if self.interval else None,
            "maturity": self.maturity,
            "definition": self.definition,
            "as_of": self.as_of,
            "warnings": list(self.warnings),
        }


type Figures = dict[str, Figure | dict[str, Figure]]
"""Figures by key; one that is split (acceptance by kind of hand-off, days by stage) is a dict of figures."""


def plain(figures: Mapping[str, Figure | Mapping[str, Figure]]) -> dict[str, Any]:
    """Figures as the bare values of `expected.json`."""
    return {
        key: entry.plain() if isinstance(entry, Figure) else {name: part.plain() for name, part in entry.items()}
        for key, entry in figures.items()
    }


def as_json(result: Any) -> Any:
    """A result of `funnel(full=True)` or `funnel_by(full=True)` as JSON-ready values, each figure as its dict."""
    if isinstance(result, Figure):
        return result.as_dict()
    if isinstance(result, Mapping):
        return {key: as_json(entry) for key, entry in result.items()}
    if isinstance(result, list | tuple):
        return [as_json(entry) for entry in result]
    return result
