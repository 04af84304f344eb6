"""One click and it is over: the address is suppressed in the workspace, every sequence of the person stops."""

from datetime import datetime

from accounts.actions.audit import SYSTEM
from campaigns.actions.outcomes import prove_sent
from campaigns.actions.steps import stop_enrolment
from campaigns.models import Enrolment, Message
from prospects.actions.activities import record_activity
from prospects.actions.suppressions import suppress
from prospects.models import ActivityKind, Channel, Person, Suppression


def unsubscribe(*, message: Message, how: str, now: datetime) -> None:
    """Suppress the address this message went to. `how` in words ("one click", "the link in the mail"). Idempotent."""
    prove_sent(message=message, by="unsubscribe", now=now)
    object_to_mail(
        person=message.person,
        address=message.to_address,
        reason=Suppression.Reason.UNSUBSCRIBED,
        words=f"Unsubscribed by {how}.",
        message=message,
        now=now,
    )


def object_to_mail(
    *, person: Person | None, address: str, reason: str, words: str, now: datetime, message: Message | None = None
) -> None:
    """Somebody does not want to hear from us: suppress, stop every enrolment, write it to the timeline."""
    suppress(by=SYSTEM, now=now, kind=Suppression.Kind.EMAIL, value=address, reason=reason, note=words)
    complained = reason == Suppression.Reason.COMPLAINED
    fact = ActivityKind.COMPLAINED if complained else ActivityKind.UNSUBSCRIBED
    record_activity(
        kind=fact,
        at=now,
        now=now,
        person=person,
        campaign=message.campaign if message else None,
        channel=Channel.EMAIL,
        summary=words,
        about=("message", message.pk) if message else None,
        key=f"{fact}:{message.pk}" if message else "",
    )
    if person is None:
        return
    running = Enrolment.objects.select_related("sequence", "person").filter(
        person=person, state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED]
    )
    for enrolment in running:
        stop_enrolment(enrolment=enrolment, reason=words, by_type="unsubscribe", now=now)
