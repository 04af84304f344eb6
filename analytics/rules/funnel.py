"""The funnel of a workspace: every number of `metrics.md` for a period, whole or by a dimension.

facts -> select (one pass) -> figures -> plain values (the shape of expected.json) or full figures with warnings
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from analytics.rules.build import cohort_figures, period_figures
from analytics.rules.facts import UNKNOWN, Basis, Conventions, Facts, Id, Unit
from analytics.rules.figure import DEFINITIONS, Figures, plain
from analytics.rules.history import as_at
from analytics.rules.periods import Period
from analytics.rules.selection import TOTAL, UNDATED, Selection, select
from analytics.rules.warn import History, usual_times, with_warnings

BASES: tuple[Basis, ...] = ("period", "cohort")
_MAKE = {"period": period_figures, "cohort": cohort_figures}


def funnel(
    facts: Facts,
    period_from: date | datetime,
    period_to: date | datetime,
    conventions: Conventions,
    basis: Basis | None = None,
    *,
    unit: Unit = "lead",
    full: bool = False,
    where: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """`{"period": {...}, "cohort": {...}}`, or only the basis asked for, over [period_from, period_to).

    Plain values as in `expected.json`; with `full` each value is a `Figure` (or a dict of them) with maturity and
    warnings. `where` counts only the facts of one value a dimension ({"channel": "email"}). ValueError for an empty period or
    an unknown basis.
    """
    period = Period.of(period_from, period_to, conventions.zone)
    facts = as_at(facts, conventions.as_of)
    selection = select(facts, period, conventions, unit=unit, where=where)[TOTAL]
    if not full:
        return {one: plain(_MAKE[one](selection)) for one in _bases(basis)}
    before = select(facts, period.previous(), conventions, unit=unit, where=where)[TOTAL]
    usual = usual_times(facts.leads, conventions)
    return {one: _full(selection, one, History(usual, period_figures(before))) for one in _bases(basis)}


def funnel_by(
    facts: Facts,
    dimension: str,
    period_from: date | datetime,
    period_to: date | datetime,
    conventions: Conventions,
    basis: Basis | None = None,
    *,
    unit: Unit = "lead",
    full: bool = False,
    where: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """`[{"key": "email", "period": {...}, "cohort": {...}}, ...]`: a row for each known value even at 0, `unknown` last;
    counts and money of the rows add up to those of `funnel`. By month the rows run in time.

    ValueError for a dimension that is not in `facts.DIMENSIONS`.
    """
    period = Period.of(period_from, period_to, conventions.zone)
    facts = as_at(facts, conventions.as_of)
    rows = select(facts, period, conventions, dimension=dimension, unit=unit, where=where)
    keys = sorted(rows, key=lambda key: (key in (UNKNOWN, UNDATED), key))
    if not full:
        return [{"key": key} | {one: plain(_MAKE[one](rows[key])) for one in _bases(basis)} for key in keys]
    usual = usual_times(facts.leads, conventions)
    before: dict[str, Figures]
    if dimension == "month":
        # The period before a month is the month above it; the first one has none here.
        made = [period_figures(rows[key]) for key in keys]
        before = dict(zip(keys[1:], made, strict=False))
    else:
        earlier = select(facts, period.previous(), conventions, dimension=dimension, unit=unit, where=where)
        before = {key: period_figures(row) for key, row in earlier.items()}
    return [
        {"key": key} | {one: _full(rows[key], one, History(usual, before.get(key))) for one in _bases(basis)}
        for key in keys
    ]


def _bases(basis: Basis | None) -> tuple[Basis, ...]:
    if basis is not None and basis not in BASES:
        raise ValueError(f"basis is period or cohort, not {basis}")
    return BASES if basis is None else (basis,)


def _full(selection: Selection, basis: Basis, history: History) -> Figures:
    return with_warnings(_MAKE[basis](selection), selection, basis, history)


@dataclass(frozen=True, slots=True)
class RowSet:
    """Some facts behind a figure: their kind (leads, deals, customers, spend, hand-offs, meetings) and ids."""

    kind: str
    ids: tuple[Id, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a figure was counted from; `denominator` is None for a plain count or sum."""

    key: str
    numerator: RowSet
    denominator: RowSet | None


def kind_of(name: str) -> str:
    """The kind of fact a set of DEFINITIONS holds."""
    for start, kind in (
        ("deals", "deals"),
        ("undated_deals", "deals"),
        ("customers_", "customers"),
        ("spend", "spend"),
        ("handoffs", "handoffs"),
        ("meetings", "meetings"),
    ):
        if name.startswith(start):
            return kind
    return "leads"


def rows_behind(
    facts: Facts,
    key: str,
    period_from: date | datetime,
    period_to: date | datetime,
    conventions: Conventions,
    basis: Basis,
    *,
    dimension: str | None = None,
    value: str | None = None,
    part: str | None = None,
    unit: Unit = "lead",
    where: Mapping[str, str] | None = None,
) -> Rows:
    """The facts behind a figure: the very sets it was counted from, in the order of the facts.

    `dimension` and `value` choose a row of a breakdown; `part` a kind of hand-off (acceptance, reject_reasons) or a step
    (`mql_to_accepted` of stage_days). KeyError for a key that is not in DEFINITIONS or has no such basis.
    """
    period = Period.of(period_from, period_to, conventions.zone)
    facts = as_at(facts, conventions.as_of)
    table = select(facts, period, conventions, dimension=dimension, unit=unit, where=where)
    return rows_of(table.get(TOTAL if dimension is None else value or UNKNOWN), key, basis, part=part)


def rows_of(selection: Selection | None, key: str, basis: Basis, *, part: str | None = None) -> Rows:
    """The sets of one selection that a figure is counted from; no selection has no rows. Errors as in `rows_behind`."""
    about = DEFINITIONS[key]
    if about.basis not in ("both", basis):
        raise KeyError(f"{key} has no {basis} basis")
    numerator, denominator = about.numerator, about.denominator
    if key == "stage_days" and part:
        earlier, _, later = part.partition("_to_")
        numerator, denominator = f"{earlier}>{later}", f"{earlier}>{earlier}"

    def chosen(name: str) -> RowSet:
        rows: Iterable[Any] = selection.rows(basis, name) if selection is not None else ()
        if kind_of(name) == "handoffs" and part:
            rows = [row for row in rows if row.kind == part]
        return RowSet(kind_of(name), tuple(row.id for row in rows))

    return Rows(key, chosen(numerator), chosen(denominator) if denominator else None)
