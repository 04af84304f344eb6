"""Where a reader could be misled: the warnings and the maturity that stand with a figure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from operator import attrgetter

from analytics.rules.facts import STAGE_DATES, Basis, Conventions, LeadFacts
from analytics.rules.figure import DEFINITIONS, Figure, Figures
from analytics.rules.selection import STAGE_SETS, Selection, weight
from analytics.rules.speed import STEPS, cohort_times, finished_times
from analytics.rules.statistics import P90, percentile_cont, wilson

SMALL = 30
MATURE = 0.8
_COSTS = frozenset({"cpl", "cpmql", "cpsql", "cpo", "cac", "roi", "pipeline_per_spend", "qualified_pipeline_per_spend"})
_SPEND = frozenset({"spend", "clv_cac", "clv_cpl", "clv_cac_observed", "clv_cpl_observed", "cac_payback_months"})
_DEALS = {
    "pipeline_value": "deals_created",
    "pipeline_per_spend": "deals_created",
    "pipeline_velocity": "deals_created",
    "pipeline_weighted": "deals_created",
    "qualified_pipeline_value": "deals_qualified",
    "qualified_pipeline_per_spend": "deals_qualified",
    "revenue_won": "deals_won",
    "roi": "deals_won",
}
_AGREED = frozenset({"lead_to_mql", "mql_to_sql", "mql_to_accepted", "accepted_to_sql"})


@dataclass(frozen=True, slots=True)
class History:
    """What warnings compare with: how long each step usually takes (p90), and the period before."""

    p90: dict[tuple[str, str], timedelta]
    before: Figures | None = None


def usual_times(leads: Sequence[LeadFacts], conventions: Conventions) -> dict[tuple[str, str], timedelta]:
    """The p90 time of every step a figure is made of, over all leads ever."""
    usual = {}
    for step in {*STEPS, *(about.steps for about in DEFINITIONS.values() if about.steps)}:
        if (p90 := percentile_cont(finished_times(leads, step, conventions), P90)) is not None:
            usual[step] = timedelta(microseconds=math.ceil(p90))
    return usual


def with_warnings(figures: Figures, selection: Selection, basis: Basis, history: History) -> Figures:
    """The figures again, each with its maturity and what is to be said beside it."""
    judge = _Judge(selection, basis, figures, history)
    return {
        key: judge.judged(entry)
        if isinstance(entry, Figure)
        else {name: judge.judged(part, name) for name, part in entry.items()}
        for key, entry in figures.items()
    }


class _Judge:
    def __init__(self, selection: Selection, basis: Basis, figures: Figures, history: History) -> None:
        self.selection, self.basis, self.figures, self.history = selection, basis, figures, history
        self.conventions = selection.conventions
        self._maturities: dict[tuple[str, str], float | None] = {}
        self._notes: dict[str, list[str]] = {}

    def judged(self, figure: Figure, part: str = "") -> Figure:
        """The figure with maturity and warnings; `part` names the step of a split figure."""
        step = self._step(figure, part)
        maturity = self._maturity(step) if step is not None and self.basis == "cohort" else None
        warnings = [*figure.warnings, *self._small(figure)]
        if step is not None and self.basis == "cohort":
            warnings += self._immature(step, maturity) + self._backwards(figure, step)
        if figure.key in _COSTS | _SPEND or figure.key.endswith("_media") or figure.key == "cost_per_held_meeting":
            warnings += self._once("spend", self._spend_notes)
        if figure.key in ("cpl", "cpsql"):
            warnings += self._once("cheaper", self._cheaper_but_worse)
        if figure.key in _DEALS:
            warnings += self._deal_notes(_DEALS[figure.key], weighted=figure.key == "pipeline_weighted")
        if figure.key.startswith(("arpa", "clv", "cac_payback")):
            warnings += self._once("customers", self._customer_notes)
        if figure.key in _AGREED and step is not None:
            warnings += self._agreement(step)
        return replace(figure, maturity=maturity, warnings=tuple(dict.fromkeys(warnings)))

    def _once(self, name: str, made: Callable[[], list[str]]) -> list[str]:
        if name not in self._notes:
            self._notes[name] = made()
        return self._notes[name]

    @staticmethod
    def _step(figure: Figure, part: str) -> tuple[str, str] | None:
        if figure.key == "stage_days":
            earlier, _, later = part.partition("_to_")
            return earlier, later
        return figure.about.steps

    def _small(self, figure: Figure) -> list[str]:
        if figure.about.shape in ("count", "table") or figure.value is None or figure.n is None:
            return []
        if figure.about.shape == "money" and figure.key.startswith("spend"):
            return []
        return [f"Few cases: n = {figure.n}, below {SMALL}."] if figure.n < SMALL else []

    def _maturity(self, step: tuple[str, str]) -> float | None:
        if step not in self._maturities:
            rows = self.selection.rows("cohort", STAGE_SETS[step[0]])
            usual = self.history.p90.get(step)
            share = None
            if rows and usual is not None:
                entered, old_enough = attrgetter(STAGE_DATES[step[0]]), self.conventions.as_of - usual
                share = sum(entered(lead) <= old_enough for lead in rows) / len(rows)
            self._maturities[step] = share
        return self._maturities[step]

    def _immature(self, step: tuple[str, str], maturity: float | None) -> list[str]:
        if maturity is not None and maturity < MATURE:
            return [f"Immature: only {maturity:.0%} of the cohort is older than the usual (p90) time of this step."]
        if maturity is None and self.selection.rows("cohort", STAGE_SETS[step[0]]):
            return ["Maturity unknown: no lead has ever finished this step."]
        return []

    def _backwards(self, figure: Figure, step: tuple[str, str]) -> list[str]:
        if figure.about.shape not in ("duration", "breakdown"):
            return []
        negative = bisect_left(cohort_times(self.selection, step), 0)
        return [f"Kept, though the later stage is dated before the earlier one: {negative}."] if negative else []

    def _spend_notes(self) -> list[str]:
        selection = self.selection
        lines = selection.rows("period", "spend_lines")
        if not selection.spend_attributed:
            return ["Spend is not recorded by this dimension; it stands whole in the row unknown."]
        notes = []
        paid = {line.channel or "unknown" for line in lines}
        channels = sorted({lead.channel or "unknown" for lead in selection.rows("period", "leads")} - paid)
        if channels:
            notes.append(f"No spend recorded for a channel with leads: {', '.join(channels)}.")
        if foreign := sum(selection.foreign(line) for line in lines):
            notes.append(f"Spend lines in another currency than {self.conventions.currency}, in no sum: {foreign}.")
        today = self.conventions.as_of.astimezone(self.conventions.zone).date()
        ahead = any(line.last > today for line in lines)
        if ahead and selection.period.past > today + timedelta(days=1):
            notes.append("The period is not over: spend of days still to come is in, what it will bring is not.")
        return notes

    def _cheaper_but_worse(self) -> list[str]:
        def cost(figures: Figures | None, key: str) -> Fraction | None:
            figure = (figures or {}).get(key)
            return figure.exact if isinstance(figure, Figure) else None

        lead, lead_before = cost(self.figures, "cpl"), cost(self.history.before, "cpl")
        sql, sql_before = cost(self.figures, "cpsql"), cost(self.history.before, "cpsql")
        if lead is None or lead_before is None or sql is None or sql_before is None:
            return []
        if lead < lead_before and sql > sql_before:
            return ["Leads got cheaper while SQLs got dearer than in the period before: volume over fit."]
        return []

    def _deal_notes(self, name: str, *, weighted: bool) -> list[str]:
        deals = self.selection.rows("period", name)
        notes = []
        if unknown := sum(deal.value is None for deal in deals):
            notes.append(f"Deals without a value, counted as nothing: {unknown}.")
        if foreign := sum(self.selection.foreign(deal) for deal in deals):
            notes.append(f"Deals in another currency than {self.conventions.currency}, in no sum: {foreign}.")
        if weighted and (unweighted := sum(weight(deal) is None for deal in deals)):
            notes.append(f"Deals in a stage without a probability, left out: {unweighted}.")
        return notes

    def _customer_notes(self) -> list[str]:
        active = self.selection.rows("period", "customers_active")
        notes = []
        if unknown := sum(one.mrr is None for one in active):
            notes.append(f"Active customers whose recurring revenue is not known, left out: {unknown}.")
        if foreign := sum(self.selection.foreign(one) for one in active):
            notes.append(f"Active customers in another currency than {self.conventions.currency}, left out: {foreign}.")
        return notes

    def _agreement(self, step: tuple[str, str]) -> list[str]:
        """A rate whose meaning changed inside the period: said, and called a jump where the intervals are apart."""
        notes = []
        rows = self.selection.rows("cohort", STAGE_SETS[step[0]])
        entered, reached = STAGE_DATES[step[0]], STAGE_DATES[step[1]]
        for change in self.conventions.agreements:
            if change.at not in self.selection.period or change.at == self.selection.period.start:
                continue
            sides = []
            for after in (False, True):
                side = [lead for lead in rows if (getattr(lead, entered) >= change.at) is after]
                sides.append(wilson(sum(getattr(lead, reached) is not None for lead in side), len(side)))
            before, since = sides
            day = change.at.astimezone(self.conventions.zone).date().isoformat()
            if before is None or since is None:
                continue
            if before[0] > since[1] or since[0] > before[1]:
                notes.append(f"Jump on {day}, the day agreement version {change.version} began: not the same measure.")
            else:
                notes.append(f"Agreement version {change.version} began on {day}, inside the period.")
        return notes
