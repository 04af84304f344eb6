"""All row locks of campaigns, in one order for everybody: enrolment, then mailbox, then message."""

from uuid import UUID

from campaigns.models import Enrolment, Mailbox, Message


def lock_enrolment(pk: UUID) -> Enrolment:
    """Lock one enrolment; its sequence, campaign and person are loaded with it, unlocked."""
    return (
        Enrolment.objects.select_for_update(of=("self",))
        .select_related("sequence", "sequence__campaign", "person", "person__company", "workspace")
        .get(pk=pk)
    )


def lock_mailbox(pk: UUID) -> Mailbox:
    return Mailbox.objects.select_for_update(of=("self",)).get(pk=pk)


def lock_message(pk: UUID) -> Message:
    return Message.objects.select_for_update(of=("self",)).get(pk=pk)
