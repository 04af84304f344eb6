"""A report over one period: the selections are made once, and figures, comparison, table, months and rows read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any, Final

from analytics.rules.build import cohort_figures, period_figures
from analytics.rules.definitions import DEFINITIONS
from analytics.rules.facts import UNKNOWN, Basis, Conventions, Facts, Unit
from analytics.rules.figure import Figure, Figures
from analytics.rules.funnel import Rows, RowSet, funnel_by, rows_of
from analytics.rules.history import as_at
from analytics.rules.periods import Period, add_months
from analytics.rules.selection import TOTAL, UNDATED, Selection, select
from analytics.rules.statistics import printed, ratio
from analytics.rules.warn import History, usual_times, with_warnings

SPEND_KEYS: Final = frozenset(
    key for key, about in DEFINITIONS.items() if "spend" in about.numerator or "spend" in about.denominator
)
"""Figures that tell what was spent: whoever may not see spend may not see these."""
TREND_MONTHS: Final = 12
LONGEST_TREND: Final = 36


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of a trend. `cpl` is text to 4 decimals, None without leads; `running`: not over at `as_of`."""

    key: str
    first: date
    leads: int
    mqls: int
    sqls: int
    spend: Fraction
    cpl: str | None
    running: bool


class Report:
    """Figures of [period_from, period_to) over the facts as they stood at `conventions.as_of`.

    ValueError for an empty period or a choice by something that is no dimension.
    """

    def __init__(
        self,
        facts: Facts,
        period_from: date | datetime,
        period_to: date | datetime,
        conventions: Conventions,
        *,
        unit: Unit = "lead",
        where: Mapping[str, str] | None = None,
    ) -> None:
        self.period = Period.of(period_from, period_to, conventions.zone)
        self.before = self.period.previous()
        self.conventions, self.unit, self.where = conventions, unit, dict(where or {})
        self.facts = as_at(facts, conventions.as_of)
        self._figures: dict[Basis, Figures] = {}

    def _select(self, period: Period, dimension: str | None = None) -> dict[str, Selection]:
        return select(self.facts, period, self.conventions, dimension=dimension, unit=self.unit, where=self.where)

    @cached_property
    def total(self) -> Selection:
        """The sets of the whole period."""
        return self._select(self.period)[TOTAL]

    @cached_property
    def _earlier(self) -> Selection:
        return self._select(self.before)[TOTAL]

    @cached_property
    def _previous_period(self) -> Figures:
        return period_figures(self._earlier)

    @cached_property
    def _history(self) -> History:
        return History(usual_times(self.facts.leads, self.conventions), self._previous_period)

    def figures_of(self, basis: Basis) -> Figures:
        """The figures of one basis, each with maturity and warnings."""
        if basis not in self._figures:
            made = period_figures(self.total) if basis == "period" else cohort_figures(self.total)
            self._figures[basis] = with_warnings(made, self.total, basis, self._history)
        return self._figures[basis]

    @property
    def figures(self) -> dict[Basis, Figures]:
        """`{"period": {...}, "cohort": {...}}`: `figures_of` both."""
        return {"period": self.figures_of("period"), "cohort": self.figures_of("cohort")}

    @cached_property
    def previous(self) -> dict[Basis, Figures]:
        """The figures of the period before, without warnings: to compare with."""
        return {"period": self._previous_period, "cohort": cohort_figures(self._earlier)}

    def by(self, dimension: str) -> list[tuple[str, dict[Basis, Figures]]]:
        """(key, figures) of each value of a dimension, the unknown last; counts add up to the total's."""
        rows = self._select(self.period, dimension)
        keys = sorted(rows, key=lambda key: (key in (UNKNOWN, UNDATED), key))
        return [(key, {"period": period_figures(rows[key]), "cohort": cohort_figures(rows[key])}) for key in keys]

    def by_full(self, dimension: str) -> list[tuple[str, dict[Basis, Figures]]]:
        """As `by`, each figure with maturity and warnings."""
        rows = funnel_by(
            self.facts, dimension, self.period.start, self.period.end, self.conventions, unit=self.unit, full=True,
            where=self.where,
        )  # fmt: skip
        return [(row["key"], {"period": row["period"], "cohort": row["cohort"]}) for row in rows]

    def leads_by(self, dimension: str) -> dict[str, tuple[int, int, int, int]]:
        """Value -> (leads, SQLs) of the period and of the one before: what moved."""
        now, before = self._select(self.period, dimension), self._select(self.before, dimension)
        found = {}
        for key in {*now, *before}:
            counts = []
            for rows in (now, before):
                row = rows.get(key)
                counts += [len(row.rows("period", name)) if row else 0 for name in ("leads", "sqls")]
            found[key] = (counts[0], counts[1], counts[2], counts[3])
        return found

    def trend(self) -> list[Month]:
        """Whole calendar months up to the end of the period: twelve, or as many as the period has, at most 36."""
        past = add_months(self.period.past, 0)
        if past < self.period.past:
            past = add_months(past, 1)
        asked = (past.year - self.period.first.year) * 12 + past.month - self.period.first.month
        months = min(max(asked, TREND_MONTHS), LONGEST_TREND)
        stretch = Period.of(add_months(past, -months), past, self.conventions.zone)
        rows = self._select(stretch, "month")
        found = []
        for key, month in stretch.months():
            row = rows[key]
            leads, mqls, sqls = (len(row.rows("period", name)) for name in ("leads", "mqls", "sqls"))
            spend = row.total_spend(row.rows("period", "spend_lines"))
            costed = spend if row.spend_attributed else None
            running = month.end > self.conventions.as_of
            found.append(Month(key, month.first, leads, mqls, sqls, spend, printed(ratio(costed, leads), 4), running))
        return found

    def rows(
        self, key: str, basis: Basis, *, dimension: str | None = None, value: str | None = None, part: str | None = None
    ) -> Rows:
        """The sets a figure was counted from (`funnel.rows_behind`)."""
        table = {TOTAL: self.total} if dimension is None else self._select(self.period, dimension)
        return rows_of(table.get(TOTAL if dimension is None else value or UNKNOWN), key, basis, part=part)

    def sets(self, key: str, basis: Basis, *, part: str | None = None) -> dict[str, RowSet]:
        """`numerator`, and where they differ `denominator`; of two sets of one kind also the `rest`: in the lower one only.

        KeyError for a figure, basis or part that is none.
        """
        rows = self.rows(key, basis, part=part)
        found = {"numerator": rows.numerator}
        below = rows.denominator
        if below is None or below == rows.numerator:
            return found
        found["denominator"] = below
        if below.kind == rows.numerator.kind:
            counted = set(rows.numerator.ids)
            found["rest"] = RowSet(below.kind, tuple(one for one in below.ids if one not in counted))
        return found


def change(now: Figure | Any, before: Figure | Any) -> Fraction | None:
    """By which share a figure moved since the period before; None where either is unknown or the earlier one is 0."""
    if not isinstance(now, Figure) or not isinstance(before, Figure) or now.exact is None or not before.exact:
        return None
    return (now.exact - before.exact) / abs(before.exact)
