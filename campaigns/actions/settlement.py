"""The end of `unknown`: a person sends it again, or a day passes and it is skipped.

A person's "it was sent" and "skip it" are outcomes.settle_unknown. Whatever was decided, evidence that comes later (the
Sent folder, a bounce, a reply, a click) still makes it sent. Sent again it stays one row with one Message-ID, which keeps
when its first copy was handed over: proof of that copy stops the second as long as it has not left (actions.copies).
"""

from datetime import datetime, timedelta

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from accounts.actions.audit import Actor, write_audit
from campaigns.actions.steps import finish_step, mark_mailbox
from campaigns.models import Enrolment, Message
from campaigns.models.locks import lock_enrolment, lock_message
from leadgen.core.errors import Conflict, Invalid

WAIT_FOR_EVIDENCE = timedelta(hours=24)
SKIPPED = "skipped_by_time"


def lease_is_over(rows: "QuerySet[Message]") -> "QuerySet[Message]":
    """Of `rows`, those no worker talks to a server about any more; by the database's clock."""
    return rows.extra(
        where=["(campaigns_message.lease_until IS NULL OR campaigns_message.lease_until < clock_timestamp())"]
    )


def send_again(*, message: Message, by: Actor, now: datetime) -> Message:
    """A person takes the risk: the same mail, with the same Message-ID, is planned once more.

    Raises Conflict where it was settled meanwhile or the sequence went on, Invalid while a worker may still deliver it.
    """
    enrolment = lock_enrolment(message.enrolment_id) if message.enrolment_id else None
    locked = lock_message(message.pk)
    if locked.state != Message.State.UNKNOWN:
        raise Conflict(f"This message is {locked.get_state_display().lower()} already.", code="settled")
    if not lease_is_over(Message.objects.filter(pk=locked.pk)).exists():
        raise Invalid("This message is being handed over right now. Look again in a few minutes.")
    if locked.settled_at is not None:
        raise Conflict(f"It was skipped on {locked.settled_at:%d %b}, and the sequence went on.", code="settled")
    if enrolment is not None and enrolment.state not in {Enrolment.State.ACTIVE, Enrolment.State.PAUSED}:
        raise Conflict(f"The sequence has ended for this person: {enrolment.reason or 'it is finished'}.", code="ended")
    Message.objects.filter(pk=locked.pk).update(
        state=Message.State.PLANNED, submitted_at=None, reason="", reason_code="", response="", hold_reason="",
        lease_until=None, due_at=now, reconciled_at=None,
        first_submitted_at=Coalesce(F("first_submitted_at"), F("submitted_at")),
    )  # fmt: skip
    if enrolment is not None:
        Enrolment.objects.filter(pk=enrolment.pk).update(wait_reason="")
    handed_over = locked.submitted_at.isoformat() if locked.submitted_at else None
    detail = {"sent": "again", "handed_over": handed_over}
    write_audit(by=by, action="message.settled", now=now, target=locked, label=locked.subject, detail=detail)
    mark_mailbox(locked.mailbox_id, now)
    locked.refresh_from_db()
    return locked


def skip_overdue(*, now: datetime, limit: int = 200) -> int:
    """A day without evidence or decision: skip. It stays `unknown`, for nobody knows, but the sequence goes on.

    In the active workspace and the caller's transaction. Returns how many.
    """
    rows = lease_is_over(
        Message.objects.filter(
            state=Message.State.UNKNOWN, settled_at__isnull=True, submitted_at__lte=now - WAIT_FOR_EVIDENCE
        )
    )
    skipped = 0
    for message in rows.order_by("submitted_at")[:limit]:
        if message.enrolment_id is not None:
            lock_enrolment(message.enrolment_id)
        words = (
            "Nobody knows whether it was delivered: no evidence came in 24 hours and nobody decided. "
            f"Skipped on {now:%d %b %Y}."
        )
        changed = Message.objects.filter(
            pk=message.pk, state=Message.State.UNKNOWN, settled_at__isnull=True, attempt=message.attempt
        ).update(reason=words, reason_code=SKIPPED, settled_at=now, settled_by="time", lease_until=None)
        if not changed:
            continue
        skipped += 1
        if message.enrolment_id is not None and message.step_id is not None:
            finish_step(enrolment_id=message.enrolment_id, step_id=message.step_id, outcome="unknown", at=now, now=now)
    return skipped
