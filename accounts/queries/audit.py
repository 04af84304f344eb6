"""Read the audit log."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import AuditEntry, Member
from accounts.rules.audit_words import ids_in
from leadgen.core import clock

RECENT = 5_000


def audit_entries(
    *, zone: str, member: str = "", action: str = "", since: date | None = None, until: date | None = None
) -> QuerySet[Any]:
    """Entries of the active workspace. `member` is an id or "system"; days are whole days of `zone`, both included."""
    rows: QuerySet[Any] = AuditEntry.objects.select_related("member", "token")
    if member == "system":
        rows = rows.filter(member__isnull=True)
    elif member:
        rows = rows.filter(member_id=member)
    if action:
        rows = rows.filter(action=action)
    if since:
        rows = rows.filter(at__gte=clock.start_of_day(since, zone))
    if until:
        rows = rows.filter(at__lt=clock.start_of_day(until + timedelta(days=1), zone))
    return rows


Namer = Callable[[Collection[UUID]], Mapping[UUID, str]]
_namers: list[Namer] = []


def register_namer(namer: Namer) -> None:
    """How an app above names rows of its own whose ids stand in details."""
    if namer not in _namers:
        _namers.append(namer)


def names_in(entries: Iterable[AuditEntry]) -> dict[UUID, str]:
    """What ids in the details of these entries are called: members, and what the apps above know."""
    ids = set().union(*(ids_in(entry.detail) for entry in entries))
    if not ids:
        return {}
    found: dict[UUID, str] = {row.pk: str(row) for row in Member.objects.filter(pk__in=ids)}
    for namer in _namers:
        if ids - found.keys():
            found |= namer(ids - found.keys())
    return found


def recent_actions() -> list[str]:
    """Actions among the latest 5,000 entries, sorted: a log of years must not be read for a filter's list."""
    latest = AuditEntry.objects.order_by("-at", "-id").values_list("action", flat=True)[:RECENT]
    return sorted(set(latest))
