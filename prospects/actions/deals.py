"""Deals: opened for a lead or on their own, moved, changed, and closed as won or lost, once."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from accounts.models import Member, Workspace
from accounts.permissions import may_own, refuse_owner
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import current_workspace_id
from prospects.actions.activities import record_activity
from prospects.actions.customers import make_or_extend_customer
from prospects.actions.search import learn_names
from prospects.actions.stages import accept_waiting, is_open, lock_lead, move_stage
from prospects.models import ActivityKind, Campaign, Company, Deal, Handoff, Lead, Person, Stage
from prospects.models.choices import Channel
from prospects.models.locks import lock_row
from prospects.rules.deals import OPEN_STAGES, PROBABILITY, contract_value

# What a caller may change on an open deal; money and dates stay changeable after it closed (corrections), the rest not.
FIELDS = (
    "name", "company", "person", "campaign", "channel", "owner", "value", "currency", "mrr", "term_months",
    "expected_close", "next_step",
)  # fmt: skip
MAX_MONEY = Decimal(10) ** 15


def create_deal(
    *,
    by: Actor,
    now: datetime,
    name: str = "",
    lead: Lead | None = None,
    company: Company | None = None,
    person: Person | None = None,
    campaign: Campaign | None = None,
    channel: str = "",
    owner: Member | None = None,
    value: Decimal | None = None,
    currency: str = "",
    mrr: Decimal | None = None,
    term_months: int | None = None,
    stage: str = "discovery",
    expected_close: date | None = None,
    next_step: str = "",
    opened_at: datetime | None = None,
    external_id: str = "",
) -> Deal:
    """A new open deal. From a lead it takes person, company, channel, campaign and owner, and makes it an opportunity.

    Without `value` the recurring part over its term counts. Raises Invalid (field named) and Conflict (external id taken,
    or the lead has left the funnel).
    """
    if lead is not None:
        lead = lock_lead(lead)
        if not is_open(lead) and lead.stage != Stage.CUSTOMER:
            raise Conflict(f"This lead is {lead.get_stage_display().lower()}. Reopen it first.", code="lead_closed")
        company, person = company or lead.company, person or lead.person
        campaign, channel = campaign or lead.campaign, channel or lead.channel
        owner = owner or (lead.owner if may_own(lead.owner) else None)
    if company is None and person is not None:
        company = person.company
    deal = Deal(
        lead=lead, external_id=external_id, stage=stage, probability=PROBABILITY.get(stage, Decimal(0)),
        opened_at=opened_at or now, created_at=now, updated_at=now,
    )  # fmt: skip
    if stage not in OPEN_STAGES:
        raise Invalid(f"A new deal is in one of: {', '.join(OPEN_STAGES)}.", field="stage")
    values = _clean(
        {
            "name": name or str(company or person or ""), "company": company, "person": person, "campaign": campaign,
            "channel": channel or Channel.UNKNOWN, "owner": owner or by.member, "value": value,
            "currency": currency or Workspace.objects.values_list("currency", flat=True).get(pk=current_workspace_id()),
            "mrr": mrr, "term_months": term_months, "expected_close": expected_close, "next_step": next_step,
        }
    )  # fmt: skip
    for field, cleaned in values.items():
        setattr(deal, field, cleaned)
    deal.value = contract_value(deal.value, deal.mrr, deal.term_months)
    try:
        with transaction.atomic():
            deal.save()
    except IntegrityError:
        if external_id and Deal.objects.filter(external_id=external_id).exists():
            raise Conflict("A deal has this external id already.", code="duplicate", field="external_id") from None
        raise
    if lead is not None and lead.stage != Stage.CUSTOMER:
        accept_waiting(lead=lead, kind=Handoff.Kind.SDR_TO_AE, by=by, now=now)
        accept_waiting(lead=lead, kind=Handoff.Kind.MARKETING_TO_SDR, by=by, now=now)
        move_stage(
            lead=lead, to=Stage.OPPORTUNITY, at=deal.opened_at, now=now, by=by,
            facts={"deal": str(deal.pk), "words": f"Deal opened: {deal.name}"},
        )  # fmt: skip
    _tell(
        deal,
        f"Deal opened: {deal.name}{_worth(deal)}",
        at=deal.opened_at or now,
        by=by,
        now=now,
        detail={"stage": stage},
    )
    learn_names([deal.name])
    write_audit(by=by, action="deal.created", now=now, target=deal, detail={"value": str(deal.value)})
    return deal


def edit_deal(*, deal: Deal, changes: Mapping[str, Any], by: Actor, now: datetime) -> Deal:
    """Change FIELDS of a deal; only what really changed is written, to the timeline too."""
    deal = _locked(deal)
    cleaned = _clean({name: value for name, value in changes.items() if name in FIELDS}, had=deal.owner_id)
    if "value" in cleaned or "mrr" in cleaned or "term_months" in cleaned:
        cleaned["value"] = contract_value(
            cleaned.get("value", deal.value), cleaned.get("mrr", deal.mrr), cleaned.get("term_months", deal.term_months)
        )
    changed = {name: (getattr(deal, name), value) for name, value in cleaned.items() if getattr(deal, name) != value}
    if not changed:
        return deal
    for name, (_, value) in changed.items():
        setattr(deal, name, value)
    deal.updated_at = now
    deal.save(update_fields=[*changed, "updated_at"])
    if "name" in changed:
        learn_names([deal.name])
    words = ", ".join(
        f"{name.replace('_', ' ')} {new if new not in (None, '') else 'unknown'}" for name, (_, new) in changed.items()
    )
    detail = {"changes": {name: [str(old), str(new)] for name, (old, new) in changed.items()}}
    _tell(deal, f"{deal.name}: {words}", at=now, by=by, now=now, detail=detail)
    write_audit(by=by, action="deal.changed", now=now, target=deal, detail=detail)
    return deal


def move_deal(*, deal: Deal, stage: str, by: Actor, now: datetime) -> Deal:
    """Move an open deal between its stages, with the stage's probability. To the same stage is no move."""
    if stage not in OPEN_STAGES:
        raise Invalid(f"Move it to one of: {', '.join(OPEN_STAGES)}; or close it as won or lost.", field="stage")
    deal = _locked(deal)
    if deal.outcome != Deal.Outcome.OPEN:
        raise Conflict(f"{deal.name} is {deal.get_outcome_display().lower()} already.", code="closed")
    if deal.stage == stage:
        return deal
    before = deal.get_stage_display()
    deal.stage, deal.probability, deal.updated_at = stage, PROBABILITY[stage], now
    deal.save(update_fields=["stage", "probability", "updated_at"])
    _tell(deal, f"{deal.name}: {before} to {deal.get_stage_display()}", at=now, by=by, now=now, detail={"stage": stage})
    write_audit(by=by, action="deal.stage", now=now, target=deal, detail={"from": before, "to": stage})
    return deal


def win_deal(*, deal: Deal, by: Actor, now: datetime, at: datetime | None = None) -> Deal:
    """Close a deal as won: makes or extends the customer, and the lead becomes one. Winning twice is once.

    Raises Conflict for a lost deal, Invalid for a date in the future.
    """
    at = _closing(at, now)
    lead = lock_lead(deal.lead) if deal.lead else None
    deal = _locked(deal)
    if deal.outcome == Deal.Outcome.WON:
        return deal
    if deal.outcome == Deal.Outcome.LOST:
        raise Conflict(f"{deal.name} is lost already.", code="closed")
    deal.customer = make_or_extend_customer(deal=deal, at=at, by=by, now=now)
    _close(deal, Deal.Outcome.WON, Decimal(1), at, now)
    _tell(deal, f"Won: {deal.name}{_worth(deal)}", at=at, by=by, now=now, detail={"outcome": "won"})
    write_audit(by=by, action="deal.won", now=now, target=deal, detail={"value": str(deal.value)})
    if lead is not None and is_open(lead):
        facts = {"deal": str(deal.pk), "words": f"Deal won: {deal.name}"}
        if lead.stage != Stage.OPPORTUNITY:
            # The deal was attached to a lead that was reopened meanwhile: a customer came out of an opportunity.
            move_stage(lead=lead, to=Stage.OPPORTUNITY, at=deal.opened_at or at, now=now, by=by, facts=facts)
        move_stage(lead=lead, to=Stage.CUSTOMER, at=at, now=now, by=by, facts=facts)
    return deal


def lose_deal(*, deal: Deal, reason: str, by: Actor, now: datetime, at: datetime | None = None) -> Deal:
    """Close a deal as lost, with the reason; the lead is lost with its last open deal. Losing twice is once."""
    at = _closing(at, now)
    reason = " ".join(reason.split())[:120]
    if not reason:
        raise Invalid("Say why it was lost.", field="reason")
    lead = lock_lead(deal.lead) if deal.lead else None
    deal = _locked(deal)
    if deal.outcome == Deal.Outcome.LOST:
        return deal
    if deal.outcome == Deal.Outcome.WON:
        raise Conflict(f"{deal.name} is won already.", code="closed")
    deal.reason = reason
    _close(deal, Deal.Outcome.LOST, Decimal(0), at, now)
    _tell(deal, f"Lost: {deal.name}, {reason}", at=at, by=by, now=now, detail={"outcome": "lost", "reason": reason})
    write_audit(by=by, action="deal.lost", now=now, target=deal, detail={"reason": reason})
    if lead is not None and lead.stage == Stage.OPPORTUNITY:
        others = Deal.objects.filter(lead=lead.pk).exclude(outcome=Deal.Outcome.LOST)
        if not others.exists():
            move_stage(lead=lead, to=Stage.LOST, at=at, now=now, by=by, reason=reason, facts={"deal": str(deal.pk)})
    return deal


def delete_deal(*, deal: Deal, by: Actor, now: datetime) -> None:
    """Delete a deal entered by mistake. A won one stays: it is somebody's revenue."""
    deal = _locked(deal)
    if deal.outcome == Deal.Outcome.WON:
        raise Conflict("A won deal cannot be deleted: revenue and customer rest on it.", code="won")
    write_audit(
        by=by, action="deal.deleted", now=now, target=deal, detail={"value": str(deal.value), "outcome": deal.outcome}
    )
    deal.delete()


def _locked(deal: Deal) -> Deal:
    return lock_row(deal, "lead", "company", "person", "owner", "campaign", "customer")


def _close(deal: Deal, outcome: str, probability: Decimal, at: datetime, now: datetime) -> None:
    deal.outcome, deal.stage, deal.probability = outcome, Deal.DealStage.CLOSED, probability
    deal.closed_at, deal.updated_at = at, now
    deal.save(update_fields=["outcome", "stage", "probability", "closed_at", "updated_at", "reason", "customer"])


def _closing(at: datetime | None, now: datetime) -> datetime:
    if at is not None and at > now:
        raise Invalid("The closing date cannot lie in the future.", field="at")
    return at or now


def _worth(deal: Deal) -> str:
    return f", {deal.value:,.2f} {deal.currency}" if deal.value is not None else ""


def _tell(deal: Deal, summary: str, *, at: datetime, by: Actor, now: datetime, detail: Mapping[str, Any]) -> None:
    record_activity(
        kind=ActivityKind.DEAL, at=at, now=now, by=by, person=deal.person, company=deal.company, lead=deal.lead, deal=deal,
        campaign=deal.campaign, summary=summary, detail=detail,
    )  # fmt: skip


def _clean(values: Mapping[str, Any], *, had: UUID | None = None) -> dict[str, Any]:
    cleaned = dict(values)
    for name in ("value", "mrr"):
        if cleaned.get(name) is not None:
            cleaned[name] = _money(cleaned[name], name)
    if "name" in cleaned:
        cleaned["name"] = " ".join(str(cleaned["name"] or "").split())[:200]
        if not cleaned["name"]:
            raise Invalid("Give the deal a name.", field="name")
    if "currency" in cleaned:
        cleaned["currency"] = str(cleaned["currency"] or "").upper()
        if len(cleaned["currency"]) != 3 or not cleaned["currency"].isalpha():
            raise Invalid("A currency has three letters, such as EUR.", field="currency")
    if cleaned.get("channel") is not None and cleaned.get("channel", "unknown") not in Channel.values:
        raise Invalid("No such channel.", field="channel")
    term = cleaned.get("term_months")
    if term is not None and not 1 <= int(term) <= 600:
        raise Invalid("The term lies between 1 and 600 months.", field="term_months")
    refuse_owner(cleaned.get("owner"), had=had)
    if "next_step" in cleaned:
        cleaned["next_step"] = str(cleaned["next_step"] or "").strip()[:200]
    return cleaned


def _money(value: Any, field: str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise Invalid("This is not an amount.", field=field) from None
    if not amount.is_finite() or not 0 <= amount < MAX_MONEY:
        raise Invalid("The amount must be 0 or more.", field=field)
    return amount.quantize(Decimal("0.01"))
