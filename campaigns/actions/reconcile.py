"""What the Sent folder proves, and what it lacks.

A message whose answer was lost stays `unknown`. Found by its Message-ID in Sent or All Mail it was sent. Not found proves
nothing (only some providers copy what their SMTP server took, and not at once): it waits for other evidence, for a person,
and in the end for the clock (actions.settlement). Nothing here sends anything.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from django.db.models import Q

from campaigns.actions import copies
from campaigns.actions.mailsync_folder import unwatched
from campaigns.actions.outcomes import SKIPPED_BY_PERSON, record_sent
from campaigns.actions.settlement import lease_is_over
from campaigns.models import Mailbox, MailFolder, Message
from campaigns.queries.mail import mime_of
from campaigns.rules.mail_text import header, message_ids, parse
from campaigns.transports.imap import ImapConversation, ImapError
from campaigns.transports.imap_folders import display_name
from leadgen.core.crash import crash_point
from leadgen.core.tenancy import workspace_scope

PROOF = (MailFolder.Role.SENT, MailFolder.Role.ALL)
# How long the Sent folder is searched for a message, and how often: at each reading in the first hour, then seldom.
SEARCH_FOR = timedelta(days=3)
EAGER = timedelta(hours=1)
SELDOM = timedelta(minutes=30)
COPY_WITHIN = timedelta(days=3)
AT_ONCE = 50


def reconcile_unknown(
    *,
    workspace_id: uuid.UUID,
    mailbox: Mailbox,
    folders: Sequence[MailFolder],
    line: ImapConversation,
    now: datetime,
    hold: Callable[[], None] = unwatched,
) -> int:
    """Look for unknown (or skipped) messages of this mailbox in Sent and All Mail. Returns how many were proven sent. Raises ImapError.

    One that a worker still talks to the server about is left alone.
    """
    places = [folder for folder in folders if folder.role in PROOF]
    if not places:
        return 0
    with workspace_scope(workspace_id):
        rows = Message.objects.filter(
            Q(reconciled_at__isnull=True) | Q(submitted_at__gt=now - EAGER) | Q(reconciled_at__lt=now - SELDOM),
            mailbox=mailbox,
            submitted_at__gt=now - SEARCH_FOR,
        ).order_by("submitted_at")
        # What a person skipped too: they could not know, the folder does. Two queries, for each has its index.
        skipped = rows.filter(state=Message.State.FAILED, reason_code=SKIPPED_BY_PERSON)[:AT_ONCE]
        waiting = [*lease_is_over(rows.filter(state=Message.State.UNKNOWN))[:AT_ONCE], *skipped]
        waiting += _sent_again(mailbox, now, {message.pk for message in waiting})
    proven: dict[uuid.UUID, str] = {}
    alike: dict[uuid.UUID, str] = {}
    seen: dict[uuid.UUID, datetime] = {}
    for folder in places if waiting else []:
        line.select(folder.name)
        for message in waiting:
            if message.pk in proven:
                continue
            hold()
            found = line.find(message.message_id)
            if found and message.first_submitted_at and (dates := _dates(line, found)):
                seen[message.pk] = min([*dates, seen.get(message.pk, dates[0])])
            if found and (message.state != Message.State.SENT or message.pk in seen):
                proven[message.pk] = display_name(folder.name)
            elif message.state != Message.State.SENT and message.pk not in alike and (other := _alike(line, message)):
                alike[message.pk] = other
    settled = 0
    for message in waiting:
        with workspace_scope(workspace_id):
            fresh = Message.objects.select_related("person", "enrolment__lead", "campaign", "member").get(pk=message.pk)
            if message.pk in proven:
                words = f"Found by its Message-ID in the folder {proven[message.pk]}."
                settled += record_sent(
                    message=fresh, response=words, by="sent_folder", now=now, seen_at=seen.get(message.pk)
                )
            elif message.pk in alike and not fresh.provider_id:
                _note(fresh, alike[message.pk])
            Message.objects.filter(pk=message.pk).update(reconciled_at=now)
    return settled


def _sent_again(mailbox: Mailbox, now: datetime, listed: set[uuid.UUID]) -> list[Message]:
    """Mails a person sent again whose first copy is not proven: it is looked for whatever became of the second."""
    rows = Message.objects.filter(
        Q(reconciled_at__isnull=True) | Q(first_submitted_at__gt=now - EAGER) | Q(reconciled_at__lt=now - SELDOM),
        copies.NOT_OUT | Q(state=Message.State.SENT, settled_by="server", reason_code=""),
        mailbox=mailbox,
        first_submitted_at__gt=now - SEARCH_FOR,
    )
    return list(rows.exclude(pk__in=listed).order_by("first_submitted_at")[:AT_ONCE])


def _dates(line: ImapConversation, uids: Sequence[int]) -> list[datetime]:
    """When the found copies were made, by the Date we gave each: it is the moment of handing over."""
    dates = (header(parse(head.raw), "Date") for head in line.heads(uids[:10], "DATE"))
    return [at for text in dates if (at := _moment(text)) is not None]


def _moment(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _alike(line: ImapConversation, message: Message) -> str:
    """The Message-ID of a mail to the same person with the same subject since then: some providers give mails ids of their own."""
    handed_over = message.submitted_at or message.first_submitted_at
    assert handed_over is not None
    day = (handed_over - timedelta(days=1)).date()
    for head in line.heads(line.find_to(message.to_address, day)[-20:], "MESSAGE-ID SUBJECT"):
        mail = parse(head.raw)
        found = next(iter(message_ids(header(mail, "Message-ID"))), "")
        if found and found != message.message_id and header(mail, "Subject") == " ".join(message.subject.split()):
            return found
    return ""


def _note(message: Message, other: str) -> None:
    """Tell the person who decides; a look-alike is no proof, for an earlier step may have had the same subject."""
    words = (
        f"{message.reason} A mail to {message.to_address} with this subject stands in the Sent folder under another "
        "Message-ID; that is no proof."
    )
    Message.objects.filter(pk=message.pk, state=Message.State.UNKNOWN).update(
        provider_id=other[:250], reason=words[:500]
    )


def copy_to_sent(
    *,
    workspace_id: uuid.UUID,
    mailbox: Mailbox,
    folders: Sequence[MailFolder],
    line: ImapConversation,
    now: datetime,
    hold: Callable[[], None] = unwatched,
) -> int:
    """Put a copy of sent mail into the Sent folder where the provider makes none. Returns how many. Raises ImapError.

    Searched for first, so that a reader that died between putting it there and noting it does not put it there again.
    """
    if not mailbox.copy_to_sent:
        return 0
    with workspace_scope(workspace_id):
        waiting = list(
            Message.objects.select_related("mailbox", "person", "enrolment")
            .filter(
                mailbox=mailbox, state=Message.State.SENT, copied_at__isnull=True, submitted_at__gt=now - COPY_WITHIN
            )
            .order_by("submitted_at")[:AT_ONCE]
        )
        contents = {message.pk: mime_of(message, now=message.sent_at or now) for message in waiting}
    if not waiting:
        return 0
    folder = next((folder for folder in folders if folder.role == MailFolder.Role.SENT), None)
    if folder is None:
        raise ImapError("There is no Sent folder to put copies into. Make one there, or switch the copies off.")
    copied = 0
    for message in waiting:
        hold()
        line.select(folder.name)
        if not line.find(message.message_id):
            hold()  # a copy is put there once: not by a reader that another has taken over from
            crash_point("C12")
            line.append(folder.name, contents[message.pk], at=message.sent_at or now)
            copied += 1
        with workspace_scope(workspace_id):
            Message.objects.filter(pk=message.pk).update(copied_at=now)
    return copied
