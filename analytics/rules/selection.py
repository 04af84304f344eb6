"""Which facts stand behind which number: one pass over the facts, split by a dimension into rows that add up.

Every figure is counted from these sets and `rows_behind` returns the same sets, so a number and its rows cannot differ.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter
from typing import Any

from analytics.rules.facts import (
    DIMENSIONS,
    SPEND_DIMENSIONS,
    STAGE_DATES,
    UNKNOWN,
    Basis,
    Conventions,
    CustomerFacts,
    DealFacts,
    Facts,
    HandoffFacts,
    Id,
    LeadFacts,
    MeetingFacts,
    SpendFacts,
    Unit,
)
from analytics.rules.history import by_unit, is_undated
from analytics.rules.periods import Period

TOTAL = "total"
UNDATED = "undated"
STAGE_SETS = {
    "lead": "leads",
    "mql": "mqls",
    "accepted": "accepted",
    "sql": "sqls",
    "opportunity": "opportunities",
    "customer": "customers",
}
_SET_NAMES = tuple(STAGE_SETS.values())
_entries = attrgetter(*(STAGE_DATES[stage] for stage in STAGE_SETS))
FIVE_MINUTES = timedelta(minutes=5)

type Fact = LeadFacts | DealFacts | CustomerFacts | SpendFacts | HandoffFacts | MeetingFacts


@dataclass(slots=True)
class Selection:
    """The sets of one row of a report. `rows(basis, name)` gives a set by the name used in DEFINITIONS."""

    key: str
    period: Period
    conventions: Conventions
    spend_attributed: bool = True
    period_sets: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    cohort_sets: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    customers: list[CustomerFacts] = field(default_factory=list)
    undated: list[LeadFacts] = field(default_factory=list)
    undated_deals: list[DealFacts] = field(default_factory=list)
    amounts: dict[Id, Fraction] = field(default_factory=dict)
    times: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    churn: list[tuple[list[CustomerFacts], list[CustomerFacts]]] | None = None
    _derived: dict[tuple[Basis, str], list[Any]] = field(default_factory=dict)

    def rows(self, basis: Basis, name: str) -> list[Any]:
        """The facts of a set; a name like `mql>sql` is the cohort's leads that entered both stages."""
        if name == "undated":
            return self.undated
        if name == "undated_deals":
            return self.undated_deals
        sets = self.period_sets if basis == "period" else self.cohort_sets
        if name in sets:
            return sets[name]
        known = self._derived.get((basis, name))
        if known is None:
            known = self._derived[basis, name] = self._derive(basis, name)
        return known

    def _derive(self, basis: Basis, name: str) -> list[Any]:
        if ">" in name:
            earlier, later = name.split(">")
            attribute = STAGE_DATES[later]
            return [lead for lead in self.rows("cohort", STAGE_SETS[earlier]) if getattr(lead, attribute) is not None]
        if name in _CUSTOMER_SETS:
            return _CUSTOMER_SETS[name](self)
        if name == "deals_closed":
            return self.rows(basis, "deals_won") + self.rows(basis, "deals_lost")
        if name == "handoffs_decided":
            return self.rows(basis, "handoffs_accepted") + self.rows(basis, "handoffs_rejected")
        if name == "meetings_due":
            return self.rows(basis, "meetings_held") + self.rows(basis, "meetings_missed")
        if name == "deals_weighted":
            return [deal for deal in self.rows(basis, "deals_created") if weight(deal) is not None]
        if name == "captured" and basis == "cohort":
            return [lead for lead in self.rows("cohort", "leads") if lead.captured_at is not None]
        if name in _LEAD_SETS:
            base, belongs = _LEAD_SETS[name]
            return [lead for lead in self.rows(basis, base) if belongs(lead, self.conventions.as_of)]
        return []

    def foreign(self, fact: DealFacts | CustomerFacts | SpendFacts) -> bool:
        """Whether its money is in another currency than the workspace's, and so in no sum."""
        return bool(fact.currency) and fact.currency != self.conventions.currency

    def total_value(self, deals: list[DealFacts]) -> Fraction:
        """Sum of the known total contract values in the workspace's currency."""
        own = (deal.value for deal in deals if deal.value is not None and not self.foreign(deal))
        return Fraction(sum(own, Decimal(0)))

    def total_spend(self, lines: list[SpendFacts]) -> Fraction:
        """Sum of the parts of the lines that lie in the period."""
        return sum((self.amounts[line.id] for line in lines), Fraction(0))


def weight(deal: DealFacts) -> Decimal | None:
    """The probability of the deal's stage: 1 once won, 0 once lost, None where the stage has none."""
    if deal.outcome is not None:
        return Decimal(1) if deal.outcome == "won" else Decimal(0)
    return deal.probability


def _present(customer: CustomerFacts, at: datetime) -> bool:
    # State just before `at`: what happens at that very moment belongs to the period it starts.
    started, ended = customer.started_at, customer.ended_at
    return started is not None and started < at and (ended is None or ended >= at)


def churn_months(selection: Selection) -> list[tuple[list[CustomerFacts], list[CustomerFacts]]]:
    """(present at the start, of those ended in it) for each of the 12 months that has begun and had customers."""
    if selection.churn is not None:
        return selection.churn
    months = [month for month in selection.period.churn_months() if month[0] <= selection.conventions.as_of]
    starts = [start for start, _ in months]
    present: list[list[CustomerFacts]] = [[] for _ in months]
    ended: list[list[CustomerFacts]] = [[] for _ in months]
    for customer in selection.customers:
        began, end = customer.started_at, customer.ended_at
        if began is None:
            continue
        # Present just before a start (`_present`): from the first start after it began to the last one up to its end.
        past = len(starts) if end is None else bisect_right(starts, end)
        for place in range(bisect_right(starts, began), past):
            present[place].append(customer)
        if end is not None and past and bisect_right(starts, began) < past and end < months[past - 1][1]:
            ended[past - 1].append(customer)
    selection.churn = [pair for pair in zip(present, ended, strict=True) if pair[0]]
    return selection.churn


def _distinct(groups: list[list[CustomerFacts]]) -> list[CustomerFacts]:
    return list({customer.id: customer for group in groups for customer in group}.values())


def _recurring(row: Selection, customers: list[CustomerFacts]) -> list[CustomerFacts]:
    return [one for one in customers if one.mrr is not None and not row.foreign(one)]


_CUSTOMER_SETS: dict[str, Callable[[Selection], list[CustomerFacts]]] = {
    "customers_active": lambda row: [one for one in row.customers if _present(one, row.period.end)],
    "customers_recurring": lambda row: _recurring(row, row.rows("period", "customers_active")),
    "customers_new_recurring": lambda row: _recurring(
        row, [one for one in row.customers if one.started_at in row.period]
    ),
    "customers_ended": lambda row: [
        one for one in row.customers if one.ended_at is not None and one.ended_at < row.period.end
    ],
    "customers_present": lambda row: _distinct([present for present, _ in churn_months(row)]),
    "customers_churned": lambda row: _distinct([ended for _, ended in churn_months(row)]),
}


def _touched_in_time(lead: LeadFacts, limit: datetime | None) -> bool:
    return lead.touched_at is not None and limit is not None and lead.touched_at <= limit


_LEAD_SETS: dict[str, tuple[str, Callable[[LeadFacts, datetime], bool]]] = {
    "graded": ("leads", lambda lead, _: bool(lead.grade)),
    "in_icp": ("leads", lambda lead, _: lead.grade in ("A", "B")),
    "disqualified": ("leads", lambda lead, _: lead.exit_kind == "disqualified"),
    "recycled": ("leads", lambda lead, _: lead.exit_kind == "recycled"),
    "lost": ("leads", lambda lead, _: lead.exit_kind == "lost"),
    "touched": ("captured", lambda lead, _: lead.touched_at is not None),
    "due_in_5": (
        "captured",
        lambda lead, now: lead.touched_at is not None or (lead.captured_at or now) + FIVE_MINUTES <= now,
    ),
    "touched_in_5": (
        "captured",
        lambda lead, now: _touched_in_time(lead, (lead.captured_at or now) + FIVE_MINUTES),
    ),
    "sla_due": (
        "captured",
        lambda lead, now: lead.sla_due_at is not None and (lead.touched_at is not None or lead.sla_due_at <= now),
    ),
    "sla_hit": ("captured", lambda lead, _: _touched_in_time(lead, lead.sla_due_at)),
}


class _Table:
    """The rows of a report, found by the dimension's value of a fact or, by month, by the moment it counts at."""

    def __init__(
        self,
        dimension: str | None,
        period: Period,
        conventions: Conventions,
        leads: dict[Id, LeadFacts],
        where: Mapping[str, str],
    ):
        if dimension is not None and dimension not in DIMENSIONS:
            raise ValueError(f"no breakdown by {dimension}; one of {', '.join(DIMENSIONS)}")
        if unknown := sorted(name for name in where if name not in DIMENSIONS or name == "month"):
            raise ValueError(f"no choice by {', '.join(unknown)}")
        self.dimension, self.period, self.conventions, self.leads = dimension, period, conventions, leads
        self.where = where
        self.selections: dict[str, Selection] = {}
        self.months: list[Selection] = []
        self.starts: list[datetime] = []
        if dimension == "month":
            self.months = [self._row(name, month) for name, month in period.months()]
            self.starts = [row.period.start for row in self.months]
        elif dimension is None:
            self._row(TOTAL, period)
        else:
            chosen = where.get(dimension)
            for name in conventions.known.get(dimension, ()):
                if chosen in (None, name):
                    self._row(name, period)

    def _row(self, key: str, period: Period) -> Selection:
        row = self.selections.get(key)
        if row is None:
            named = {*self.where} if self.dimension is None else {self.dimension, *self.where}
            attributed = named <= SPEND_DIMENSIONS
            row = self.selections[key] = Selection(key, period, self.conventions, attributed)
        return row

    def home(self, fact: Any) -> Selection | None:
        """The row a fact belongs to whatever the moment; None by month, where only a moment decides."""
        if self.dimension is None:
            return self.selections[TOTAL]
        if self.dimension == "month":
            return None
        return self._row(self.value(fact, self.dimension), self.period)

    def value(self, fact: Any, dimension: str) -> str:
        """What the fact, or else its lead, says about a dimension; `unknown` where neither does."""
        value = getattr(fact, dimension, None)
        if not value and (lead := self.leads.get(getattr(fact, "lead_id", None))) is not None:  # type: ignore[arg-type]  # None is no key
            value = getattr(lead, dimension)
        return value or UNKNOWN

    def chosen[F](self, facts: Iterable[F]) -> Iterable[F]:
        """The facts that `where` lets in, by the same values a breakdown would file them under."""
        if not self.where:
            return facts
        wanted = self.where.items()
        return [fact for fact in facts if all(self.value(fact, name) == value for name, value in wanted)]

    def at(self, home: Selection | None, when: datetime | None) -> Selection | None:
        """The row for an event at `when`, None outside the period. By month it is that of the month."""
        if when is None or not self.period.start <= when < self.period.end:
            return None
        return home if home is not None else self.months[bisect_right(self.starts, when) - 1]

    def homes(self, home: Selection | None) -> list[Selection]:
        """Every row that may show a state (active customers) or a stretch (spend) of the fact."""
        return [home] if home is not None else self.months

    def undated(self, home: Selection | None) -> Selection:
        """The row that shows a fact without a date; by month one of its own."""
        return home if home is not None else self._row(UNDATED, self.period)


def select(
    facts: Facts,
    period: Period,
    conventions: Conventions,
    *,
    dimension: str | None = None,
    unit: Unit = "lead",
    where: Mapping[str, str] | None = None,
) -> dict[str, Selection]:
    """The selections by row key: `total` without a dimension, else one per value, `unknown` included.

    `facts` as they stood at `conventions.as_of` (`history.as_at`), so that later events are not known here. `where` keeps
    the facts of one value a dimension ({"channel": "email"}): the total is then what that row of the breakdown was.
    """
    originals = {lead.id: lead for lead in facts.leads}
    leads, customers = by_unit(facts, unit)
    table = _Table(dimension, period, conventions, originals, where or {})
    for lead in table.chosen(leads):
        _place_lead(table, lead)
    for deal in table.chosen(facts.deals):
        _place_deal(table, deal)
    for customer in table.chosen(customers):
        for row in table.homes(table.home(customer)):
            row.customers.append(customer)
    for line in table.chosen(facts.spend):
        _place_spend(table, line)
    for handoff in table.chosen(facts.handoffs):
        if handoff.outcome is not None:
            _place(table, handoff, handoff.decided_at, f"handoffs_{handoff.outcome}")
    for meeting in table.chosen(facts.meetings):
        if meeting.outcome in ("held", "no_show"):
            name = "meetings_held" if meeting.outcome == "held" else "meetings_missed"
            _place(table, meeting, meeting.starts_at, name)
    return table.selections


def _place_lead(table: _Table, lead: LeadFacts) -> None:
    home = table.home(lead)
    dated = False
    start, end = table.period.start, table.period.end
    cohort = table.at(home, lead.opened_at)
    for name, at in zip(_SET_NAMES, _entries(lead), strict=True):
        if at is None:
            continue
        dated = True
        if cohort is not None:
            cohort.cohort_sets[name].append(lead)
        if start <= at < end and (row := table.at(home, at)) is not None:
            row.period_sets[name].append(lead)
    if (row := table.at(home, lead.captured_at)) is not None:
        row.period_sets["captured"].append(lead)
    if not dated and is_undated(lead):
        table.undated(home).undated.append(lead)


def _place_deal(table: _Table, deal: DealFacts) -> None:
    home = table.home(deal)
    if (row := table.at(home, deal.created_at)) is not None:
        row.period_sets["deals_created"].append(deal)
        lead = table.leads.get(deal.lead_id) if deal.lead_id is not None else None
        if lead is not None and lead.sql_at is not None:
            row.period_sets["deals_qualified"].append(deal)
    if deal.outcome is not None and (row := table.at(home, deal.closed_at)) is not None:
        row.period_sets[f"deals_{deal.outcome}"].append(deal)
    if deal.created_at is None and deal.closed_at is None:
        table.undated(home).undated_deals.append(deal)


def _place_spend(table: _Table, line: SpendFacts) -> None:
    length = (line.last - line.first).days + 1
    for row in table.homes(table.home(line)):
        days = row.period.days_shared(line.first, line.last)
        if not days:
            continue
        row.amounts[line.id] = Fraction(0) if row.foreign(line) else Fraction(line.amount) * days / length
        if line.purpose != "leads":
            row.period_sets["spend_awareness"].append(line)
            continue
        row.period_sets["spend_lines"].append(line)
        if line.kind == "media":
            row.period_sets["spend_media"].append(line)


def _place(table: _Table, fact: HandoffFacts | MeetingFacts, when: datetime | None, name: str) -> None:
    home = table.home(fact)
    if (row := table.at(home, when)) is not None:
        row.period_sets[name].append(fact)
    lead = table.leads.get(fact.lead_id) if fact.lead_id is not None else None
    if lead is not None and (row := table.at(home, lead.opened_at)) is not None:
        row.cohort_sets[name].append(fact)
