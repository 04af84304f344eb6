"""Forget stored API answers after 24 hours: they hold personal data and serve no retry any more."""

from datetime import datetime

from django.db.models import Min

from accounts.models import IdempotencyRecord
from leadgen.core.idempotency import KEPT


def forget_old_answers(*, now: datetime) -> datetime | None:
    """Delete what expired in the active workspace; returns when to look again, None where nothing is left to expire.

    After a round that deleted something there is always another: an answer stored meanwhile relied on the lane.
    """
    deleted, _ = IdempotencyRecord.objects.filter(created_at__lte=now - KEPT).delete()
    oldest: datetime | None = IdempotencyRecord.objects.aggregate(at=Min("created_at"))["at"]
    if oldest is not None:
        return oldest + KEPT
    return now + KEPT if deleted else None
