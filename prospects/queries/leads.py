"""Reads of leads: their fit, the facts the agreement asks for, the conversation, the set behind a figure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from prospects.models import (
    Activity,
    ActivityKind,
    AgreementVersion,
    CompanyFit,
    Deal,
    Icp,
    Lead,
    Meeting,
    Person,
    PersonFit,
    Stage,
    StageTransition,
)
from prospects.models.choices import OPEN_STAGES
from prospects.rules import agreements as rules
from prospects.rules.stages import CONVERSATIONS

# How long before a lead opened a signal or a conversation still belongs to its buying cycle.
BEFORE_OPENING = timedelta(days=30)
SIGNAL_KINDS = (
    ActivityKind.FORM, ActivityKind.REPLIED, ActivityKind.LINKEDIN_REPLIED, ActivityKind.MEETING_BOOKED,
    ActivityKind.CALLED,
)  # fmt: skip


def open_lead_of(person: Person | UUID | None) -> Lead | None:
    """The person's one open lead, or None."""
    if person is None:
        return None
    key = person if isinstance(person, UUID) else person.pk
    return Lead.objects.select_related("person", "company", "owner").filter(person=key, stage__in=OPEN_STAGES).first()


def icp_of(version: AgreementVersion | None) -> UUID | None:
    """The profile whose fit the clauses read: the agreement's own, else the workspace's primary one."""
    if version is not None and version.icp_id:
        return version.icp_id
    return Icp.objects.filter(is_primary=True).values_list("pk", flat=True).first()


def fits_of(leads: Iterable[Lead], version: AgreementVersion | None) -> dict[UUID, dict[str, Any]]:
    """`fit_grade` and `fit_score` by lead: the person's fit, else the company's where the lead has no person."""
    rows = list(leads)
    icp = icp_of(version)
    if icp is None:
        return {}
    people = {
        fit.person_id: fit
        for fit in PersonFit.objects.filter(icp=icp, person__in=[lead.person_id for lead in rows if lead.person_id])
    }
    companies = {
        fit.company_id: fit
        for fit in CompanyFit.objects.filter(
            icp=icp, company__in=[lead.company_id for lead in rows if lead.company_id and lead.person_id not in people]
        )
    }
    found = {}
    for lead in rows:
        fit = people.get(lead.person_id) or companies.get(lead.company_id)
        if fit is not None:
            found[lead.pk] = {"fit_grade": fit.grade, "fit_score": fit.score}
    return found


def cycle_start(lead: Lead) -> datetime:
    """From when facts belong to this buying cycle: the end of the one before, else a month before the lead opened."""
    opened = lead.opened_at or lead.created_at
    if lead.previous_id and lead.previous is not None and lead.previous.closed_at:
        return max(lead.previous.closed_at, opened - BEFORE_OPENING)
    return opened - BEFORE_OPENING


def signals(lead: Lead, now: datetime) -> dict[str, bool]:
    """Every signal of rules.agreements, True if the ledger of this buying cycle has it."""
    seen: set[str] = set()
    if lead.person_id:
        for kind, hit_class, detail in Activity.objects.filter(
            person=lead.person_id, kind__in=SIGNAL_KINDS, at__gte=cycle_start(lead), at__lte=now
        ).values_list("kind", "hit_class", "detail"):
            seen |= rules.signals_of(kind, hit_class, detail)
    return {name: name in seen for name in rules.SIGNALS}


def conversation_of(lead: Lead, now: datetime) -> dict[str, Any] | None:
    """The latest conversation held in this cycle, {kind, at, words, id}, from meetings and answered calls; or None."""
    about = Q(lead=lead.pk)
    if lead.person_id:
        about |= Q(person=lead.person_id)
    since = cycle_start(lead)
    meeting = (
        Meeting.objects.filter(about, state=Meeting.State.HELD, starts_at__gte=since, starts_at__lte=now)
        .order_by("-starts_at")
        .first()
    )
    call = (
        Activity.objects.filter(
            about, kind=ActivityKind.CALLED, hit_class=Activity.HitClass.HUMAN, at__gte=since, at__lte=now,
            detail__outcome__in=sorted(CONVERSATIONS),
        )
        .order_by("-at")
        .first()
    )  # fmt: skip
    if meeting is None and call is None:
        # A held meeting told to the ledger alone (an import, an integration).
        told = Activity.objects.filter(about, kind=ActivityKind.MEETING_HELD, about_type="", at__gte=since, at__lte=now)
        call = told.order_by("-at").first()
    if meeting is not None and (call is None or meeting.starts_at >= call.at):
        return {"kind": "meeting", "id": str(meeting.pk), "at": meeting.starts_at.isoformat(), "words": meeting.title}
    if call is not None:
        return {"kind": call.kind, "id": str(call.pk), "at": call.at.isoformat(), "words": call.summary}
    return None


def first_entries(lead: Lead) -> list[StageTransition]:
    """Every move of a lead in order, with who made it and under which version."""
    return list(StageTransition.objects.filter(lead=lead.pk).select_related("member", "version").order_by("position"))


def entered(stage: str, start: datetime | None = None, end: datetime | None = None) -> Exists | Q:
    """Condition on leads: first entry into `stage` lies in [start, end); without bounds: ever entered it."""
    moves = StageTransition.objects.filter(lead=OuterRef("pk"), to_stage=stage)
    if start is None and end is None:
        return Exists(moves)
    first = moves.order_by().values("lead").annotate(first=Min("at"))
    if start is not None:
        first = first.filter(first__gte=start)
    if end is not None:
        first = first.filter(first__lt=end)
    return Exists(first)


def set_behind(
    leads: QuerySet[Lead],
    *,
    stage: str = "",
    not_stage: str = "",
    start: datetime | None = None,
    end: datetime | None = None,
    basis: str = "cohort",
) -> QuerySet[Lead]:
    """The leads behind a figure: those that entered `stage` and never `not_stage`.

    Basis period: the first entry into `stage` (lead where none is named) lies in [start, end). Cohort: the lead opened in it.
    """
    if basis == "period":
        leads = leads.filter(entered(stage or Stage.LEAD, start, end))
    else:
        if start is not None:
            leads = leads.filter(opened_at__gte=start)
        if end is not None:
            leads = leads.filter(opened_at__lt=end)
        if stage:
            leads = leads.filter(entered(stage))
    if not_stage:
        leads = leads.exclude(Exists(StageTransition.objects.filter(lead=OuterRef("pk"), to_stage=not_stage)))
    return leads


def undated(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """Leads without any date: they lie in no period and are shown as such."""
    dated = StageTransition.objects.filter(lead=OuterRef("pk"), at__isnull=False)
    return leads.filter(opened_at__isnull=True).exclude(Exists(dated))


def deals_of(lead: Lead) -> list[Deal]:
    return list(Deal.objects.filter(lead=lead.pk).select_related("owner").order_by("-created_at"))
