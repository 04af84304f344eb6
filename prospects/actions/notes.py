"""Notes and facts told from outside: what no other action writes. Append-only, like all of the ledger."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from accounts.actions.audit import Actor
from leadgen.core.errors import Invalid
from prospects.actions.activities import record_activity
from prospects.actions.leads import note_interest
from prospects.models import Activity, ActivityKind, Campaign, Company, Deal, Lead, Person

MAX_NOTE = 10_000
K = ActivityKind
# What an integrator or a member may state. The others follow from their own action and would contradict it.
TELLABLE = (
    K.TOUCH, K.NOTE, K.CALLED, K.LINKEDIN_REQUESTED, K.LINKEDIN_ACCEPTED, K.LINKEDIN_SENT, K.LINKEDIN_REPLIED, K.PAGE,
    K.FORM, K.OPENED, K.CLICKED, K.REPLIED, K.MEETING_BOOKED, K.MEETING_HELD, K.MEETING_MISSED,
)  # fmt: skip


def add_note(
    *,
    by: Actor,
    now: datetime,
    text: str,
    person: Person | None = None,
    company: Company | None = None,
    lead: Lead | None = None,
    deal: Deal | None = None,
) -> Activity:
    """Write a note on the timeline of a person, company, lead or deal; the whole text is in `detail["text"]`."""
    words = text.strip().replace("\r\n", "\n")
    if not words:
        raise Invalid("Write something first.", field="text")
    if len(words) > MAX_NOTE:
        raise Invalid(f"A note has at most {MAX_NOTE:,} characters; this one has {len(words):,}.", field="text")
    note = record_activity(
        kind=ActivityKind.NOTE, at=now, now=now, by=by, person=person, company=company, lead=lead, deal=deal,
        summary=" ".join(words.split()), detail={"text": words},
    )  # fmt: skip
    assert note is not None  # only a key makes it None
    return note


def log_activity(
    *,
    by: Actor,
    now: datetime,
    kind: str,
    at: datetime | None = None,
    summary: str = "",
    person: Person | None = None,
    company: Company | None = None,
    lead: Lead | None = None,
    deal: Deal | None = None,
    campaign: Campaign | None = None,
    channel: str = "",
    hit_class: str = Activity.HitClass.HUMAN,
    detail: Mapping[str, Any] | None = None,
    external_key: str = "",
) -> tuple[Activity, bool]:
    """Write a fact that happened elsewhere; (the row, whether it is new). The same `external_key` is the same fact.

    What follows from it (points, a lead, an MQL) follows. The person and company default to the lead's.
    """
    if kind not in TELLABLE:
        raise Invalid(f"“{kind}” cannot be told from outside. Use one of: {', '.join(TELLABLE)}.", field="kind")
    if at is not None and at > now + timedelta(minutes=5):
        raise Invalid("This lies in the future. A fact has happened already.", field="at")
    if lead is not None:
        person, company = person or lead.person, company or lead.company
    if not any((person, company, lead, deal)):
        raise Invalid("Say whom it is about: person, company, lead or deal.", field="person")
    key = f"external:{external_key}" if external_key else ""
    if len(key) > 200:
        raise Invalid("A key has at most 190 characters.", field="external_key")
    row = record_activity(
        kind=kind, at=at or now, now=now, by=by, summary=summary.strip() or ActivityKind(kind).label, person=person,
        company=company, lead=lead, deal=deal, campaign=campaign, channel=channel, hit_class=hit_class,
        detail=detail, key=key,
    )  # fmt: skip
    if row is None:
        return Activity.objects.get(key=key), False
    note_interest(activity=row, now=now, by=by)
    return row, True
