"""Meetings: booked, held, missed, cancelled; each state leaves its fact in the ledger."""

from datetime import datetime, timedelta
from typing import Any

from accounts.actions.audit import Actor
from accounts.models import Member
from leadgen.core.errors import Conflict, Invalid
from prospects.actions.activities import record_activity
from prospects.actions.leads import note_interest
from prospects.models import Activity, ActivityKind, Company, Deal, Lead, Meeting, Person
from prospects.models.locks import lock_row
from prospects.queries.leads import open_lead_of

State = Meeting.State
KINDS = {State.HELD: ActivityKind.MEETING_HELD, State.NO_SHOW: ActivityKind.MEETING_MISSED}
# A settled meeting may be corrected between held and no-show; a cancelled one is over.
MOVES = {
    State.BOOKED: {State.HELD, State.NO_SHOW, State.CANCELLED},
    State.HELD: {State.NO_SHOW},
    State.NO_SHOW: {State.HELD},
    State.CANCELLED: set(),
}


def book_meeting(
    *,
    by: Actor,
    now: datetime,
    starts_at: datetime,
    person: Person | None = None,
    lead: Lead | None = None,
    deal: Deal | None = None,
    title: str = "",
    member: Member | None = None,
    duration_minutes: int = 30,
    notes: str = "",
    booked_at: datetime | None = None,
    channel: str = "",
) -> Meeting:
    """A meeting with somebody. A booking is a first signal: it may open a lead and make an MQL."""
    lead = lead or (deal.lead if deal else None)
    person = person or (lead.person if lead else None) or (deal.person if deal else None)
    if person is None and lead is None and deal is None:
        raise Invalid("Say whom the meeting is with.", field="person")
    if not 5 <= duration_minutes <= 720:
        raise Invalid("A meeting lasts from 5 minutes to 12 hours.", field="duration_minutes")
    if starts_at > now + timedelta(days=730):
        raise Invalid("Choose a time within two years.", field="starts_at")
    meeting = Meeting(
        lead=lead or open_lead_of(person), deal=deal, person=person, member=member or by.member, state=State.BOOKED,
        title=(title.strip() or f"Meeting with {person or deal or 'them'}")[:200], starts_at=starts_at,
        duration_minutes=duration_minutes, notes=notes.strip(), booked_at=booked_at or min(now, starts_at),
    )  # fmt: skip
    meeting.save()
    activity = _tell(
        meeting, ActivityKind.MEETING_BOOKED, f"Booked: {meeting.title}, {starts_at:%d %b %Y}", at=meeting.booked_at,
        by=by, now=now, channel=channel,
    )  # fmt: skip
    opened = note_interest(activity=activity, now=now, by=by, source=meeting.title, owner=by.member)
    if opened is not None and meeting.lead_id is None:
        meeting.lead = opened
        meeting.save(update_fields=["lead"])
    return meeting


def settle_meeting(*, meeting: Meeting, state: str, by: Actor, now: datetime, notes: str = "") -> Meeting:
    """Say how it went: held (counts as the conversation), no-show or cancelled. Saying it twice is once.

    Raises Invalid where it has not begun yet (held, no-show), Conflict where it cannot change any more.
    """
    meeting = lock_row(meeting, "person", "lead", "deal")
    if meeting.state == state:
        return meeting
    if state not in State.values or state not in MOVES[State(meeting.state)]:
        raise Conflict(f"This meeting is {meeting.get_state_display().lower()} already.", code="settled")
    if state != State.CANCELLED and meeting.starts_at > now:
        raise Invalid("It has not begun yet.", field="state")
    meeting.state, meeting.settled_at = state, now
    if notes.strip():
        meeting.notes = f"{meeting.notes}\n\n{notes.strip()}".strip()
    meeting.save(update_fields=["state", "settled_at", "notes"])
    words = f"{meeting.get_state_display()}: {meeting.title}"
    if state == State.CANCELLED:
        _tell(meeting, ActivityKind.NOTE, words, at=now, by=by, now=now)
        return meeting
    activity = _tell(meeting, KINDS[State(state)], words, at=meeting.starts_at, by=by, now=now)
    note_interest(activity=activity, now=now, by=by)
    return meeting


def move_meeting(*, meeting: Meeting, starts_at: datetime, by: Actor, now: datetime) -> Meeting:
    """Another time for a booked meeting."""
    meeting = lock_row(meeting, "person", "lead", "deal")
    if meeting.state != State.BOOKED:
        raise Conflict(f"This meeting is {meeting.get_state_display().lower()} already.", code="settled")
    if meeting.starts_at == starts_at:
        return meeting
    meeting.starts_at = starts_at
    meeting.save(update_fields=["starts_at"])
    _tell(meeting, ActivityKind.NOTE, f"Moved: {meeting.title}, {starts_at:%d %b %Y}", at=now, by=by, now=now)
    return meeting


def _tell(
    meeting: Meeting, kind: str, summary: str, *, at: datetime, by: Actor, now: datetime, channel: str = ""
) -> Activity | None:
    company: Company | None = None
    if meeting.person is None and meeting.lead is not None:
        company = meeting.lead.company
    detail: dict[str, Any] = {"meeting": str(meeting.pk), "state": meeting.state, "text": meeting.notes[:2000]}
    return record_activity(
        kind=kind, at=at, now=now, by=by, person=meeting.person, company=company, lead=meeting.lead, deal=meeting.deal,
        channel=channel, summary=summary, detail=detail, about=("meeting", meeting.pk),
    )  # fmt: skip
