"""The parts of the funnel page, each a plain value for its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.urls import reverse

from analytics.rules.ask import Ask
from analytics.rules.benchmarks import benchmarks_for, caution
from analytics.rules.facts import Basis
from analytics.rules.figure import Figure
from analytics.rules.report import SPEND_KEYS, Report
from analytics.rules.statistics import wilson
from analytics.views.present import Shown, cautions, duration, mapped_labels, show
from leadgen.core.templatetags.ui_text import money, number, percent

STAGES = (
    ("leads", "Leads", "", ""),
    ("mqls", "MQL", "lead_to_mql", "lead_to_mql"),
    ("accepted", "Accepted", "mql_to_accepted", "mql_to_accepted"),
    ("sqls", "SQL", "accepted_to_sql", "accepted_to_sql"),
    ("opportunities", "Opportunity", "sql_to_opportunity", "sql_to_opportunity"),
    ("customers", "Customer", "opportunity_to_customer", "opportunity_to_customer"),
)
STEP_WORDS = {
    "lead_to_mql": "Lead to MQL", "mql_to_accepted": "MQL to accepted", "accepted_to_sql": "Accepted to SQL",
    "sql_to_opportunity": "SQL to opportunity", "opportunity_to_customer": "Opportunity to customer",
    "lead_to_customer": "Lead to customer",
}  # fmt: skip
HANDOFFS = {"marketing_to_sdr": "Marketing to SDR", "sdr_to_ae": "SDR to AE"}
COSTS = (
    ("cpl", "CPL"), ("cpmql", "CPMQL"), ("cpsql", "CPSQL"), ("cac", "CAC"), ("clv", "CLV"), ("clv_cac", "CLV : CAC"),
    ("cac_payback_months", "Payback, months"),
)  # fmt: skip
VALUES = (
    ("revenue_won", "Revenue won"), ("roi", "Return on spend"), ("win_rate", "Win rate"), ("pipeline_value", "Pipeline created"),
    ("pipeline_weighted", "Weighted pipeline"), ("pipeline_velocity", "Pipeline velocity"), ("customers_active", "Active customers"),
    ("arpa", "ARPA, a month"), ("churn", "Churn, a month"), ("clv", "CLV, margin"), ("clv_revenue", "CLV, revenue"),
    ("spend_media", "Spend, media only"), ("cpl_media", "CPL, media only"),
)  # fmt: skip
ANSWERS = (
    ("speed_to_lead_business_minutes", "Speed to lead, business hours"), ("answered_within_5_minutes", "Answered within 5 minutes"),
    ("sla_hit_rate", "SLA kept"), ("meetings_held", "Meetings held"), ("meeting_show_rate", "Meeting show rate"),
)  # fmt: skip
BENCHMARKED = ("cpl", "lead_to_close", "accepted_to_sql", "win_rate", "sales_cycle_days", "cac_payback_months")
SMALL, INSIDE = 30, 14.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A stage: `width`, `low`, `high` in percent of the leads; `step` is the rate from the stage above."""

    label: str
    count: str
    overall: str
    width: float
    low: float | None
    high: float | None
    hatched: bool
    pale: bool
    inside: bool
    spoken: str
    href: str
    step: Shown | None = None
    times: str = ""
    mature: str = ""
    stayed: int = 0
    stayed_href: str = ""
    skipped: bool = False


@dataclass
class Parts:
    """Makes the parts of one report. `sees_spend`: figures that tell what was spent are left out where it is False."""

    report: Report
    ask: Ask
    slug: str
    currency: str
    sees_spend: bool
    owners: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def rows_url(self) -> str:
        return reverse("funnel_rows", args=[self.slug])

    def rows(self, key: str, of: Basis, **more: str | None) -> str:
        """Where the rows behind a figure are."""
        return self.rows_url + self.ask.address(key=key, of=of, **more)

    def hidden(self, key: str) -> bool:
        return not self.sees_spend and key in SPEND_KEYS

    def figure(self, key: str, of: Basis, **options: Any) -> Shown | None:
        """A figure of this report with its comparison and its rows; None where this reader may not see it."""
        found = self.report.figures[of].get(key)
        if self.hidden(key) or not isinstance(found, Figure):
            return None
        before = self.report.previous[of].get(key)
        options.setdefault("note", self._note(found))
        shown = show(found, currency=self.currency, href=self.rows(key, of), before=before, **options)
        if key in SPEND_KEYS and not self.report.total.rows("period", "spend_lines"):
            # 0 is what the definition gives; nobody should take it for cheap.
            return replace(shown, flags=(*shown.flags, "no spend recorded"), unknown=True)
        return shown

    def _note(self, figure: Figure) -> str:
        """The line below a number: what was divided by what."""
        period = self.report.figures["period"]
        key = figure.key
        if key in ("cpl", "cpmql", "cpsql", "cpo", "cac"):
            noun = figure.about.denominator
            return f"{money(figure.numerator, self.currency)} / {number(figure.denominator)} {_noun(noun, figure.denominator)}"
        if key == "clv":
            churn, arpa = period["churn"], period["arpa"]
            if (
                isinstance(churn, Figure)
                and isinstance(arpa, Figure)
                and churn.value is not None
                and arpa.value is not None
            ):
                assumed = ", assumed" if churn.warnings and churn.warnings[0].startswith("Assumption") else ""
                margin = percent(self.report.conventions.gross_margin, 0)
                return f"{money(arpa.value, self.currency)} × {margin} / {percent(churn.value)} churn{assumed}"
            return ""
        if key == "clv_cac":
            return "margin CLV / CAC" if figure.value is not None else ""
        if key == "cac_payback_months":
            return f"{number(figure.n)} new with recurring revenue" if figure.n else "no new recurring revenue"
        if key == "qualified_pipeline_per_spend" and figure.denominator is not None:
            left, right = money(figure.numerator, self.currency), money(figure.denominator, self.currency)
            return f"{left} qualified pipeline / {right} spend"
        if figure.is_rate and figure.denominator is not None:
            return f"{number(figure.numerator)} of {number(figure.denominator)}"
        return ""

    def headline(self) -> dict[str, Any]:
        """Pipeline per spend first, then acceptance, speed to lead and in-ICP share."""
        of: Basis = self.ask.basis
        first = self.figure("qualified_pipeline_per_spend", "period", label="Qualified pipeline per unit of spend")
        if first is None:
            first = self.figure("qualified_pipeline_value", "period", label="Qualified pipeline created")
        speed = self.report.figures[of]["speed_to_lead_minutes"]
        within = self.report.figures[of]["answered_within_5_minutes"]
        sla = self.report.figures[of]["sla_hit_rate"]
        words = []
        if isinstance(within, Figure) and within.value is not None:
            words.append(f"{percent(within.value, 0)} within 5 min")
        if isinstance(sla, Figure) and sla.value is not None:
            words.append(f"SLA kept {percent(sla.value, 0)}")
        if isinstance(speed, Figure) and isinstance(speed.value, dict):
            words.append(f"{number(speed.value['waiting'])} untouched" if speed.value["waiting"] else "none untouched")
            if not speed.value["finished"] and not speed.value["waiting"]:
                words = ["no inbound leads in the period"]
        return {
            "first": first,
            "acceptance": self._acceptance(of),
            "speed": self.figure("speed_to_lead_minutes", of, label="Speed to lead, median", note=", ".join(words)),
            "in_icp": self.figure("in_icp", of, label="In-ICP share", note=self._graded(of)),
        }

    def _graded(self, of: Basis) -> str:
        share = self.report.figures[of]["in_icp"]
        if isinstance(share, Figure) and share.denominator:
            return f"{number(share.numerator)} of {number(share.denominator)} graded leads are A or B"
        return "no graded lead: publish an ICP"

    def _acceptance(self, of: Basis) -> list[tuple[str, Shown]]:
        found, before = self.report.figures[of]["acceptance"], self.report.previous[of]["acceptance"]
        assert isinstance(found, dict)
        return [
            (
                HANDOFFS.get(kind, kind),
                show(
                    figure,
                    currency=self.currency,
                    href=self.rows("acceptance", of, part=kind),
                    label=f"Acceptance, {HANDOFFS.get(kind, kind)}",
                    note=f"{number(figure.numerator)} of {number(figure.denominator)} decided",
                    before=before.get(kind) if isinstance(before, dict) else None,
                    part=kind,
                ),
            )
            for kind, figure in found.items()
        ]

    def costs(self) -> list[Shown]:
        """The cost strip."""
        found = [shown for key, label in COSTS if (shown := self.figure(key, "period", label=label)) is not None]
        return [replace(one, text=one.text.removesuffix(" months")) for one in found]

    def answers(self) -> list[Shown]:
        """How fast people are answered and met."""
        split = self.report.figures[self.ask.basis]["speed_to_lead_steps"]
        href = self.rows("speed_to_lead_minutes", self.ask.basis)
        ways = [
            show(one, currency=self.currency, href=href, label=part.replace("_", " ").capitalize(), part=part)
            for part, one in (split.items() if isinstance(split, dict) else ())
            if one.value["median"] is not None
        ]
        found = [
            self.figure("mql_to_sql_days", "cohort", label="MQL to SQL, median"),
            self.figure("sales_cycle_days", "cohort", label="Sales cycle, median"),
            *ways,
            *(self.figure(key, self.ask.basis, label=label) for key, label in ANSWERS),
            self.figure("cost_per_held_meeting", "period"),
        ]
        return [shown for shown in found if shown is not None]

    def values(self) -> list[Shown]:
        """Revenue, value of a customer and what it rests on."""
        return [shown for key, label in VALUES if (shown := self.figure(key, "period", label=label)) is not None]

    def bars(self) -> list[Bar]:
        """The stages from lead to customer."""
        of: Basis = self.ask.basis
        figures, cohort = self.report.figures[of], self.report.figures["cohort"]
        counts = {key: _count(figures[key]) for key, *_ in STAGES}
        top = max(counts.values(), default=0)
        leads = counts["leads"]
        found = []
        for place, (key, label, rate_key, step_key) in enumerate(STAGES):
            count = counts[key]
            # Later stages were entered and this one never: the history does not know it.
            skipped = count == 0 and any(counts[later] for later, *_ in STAGES[place + 1 :])
            width = round(100 * count / top, 2) if top else 0.0
            share = wilson(count, leads) if of == "cohort" and key != "leads" and count else None
            rate = cohort[rate_key] if rate_key and of == "cohort" else None
            step = times = None
            pale = hatched = False
            stayed, mature = 0, ""
            if isinstance(rate, Figure):
                step = show(
                    rate, currency=self.currency, href=self.rows(rate_key, "cohort"), label=STEP_WORDS[rate_key]
                )
                hatched = bool(rate.denominator) and rate.denominator < SMALL
                pale = step.immature and not hatched
                stayed = (rate.denominator or 0) - (rate.numerator or 0)
                times = self._times(step_key)
                if step.immature and rate.maturity is not None:
                    mature = f"{percent(rate.maturity, 0)} of this cohort is old enough"
            elif key == "leads":
                hatched = 0 < count < SMALL
            overall = percent(count / leads) if leads and key != "leads" and of == "cohort" else ""
            spoken = f"{label}: {number(count)}" + (f", {overall} of {number(leads)} leads" if overall else "")
            found.append(
                Bar(
                    label=label, count=number(count), overall=overall, width=width,
                    low=round(share[0] * 100, 2) if share else None, high=round(share[1] * 100, 2) if share else None,
                    hatched=hatched, pale=pale, inside=width >= INSIDE and not hatched and not pale, spoken=spoken,
                    href=self.rows(key, of), step=step, times=times or "", mature=mature, stayed=stayed,
                    stayed_href=self.rows(rate_key, "cohort", set="rest") if stayed else "", skipped=skipped,
                )
            )  # fmt: skip
        return found

    def _times(self, step: str) -> str:
        """The times of one step: median of the finished, the Kaplan-Meier one where it differs, p90."""
        days = self.report.figures["cohort"]["stage_days"]
        figure = days.get(step) if isinstance(days, dict) else None
        if figure is None or figure.value["median"] is None:
            return ""
        parts = [f"median {duration(figure.value['median'])}"]
        if (waited := figure.value["km_median"]) is not None and duration(waited) != duration(figure.value["median"]):
            parts[0] += f" (with those waiting {duration(waited)})"
        parts.append(f"p90 {duration(figure.value['p90'])}")
        return ", ".join(parts)

    def velocity(self) -> list[dict[str, Any]]:
        """Each step's times, the bottleneck marked."""
        days = self.report.figures["cohort"]["stage_days"]
        slowest = self.report.figures["cohort"]["bottleneck"]
        worst = slowest.value if isinstance(slowest, Figure) else None
        assert isinstance(days, dict)
        return [
            {
                "label": STEP_WORDS[step],
                "finished": figure.value["finished"],
                "waiting": figure.value["waiting"],
                "median": duration(figure.value["median"]),
                "km": duration(figure.value["km_median"]),
                "p90": duration(figure.value["p90"]),
                "href": self.rows("stage_days", "cohort", part=step),
                "bottleneck": percent(worst["share"], 0) if worst and worst["step"] == step else "",
            }
            for step, figure in days.items()
        ]

    def table(self) -> list[dict[str, Any]]:
        """A row for each value of the chosen breakdown; its links open the rows of that value alone."""
        found = []
        for key, figures in self.report.by(self.ask.by):
            cells = {}
            for name, of in (
                ("leads", "period"), ("cpl", "period"), ("lead_to_mql", "cohort"),
                ("lead_to_close", "cohort"), ("pipeline_value", "period"), ("qualified_pipeline_per_spend", "period"),
            ):  # fmt: skip
                figure = figures[of][name]  # type: ignore[index]  # a Basis
                if isinstance(figure, Figure) and not self.hidden(name):
                    more = {} if self.ask.by == "month" else {self.ask.by: key}
                    href = self.rows(name, of, **more)  # type: ignore[arg-type]  # a Basis
                    cells[name] = show(figure, currency=self.currency, href=href, part=key)
                    if name == "cpl" and not figures["period"]["spend"].n:  # type: ignore[union-attr]  # no split figure
                        cells[name] = replace(cells[name], unknown=True)  # 0 of no spend line is not cheap
            where = {**self.ask.where, self.ask.by: key}
            found.append(
                {
                    "key": key,
                    "label": mapped_labels(self.ask.by, self.owners, self.channels, key),
                    "unknown": key in ("unknown", "undated"),
                    "url": "" if self.ask.by == "month" else self.ask.changed(where=where),
                    "cells": cells,
                }
            )
        return found

    def benchmarks(self) -> list[dict[str, Any]]:
        """Published figures beside our own, each with its source and a caution where it is another's."""
        found = []
        for key in BENCHMARKED:
            of: Basis = "cohort" if key in ("lead_to_close", "accepted_to_sql", "sales_cycle_days") else "period"
            own = self.figure(key, of)
            if own is None:
                continue
            for one in benchmarks_for(key):
                remark = caution(one, currency=self.currency if one.unit == "USD" else "")
                found.append(
                    {
                        "own": own,
                        "text": one.text,
                        "source": one.source,
                        "caution": remark or "",
                        "plain": not one.industry and bool(one.low),
                    }
                )
        return found

    def cautions(self) -> list[str]:
        """What a reader of the whole page should know."""
        period = self.report.figures["period"]
        keys = ["pipeline_value", "revenue_won", "arpa", "pipeline_weighted"]
        if self.sees_spend:
            keys = ["cpl", *keys]
        rates = [self.report.figures["cohort"][key] for key in ("lead_to_mql", "mql_to_sql")]
        return cautions([*(period[key] for key in keys), *rates])


def _count(figure: Any) -> int:
    return int(figure.value) if isinstance(figure, Figure) else 0


def _noun(noun: str, count: int | None) -> str:
    words = {"mqls": "MQLs", "sqls": "SQLs"}.get(noun, noun)
    return words[:-1].replace("opportunitie", "opportunity") if count == 1 else words
