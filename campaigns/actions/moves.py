"""Give the people of one mailbox to another: only those nobody wrote to yet, by a person, audited. Never by itself."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.actions.audit import Actor, write_audit
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Enrolment, Mailbox, Message, StepRun
from leadgen.core.errors import Invalid, Refused

INSIDE = [Enrolment.State.ACTIVE, Enrolment.State.PAUSED]


def unwritten(mailbox: Mailbox) -> QuerySet[Enrolment]:
    """People inside who have this mailbox and got no e-mail from it: nothing was handed over, refused or blocked."""
    # One that a person sends again is planned too, and was handed over before.
    never = Q(state=Message.State.PLANNED, first_submitted_at__isnull=True)
    past = Message.objects.filter(enrolment=OuterRef("pk")).exclude(never)
    return Enrolment.objects.filter(~Exists(past), mailbox=mailbox, state__in=INSIDE)


def move_unwritten(*, source: Mailbox, target: Mailbox, by: Actor, now: datetime) -> int:
    """Who was not written to yet goes on with `target`; a planned first e-mail is written anew with its name and
    signature. Whoever is being written to this moment stays. Returns how many moved."""
    if source.pk == target.pk:
        raise Invalid("Choose another mailbox.", field="to")
    if target.state == Mailbox.State.HELD:
        raise Refused(f"{target.address} is held itself: {target.state_reason}", code="held")
    # Enrolments first, then messages: the order of all locks.
    rows = {row.pk: row for row in unwritten(source).select_for_update(of=("self",)).order_by("pk")}
    planned: QuerySet[Message] = Message.objects.filter(enrolment__in=list(rows), state=Message.State.PLANNED)
    free = planned.extra(where=["(lease_until IS NULL OR lease_until < clock_timestamp())"])
    loose = {m.enrolment_id: m for m in free.select_for_update(of=("self",), skip_locked=True).select_related("step")}
    leased = set(planned.values_list("enrolment_id", flat=True)) - set(loose)
    moved = [row for pk, row in rows.items() if pk not in leased]
    for row in moved:
        message = loose.get(row.pk)
        row.mailbox = target
        if message is not None and message.step is not None:
            # Nothing of it left the house: the step begins again, with the other mailbox.
            row.position, row.next_at, row.wait_reason = message.step.position - 1, now, ""
    drop = Q(pk__in=[message.pk for message in loose.values()])
    for message in loose.values():
        StepRun.objects.filter(enrolment=message.enrolment_id, step=message.step_id).delete()
    Message.objects.filter(drop, state=Message.State.PLANNED).delete()
    Enrolment.objects.bulk_update(moved, ["mailbox", "position", "next_at", "wait_reason"], batch_size=500)
    if moved:
        detail = {"to": target.address, "people": len(moved)}
        write_audit(by=by, action="mailbox.people_moved", now=now, target=source, detail=detail)
        mark_enrolments(now)
    return len(moved)
