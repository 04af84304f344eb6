"""What erasing people means for mail: nothing planned goes out any more, and what is being handed over is waited for."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.actions.audit import Actor
from campaigns.actions.steps import stop_enrolment
from campaigns.models import Enrolment, Message
from prospects.actions.erasure import register_stopper

LIVE = (Enrolment.State.ACTIVE, Enrolment.State.PAUSED)


def stop_mail(people: Sequence[UUID], by: Actor, now: datetime) -> None:
    """Stop their sequences and block every planned mail to them, whoever planned it."""
    rows = Enrolment.objects.select_related("sequence", "person", "lead").filter(
        person__any=list(people), state__in=LIVE
    )
    for row in rows.order_by("pk"):
        stop_enrolment(enrolment=row, reason="Erased on request", by_type="erasure", by=by, now=now)
    _theirs(people).filter(state=Message.State.PLANNED).update(
        state=Message.State.BLOCKED, reason="Erased on request", reason_code="erased", settled_at=now, hold_reason=""
    )


def in_flight(people: Sequence[UUID]) -> int:
    """Mails past the point of no return whose worker still has its lease: the server's answer may come any moment."""
    held = _theirs(people).filter(state=Message.State.UNKNOWN, reason_code="submitted")
    return held.filter(lease_until__gt=RawSQL("clock_timestamp()", ())).count()


def _theirs(people: Sequence[UUID]) -> QuerySet[Message]:
    return Message.objects.filter(Q(person__any=list(people)) | Q(enrolment__person__any=list(people)))


def register() -> None:
    """Called once apps are loaded."""
    register_stopper(stop_mail, in_flight)
