"""Leads: opened by shown interest, qualified by the agreement, disqualified, recycled, reopened."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.models import Member
from accounts.permissions import may_own
from leadgen.core.errors import Conflict, Invalid, Refused
from prospects.actions.activities import record_activity
from prospects.actions.agreements import ensure_first_agreement
from prospects.actions.doubts import WITHDRAWN
from prospects.actions.engagement import award_points
from prospects.actions.handoffs import accept_handoff, create_handoff
from prospects.actions.routing import hours_of_workspace, lead_label, route_lead, set_owner
from prospects.actions.stages import lock_lead, move_stage, write_transition
from prospects.models import (
    Activity,
    ActivityKind,
    AgreementVersion,
    Campaign,
    Company,
    Deal,
    Handoff,
    Lead,
    Person,
    PointEntry,
    Stage,
    StageTransition,
)
from prospects.models.choices import OPEN_STAGES, Channel
from prospects.queries.agreements import static_facts
from prospects.queries.engagement import score_of
from prospects.queries.leads import conversation_of, fits_of, open_lead_of, signals
from prospects.rules import agreements as rules
from prospects.rules.sla import add_working_minutes

RECONSIDERED = 1000  # leads looked at again when a version takes effect: what one request can do
FIELDS = ("channel", "subchannel", "campaign", "source", "company")


def open_lead(
    *,
    origin: str,
    at: datetime,
    now: datetime,
    by: Actor,
    person: Person | None = None,
    company: Company | None = None,
    channel: str = "",
    subchannel: str = "",
    campaign: Campaign | None = None,
    source: str = "",
    owner: Member | None = None,
    external_id: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Lead:
    """The person's open lead, or a new one opened `at`: two who open it at once get the same.

    The next lead of somebody whose last one ended names it as `previous`. The owner is the one given, else the person's;
    an inbound lead without one is routed, and its speed-to-lead clock starts. Evaluates MQL at once.
    """
    if person is None and company is None:
        raise Invalid("A lead needs a person or a company.", field="person")
    channel = channel or (campaign.channel if campaign else "") or Channel.UNKNOWN
    if origin not in Lead.Origin.values or channel not in Channel.values:
        raise Invalid(f"“{channel if origin in Lead.Origin.values else origin}” is not known here.", field="channel")
    found = open_lead_of(person)
    if found is not None:
        return found
    version = ensure_first_agreement(now)
    company = company or (person.company if person else None)
    owner = owner or (person.owner if person else None)
    lead = Lead(
        person=person, company=company, external_id=external_id, origin=origin, channel=channel,
        subchannel=subchannel[:80], campaign=campaign, source=source[:120], version=version, stage=Stage.LEAD, stage_at=at,
        opened_at=at, created_at=now, owner=owner if may_own(owner) else None,
        previous=Lead.objects.filter(person=person).order_by("-created_at").first() if person else None,
    )  # fmt: skip
    lead.fit_grade = fits_of([lead], version).get(lead.pk, {}).get("fit_grade", "")
    if origin == Lead.Origin.INBOUND:
        lead.touch_due_at = add_working_minutes(at, version.first_touch_minutes, hours_of_workspace())
    try:
        with transaction.atomic():
            lead.save()
    except IntegrityError:
        # The unique index decided: somebody opened it first (or the external id is taken, which is the caller's mistake).
        other = open_lead_of(person)
        if other is None:
            raise Conflict("A lead has this external id already.", code="duplicate", field="external_id") from None
        return other
    write_transition(lead=lead, from_stage="", to=Stage.LEAD, at=at, now=now, by=by, facts=facts, version=version)
    record_activity(
        kind=ActivityKind.STAGE, at=at, now=now, by=by, person=person, company=company, lead=lead, campaign=campaign,
        channel=channel, summary=f"Lead opened: {Channel(channel).label}", key=f"stage:{lead.pk}:1",
        detail={"from": "", "to": Stage.LEAD, "origin": origin, "why": (facts or {}).get("words") or source},
    )  # fmt: skip
    write_audit(by=by, action="lead.opened", now=now, target=lead, label=lead_label(lead), detail={"origin": origin})
    if origin == Lead.Origin.INBOUND and lead.owner_id is None:
        route_lead(lead=lead, now=now)
    evaluate_mql(lead=lead, now=now)
    return lead


def maybe_open_lead(
    *, activity: Activity, now: datetime, by: Actor = SYSTEM, source: str = "", owner: Member | None = None
) -> Lead | None:
    """The lead an activity opens under the lead clause (or the one open already); None where it is no shown interest."""
    version = ensure_first_agreement(now)
    if not rules.opens_lead(version.lead_clause, activity.kind, activity.hit_class, activity.detail):
        return None
    if activity.person is None:
        return None
    inbound = activity.kind == ActivityKind.FORM or activity.detail.get("inbound") is True
    return open_lead(
        origin=Lead.Origin.INBOUND if inbound else Lead.Origin.OUTBOUND, at=activity.at, now=now, by=by,
        person=activity.person, company=activity.company, channel=activity.channel, campaign=activity.campaign,
        subchannel=str(activity.detail.get("subchannel") or ""),
        source=source or activity.summary, owner=owner,
        facts={"activity": str(activity.pk), "kind": activity.kind, "words": activity.summary},
    )  # fmt: skip


def note_interest(
    *, activity: Activity | None, now: datetime, by: Actor = SYSTEM, source: str = "", owner: Member | None = None
) -> Lead | None:
    """What follows from a recorded activity: points, perhaps a lead, perhaps an MQL. Whoever records interest calls this.

    Told twice it changes nothing twice; None (the activity was in the ledger already) is let through. Returns the
    person's open lead, if there is one.
    """
    if activity is None or activity.person_id is None:
        return None
    awarded = award_points(activity=activity, now=now)
    before = open_lead_of(activity.person_id)
    lead = maybe_open_lead(activity=activity, now=now, by=by, source=source, owner=owner) or before
    signal = rules.signals_of(activity.kind, activity.hit_class, activity.detail)
    if before is not None and (awarded is not None or signal):
        evaluate_mql(lead=before, now=now)
        return before
    return lead


def evaluate_mql(*, lead: Lead, now: datetime, by: Actor = SYSTEM) -> StageTransition | None:
    """Make a lead an MQL if the signed clause is met, with the facts that met it, and hand it to an SDR; else None.

    A lead that sales sent back is looked at again only after new interest, else it would bounce at once.
    """
    if lead.stage != Stage.LEAD:
        return None
    version = ensure_first_agreement(now)
    returned = (
        StageTransition.objects.filter(lead=lead.pk, to_stage=Stage.LEAD, position__gt=1).order_by("-position").first()
    )
    sent_back = returned is not None and WITHDRAWN not in returned.facts
    if returned is not None and sent_back and not _new_interest(lead, returned.recorded_at):
        return None
    met = rules.meets_mql(version.mql_clause, facts_of(lead, version, now), now)
    if met is None:
        return None
    transition = move_stage(lead=lead, to=Stage.MQL, now=now, by=by, facts=met.as_json(), version=version)
    if transition is not None:
        create_handoff(lead=lead, kind=Handoff.Kind.MARKETING_TO_SDR, now=now, by=by)
        lead.refresh_from_db()
    return transition


def evaluate_people(*, people: Iterable[UUID], now: datetime) -> int:
    """Evaluate the leads at stage lead of these persons (after their fit changed); returns how many became MQL."""
    leads = Lead.objects.select_related("person", "company", "owner").filter(person__in=list(people), stage=Stage.LEAD)
    return sum(evaluate_mql(lead=lead, now=now) is not None for lead in leads)


def evaluate_open_leads(*, now: datetime, most: int = RECONSIDERED) -> int:
    """Evaluate the newest leads at stage lead under the agreement in force; the others at their next act or fit change."""
    leads = Lead.objects.select_related("person", "company", "owner").filter(stage=Stage.LEAD)
    return sum(evaluate_mql(lead=lead, now=now) is not None for lead in leads.order_by("-created_at", "-id")[:most])


def facts_of(lead: Lead, version: AgreementVersion, now: datetime) -> dict[str, Any]:
    """Every fact the MQL clause may ask for; None or absent is unknown."""
    facts: dict[str, Any] = {**static_facts(lead), **signals(lead, now), **fits_of([lead], version).get(lead.pk, {})}
    if lead.person_id:
        facts["engagement"] = round(score_of(lead.person_id, version, now), 2)
    return facts


def qualify_lead(
    *, lead: Lead, confirmed: Mapping[str, str], by: Actor, now: datetime, note: str = ""
) -> StageTransition | None:
    """A person confirms SQL: `confirmed` is {item: what was said} of the SQL clause; the conversation comes from the ledger.

    A marketing hand-off still waiting is accepted by it. Qualifying twice is once. Raises Refused with `missing` in its
    detail, also for a machine.
    """
    if by.member is None:
        raise Refused("Only a person can confirm that a lead is qualified.", code="needs_person")
    lead = lock_lead(lead)
    if lead.stage == Stage.SQL:
        return None
    if lead.stage not in OPEN_STAGES or lead.stage == Stage.OPPORTUNITY:
        raise Conflict(
            f"{lead_label(lead)} is {lead.get_stage_display()}: it cannot become an SQL.", code="wrong_stage"
        )
    version = ensure_first_agreement(now)
    conversation = conversation_of(lead, now)
    said = {item: " ".join(str(words).split())[:500] for item, words in confirmed.items() if item in rules.SQL_ITEMS}
    missing = rules.missing_for_sql(version.sql_clause, said, conversation=conversation is not None)
    if missing:
        words = "; ".join(rules.SQL_ITEMS[item].lower() for item in missing)
        raise Refused(f"Not yet an SQL. Still open: {words}.", code="checklist_incomplete", detail={"missing": missing})
    waiting = Handoff.objects.filter(lead=lead, kind=Handoff.Kind.MARKETING_TO_SDR, state=Handoff.State.PENDING).first()
    if waiting is not None:
        accept_handoff(handoff=waiting, by=by, now=now)
    facts = {
        "confirmed": said, "conversation": conversation,
        "words": "Confirmed by " + by.label + ": " + ", ".join(item for item in version.sql_clause["required"]),
    }  # fmt: skip
    return move_stage(lead=lead, to=Stage.SQL, now=now, by=by, facts=facts, note=note, version=version)


def disqualify_lead(*, lead: Lead, reason: str, by: Actor, now: datetime, note: str = "") -> StageTransition | None:
    """Take a lead out for good, for one of the agreement's reasons."""
    version = ensure_first_agreement(now)
    if reason not in version.disqualify_reasons:
        raise Invalid(
            f"Choose one of the agreement's reasons: {', '.join(version.disqualify_reasons)}.", field="reason"
        )
    _no_open_deal(lead)
    return move_stage(lead=lead, to=Stage.DISQUALIFIED, now=now, by=by, reason=reason, note=note)


def recycle_lead(
    *, lead: Lead, until: date, by: Actor, now: datetime, reason: str = "", note: str = ""
) -> StageTransition | None:
    """Put a lead to rest until a day; new interest opens the next one, which names this as its previous."""
    if until <= now.date():
        raise Invalid("Choose a day after today.", field="until")
    _no_open_deal(lead)
    return move_stage(
        lead=lead, to=Stage.RECYCLED, now=now, by=by, reason=reason.strip()[:120] or "Not now", note=note, until=until
    )


def reopen_lead(*, lead: Lead, by: Actor, now: datetime, reason: str = "") -> StageTransition | None:
    """Undo a disqualification or a rest: back to the stage it was taken from. Conflict where a newer lead is open."""
    lead = lock_lead(lead)
    if lead.stage in OPEN_STAGES:
        return None
    if lead.stage not in (Stage.DISQUALIFIED, Stage.RECYCLED):
        raise Conflict(f"{lead_label(lead)} is {lead.get_stage_display()}: it cannot be reopened.", code="no_such_move")
    newer = open_lead_of(lead.person_id)
    if newer is not None:
        raise Conflict("A newer lead of this person is open.", code="newer_lead", detail={"lead": str(newer.pk)})
    left = (
        StageTransition.objects.filter(lead=lead.pk).order_by("-position").values_list("from_stage", flat=True).first()
    )
    # An opportunity without its deal is no opportunity.
    to = left if left in OPEN_STAGES and left != Stage.OPPORTUNITY else Stage.LEAD
    return move_stage(lead=lead, to=to, now=now, by=by, reason=reason.strip()[:120] or "Reopened")


def assign_lead(*, lead: Lead, owner: Member | None, by: Actor, now: datetime) -> bool:
    """Give a lead to somebody, by hand. False where they own it already."""
    lead = lock_lead(lead)
    return set_owner(lead=lead, owner=owner, by=by, now=now, reason=f"by {by.label}")


def edit_lead(*, lead: Lead, changes: Mapping[str, Any], by: Actor, now: datetime) -> Lead:
    """Correct where a lead came from (FIELDS); what changed stands on the timeline and in the audit log."""
    lead = lock_lead(lead)
    changed = {}
    for name, value in changes.items():
        if name not in FIELDS:
            raise Invalid(f"“{name}” of a lead cannot be changed here.", field=name)
        if name == "channel" and value not in Channel.values:
            raise Invalid("No such channel.", field="channel")
        if isinstance(value, str):
            value = value.strip()[: 120 if name == "source" else 80]
        if getattr(lead, name) != value:
            changed[name] = [str(getattr(lead, name) or ""), str(value or "")]
            setattr(lead, name, value)
    if changed:
        lead.save(update_fields=list(changed))
        words = ", ".join(f"{name} {new or 'unknown'}" for name, (_, new) in changed.items())
        record_activity(
            kind=ActivityKind.EDITED, at=now, now=now, by=by, person=lead.person, company=lead.company, lead=lead,
            summary=f"Lead: {words}", detail={"changes": changed},
        )  # fmt: skip
        write_audit(by=by, action="lead.changed", now=now, target=lead, label=lead_label(lead), detail=changed)
    return lead


def mark_seen(*, lead: Lead, by: Actor, now: datetime) -> None:
    """The owner opened the lead for the first time: a step of the speed-to-lead clock."""
    if by.member is not None and lead.seen_at is None and lead.owner_id == by.member.pk:
        lead.seen_at = now
        Lead.objects.filter(pk=lead.pk, seen_at__isnull=True).update(seen_at=now)


def _new_interest(lead: Lead, since: datetime) -> bool:
    if lead.person_id is None:
        return False
    if PointEntry.objects.filter(person=lead.person_id, points__gt=0, at__gt=since).exists():
        return True
    hits = Activity.objects.filter(person=lead.person_id, at__gt=since).values_list("kind", "hit_class", "detail")
    return any(rules.signals_of(*hit) for hit in hits)


def _no_open_deal(lead: Lead) -> None:
    if Deal.objects.filter(lead=lead.pk, outcome=Deal.Outcome.OPEN).exists():
        raise Conflict("It has an open deal. Close the deal as lost, with the reason.", code="open_deal")
