"""Beside a bad figure: its usual causes, and the page that mends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeGuard

from analytics.rules.figure import Figure

type Page = Literal["campaigns", "forms", "nurture", "agreement", "icp", "segments", "sequences", "spend"]

CLIMB = 1.1
"""How much dearer or slower than the period before counts as worse."""
SLOWER = 1.25
ENOUGH = 30
IN_ICP_LOW = 0.5
REPLIES_ENOUGH = 100
REPLY_TO_OPPORTUNITY_LOW = 0.03
FEAST = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """A usual cause and the page where it is mended."""

    text: str
    page: Page


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What looks bad (`symptom`, about the figure `key`), the evidence in words, and its usual causes."""

    key: str
    symptom: str
    evidence: str
    causes: tuple[Cause, ...]


CAUSES: Final[dict[str, tuple[Cause, ...]]] = {
    "CPL climbs": (Cause("Targeting too broad", "icp"), Cause("Weak ads", "campaigns")),
    "Conversion low": (Cause("The message does not meet the need", "sequences"), Cause("A clumsy page", "forms")),
    "MQL to SQL slow": (Cause("Nurture is weak", "nurture"), Cause("Teams are not aligned", "agreement")),
    "Many replies, few opportunities": (Cause("Targeting", "segments"), Cause("Qualification", "agreement")),
    "Many leads outside the ICP": (Cause("Volume over fit", "icp"),),
    "Feast or famine": (Cause("Campaigns stop and start", "campaigns"),),
}


def diagnose(
    now: Mapping[Any, Mapping[str, Any]],
    before: Mapping[Any, Mapping[str, Any]] | None = None,
    *,
    replies: int | None = None,
    leads_by_month: Sequence[int] = (),
) -> list[Diagnosis]:
    """The bad figures of a funnel, worst news not hidden by small numbers: nothing is said below 30 cases.

    `now` and `before` are results of `funnel(full=True)` for a period and the one before; `replies` are people with a
    human reply in the period; `leads_by_month` the leads of consecutive whole months, oldest first.
    """
    found = []

    def say(key: str, symptom: str, evidence: str) -> None:
        found.append(Diagnosis(key, symptom, evidence, CAUSES[symptom]))

    cost, cost_before = _figure(now, "period", "cpl"), _figure(before, "period", "cpl")
    if _solid(cost) and _solid(cost_before) and float(cost.value) > CLIMB * float(cost_before.value) > 0:
        say("cpl", "CPL climbs", f"{float(cost.value):,.2f} after {float(cost_before.value):,.2f} in the period before")
    rate, rate_before = _figure(now, "cohort", "lead_to_mql"), _figure(before, "cohort", "lead_to_mql")
    if _solid(rate) and _solid(rate_before) and rate.interval and rate.interval[1] < rate_before.value:
        say("lead_to_mql", "Conversion low", f"{rate.value:.1%} after {rate_before.value:.1%} in the period before")
    time, time_before = _figure(now, "cohort", "mql_to_sql_days"), _figure(before, "cohort", "mql_to_sql_days")
    if _solid(time) and _solid(time_before):
        days, days_before = time.value["median"], time_before.value["median"]
        if days > SLOWER * days_before > 0:
            text = f"median {days:.1f} days after {days_before:.1f} in the period before"
            say("mql_to_sql_days", "MQL to SQL slow", text)
    opportunities = _figure(now, "period", "opportunities")
    if replies is not None and replies >= REPLIES_ENOUGH and opportunities is not None:
        share = opportunities.value / replies
        if share <= REPLY_TO_OPPORTUNITY_LOW:
            text = f"{opportunities.value} opportunities of {replies} people who replied"
            say("opportunities", "Many replies, few opportunities", text)
    fit = _figure(now, "cohort", "in_icp")
    if _solid(fit) and fit.interval and fit.interval[1] < IN_ICP_LOW:
        say("in_icp", "Many leads outside the ICP", f"{fit.value:.0%} of {fit.n} graded leads are A or B")
    if len(leads_by_month) >= 3 and sum(leads_by_month) >= ENOUGH and max(leads_by_month) > FEAST * min(leads_by_month):
        text = f"between {min(leads_by_month)} and {max(leads_by_month)} leads a month"
        say("leads", "Feast or famine", text)
    return found


def _solid(figure: Figure | None) -> TypeGuard[Figure]:
    """Whether the figure is known and has enough cases to speak of."""
    return figure is not None and figure.value is not None and (figure.n or 0) >= ENOUGH


def _figure(result: Mapping[Any, Mapping[str, Any]] | None, basis: str, key: str) -> Figure | None:
    figure = (result or {}).get(basis, {}).get(key)
    return figure if isinstance(figure, Figure) else None
