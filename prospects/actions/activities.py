"""Write to the ledger. Every other action calls `record_activity` in its own transaction."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.actions.audit import Actor
from leadgen.core.ids import uuid7
from leadgen.core.tenancy import bulk_insert, current_workspace_id
from prospects.models import Activity, ActivityKind, Campaign, Company, Deal, Lead, Person

# Kinds that are a touch of ours on the person, for "not contacted for N days".
TOUCHES = {
    ActivityKind.SENT,
    ActivityKind.CALLED,
    ActivityKind.LINKEDIN_REQUESTED,
    ActivityKind.LINKEDIN_SENT,
    ActivityKind.MEETING_HELD,
}
REPLIES = {ActivityKind.REPLIED, ActivityKind.LINKEDIN_REPLIED}


def record_activity(
    *,
    kind: str,
    at: datetime,
    now: datetime,
    summary: str,
    by: Actor | None = None,
    person: Person | None = None,
    company: Company | None = None,
    lead: Lead | None = None,
    deal: Deal | None = None,
    campaign: Campaign | None = None,
    channel: str = "",
    hit_class: str = Activity.HitClass.HUMAN,
    detail: Mapping[str, Any] | None = None,
    about: tuple[str, uuid.UUID] | None = None,
    key: str = "",
) -> Activity | None:
    """Append one fact; returns it, or None where `key` says it is in the ledger already.

    The company defaults to the person's. Keeps `last_touch_at` / `last_reply_at` of the person and
    `first_touch_at` of the lead (human touches only).
    """
    if company is None and person is not None and person.company_id:
        company = person.company
    row = Activity(
        workspace_id=current_workspace_id(),
        at=at,
        recorded_at=now,
        kind=kind,
        hit_class=hit_class,
        channel=channel,
        person=person,
        company=company,
        lead=lead,
        deal=deal,
        campaign=campaign,
        member=by.member if by else None,
        summary=summary[:300],
        detail=dict(detail or {}),
        about_type=about[0] if about else "",
        about_id=about[1] if about else None,
        key=key,
    )
    if key:
        # Two workers may tell the same fact at once: the unique key decides, without breaking the transaction. The id
        # is ours, so that whether the row is there tells who wrote it.
        row.id = uuid7()
        Activity.objects.bulk_create([row], ignore_conflicts=True)
        if not Activity.objects.filter(pk=row.pk).exists():
            return None
    else:
        row.save()
    _maintain(row, person=person, lead=lead, by=by)
    return row


def append_facts(rows: list[Activity]) -> int:
    """Append many facts of kinds that keep nothing else up to date (no touch, no reply); those whose `key` is there stay out.

    Returns how many were written. One statement, where `record_activity` would take several a row.
    """
    assert not any(row.kind in TOUCHES | REPLIES for row in rows), "touches and replies go through record_activity"
    known = set(Activity.objects.filter(key__in=[row.key for row in rows if row.key]).values_list("key", flat=True))
    fresh = [row for row in rows if row.key not in known]
    bulk_insert(Activity, fresh, ignore_conflicts=True)
    return len(fresh)


def _maintain(row: Activity, *, person: Person | None, lead: Lead | None, by: Actor | None) -> None:
    """Account facts that lists filter by, kept beside the ledger (ground.md: counted live they take seconds)."""
    if row.hit_class != Activity.HitClass.HUMAN:
        return
    if person is not None and row.kind in TOUCHES and (person.last_touch_at is None or person.last_touch_at < row.at):
        person.last_touch_at = row.at
        Person.objects.filter(pk=person.pk).update(last_touch_at=row.at)
    if person is not None and row.kind in REPLIES and (person.last_reply_at is None or person.last_reply_at < row.at):
        person.last_reply_at = row.at
        Person.objects.filter(pk=person.pk).update(last_reply_at=row.at)
    human = by is not None and by.member is not None
    first = lead is not None and human and row.kind in TOUCHES and lead.first_touch_at is None
    if first and lead is not None and lead.opened_at and row.at >= lead.opened_at:
        lead.first_touch_at = row.at
        Lead.objects.filter(pk=lead.pk, first_touch_at__isnull=True).update(first_touch_at=row.at)
