"""What retention rules do to mail: texts that were received, and the addresses clicks came from. Who is in a sequence stays."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from campaigns.models import Enrolment, InboundMail, LinkHit
from leadgen.core.erasing import MARK
from prospects.actions.erasure import empty_rows
from prospects.actions.retention import ACTS
from prospects.queries.retention import SUBJECTS, WORKED_WITH, Subject


def _mail(rule: Any, cutoff: datetime) -> QuerySet[InboundMail]:
    return InboundMail.objects.filter(received_at__lt=cutoff).exclude(text__in=["", MARK], subject__in=["", MARK])


def _hits(rule: Any, cutoff: datetime) -> QuerySet[LinkHit]:
    return LinkHit.objects.filter(at__lt=cutoff, ip__isnull=False)


def _empty_mail(ids: list[UUID]) -> None:
    empty_rows(InboundMail, set(ids), only=("text", "subject"))


def _empty_hits(ids: list[UUID]) -> None:
    empty_rows(LinkHit, set(ids), only=("ip",))


def _in_sequence() -> Exists:
    states = [Enrolment.State.ACTIVE, Enrolment.State.PAUSED]
    return Exists(Enrolment.objects.filter(person=OuterRef("pk"), state__in=states))


def register() -> None:
    """Called once apps are loaded."""
    SUBJECTS["mail"] = Subject(
        _mail, lambda row: (row.from_name or row.from_address, row.subject, row.received_at), "received_at"
    )
    SUBJECTS["hits"] = Subject(_hits, lambda row: (str(row.ip), row.user_agent, row.at), "at")
    if _in_sequence not in WORKED_WITH:
        WORKED_WITH.append(_in_sequence)
    ACTS["mail"], ACTS["hits"] = _empty_mail, _empty_hits
