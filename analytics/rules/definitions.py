"""The dictionary of figures: what each number is called, means and is made of. Page, API and export read this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analytics.rules.definition import Definition, cost, count, money, rate, ratio

_STAGES = (
    ("leads", "Leads", "lead"),
    ("mqls", "MQLs", "mql"),
    ("accepted", "Accepted", "accepted"),
    ("sqls", "SQLs", "sql"),
    ("opportunities", "Opportunities", "opportunity"),
    ("customers", "Customers", "customer"),
)
_COSTS = (
    ("cpl", "Cost per lead", "lead", "leads"),
    ("cpmql", "Cost per MQL", "MQL", "mqls"),
    ("cpsql", "Cost per SQL", "SQL", "sqls"),
    ("cpo", "Cost per opportunity", "opportunity", "opportunities"),
    ("cac", "Customer acquisition cost", "customer", "customers"),
)
_CONVERSIONS = (
    ("lead_to_mql", "Lead conversion rate", "lead", "mql"),
    ("mql_to_accepted", "MQL to accepted", "mql", "accepted"),
    ("accepted_to_sql", "Accepted to SQL", "accepted", "sql"),
    ("sql_to_opportunity", "SQL to opportunity", "sql", "opportunity"),
    ("opportunity_to_customer", "Opportunity to customer", "opportunity", "customer"),
    ("lead_to_close", "Lead to close", "lead", "customer"),
    ("mql_to_sql", "MQL to SQL", "mql", "sql"),
    ("lead_to_opportunity", "Lead to opportunity", "lead", "opportunity"),
)
RATES: Final = tuple(key for key, *_ in _CONVERSIONS)
"""Keys of the cohort's stage conversions."""

_SPREAD = "each line spread evenly over its days, both ends counted, cut to the period."
_CHURN = (
    "Per calendar month: customers present at its start that ended in it / customers present at its start; plain mean "
    "over the 12 months that end at the first of the month holding the period's end; months without customers are skipped."
)
_ASSUMED = "the observed one, or the workspace's assumption, labelled so, while fewer than 12 customers ended"
_CHURNED = ("customers_churned", "customers_present")
_FINISHED = (
    "median, mean and p90 of the finished ones; Kaplan-Meier median with the waiting ones censored (those that left, when "
    "they left); waiting counts those not finished, including those that left."
)


def _volume() -> Iterator[Definition]:
    for key, label, stage in _STAGES:
        text = (
            f"Period: leads whose first entry into the stage {stage} lies in the period. "
            "Cohort: leads opened in the period that ever entered it."
        )
        yield count(key, label, text, basis="both", steps=None if stage == "lead" else ("lead", stage))
    text = "Spend with purpose leads, all kinds (fully loaded): "
    yield money("spend", "Spend", text + _SPREAD, "spend_lines", better="neither")
    text = "Spend with purpose leads, of kind media: "
    yield money("spend_media", "Spend, media only", text + _SPREAD, "spend_media", better="neither")
    text = "Spend with another purpose than leads, part of no cost figure: "
    yield money("spend_awareness", "Awareness spend", text + _SPREAD, "spend_awareness", better="neither")
    for key, label, per, rows in _COSTS:
        yield cost(key, label, per, rows)
    for key, label, per, rows in _COSTS:
        yield cost(f"{key}_media", f"{label}, media only", per, rows, spend="spend_media")


def _pipeline() -> Iterator[Definition]:
    text = "Sum of total contract value of the deals created in the period."
    yield money("pipeline_value", "Pipeline created", text, "deals_created")
    text = "Sum of total contract value of the deals created in the period whose lead entered SQL."
    yield money("qualified_pipeline_value", "Qualified pipeline created", text, "deals_qualified")
    text = "Value of the deals created in the period times the probability of their stage (won 1, lost 0)."
    yield money("pipeline_weighted", "Weighted pipeline created", text, "deals_weighted")
    text = "Pipeline value / spend, both of the period."
    yield ratio("pipeline_per_spend", "Pipeline per spend", "ratio", text, ("deals_created", "spend_lines"))
    text = "Pipeline value of the deals whose lead entered SQL / spend, both of the period."
    rows = ("deals_qualified", "spend_lines")
    yield ratio("qualified_pipeline_per_spend", "Qualified pipeline per spend", "ratio", text, rows)
    text = "Sum of total contract value of the deals won in the period."
    yield money("revenue_won", "Revenue won", text, "deals_won")
    text = "(Revenue won x gross margin - spend) / spend."
    yield ratio("roi", "Return on spend", "ratio", text, ("deals_won", "spend_lines"))
    text = "Won / (won + lost) deals closed in the period"
    yield rate("win_rate", "Win rate", text, ("deals_won", "deals_closed"))
    text = "Opportunities x win rate x mean deal value / median sales cycle in days of the leads won in the period."
    rows = ("deals_created", "customers")
    yield ratio("pipeline_velocity", "Pipeline velocity", "{currency} per day", text, rows)


def _value() -> Iterator[Definition]:
    text = "Customers that started before the end of the period and had not ended by then."
    yield count("customers_active", "Active customers", text)
    text = "Customers that ended at any time before the end of the period."
    yield count("customers_ended", "Customers ended", text, better="lower")
    text = "Recurring revenue a month of the customers active at the end of the period / their number."
    rows = ("customers_recurring", "customers_recurring")
    yield ratio("arpa", "ARPA", "{currency} per customer and month", text, rows)
    unit = "share per month"
    yield ratio("churn_observed", "Churn, observed", unit, _CHURN, _CHURNED, decimals=6, better="lower")
    yield ratio("churn", "Churn", unit, f"Churn: {_ASSUMED}. {_CHURN}", _CHURNED, decimals=6, better="lower")
    rows = ("customers_recurring", "spend_lines")
    for suffix, label, note in (("_observed", ", observed", "churn as observed"), ("", "", _ASSUMED)):
        churn = f"(churn: {note}; null where it is 0)."
        text = f"ARPA x gross margin / churn {churn}"
        yield money(f"clv{suffix}", f"Customer lifetime value{label}, margin", text, rows[0], "customers_churned")
        text = f"ARPA / churn {churn}"
        key = f"clv_revenue{suffix}"
        yield money(key, f"Customer lifetime value{label}, revenue", text, rows[0], "customers_churned")
        yield ratio(f"clv_cac{suffix}", f"CLV : CAC{label}", "ratio", f"Margin CLV / CAC {churn}", rows)
        yield ratio(f"clv_cpl{suffix}", f"CLV : CPL{label}", "ratio", f"Margin CLV / CPL {churn}", rows)
    text = "CAC / (mean recurring revenue a month of the customers won in the period x gross margin)."
    rows = ("spend_lines", "customers_new_recurring")
    yield ratio("cac_payback_months", "CAC payback", "months", text, rows, better="lower")


def _quality() -> Iterator[Definition]:
    text = "Leads with fit grade A or B / leads with a known grade"
    yield rate("in_icp", "In-ICP share", text, ("in_icp", "graded"), basis="both")
    yield Definition(
        "acceptance",
        "Acceptance",
        "share",
        "Per kind of hand-off: accepted / (accepted + rejected); Wilson 95 % interval. Period: decided in it; cohort: of its "
        "leads.",
        "breakdown",
        basis="both",
        numerator="handoffs_accepted",
        denominator="handoffs_decided",
    )
    yield Definition(
        "reject_reasons",
        "Reject reasons",
        "hand-offs",
        "Rejected hand-offs by kind and reason.",
        "table",
        basis="both",
        better="lower",
        numerator="handoffs_rejected",
    )
    yield count("meetings_held", "Meetings held", "Meetings held in the period (cohort: by its leads).", basis="both")
    text = "Meetings held / (held + no-show)"
    yield rate("meeting_show_rate", "Meeting show rate", text, ("meetings_held", "meetings_due"), basis="both")
    yield cost("cost_per_held_meeting", "Cost per held meeting", "meeting", "meetings_held")


def _answer() -> Iterator[Definition]:
    split = "The way to the first human touch in parts: captured, deduped, scored, routed, seen, touched."
    for key, label, text, shape in (
        (
            "speed_to_lead_minutes",
            "Speed to lead",
            f"Captured -> first human touch, wall clock: {_FINISHED}",
            "duration",
        ),
        (
            "speed_to_lead_business_minutes",
            "Speed to lead, business hours",
            f"Captured -> first human touch in business hours: {_FINISHED}",
            "duration",
        ),
        ("speed_to_lead_steps", "Speed to lead by step", split, "breakdown"),
    ):
        yield Definition(
            key,
            label,
            "minutes",
            text,
            "duration" if shape == "duration" else "breakdown",
            basis="both",
            better="lower",
            numerator="touched",
            denominator="captured",
        )
    text = "Leads touched by a human within 5 minutes of capture / leads captured at least 5 minutes ago, or touched"
    rows = ("touched_in_5", "due_in_5")
    yield rate("answered_within_5_minutes", "Answered within 5 minutes", text, rows, basis="both")
    text = "Leads touched inside the agreement's SLA / leads due"
    yield rate("sla_hit_rate", "SLA hit rate", text, ("sla_hit", "sla_due"), basis="both")


def _cohort() -> Iterator[Definition]:
    for key, label, earlier, later in _CONVERSIONS:
        text = f"Leads of the cohort that entered {earlier} and {later} / those that entered {earlier}"
        rows = (f"{earlier}>{later}", f"{earlier}>{earlier}")
        yield rate(key, label, text, rows, basis="cohort", steps=(earlier, later))
    won = "Lead opened -> won, of the cohort's customers: median, mean and p90."
    stages = f"From stage to stage and from lead to won, of the cohort: {_FINISHED}"
    velocity = f"First MQL -> first SQL of the cohort: {_FINISHED}"
    for key, label, text, step in (
        ("mql_to_sql_days", "MQL to SQL velocity", velocity, ("mql", "sql")),
        ("sales_cycle_days", "Sales cycle", won, ("lead", "customer")),
        ("stage_days", "Days per stage", stages, ("lead", "customer")),
    ):
        yield Definition(
            key,
            label,
            "days",
            text,
            "breakdown" if key == "stage_days" else "duration",
            basis="cohort",
            better="lower",
            numerator=f"{step[0]}>{step[1]}",
            denominator=f"{step[0]}>{step[0]}",
            steps=step,
        )
    text = "The step with the largest share of the sum of the steps' medians."
    yield Definition(
        "bottleneck", "Bottleneck", "stage", text, "table", basis="cohort", better="lower", numerator="lead>lead"
    )
    for key in ("disqualified", "recycled", "lost"):
        text = f"Leads of the cohort whose last exit is {key}."
        yield count(key, key.capitalize(), text, basis="cohort", better="lower")


def _undated() -> Iterator[Definition]:
    text = "Leads without any date: they lie in no period and are shown so that nothing is dropped silently."
    yield count("undated", "Undated", text, basis="both", better="lower")
    text = "Deals without a date of creation or closing: in no period, shown so that nothing is dropped silently."
    yield count("undated_deals", "Undated deals", text, better="lower")


DEFINITIONS: Final[dict[str, Definition]] = {
    entry.key: entry
    for entries in (_volume, _pipeline, _value, _quality, _answer, _cohort, _undated)
    for entry in entries()
}
"""key -> Definition, in the order figures are shown."""
