"""From the sets of a selection to its figures: each number of `metrics.md`, once."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

from analytics.rules.definitions import RATES
from analytics.rules.facts import Basis, DealFacts, HandoffFacts
from analytics.rules.figure import DEFINITIONS, Figure, Figures
from analytics.rules.periods import DAY_MICROSECONDS
from analytics.rules.selection import STAGE_SETS, Selection, churn_months, weight
from analytics.rules.speed import STEPS, answer_steps, answer_summary, bottleneck, finished_times, step_summary
from analytics.rules.statistics import P50, percentile_cont, printed, ratio, wilson

ENOUGH_ENDED = 12
"""Customers that must have ended before observed churn replaces the workspace's assumption."""


class Builder:
    """Collects the figures of one basis of one selection, in the order they are shown."""

    def __init__(self, selection: Selection, basis: Basis) -> None:
        self.selection, self.basis, self.conventions = selection, basis, selection.conventions
        self.figures: Figures = {}

    def rows(self, name: str) -> list[Any]:
        """The facts of a set of this basis."""
        return self.selection.rows(self.basis, name)

    def figure(self, key: str, value: Any, **parts: Any) -> Figure:
        """A figure with its definition filled in; not yet added."""
        about = DEFINITIONS[key]
        return Figure(
            key=key,
            value=value,
            unit=parts.pop("unit", about.unit.format(currency=self.conventions.currency)),
            n=parts.pop("n", None),
            numerator=parts.pop("numerator", None),
            denominator=parts.pop("denominator", None),
            interval=parts.pop("interval", None),
            maturity=None,
            definition=about.text,
            as_of=self.conventions.as_of_text,
            **parts,
        )

    def count(self, key: str, rows: str | None = None) -> int:
        """A count of a set."""
        n = len(self.rows(rows or DEFINITIONS[key].numerator))
        self.figures[key] = self.figure(key, n, n=n, exact=Fraction(n))
        return n

    def number(
        self,
        key: str,
        value: Fraction | None,
        *,
        numerator: Fraction | Decimal | None = None,
        denominator: Any = None,
        n: int | None = None,
        note: str | None = None,
    ) -> Fraction | None:
        """Money or a ratio, printed with the decimals of its definition."""
        shown = denominator if isinstance(denominator, int) else printed(denominator, 2)
        self.figures[key] = self.figure(
            key,
            printed(value, DEFINITIONS[key].decimals),
            n=n,
            numerator=printed(numerator, 2),
            denominator=shown,
            warnings=(note,) if note else (),
            exact=value,
        )
        return value

    def rate_figure(self, key: str, numerator: int, denominator: int) -> Figure:
        """A share of cases with its interval; None of none."""
        share = ratio(numerator, denominator)
        return self.figure(
            key,
            None if share is None else numerator / denominator,
            n=denominator,
            numerator=numerator,
            denominator=denominator,
            interval=wilson(numerator, denominator),
            exact=share,
        )

    def rate(self, key: str) -> Fraction | None:
        """The share of its definition's sets."""
        about = DEFINITIONS[key]
        figure = self.rate_figure(key, len(self.rows(about.numerator)), len(self.rows(about.denominator)))
        self.figures[key] = figure
        return figure.exact

    def duration_figure(self, key: str, summary: dict[str, Any]) -> Figure:
        """A summary of times as a figure; numerator and denominator are the finished and all."""
        finished = summary["finished"]
        total = finished + summary["waiting"] if "waiting" in summary else None
        return self.figure(key, summary, n=finished, numerator=finished, denominator=total)

    def shared(self) -> None:
        """The figures that both bases have."""
        self.rate("in_icp")
        accepted, rejected = (
            Counter(one.kind for one in self.rows(f"handoffs_{end}")) for end in ("accepted", "rejected")
        )
        self.figures["acceptance"] = {
            kind: self.rate_figure("acceptance", accepted[kind], accepted[kind] + rejected[kind])
            for kind in sorted({*accepted, *rejected})
        }
        self.figures["reject_reasons"] = self.figure(
            "reject_reasons", _reasons(self.rows("handoffs_rejected")), n=sum(rejected.values())
        )
        self.count("meetings_held")
        self.rate("meeting_show_rate")
        captured = self.rows("captured")
        for key, business in (("speed_to_lead_minutes", False), ("speed_to_lead_business_minutes", True)):
            self.figures[key] = self.duration_figure(key, answer_summary(captured, self.conventions, business=business))
        self.figures["speed_to_lead_steps"] = {
            step: self.duration_figure("speed_to_lead_steps", summary)
            for step, summary in answer_steps(captured).items()
        }
        self.rate("answered_within_5_minutes")
        self.rate("sla_hit_rate")
        self.count("undated")


def _reasons(rejected: list[HandoffFacts]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (kind, reason), count in sorted(Counter((one.kind, one.reason or "not stated") for one in rejected).items()):
        table.setdefault(kind, {})[reason] = count
    return table


def period_figures(selection: Selection) -> Figures:
    """Every figure of the period basis."""
    made = Builder(selection, "period")
    counts = {name: made.count(name) for name in STAGE_SETS.values()}
    gross_margin = selection.conventions.gross_margin
    lines, media = made.rows("spend_lines"), made.rows("spend_media")
    spend, spend_media = selection.total_spend(lines), selection.total_spend(media)
    made.number("spend", spend, n=len(lines))
    # By a dimension that spend does not carry, a cost per row would be invented: null, not 0.
    costed = spend if selection.spend_attributed else None
    costed_media = spend_media if selection.spend_attributed else None
    costs = {}
    for key, name in (
        ("cpl", "leads"),
        ("cpmql", "mqls"),
        ("cpsql", "sqls"),
        ("cpo", "opportunities"),
        ("cac", "customers"),
    ):
        n = counts[name]
        costs[key] = made.number(key, ratio(costed, n), numerator=costed, denominator=n, n=n)
    created, qualified, won = made.rows("deals_created"), made.rows("deals_qualified"), made.rows("deals_won")
    pipeline, qualified_pipeline = selection.total_value(created), selection.total_value(qualified)
    revenue = selection.total_value(won)
    made.number("pipeline_value", pipeline, n=len(created))
    made.number("revenue_won", revenue, n=len(won))
    made.number("pipeline_per_spend", ratio(pipeline, costed), numerator=pipeline, denominator=costed, n=len(created))
    win_rate = made.rate("win_rate")
    made.number(
        "qualified_pipeline_per_spend",
        ratio(qualified_pipeline, costed),
        numerator=qualified_pipeline,
        denominator=costed,
        n=len(qualified),
    )
    made.number("qualified_pipeline_value", qualified_pipeline, n=len(qualified))
    made.number(
        "pipeline_weighted", _weighted(selection, made.rows("deals_weighted")), n=len(made.rows("deals_weighted"))
    )
    profit = None if gross_margin is None or costed is None else revenue * Fraction(gross_margin) - costed
    made.number("roi", ratio(profit, costed), numerator=profit, denominator=costed, n=len(won))
    _value(made, costs["cpl"], costs["cac"])
    made.number("pipeline_velocity", _velocity(made, counts["opportunities"], win_rate), n=len(created))
    made.number("spend_media", spend_media, n=len(media))
    made.number(
        "spend_awareness", selection.total_spend(made.rows("spend_awareness")), n=len(made.rows("spend_awareness"))
    )
    for key, name in (
        ("cpl", "leads"),
        ("cpmql", "mqls"),
        ("cpsql", "sqls"),
        ("cpo", "opportunities"),
        ("cac", "customers"),
    ):
        n = counts[name]
        made.number(f"{key}_media", ratio(costed_media, n), numerator=costed_media, denominator=n, n=n)
    made.shared()
    held = len(made.rows("meetings_held"))
    made.number("cost_per_held_meeting", ratio(costed, held), numerator=costed, denominator=held, n=held)
    made.count("undated_deals")
    return made.figures


def _weighted(selection: Selection, deals: list[DealFacts]) -> Fraction:
    return sum(
        (
            Fraction(deal.value) * Fraction(weight(deal) or 0)
            for deal in deals
            if deal.value is not None and not selection.foreign(deal)
        ),
        Fraction(0),
    )


def _velocity(made: Builder, opportunities: int, win_rate: Fraction | None) -> Fraction | None:
    selection = made.selection
    valued = [deal for deal in made.rows("deals_created") if deal.value is not None and not selection.foreign(deal)]
    mean_value = ratio(selection.total_value(valued), len(valued))
    cycle = percentile_cont(finished_times(made.rows("customers"), ("lead", "customer"), made.conventions), P50)
    if mean_value is None or win_rate is None or cycle is None or cycle <= 0:
        return None
    return opportunities * win_rate * mean_value * DAY_MICROSECONDS / cycle


def _value(made: Builder, cpl: Fraction | None, cac: Fraction | None) -> None:
    """ARPA, churn, lifetime value and payback."""
    selection, conventions = made.selection, made.conventions
    margin = None if conventions.gross_margin is None else Fraction(conventions.gross_margin)

    def recurring(name: str) -> list[Decimal]:
        return [one.mrr for one in made.rows(name)]

    active = recurring("customers_recurring")
    revenue = Fraction(sum(active, Decimal(0)))
    arpa = made.number("arpa", ratio(revenue, len(active)), numerator=revenue, denominator=len(active), n=len(active))
    months = churn_months(selection)
    observed = ratio(sum((Fraction(len(ended), len(present)) for present, ended in months), Fraction(0)), len(months))
    made.number("churn_observed", observed, n=len(made.rows("customers_churned")))
    made.count("customers_active")
    ended = made.count("customers_ended")
    note, churn = None, observed
    if ended < ENOUGH_ENDED:
        churn = None if conventions.assumed_churn is None else Fraction(conventions.assumed_churn)
        stated = "the workspace states none" if churn is None else f"{printed(churn, 6)} a month"
        note = (
            f"Assumption, not observed: only {ended} of {ENOUGH_ENDED} customers have ended. Assumed churn: {stated}."
        )
    made.number("churn", churn, n=ended, note=note)
    for suffix, share, remark in (("_observed", observed, None), ("", churn, note)):
        lifetime = ratio(arpa, share)
        value = None if lifetime is None or margin is None else lifetime * margin
        n = len(active)
        made.number(f"clv{suffix}", value, n=n, note=remark)
        made.number(f"clv_revenue{suffix}", lifetime, n=n, note=remark)
        made.number(f"clv_cac{suffix}", ratio(value, cac), numerator=value, denominator=cac, n=n, note=remark)
        made.number(f"clv_cpl{suffix}", ratio(value, cpl), numerator=value, denominator=cpl, n=n, note=remark)
    fresh = recurring("customers_new_recurring")
    monthly = ratio(Fraction(sum(fresh, Decimal(0))), len(fresh))
    earned = None if monthly is None or margin is None else monthly * margin
    made.number("cac_payback_months", ratio(cac, earned), numerator=cac, denominator=earned, n=len(fresh))


def cohort_figures(selection: Selection) -> Figures:
    """Every figure of the cohort basis."""
    made = Builder(selection, "cohort")
    for name in STAGE_SETS.values():
        made.count(name)
    for key in RATES:
        made.rate(key)
    velocity = step_summary(selection, ("mql", "sql"))
    cycle = step_summary(selection, ("lead", "customer"))
    made.figures["mql_to_sql_days"] = made.duration_figure("mql_to_sql_days", velocity)
    won = {key: cycle[key] for key in ("median", "mean", "p90", "finished")}
    made.figures["sales_cycle_days"] = made.duration_figure("sales_cycle_days", won)
    stages = {f"{earlier}_to_{later}": step_summary(selection, (earlier, later)) for earlier, later in STEPS}
    made.figures["bottleneck"] = made.figure("bottleneck", bottleneck(stages), n=len(made.rows("leads")))
    stages["lead_to_customer"] = cycle
    made.figures["stage_days"] = {name: made.duration_figure("stage_days", one) for name, one in stages.items()}
    for key in ("disqualified", "recycled", "lost"):
        made.count(key)
    made.shared()
    return made.figures
