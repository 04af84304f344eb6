"""Whether a mailbox's answers were read lately enough to write to the same people again."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.formats import date_format
from django.utils.timezone import localtime

from campaigns.models import Mailbox, Message

# How every reason of this module begins; what a later reading releases is found by it.
NOBODY_READS = "Held: nobody reads the answers of "
NOT_READ_SINCE = "Held: the answers in "


def freshness_limit() -> timedelta:
    """A follow-up goes only if everything that had arrived by so long ago is stored."""
    return timedelta(seconds=settings.REPLY_FRESHNESS_SECONDS)


def is_stale(mailbox: Mailbox, now: datetime) -> bool:
    """Whether nobody vouches that the answers of the last quarter of an hour were read."""
    if mailbox.sync == Mailbox.Sync.NONE or mailbox.synced_at is None:
        return True
    return now - mailbox.synced_at > freshness_limit()


def stale_reason(mailbox: Mailbox, message: Message, now: datetime, *, follow_up: bool | None = None) -> str:
    """'' if the message may go; else why it waits, in words. First mails and what a person writes by hand never wait.

    One small query, and none while the mailbox is fresh or the caller knows whether it is a follow-up.
    """
    if message.kind != Message.Kind.STEP or not is_stale(mailbox, now):
        return ""
    if not (is_follow_up(message) if follow_up is None else follow_up):
        return ""
    if mailbox.sync == Mailbox.Sync.NONE:
        return f"{NOBODY_READS}{mailbox.address}; follow-ups go when it is read (Settings, Mailboxes)."
    if mailbox.synced_at is None:
        return f"{NOT_READ_SINCE}{mailbox.address} were never read; follow-ups go when they are."
    return (
        f"{NOT_READ_SINCE}{mailbox.address} were last read at {clock_words(mailbox.synced_at, now)}; "
        "follow-ups go when they are read again."
    )


def is_follow_up(message: Message) -> bool:
    """Whether this person was, or may have been, written to before in the same enrolment."""
    if message.in_reply_to:
        return True
    if message.enrolment_id is None:
        return False
    return (
        Message.objects.filter(enrolment_id=message.enrolment_id, state__in=[Message.State.SENT, Message.State.UNKNOWN])
        .exclude(pk=message.pk)
        .exists()
    )


def clock_words(at: datetime, now: datetime) -> str:
    """10:42, or 3 Mar 10:42 where that was another day; in the active time zone."""
    local = localtime(at)
    return date_format(local, "H:i" if local.date() == localtime(now).date() else "j M H:i")
