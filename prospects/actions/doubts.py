"""Interest that turned out to be a program's: the lead it opened is closed, the MQL it made goes back, if nobody worked on it.

A classifier of clicks gets better, and history is classed again: facts are corrected and points taken back. What a machine
concluded from them follows as long as only the machine acted on it. Where people worked on the lead their work stands: it
stays, and its timeline says what is thought of the click now. Nothing is deleted; each change is a move with its reason.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from accounts.actions.audit import SYSTEM, write_audit
from accounts.models import Workspace
from leadgen.core.clock import local_date
from leadgen.core.tenancy import current_workspace_id
from prospects.actions.activities import record_activity
from prospects.actions.routing import lead_label
from prospects.actions.stages import lock_lead, move_stage, withdraw_handoffs
from prospects.actions.tasks import cancel_tasks
from prospects.models import (
    Activity,
    ActivityKind,
    Deal,
    Handoff,
    Lead,
    Meeting,
    Stage,
    StageTransition,
    Task,
)
from prospects.models.choices import OPEN_STAGES
from prospects.queries.activities import uncorrected
from prospects.queries.agreements import static_facts
from prospects.queries.leads import cycle_start, fits_of, open_lead_of
from prospects.rules import agreements as rules
from prospects.rules import engagement

CLOSED, SENT_BACK, KEPT = "closed", "sent_back", "kept"
PROGRAM = "now thought a program's"
# A move to `lead` with this in its facts was no rejection by sales: what qualifies the lead again needs no new interest.
WITHDRAWN = "withdrawn"


def corrected_people() -> list[UUID]:
    """Whoever has an open lead and a click that was corrected, whenever that was, and is no person's now."""
    clicks = uncorrected(
        Activity.objects.filter(kind=ActivityKind.CLICKED, key__startswith="correct:").exclude(
            hit_class=Activity.HitClass.HUMAN
        )
    )
    leads = Lead.objects.filter(stage__in=OPEN_STAGES, person__in=clicks.values("person"))
    return list(leads.order_by("person").values_list("person", flat=True))


def reconsider_lead(*, person_id: UUID, now: datetime) -> str:
    """After a click of this person was corrected: does what opened or qualified their open lead still stand?

    Returns what was done: closed, sent_back, kept (with a line in its timeline) or ''. In the caller's transaction; told
    twice it does nothing twice.
    """
    found = open_lead_of(person_id)
    if found is None:
        return ""
    lead = lock_lead(found)
    if lead.stage not in OPEN_STAGES:
        return ""
    opener = _fallen_opener(lead)
    if opener is not None:
        words = f"The click of {opener.at:%d %b %Y} that opened this lead is {_thought_of(opener)}."
        work = _work_on(lead, now)
        if work:
            return _keep(lead, words, work, key=f"doubt:{opener.pk}:{lead.pk}", now=now)
        move_stage(
            lead=lead, to=Stage.DISQUALIFIED, now=now, by=SYSTEM, reason=f"Opened by a click that is {PROGRAM}",
            facts={"words": f"{words} Nobody had worked on it.", WITHDRAWN: str(opener.pk)},
        )  # fmt: skip
        cancel_tasks(tasks=Task.objects.filter(lead=lead), reason=words, by=SYSTEM, now=now)
        return CLOSED
    move = _fallen_qualification(lead, now)
    if move is None:
        return ""
    words = f"Without the clicks that are {PROGRAM} this lead would never have become an MQL ({_clause(move)})."
    work = _work_on(lead, now)
    if work:
        return _keep(lead, words, work, key=f"doubt:{move.pk}:{lead.pk}", now=now)
    move_stage(
        lead=lead, to=Stage.LEAD, now=now, by=SYSTEM, reason=f"Qualified by clicks that are {PROGRAM}",
        facts={"words": f"{words} Nobody had worked on it.", WITHDRAWN: str(move.pk)},
    )  # fmt: skip
    withdraw_handoffs(lead=lead, by=SYSTEM, now=now, kind=Handoff.Kind.MARKETING_TO_SDR)
    return SENT_BACK


def _keep(lead: Lead, words: str, work: str, *, key: str, now: datetime) -> str:
    """The lead stays as people made it; its timeline and the audit log say what is thought now. Once a cause."""
    text = f"{words} It stays: {work}."
    told = record_activity(
        kind=ActivityKind.NOTE, at=now, now=now, person=lead.person, company=lead.company, lead=lead, key=key,
        campaign=lead.campaign, hit_class=Activity.HitClass.AUTOMATED, summary=text, detail={"text": text},
    )  # fmt: skip
    if told is None:
        return ""
    write_audit(
        by=SYSTEM, action="lead.doubted", now=now, target=lead, label=lead_label(lead),
        detail={"why": words, "stays": work},
    )  # fmt: skip
    return KEPT


def _fallen_opener(lead: Lead) -> Activity | None:
    """The activity that opened the lead, if it counts no more and nothing else of this cycle would have opened it."""
    first = StageTransition.objects.filter(lead=lead.pk, position=1).first()
    named = first.facts.get("activity") if first else None
    opener = Activity.objects.filter(pk=named).first() if named else None
    if opener is None or opener.kind != ActivityKind.CLICKED or lead.version is None:
        return None
    clause = lead.version.lead_clause
    now_known = uncorrected(Activity.objects.filter(person=lead.person_id, at__gte=cycle_start(lead)))
    kinds = now_known.filter(kind__in=clause.get("kinds", ())).values_list("kind", "hit_class", "detail")
    return None if any(rules.opens_lead(clause, *row) for row in kinds) else opener


def _fallen_qualification(lead: Lead, now: datetime) -> StageTransition | None:
    """The move to MQL a machine made because of engagement, if by what the ledger says now the clause was met at no moment.

    Facts about the fit are those of then: only what was taken back may make the difference.
    """
    if lead.stage == Stage.LEAD or lead.person_id is None or lead.opened_at is None:
        return None
    move = StageTransition.objects.filter(lead=lead.pk, to_stage=Stage.MQL).order_by("-position").first()
    met = move.facts.get("facts") if move else None
    if move is None or move.version is None or move.member_id or not isinstance(met, dict) or "engagement" not in met:
        return None
    version = move.version
    zone = Workspace.objects.values_list("time_zone", flat=True).get(pk=current_workspace_id())
    since = lead.opened_at - timedelta(days=version.half_life_days * engagement.EXPIRES_AFTER)
    rows = uncorrected(
        Activity.objects.filter(
            person=lead.person_id, kind__in=[*rules.EARNING, *rules.INTEREST], at__gte=since, at__lte=now
        )
    )
    walk = [
        (kind, hit_class, detail, at, local_date(at, zone))
        for kind, hit_class, detail, at in rows.order_by("at", "id").values_list("kind", "hit_class", "detail", "at")
    ]
    then = {name: value for name, value in met.items() if name not in rules.SIGNALS and name != "engagement"}
    base = {**static_facts(lead), **fits_of([lead], version).get(lead.pk, {}), **then}
    opened = lead.opened_at - timedelta(seconds=1)
    again = rules.first_met(version.mql_clause, version.points, version.half_life_days, base, walk, opened)
    return move if again is None else None


def _thought_of(opener: Activity) -> str:
    """What is thought of a click by its newest correction."""
    found = opener
    while (newer := Activity.objects.filter(key=f"correct:{found.pk}").first()) is not None:
        found = newer
    thought = PROGRAM if found.hit_class == Activity.HitClass.AUTOMATED else "no longer surely a person's"
    return f"{thought} ({found.detail.get('why') or 'classed again'})"


def _clause(move: StageTransition) -> str:
    return str(move.facts.get("clause") or "the clause it met").strip()


def _work_on(lead: Lead, now: datetime) -> str:
    """What people did on the lead since it opened, in words; '' if nobody did anything."""
    if lead.stage not in (Stage.LEAD, Stage.MQL):
        return f"it is {lead.get_stage_display()} by now"
    since = lead.opened_at or lead.created_at
    about = Q(lead=lead.pk) | (Q(person=lead.person_id, at__gte=since) if lead.person_id else Q())
    if lead.first_touch_at is not None:
        return f"somebody was in touch on {lead.first_touch_at:%d %b %Y}"
    if StageTransition.objects.filter(lead=lead.pk, member__isnull=False).exists():
        return "somebody moved it by hand"
    if Handoff.objects.filter(lead=lead, decided_by__isnull=False).exists():
        return "its hand-off was decided"
    if Deal.objects.filter(lead=lead.pk).exists():
        return "it has a deal"
    if Meeting.objects.filter(lead=lead.pk).exists():
        return "it has a meeting"
    tasks = Task.objects.filter(Q(lead=lead.pk) | Q(person=lead.person_id, created_at__gte=since))
    if tasks.filter(Q(state=Task.State.DONE) | Q(closed_by__isnull=False)).exists():
        return "a task of it was done"
    if tasks.filter(state=Task.State.OPEN, claimed_by__isnull=False, claimed_until__gt=now).exists():
        return "somebody works on it right now"
    act = Activity.objects.filter(about, member__isnull=False).select_related("member").order_by("-at").first()
    return f"{act.member} worked on it on {act.at:%d %b %Y}" if act else ""
