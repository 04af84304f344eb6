"""Reads of tasks that pages of people, companies, leads and deals share. The queue's ranking is campaigns'."""

from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Member
from prospects.models import Company, Deal, Lead, Person, Task

OPEN = Q(state=Task.State.OPEN)
RELATED = ("person", "company", "owner", "campaign", "claimed_by")


def open_tasks(
    *,
    person: Person | None = None,
    company: Company | None = None,
    lead: Lead | None = None,
    deal: Deal | None = None,
) -> "QuerySet[Task]":
    """Open tasks about one subject, the next due first."""
    about = {"person": person, "company": company, "lead": lead, "deal": deal}
    given = {name: value for name, value in about.items() if value is not None}
    return Task.objects.filter(OPEN, **given).select_related(*RELATED).order_by("due_at", "id")


def open_tasks_of(member: Member, now: datetime, *, unowned: bool = True) -> "QuerySet[Task]":
    """What a member can work on now: theirs and (`unowned`) nobody's, without what is snoozed."""
    mine = Q(owner=member) | Q(owner__isnull=True) if unowned else Q(owner=member)
    awake = Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)
    return Task.objects.filter(OPEN, mine, awake).select_related(*RELATED).order_by("due_at", "id")
