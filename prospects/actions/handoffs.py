"""Hand-offs: a lead passes to the next team with a frozen brief, and is accepted or rejected inside its SLA."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.models import Member, Role
from accounts.permissions import may_own, member_allows, refuse_owner
from leadgen.core.errors import Conflict, Invalid, Refused
from prospects.actions.activities import record_activity
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.deals import create_deal
from prospects.actions.routing import choose_member, hours_of_workspace, lead_label, set_owner
from prospects.actions.stages import lock_lead, move_stage, record_decision
from prospects.actions.tasks import create_task
from prospects.models import ActivityKind, Deal, Handoff, Lead, Stage, StageTransition, Task
from prospects.models.locks import lock_row
from prospects.queries.handoffs import build_brief
from prospects.rules.sla import add_working_minutes

Kind, State = Handoff.Kind, Handoff.State
# The stage a lead is handed off at, and whose role takes it.
FROM_STAGE = {Kind.MARKETING_TO_SDR: Stage.MQL, Kind.SDR_TO_AE: Stage.SQL}
TO_ROLE = {Kind.MARKETING_TO_SDR: Role.SDR, Kind.SDR_TO_AE: Role.AE}
BACK_TO = {Kind.MARKETING_TO_SDR: Stage.LEAD, Kind.SDR_TO_AE: Stage.ACCEPTED}
# Those who decide in the place of whom it was meant for leave it with that person.
DEPUTIES = {Role.OWNER, Role.ADMIN, Role.OPS, Role.LEADER}


def create_handoff(
    *, lead: Lead, kind: str, now: datetime, by: Actor = SYSTEM, to: Member | None = None, note: str = ""
) -> Handoff:
    """Pass a lead on: freeze the brief, choose who takes it (`to`, else routing), start the SLA, put it into their queue.

    The hand-off that waits already is returned. Raises Conflict where the lead is at another stage.
    """
    lead = lock_lead(lead)
    waiting = Handoff.objects.filter(lead=lead, kind=kind, state=State.PENDING).first()
    if waiting is not None:
        return waiting
    if lead.stage != FROM_STAGE[Kind(kind)]:
        raise Conflict(
            f"{lead_label(lead)} is {lead.get_stage_display()}: only an {FROM_STAGE[Kind(kind)].label} is handed on.",
            code="wrong_stage",
        )
    if to is not None and (not to.is_active or to.role not in {TO_ROLE[Kind(kind)], *DEPUTIES}):
        raise Invalid(f"{to} cannot take it: choose an active {Role(TO_ROLE[Kind(kind)]).label}.", field="to")
    version = ensure_first_agreement(now)
    minutes = version.sdr_decision_minutes if kind == Kind.MARKETING_TO_SDR else version.ae_decision_minutes
    due_at = add_working_minutes(now, minutes, hours_of_workspace())
    receipt = f"Chosen by {by.label}" if to is not None else ""
    if to is None and kind == Kind.MARKETING_TO_SDR and member_allows(lead.owner, "handoffs.decide"):
        to, receipt = lead.owner, f"{lead.owner} holds this lead already"
    if to is None:
        chosen = choose_member(lead=lead, role=TO_ROLE[Kind(kind)], now=now)
        receipt = chosen.words
        to = Member.objects.get(pk=chosen.chosen) if chosen.chosen else None
    brief = build_brief(lead, version, now) | {"routing": receipt}
    handoff = Handoff(
        lead=lead, kind=kind, version=version, from_member=by.member or (lead.owner if kind == Kind.SDR_TO_AE else None), to_member=to, brief=brief, note=note,
        created_at=now, due_at=due_at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            handoff.save()
    except IntegrityError:
        return Handoff.objects.get(lead=lead, kind=kind, state=State.PENDING)
    if kind == Kind.MARKETING_TO_SDR:
        if lead.routed_at is None or to is None or lead.owner_id != to.pk:
            lead.routed_at, lead.route_reason = now, receipt[:300]
            lead.save(update_fields=["routed_at", "route_reason"])
        if to is not None:
            set_owner(lead=lead, owner=to, by=by, now=now, reason=receipt)
    record_activity(
        kind=ActivityKind.HANDED_OFF, at=now, now=now, by=by, person=lead.person, company=lead.company, lead=lead,
        summary=f"{handoff.get_kind_display()}: handed to {to or 'whoever takes it'}", about=("handoff", handoff.pk),
        detail={"kind": kind, "to": str(to.pk) if to else None, "routing": receipt},
    )  # fmt: skip
    write_audit(
        by=by, action="handoff.created", now=now, target=handoff, label=lead_label(lead),
        detail={"kind": kind, "to": str(to) if to else None},
    )  # fmt: skip
    why = _why(lead, kind)
    create_task(
        kind=Task.Kind.HANDOFF, title=f"Accept {lead_label(lead)}", reason=(f"{why}. {receipt}" if why else receipt)[:300],
        due_at=due_at, sla_due_at=due_at, now=now, by=by, person=lead.person, company=lead.company, lead=lead,
        handoff=handoff, owner=to,
    )  # fmt: skip
    return handoff


def accept_handoff(
    *, handoff: Handoff, by: Actor, now: datetime, deal: Mapping[str, Any] | None = None
) -> tuple[Handoff, Deal | None]:
    """Take the lead: an MQL becomes accepted, an SQL an opportunity with its deal (`deal`: value, currency, mrr, ...).

    Accepting twice is once and gives the same deal. Raises Conflict if it was rejected or withdrawn meanwhile.
    """
    lead, handoff = _locked(handoff)
    if handoff.state == State.ACCEPTED:
        return handoff, Deal.objects.filter(lead=lead).order_by("created_at").first()
    _must_wait(handoff)
    member = by.member
    mine = member is not None and handoff.to_member_id == member.pk
    if member is not None and not mine and member.role not in {TO_ROLE[Kind(handoff.kind)], *DEPUTIES}:
        raise Refused(f"This is for an {Role(TO_ROLE[Kind(handoff.kind)]).label}.", code="other_team")
    if member is not None and (handoff.to_member_id is None or member.role not in DEPUTIES):
        handoff.to_member = member
    record_decision(handoff=handoff, state=State.ACCEPTED, by=by, now=now)
    made = None
    if handoff.to_member is not None:
        set_owner(lead=lead, owner=handoff.to_member, by=by, now=now, reason="accepted the hand-off")
    if handoff.kind == Kind.MARKETING_TO_SDR:
        move_stage(lead=lead, to=Stage.ACCEPTED, now=now, by=by, facts={"handoff": str(handoff.pk)})
    else:
        made = Deal.objects.filter(lead=lead).exclude(outcome=Deal.Outcome.LOST).first()
        if made is None:
            made = create_deal(lead=lead, by=by, now=now, **{"owner": handoff.to_member, **(deal or {})})
    return handoff, made


def reject_handoff(
    *,
    handoff: Handoff,
    reason: str,
    by: Actor,
    now: datetime,
    outcome: str = "back",
    note: str = "",
    until: date | None = None,
) -> Handoff:
    """Send it back with one of the agreement's reasons. `outcome`: back (to the stage before), recycled or disqualified.

    Rejecting twice for the same reason is once. A lead sent back becomes an MQL again only by new interest.
    """
    lead, handoff = _locked(handoff)
    if handoff.state == State.REJECTED and handoff.reason == reason:
        return handoff
    _must_wait(handoff)
    version = handoff.version or ensure_first_agreement(now)
    if reason not in version.reject_reasons:
        raise Invalid(f"Choose one of the agreement's reasons: {', '.join(version.reject_reasons)}.", field="reason")
    if outcome not in ("back", "recycled", "disqualified"):
        raise Invalid("Send it back, recycle it or disqualify it.", field="outcome")
    if outcome == "recycled" and (until is None or until <= now.date()):
        raise Invalid("Say until when it rests: a day after today.", field="until")
    record_decision(handoff=handoff, state=State.REJECTED, by=by, now=now, reason=reason, note=note)
    to = {"back": BACK_TO[Kind(handoff.kind)], "recycled": Stage.RECYCLED, "disqualified": Stage.DISQUALIFIED}[outcome]
    move_stage(
        lead=lead, to=to, now=now, by=by, reason=reason, note=note, until=until, facts={"handoff": str(handoff.pk)}
    )
    if outcome == "back" and handoff.kind == Kind.SDR_TO_AE and handoff.from_member is not None:
        back_to = (
            handoff.from_member if may_own(handoff.from_member) else None
        )  # they may have become a viewer meanwhile
        set_owner(lead=lead, owner=back_to, by=by, now=now, reason=f"sent back: {reason}")
        create_task(
            kind=Task.Kind.TODO, title=f"{lead_label(lead)} came back", reason=f"{by.label}: {reason}. {note}".strip()[:300],
            due_at=now, now=now, by=by, person=lead.person, company=lead.company, lead=lead, owner=back_to,
        )  # fmt: skip
    return handoff


def reassign_handoff(*, handoff: Handoff, to: Member, by: Actor, now: datetime) -> Handoff:
    """Give a waiting hand-off to somebody else; its clock runs on."""
    lead, handoff = _locked(handoff)
    _must_wait(handoff)
    refuse_owner(to, had=handoff.to_member_id, field="to")
    if handoff.to_member_id == to.pk:
        return handoff
    handoff.to_member = to
    handoff.save(update_fields=["to_member"])
    Task.objects.filter(handoff=handoff, state=Task.State.OPEN).update(owner=to)
    if handoff.kind == Kind.MARKETING_TO_SDR:
        set_owner(lead=lead, owner=to, by=by, now=now, reason=f"hand-off given on by {by.label}")
    write_audit(
        by=by, action="handoff.reassigned", now=now, target=handoff, label=lead_label(lead), detail={"to": str(to)}
    )
    return handoff


def _locked(handoff: Handoff) -> tuple[Lead, Handoff]:
    """Lead first, then the hand-off: the order every action keeps."""
    lead = lock_lead(handoff.lead)
    found = lock_row(handoff, "to_member", "from_member", "version")
    found.lead = lead
    return lead, found


def _must_wait(handoff: Handoff) -> None:
    if handoff.state != State.PENDING:
        raise Conflict(f"This hand-off is {handoff.get_state_display().lower()} already.", code="decided")


def _why(lead: Lead, kind: str) -> str:
    move = StageTransition.objects.filter(lead=lead, to_stage=FROM_STAGE[Kind(kind)]).order_by("-position").first()
    return str(move.facts.get("clause") or move.facts.get("words", "")) if move else ""
