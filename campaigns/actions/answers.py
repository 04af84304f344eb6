"""What an answer sets going, whichever way it came: the sequence stops, and a person has something to do."""

from datetime import datetime, time, timedelta

from accounts.actions.audit import SYSTEM, Actor
from accounts.models import Member
from accounts.permissions import may_own
from campaigns.actions.steps import stop_enrolment
from campaigns.models import Enrolment, InboundMail, Message
from campaigns.queries.mail import zone_for
from campaigns.rules.schedule import zone_of
from prospects.actions.tasks import create_task
from prospects.models import Lead, Person, Task

# What a reply wants decides how soon somebody should answer; one we cannot read may be any of them.
URGENT = {"positive", "meeting", "question", "referral", "unsure"}
INSIDE = (Enrolment.State.ACTIVE, Enrolment.State.PAUSED)
NINE = time(9)


def stop_for_answer(
    *,
    person: Person,
    message: Message | None = None,
    now: datetime,
    by: Actor = SYSTEM,
    reason: str = "They replied.",
    words: str = "sequence stopped by this message",
) -> tuple[list[str], Enrolment | None]:
    """Stop what runs for somebody who answered, and their colleagues' if the sequence says so.

    Returns the effects in words, and the enrolment it belongs to (that of `message`, else the running one).
    """
    effect = []
    # Whichever mail it answers: what runs for them now stops.
    running = (
        Enrolment.objects.select_related("sequence", "person", "owner", "lead")
        .filter(person=person, state__in=INSIDE)
        .first()
    )
    if running is not None and stop_enrolment(enrolment=running, reason=reason, by_type="reply", now=now, by=by):
        effect.append(words)
    enrolment = message.enrolment if message is not None and message.enrolment is not None else running
    if enrolment is not None:
        count = _stop_colleagues(enrolment, person, now)
        effect += [f"{count} colleague{'s' if count != 1 else ''} stopped"] if count else []
    return effect, enrolment


def _stop_colleagues(enrolment: Enrolment, person: Person, now: datetime) -> int:
    """If the sequence says so, one answer stops the colleagues' enrolments too; returns how many."""
    if not enrolment.sequence.stop_on_company_reply or person.company_id is None:
        return 0
    others = (
        Enrolment.objects.select_related("sequence", "person", "lead")
        .filter(person__company_id=person.company_id, state__in=INSIDE)
        .exclude(person=person)
        .order_by("pk")
    )
    return sum(
        stop_enrolment(
            enrolment=other, reason=f"{person} of the same company replied.", by_type="company_reply", now=now
        )
        for other in others
    )


def make_again_task(
    *, row: InboundMail, person: Person, lead: Lead | None, owner: Member | None, now: datetime
) -> Task | None:
    """ "Write again in March": a to-do for that day, at nine on their clock. None where they named no day."""
    if row.back_on is None or row.back_on <= now.date():
        return None
    zone = zone_of(zone_for(person, row.workspace))
    due = datetime.combine(row.back_on, NINE, zone)
    return create_task(
        by=SYSTEM, now=now, kind=Task.Kind.TODO, title=f"Write to {person} again", due_at=due, person=person, lead=lead,
        reason=f"Not now, they said: try again on {row.back_on:%d %b %Y}", about=("inbound_mail", row.pk),
        campaign=row.message.campaign if row.message else None,
        owner=first_active(owner, lead.owner if lead else None),
    )  # fmt: skip


def make_reply_task(
    *, row: InboundMail, person: Person, lead: Lead | None, owner: Member | None, now: datetime
) -> Task:
    """Put an answered-for mail into somebody's queue: the owner's if they still work here, else the lead's, else anybody's."""
    said = " ".join(row.text.split())
    return create_task(
        by=SYSTEM,
        now=now,
        kind=Task.Kind.REPLY,
        title=f"Reply to {person}",
        reason=f"{(row.intent or 'unsure').replace('_', ' ').capitalize()}: “{said[:160]}”",
        due_at=now if (row.intent or "unsure") in URGENT else now + timedelta(hours=4),
        person=person,
        company=person.company,
        lead=lead,
        campaign=row.message.campaign if row.message else None,
        owner=first_active(owner, lead.owner if lead else None),
        about=("inbound_mail", row.pk),
    )


def first_active(*members: Member | None) -> Member | None:
    """The first of them who works here and may be given something."""
    return next((member for member in members if may_own(member)), None)
