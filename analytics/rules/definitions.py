"""The dictionary of figures: what each number is called, means and is made of. Page, API and export read this one.

`numerator` and `denominator` name the sets of facts behind the figure (see `selection.Selection.rows`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

type Shape = Literal["count", "money", "ratio", "rate", "duration", "breakdown", "table"]


@dataclass(frozen=True, slots=True)
class Definition:
    """One entry. `unit` may hold {currency}; `basis` is where the key appears; `better` which way is good news."""

    key: str
    label: str
    unit: str
    text: str
    shape: Shape
    decimals: int = 0
    basis: Literal["period", "cohort", "both"] = "period"
    better: Literal["higher", "lower", "neither"] = "higher"
    numerator: str = ""
    denominator: str = ""
    steps: tuple[str, str] | None = None


_ENTRIES: list[Definition] = []


def _add(key: str, label: str, unit: str, shape: Shape, text: str, **more: object) -> None:
    _ENTRIES.append(Definition(key, label, unit, text, shape, **more))  # type: ignore[arg-type]  # checked by tests


def _count(key: str, label: str, text: str, **more: object) -> None:
    _add(key, label, key.replace("_", " "), "count", text, **({"numerator": key} | more))


def _money(key: str, label: str, text: str, rows: str, **more: object) -> None:
    _add(key, label, "{currency}", "money", text, **({"decimals": 2, "numerator": rows} | more))


def _cost(key: str, label: str, per: str, rows: str, *, of: str = "spend_lines", spend: str = "spend") -> None:
    text = f"{spend} / {rows.replace('_', ' ')}, both of the period"
    _add(key, label, f"{{currency}} per {per}", "ratio", text, decimals=4, better="lower", numerator=of, denominator=rows)


def _rate(key: str, label: str, text: str, numerator: str, denominator: str, **more: object) -> None:
    text += "; Wilson 95 % interval"
    _add(key, label, "share", "rate", text, **({"numerator": numerator, "denominator": denominator} | more))


for _key, _label, _stage in (
    ("leads", "Leads", "lead"),
    ("mqls", "MQLs", "mql"),
    ("accepted", "Accepted", "accepted"),
    ("sqls", "SQLs", "sql"),
    ("opportunities", "Opportunities", "opportunity"),
    ("customers", "Customers", "customer"),
):
    _count(
        _key,
        _label,
        f"Period: leads whose first entry into the stage {_stage} lies in the period. "
        f"Cohort: leads opened in the period that ever entered it.",
        basis="both",
        steps=None if _stage == "lead" else ("lead", _stage),
    )

_SPREAD = "each line spread evenly over its days, both ends counted, cut to the period"
_money("spend", "Spend", f"Spend with purpose leads, all kinds (fully loaded): {_SPREAD}.", "spend_lines", better="neither")
_money("spend_media", "Spend, media only", f"Spend with purpose leads of kind media: {_SPREAD}.", "spend_media", better="neither")
_money("spend_awareness", "Awareness spend", f"Spend with another purpose than leads, in no cost figure: {_SPREAD}.", "spend_awareness", better="neither")
for _suffix, _note, _of in (("", "spend", "spend_lines"), ("_media", "media spend", "spend_media")):
    _tail = ", media only" if _suffix else ""
    _cost(f"cpl{_suffix}", f"Cost per lead{_tail}", "lead", "leads", of=_of, spend=_note)
    _cost(f"cpmql{_suffix}", f"Cost per MQL{_tail}", "MQL", "mqls", of=_of, spend=_note)
    _cost(f"cpsql{_suffix}", f"Cost per SQL{_tail}", "SQL", "sqls", of=_of, spend=_note)
    _cost(f"cpo{_suffix}", f"Cost per opportunity{_tail}", "opportunity", "opportunities", of=_of, spend=_note)
    _cost(f"cac{_suffix}", f"Customer acquisition cost{_tail}", "customer", "customers", of=_of, spend=_note)
_money("pipeline_value", "Pipeline created", "Sum of total contract value of the deals created in the period.", "deals_created")
_money("qualified_pipeline_value", "Qualified pipeline created", "The same over deals whose lead entered SQL.", "deals_qualified")
_money("pipeline_weighted", "Weighted pipeline created", "Value of the deals created in the period times the probability of their stage (won 1, lost 0).", "deals_weighted")
_add("pipeline_per_spend", "Pipeline per spend", "ratio", "ratio", "Pipeline value / spend, both of the period.", decimals=4, numerator="deals_created", denominator="spend_lines")
_add("qualified_pipeline_per_spend", "Qualified pipeline per spend", "ratio", "ratio", "Pipeline value of deals whose lead entered SQL / spend, both of the period.", decimals=4, numerator="deals_qualified", denominator="spend_lines")
_money("revenue_won", "Revenue won", "Sum of total contract value of the deals won in the period.", "deals_won")
_add("roi", "Return on spend", "ratio", "ratio", "(Revenue won x gross margin - spend) / spend.", decimals=4, numerator="deals_won", denominator="spend_lines")
_rate("win_rate", "Win rate", "Won / (won + lost) deals closed in the period", "deals_won", "deals_closed")
_add("pipeline_velocity", "Pipeline velocity", "{currency} per day", "ratio", "Opportunities x win rate x mean deal value / median sales cycle in days of the leads won in the period: money a day.", decimals=4, numerator="deals_created", denominator="customers")

_count("customers_active", "Active customers", "Customers that started before the end of the period and had not ended by then.", better="higher")
_count("customers_ended", "Customers ended", "Customers that ended at any time before the end of the period.", better="lower")
_ARPA = "Recurring revenue a month of the customers active at the end of the period"
_add("arpa", "ARPA", "{currency} per customer and month", "ratio", f"{_ARPA} / their number.", decimals=4, numerator="customers_active", denominator="customers_active")
_CHURN = (
    "Per calendar month: customers present at its start that ended in it / customers present at its start; plain mean over "
    "the 12 months that end at the first of the month holding the period's end; months without customers are skipped."
)
_add("churn_observed", "Churn, observed", "share per month", "ratio", _CHURN, decimals=6, better="lower", numerator="customers_churned", denominator="customers_present")
_add("churn", "Churn", "share per month", "ratio", "The observed churn; the workspace's assumption, labelled so, while fewer than 12 customers ended.", decimals=6, better="lower", numerator="customers_churned", denominator="customers_present")
for _suffix, _label, _note in (("_observed", ", observed", "observed churn"), ("", "", "churn (an assumption while fewer than 12 customers ended)")):
    _money(f"clv{_suffix}", f"Customer lifetime value{_label}, margin", f"ARPA x gross margin / {_note}; null where churn is 0.", "customers_active", denominator="customers_churned")
    _money(f"clv_revenue{_suffix}", f"Customer lifetime value{_label}, revenue", f"ARPA / {_note}; null where churn is 0.", "customers_active", denominator="customers_churned")
    _add(f"clv_cac{_suffix}", f"CLV : CAC{_label}", "ratio", "ratio", f"Margin CLV / CAC, with {_note}.", decimals=4, numerator="customers_active", denominator="spend_lines")
    _add(f"clv_cpl{_suffix}", f"CLV : CPL{_label}", "ratio", "ratio", f"Margin CLV / CPL, with {_note}.", decimals=4, numerator="customers_active", denominator="spend_lines")
_add("cac_payback_months", "CAC payback", "months", "ratio", "CAC / (mean recurring revenue a month of the customers won in the period x gross margin).", decimals=4, better="lower", numerator="spend_lines", denominator="customers_new")

_BOTH: dict[str, object] = {"basis": "both"}
_rate("in_icp", "In-ICP share", "Leads with fit grade A or B / leads with a known grade", "in_icp", "graded", **_BOTH)
_add("acceptance", "Acceptance", "share", "breakdown", "Per kind of hand-off: accepted / (accepted + rejected); Wilson 95 % interval. Period: decided in it; cohort: of its leads.", basis="both", numerator="handoffs_accepted", denominator="handoffs_decided")
_add("reject_reasons", "Reject reasons", "hand-offs", "table", "Rejected hand-offs by kind and reason.", basis="both", better="lower", numerator="handoffs_rejected")
_rate("meeting_show_rate", "Meeting show rate", "Meetings held / (held + no-show)", "meetings_held", "meetings_due", **_BOTH)
_count("meetings_held", "Meetings held", "Meetings held in the period (cohort: by its leads).", basis="both")
_cost("cost_per_held_meeting", "Cost per held meeting", "meeting", "meetings_held")

_CLOCK = "minutes from capture to the first human touch"
for _suffix, _note in (("", "wall clock"), ("_business", "business hours")):
    _add(f"speed_to_lead{_suffix}_minutes", f"Speed to lead, {_note}", "minutes", "duration", f"Captured -> first human touch by {_note}: statistics of the touched ones.", basis="both", better="lower", numerator="touched", denominator="captured")
_add("speed_to_lead_steps", "Speed to lead by step", "minutes", "breakdown", f"The {_CLOCK}, split: captured, deduped, scored, routed, seen, touched.", basis="both", better="lower", numerator="touched", denominator="captured")
_rate("answered_within_5_minutes", "Answered within 5 minutes", "Leads touched by a human within 5 minutes of capture / leads captured at least 5 minutes ago or touched", "touched_in_5", "due_in_5", **_BOTH)
_rate("sla_hit_rate", "SLA hit rate", "Leads touched inside the agreement's SLA / leads due", "sla_hit", "sla_due", **_BOTH)

for _key, _label, _from, _to in (
    ("lead_to_mql", "Lead conversion rate", "lead", "mql"),
    ("mql_to_accepted", "MQL to accepted", "mql", "accepted"),
    ("accepted_to_sql", "Accepted to SQL", "accepted", "sql"),
    ("sql_to_opportunity", "SQL to opportunity", "sql", "opportunity"),
    ("opportunity_to_customer", "Opportunity to customer", "opportunity", "customer"),
    ("lead_to_close", "Lead to close", "lead", "customer"),
    ("mql_to_sql", "MQL to SQL", "mql", "sql"),
    ("lead_to_opportunity", "Lead to opportunity", "lead", "opportunity"),
):
    _rate(
        _key,
        _label,
        f"Leads of the cohort that entered {_from} and {_to} / those that entered {_from}",
        f"{_from}>{_to}",
        f"{_from}>{_from}",
        basis="cohort",
        steps=(_from, _to),
    )
_FINISHED = (
    "median, mean and p90 of the finished ones; Kaplan-Meier median with the waiting ones censored (those that left, when "
    "they left); waiting counts those not finished, including those that left"
)
_add("mql_to_sql_days", "MQL to SQL velocity", "days", "duration", f"First MQL -> first SQL of the cohort: {_FINISHED}.", basis="cohort", better="lower", numerator="mql>sql", denominator="mql>mql", steps=("mql", "sql"))
_add("sales_cycle_days", "Sales cycle", "days", "duration", "Lead opened -> won, of the cohort's customers: median, mean and p90.", basis="cohort", better="lower", numerator="lead>customer", denominator="lead>lead", steps=("lead", "customer"))
_add("stage_days", "Days per stage", "days", "breakdown", f"From stage to stage and from lead to won, of the cohort: {_FINISHED}.", basis="cohort", better="lower", numerator="lead>customer", denominator="lead>lead", steps=("lead", "customer"))
_add("bottleneck", "Bottleneck", "stage", "table", "The step with the largest share of the sum of the steps' medians.", basis="cohort", better="lower", numerator="lead>lead")
for _key in ("disqualified", "recycled", "lost"):
    _count(_key, _key.capitalize(), f"Leads of the cohort whose last exit is {_key}.", basis="cohort", better="lower")
_count("undated", "Undated", "Leads without any date: they lie in no period and are shown so that nothing is dropped silently.", basis="both", better="lower")
_count("undated_deals", "Undated deals", "Deals without a date of creation or closing: in no period, shown so that nothing is dropped silently.", basis="period", better="lower")

DEFINITIONS: Final[dict[str, Definition]] = {entry.key: entry for entry in _ENTRIES}
"""key -> Definition, in the order figures are shown."""

RATES: Final[tuple[str, ...]] = tuple(
    entry.key for entry in _ENTRIES if entry.basis == "cohort" and entry.shape == "rate"
)
"""Keys of the cohort's stage conversions."""
