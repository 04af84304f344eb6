"""Give a lead to somebody: the owner of its company, else by territory, else the fair rotation, with the receipt kept on the lead."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.models import Member, Role, Workspace
from accounts.permissions import refuse_owner
from leadgen.core.tenancy import current_workspace_id
from prospects.actions.activities import record_activity
from prospects.actions.territories_give import take_owner
from prospects.models import ActivityKind, Deal, Handoff, Lead, Stage
from prospects.models.locks import lock
from prospects.queries.away import away_now
from prospects.rules import routing as rules
from prospects.rules.sla import Hours

# How far back "lately" reaches when shares are counted: a newcomer is not owed the leads of a year.
WINDOW = timedelta(days=30)
WORDS = {Role.SDR: "SDR", Role.AE: "account executive"}


def hours_of_workspace() -> Hours:
    """The working hours SLA clocks run in."""
    workspace = Workspace.objects.get(pk=current_workspace_id())
    return Hours(workspace.time_zone, workspace.work_start, workspace.work_end)


def choose_member(*, lead: Lead, role: str, now: datetime) -> rules.Receipt:
    """Whom routing gives this lead to; who is away is passed by. Candidates are locked: two leads at once see each other's
    assignment. A company or person without an owner gets theirs by territory in the same act."""
    away = away_now()
    members = [m for m in lock(Member.objects.filter(role=role, is_active=True)) if m.pk not in away]
    ids = [member.pk for member in members]
    if role == Role.AE:
        held = _counts(Deal.objects.filter(owner__in=ids, outcome=Deal.Outcome.OPEN), "owner")
        given = Handoff.objects.filter(kind=Handoff.Kind.SDR_TO_AE, to_member__in=ids, created_at__gt=now - WINDOW)
        latest = dict(given.values("to_member").annotate(at=Max("created_at")).values_list("to_member", "at"))
        lately = _counts(given, "to_member")
    else:
        working = (Stage.LEAD, Stage.MQL, Stage.ACCEPTED)
        held = _counts(Lead.objects.filter(owner__in=ids, stage__in=working), "owner")
        routed = Lead.objects.filter(owner__in=ids, routed_at__gt=now - WINDOW)
        latest = dict(routed.values("owner").annotate(at=Max("routed_at")).values_list("owner", "at"))
        lately = _counts(routed, "owner")
    candidates = [
        rules.Candidate(
            id=member.pk, name=str(member), capacity=member.capacity, open=held.get(member.pk, 0),
            given=lately.get(member.pk, 0), last=latest.get(member.pk),
        )
        for member in members
    ]  # fmt: skip
    company = lead.company
    owner, what = (company.owner_id, str(company)) if company else (None, "")
    if owner is None and lead.owner_id not in ids:
        owner, by_territory = take_owner(company=company, person=lead.person, now=now)
        what = by_territory or what
    return rules.choose(
        candidates, role=WORDS.get(Role(role), role), holder=lead.owner_id, company_owner=owner, company=what
    )


def route_lead(*, lead: Lead, now: datetime, by: Actor = SYSTEM, role: str = Role.SDR) -> rules.Receipt:
    """Choose an SDR for a lead and make them its owner; `routed_at` and `route_reason` keep when and why.

    Where nobody has room the lead keeps no owner and its receipt says so.
    """
    receipt = choose_member(lead=lead, role=role, now=now)
    lead.routed_at, lead.route_reason = now, receipt.words[:300]
    Lead.objects.filter(pk=lead.pk).update(routed_at=now, route_reason=lead.route_reason)
    if receipt.chosen is not None and receipt.chosen != lead.owner_id:
        owner = Member.objects.get(pk=receipt.chosen)
        set_owner(lead=lead, owner=owner, by=by, now=now, reason=receipt.words)
    routed: Any = lead
    routed.receipt = receipt  # for whoever opened the lead and keeps the whole receipt (campaigns.actions.capture)
    return receipt


def set_owner(*, lead: Lead, owner: Member | None, by: Actor, now: datetime, reason: str = "") -> bool:
    """Give a lead an owner (None: nobody); False where they own it already."""
    before = lead.owner_id
    if before == (owner.pk if owner else None):
        return False
    refuse_owner(owner)
    lead.owner = owner
    Lead.objects.filter(pk=lead.pk).update(owner=owner)
    record_activity(
        kind=ActivityKind.ASSIGNED, at=now, now=now, by=by, person=lead.person, company=lead.company, lead=lead,
        summary=f"Lead given to {owner or 'nobody'}",
        detail={"owner": [str(before) if before else None, str(owner.pk) if owner else None], "reason": reason},
    )  # fmt: skip
    write_audit(
        by=by, action="lead.assigned", now=now, target=lead, label=lead_label(lead),
        detail={"owner": str(owner) if owner else None, "reason": reason},
    )  # fmt: skip
    return True


def lead_label(lead: Lead) -> str:
    """A lead in one line: its person, else its company, else its number elsewhere."""
    return str(lead.person or lead.company or lead.external_id or "unnamed lead")


def _counts(rows: QuerySet[Any], field: str) -> dict[Any, int]:
    return dict(rows.order_by().values(field).annotate(n=Count("pk")).values_list(field, "n"))
