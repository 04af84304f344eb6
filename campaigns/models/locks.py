"""All row locks of campaigns, in one order for everybody: enrolment, then mailbox, then message."""

from uuid import UUID

from campaigns.models import Enrolment, Mailbox, Message


def lock_enrolment(pk: UUID) -> Enrolment:
    """Lock one enrolment, alone. What it points to is read by key when asked for, after the lock and so as it is now.

    Joined, the same look-up took 24 ms a mail on tables without planner statistics; a read by key takes under 1 ms.
    """
    return Enrolment.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def lock_mailbox(pk: UUID) -> Mailbox:
    return Mailbox.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def lock_message(pk: UUID) -> Message:
    return Message.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)
