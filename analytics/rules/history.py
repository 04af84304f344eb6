"""The same facts seen otherwise: as they stood at a moment, or counted by person or company instead of by lead."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from analytics.rules.facts import STAGE_DATES, CustomerFacts, Facts, Id, LeadFacts, Unit

_CLOCK = ("captured_at", "deduped_at", "scored_at", "routed_at", "seen_at", "touched_at")
_LEAD_DATES = (*STAGE_DATES.values(), "exit_at", *_CLOCK)
_dates_of = attrgetter(*_LEAD_DATES)


def is_undated(lead: LeadFacts) -> bool:
    """Whether no date at all is known of the lead: it lies in no period."""
    return all(at is None for at in _dates_of(lead))


def as_at(facts: Facts, as_of: datetime) -> Facts:
    """The facts as they stood at `as_of`: what is dated later had not happened. Undated facts stay; spend stays, because
    it is by calendar date and cut to the period asked for."""

    def past(at: datetime | None) -> bool:
        return at is None or at <= as_of

    return Facts(
        leads=tuple(lead for lead in (_lead_at(lead, as_of) for lead in facts.leads) if lead is not None),
        deals=tuple(
            deal if past(deal.closed_at) else replace(deal, closed_at=None, outcome=None)
            for deal in facts.deals
            if past(deal.created_at) or (deal.closed_at is not None and deal.closed_at <= as_of)
        ),
        customers=tuple(
            customer if past(customer.ended_at) else replace(customer, ended_at=None)
            for customer in facts.customers
            if past(customer.started_at)
        ),
        spend=facts.spend,
        handoffs=tuple(
            handoff if past(handoff.decided_at) else replace(handoff, decided_at=None, outcome=None, reason=None)
            for handoff in facts.handoffs
            if past(handoff.offered_at)
        ),
        meetings=tuple(
            meeting if past(meeting.starts_at) else replace(meeting, outcome="booked") for meeting in facts.meetings
        ),
    )


def _lead_at(lead: LeadFacts, as_of: datetime) -> LeadFacts | None:
    for at in _dates_of(lead):
        if at is not None and at > as_of:
            break
    else:
        return lead
    later: dict[str, Any] = {
        name: None for name in _LEAD_DATES if (at := getattr(lead, name)) is not None and at > as_of
    }
    if all(name in later or getattr(lead, name) is None for name in _LEAD_DATES):
        return None
    exit_kind = None if "exit_at" in later else lead.exit_kind
    return replace(lead, **later, exit_kind=exit_kind)


def by_unit(facts: Facts, unit: Unit) -> tuple[tuple[LeadFacts, ...], tuple[CustomerFacts, ...]]:
    """Leads and customers counted once per person or company: first entry into each stage, everything else from the
    lead opened first; it has left when all its leads have. Facts that name no person (company) count alone."""
    if unit == "lead":
        return facts.leads, facts.customers
    attribute = f"{unit}_id"
    leads: dict[tuple[str, Id], list[LeadFacts]] = {}
    for lead in facts.leads:
        known: Id | None = getattr(lead, attribute)
        leads.setdefault(("alone", lead.id) if known is None else ("shared", known), []).append(lead)
    owner_of = {lead.id: getattr(lead, attribute) for lead in facts.leads}
    customers: dict[tuple[str, Id], list[CustomerFacts]] = {}
    for customer in facts.customers:
        known = customer.company_id if unit == "company" and customer.company_id is not None else None
        if known is None and customer.lead_id is not None:
            known = owner_of.get(customer.lead_id)
        customers.setdefault(("alone", customer.id) if known is None else ("shared", known), []).append(customer)
    return (
        tuple(group[0] if len(group) == 1 else _merge_leads(group) for group in leads.values()),
        tuple(group[0] if len(group) == 1 else _merge_customers(group) for group in customers.values()),
    )


def _merge_leads(group: list[LeadFacts]) -> LeadFacts:
    opened = [(lead.opened_at, place) for place, lead in enumerate(group) if lead.opened_at is not None]
    head = group[min(opened)[1]] if opened else group[0]
    dates: dict[str, Any] = {
        name: min((at for lead in group if (at := getattr(lead, name)) is not None), default=None)
        for name in (*STAGE_DATES.values(), "captured_at", "touched_at")
    }
    exits = [lead for lead in group if lead.exit_kind is not None]
    if len(exits) < len(group):
        return replace(head, **dates, exit_at=None, exit_kind=None)
    moments = [lead.exit_at for lead in exits if lead.exit_at is not None]
    last = max(moments) if moments else None
    kind = next(lead.exit_kind for lead in exits if lead.exit_at == last or last is None)
    return replace(head, **dates, exit_at=last, exit_kind=kind)


def _merge_customers(group: list[CustomerFacts]) -> CustomerFacts:
    starts = [customer.started_at for customer in group if customer.started_at is not None]
    ends = [customer.ended_at for customer in group if customer.ended_at is not None]
    active = [customer for customer in group if customer.ended_at is None] or group
    amounts = [customer.mrr for customer in active if customer.mrr is not None]
    return replace(
        group[0],
        started_at=min(starts) if starts else None,
        ended_at=max(ends) if len(ends) == len(group) else None,
        mrr=sum(amounts, Decimal(0)) if amounts else None,
    )
