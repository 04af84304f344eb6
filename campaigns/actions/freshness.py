"""Somebody vouches that a mailbox was read up to an instant: our own IMAP reader, or a gateway that pushes its mail."""

import uuid
from datetime import UTC, datetime

from campaigns.actions.steps import mark_mailbox
from campaigns.models import Mailbox, Message
from campaigns.models.locks import lock_mailbox
from campaigns.queries.freshness import NOBODY_READS, NOT_READ_SINCE, is_stale
from leadgen.core.errors import Invalid


def vouch_read(*, mailbox_id: uuid.UUID, complete_to: datetime, now: datetime) -> bool:
    """Everything that had arrived by `complete_to` is stored. Never moves backwards or into the future.

    Follow-ups that waited for it go at once. Returns whether it moved. The lock on the mailbox is what the point of no
    return takes too, so no follow-up can begin to wait unseen between the two updates.
    """
    mailbox = lock_mailbox(mailbox_id)
    complete_to = min(complete_to, now)
    was_stale = is_stale(mailbox, now)
    if mailbox.synced_at is not None and mailbox.synced_at >= complete_to:
        return False
    Mailbox.objects.filter(pk=mailbox_id).update(synced_at=complete_to, sync_error="", sync_failed_at=None)
    mailbox.synced_at = complete_to
    if was_stale and not is_stale(mailbox, now):
        release_follow_ups(mailbox_id=mailbox_id, now=now)
    return True


def release_follow_ups(*, mailbox_id: uuid.UUID, now: datetime) -> int:
    """Make due what only waited for the answers to be read. Returns how many."""
    waiting = Message.objects.filter(mailbox=mailbox_id, state=Message.State.PLANNED)
    released = 0
    for beginning in (NOBODY_READS, NOT_READ_SINCE):
        released += waiting.filter(hold_reason__startswith=beginning).update(due_at=now, hold_reason="")
    if released:
        mark_mailbox(mailbox_id, now)
    return released


def record_sync_failure(*, mailbox_id: uuid.UUID, words: str, now: datetime) -> None:
    """Say on the mailbox why its answers cannot be read."""
    Mailbox.objects.filter(pk=mailbox_id).update(sync_error=words[:500], sync_failed_at=now)


def read_complete_to(*, header: str, signed_at: int, is_heartbeat: bool) -> datetime | None:
    """What a signed post vouches for: `X-Leadgen-Complete-To`, a heartbeat without it the time it was signed.

    None: it vouches for nothing. Raises Invalid for a header that is no unix time. Nobody vouches for what comes after the
    signature was made.
    """
    text = header.strip()
    if not text:
        return datetime.fromtimestamp(signed_at, UTC) if is_heartbeat else None
    if not (text.isascii() and text.isdecimal()) or len(text) > 11:
        raise Invalid("X-Leadgen-Complete-To is a unix time in seconds.", code="complete_to")
    return datetime.fromtimestamp(min(int(text), signed_at), UTC)
