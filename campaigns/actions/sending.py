"""Send what is due from one mailbox: claim, connect, point of no return, DATA, record (design.md idea 6).

Delivery guarantee: at most once. A message is handed to the server at most one time unless that server refused it in
words; if the line dies after the final dot the message stays `unknown`, is shown, and is never sent again by itself.
The failure this accepts: a mail that was lost with the line is not repaired without a person or evidence.

What need not be done mail by mail is done for a batch: one claim, one look at everything the mails depend on. What must be
is done mail by mail: RCPT, the committed point of no return (actions.no_return), DATA, the record (actions.accepted). No
transaction is open while the network is used. Every state change is fenced by `attempt` and lease, so a worker that was
frozen past its lease cannot commit.

Killed at any moment: before the point of no return the claim's lease runs out and the message is due again; after it the
message is `unknown`, the sweep says so once the lease is over (outcomes.settle_dead), and evidence or a person settles it.
"""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db.models.expressions import RawSQL

from accounts.actions.audit import SYSTEM
from campaigns.actions import outcomes
from campaigns.actions.accepted import record_accepted, settle_record
from campaigns.actions.connections import Conversation, conversation_for
from campaigns.actions.health import hold_mailbox, rest_for_quota
from campaigns.actions.mailbox_secrets import mailbox_purpose as mailbox_purpose
from campaigns.actions.no_return import (
    LEASE,
    RETRY,
    Batch,
    SendReport,
    give_back,
    may_still_go,
    mine,
    pass_point_of_no_return,
)
from campaigns.actions.pacing import Room, state_words
from campaigns.actions.steps import mark_enrolments, steps_of
from campaigns.models import Mailbox, Message
from campaigns.models.locks import lock_mailbox
from campaigns.queries.domains import cold_hold
from campaigns.queries.looks import Clock, Look, look_at, version_of
from campaigns.queries.mail import mime_of
from campaigns.queries.verdicts import Verdict, verdict_of
from campaigns.rules.mime import normalise_address
from campaigns.transports.smtp import HeldUp, OutcomeUnknown, TransportError
from leadgen.core import clock, restore
from leadgen.core.crash import crash_point
from leadgen.core.errors import Invalid
from leadgen.core.logging import log
from leadgen.core.tenancy import workspace_scope

MAX_ATTEMPTS = 5
BATCH = settings.SEND_BATCH
# Follow-ups first: whoever was written to already waits the shortest. Each half walks an index in its own order, so a claim
# reads what it takes and sorts nothing, however much is due.
CLAIM = """
WITH follow AS (
    SELECT id FROM campaigns_message
    WHERE workspace_id = %(workspace)s AND mailbox_id = %(mailbox)s AND state = 'planned' AND in_reply_to <> ''
      AND due_at <= %(now)s AND (lease_until IS NULL OR lease_until < clock_timestamp())
    ORDER BY due_at FOR UPDATE SKIP LOCKED LIMIT %(limit)s
), first AS (
    SELECT id FROM campaigns_message
    WHERE workspace_id = %(workspace)s AND mailbox_id = %(mailbox)s AND state = 'planned' AND in_reply_to = ''
      AND due_at <= %(now)s AND (lease_until IS NULL OR lease_until < clock_timestamp())
    ORDER BY due_at FOR UPDATE SKIP LOCKED LIMIT %(limit)s - (SELECT count(*) FROM follow)
)
UPDATE campaigns_message SET attempt = attempt + 1, lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE workspace_id = %(workspace)s AND id = ANY(ARRAY(SELECT id FROM follow UNION ALL SELECT id FROM first))
RETURNING id
"""


def send_due(
    *, workspace_id: uuid.UUID, mailbox_id: uuid.UUID, now: datetime, limit: int = BATCH, room: Room | None = None
) -> SendReport:
    """One turn on a mailbox: a batch. Opens its own short transactions: call it outside of any.

    `room` of an earlier turn with the same `now` saves counting the last 24 hours again.
    """
    report = SendReport()
    with workspace_scope(workspace_id):
        held = restore.sending_held()
        if held:
            report.reasons.append(held)
            return report
        mailbox = lock_mailbox(mailbox_id)
        room = room or Room(mailbox, now)
        report.room = room
        left, wait = room.left(mailbox)
        claimed = claim(mailbox, now, min(limit, left)) if left else []
        if not claimed:
            room.explain(mailbox)
            report.next_due = _next_due(mailbox, now, wait)
            return report
        batch = Batch(workspace_id, mailbox, room, now, Clock(now), report, left, version_of(mailbox))
        looks = _look(batch, claimed)
    crash_point("C3")
    try:
        # Outside any transaction: a token may have to be fetched.
        conversation = conversation_for(batch.mailbox, now=now)
    except TransportError as error:
        _release(batch, [look.message for look in looks], error)
    else:
        _send_all(conversation, batch, looks)
    with workspace_scope(workspace_id):
        if batch.touched:
            mark_enrolments(min(batch.touched))
        mailbox = Mailbox.objects.get(pk=mailbox_id)
        left, wait = room.left(mailbox)
        if not left:
            room.explain(mailbox)
        report.next_due = _next_due(mailbox, now, wait)
    return report


def _send_all(conversation: Conversation, batch: Batch, looks: list[Look]) -> None:
    try:
        for index, look in enumerate(looks):
            if not batch.mailbox.sends:
                # One of this batch held it, such as a block by policy: the rest is not tried.
                settle_record(batch)
                _stand_down(batch, [rest.message for rest in looks[index:]])
                break
            try:
                _send_one(conversation, batch, look)
            except TransportError as error:
                # The server itself cannot be used: nothing of the rest was handed over.
                _release(batch, [rest.message for rest in looks[index:]], error)
                break
    finally:
        try:
            settle_record(batch)  # also of the mail before one that failed in a way nobody expected
        finally:
            conversation.close()


def claim(mailbox: Mailbox, now: datetime, limit: int) -> list[Message]:
    """Lease due messages of this mailbox, in the order they are to go."""
    rows = Message.objects.filter(pk__any=claim_ids(mailbox, now, limit))
    rows = rows.annotate(tid=RawSQL("campaigns_message.ctid::text", []))
    return sorted(rows, key=lambda message: (not message.in_reply_to, message.due_at, message.pk))


def claim_ids(mailbox: Mailbox, now: datetime, limit: int) -> list[uuid.UUID]:
    """One statement; in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM,
            {
                "workspace": mailbox.workspace_id,
                "mailbox": mailbox.pk,
                "now": now,
                "limit": limit,
                "lease": LEASE.total_seconds(),
            },
        )
        return [row[0] for row in cursor.fetchall()]


def _look(batch: Batch, claimed: list[Message]) -> list[Look]:
    """Looks at the claimed messages, and whether by what is seen each may go; those that may not are decided under locks."""
    looks, shared = look_at(claimed, batch.mailbox, batch.now)
    cold = cold_hold(batch.mailbox)
    for look in looks:
        enrolment = look.enrolment
        if enrolment is None or shared is None:
            continue
        look.following = next((s for s in steps_of(enrolment.version_id) if s.position > enrolment.position), None)
        verdict = verdict_of(
            message=look.message, enrolment=enrolment, mailbox=batch.mailbox, room=batch.left, free_at=None,
            now=batch.now, suppressed=shared.suppressed, clock=batch.clock, follow_up=look.follow_up, cold=cold,
        )  # fmt: skip
        look.refused = verdict.kind != Verdict.GO
    return looks


def _send_one(conversation: Conversation, batch: Batch, look: Look) -> None:
    """One message through its whole life. Raises TransportError only where the server as a whole cannot be used."""
    message = look.message
    if look.refused:
        settle_record(batch)
        if not may_still_go(batch, look):
            return  # no need to trouble the server
    try:
        sender = normalise_address(batch.mailbox.address, field="from_address")
        recipient = normalise_address(message.to_address, field="to_address")
    except Invalid as error:
        settle_record(batch)
        _unfit(batch, message, error)
        return
    try:
        if not conversation.connected:
            settle_record(batch)
            conversation.connect()
            crash_point("C4")
        conversation.prepare(sender=sender, recipient=recipient)
    except TransportError as error:
        settle_record(batch)
        if error.whole_server:
            raise
        _refused(batch, message, error)
        return
    settle_record(batch)
    try:
        content = mime_of(message, now=batch.now)
    except Invalid as error:
        conversation.abort()
        _unfit(batch, message, error)
        return
    crash_point("C5")
    # What is decided now holds while the lease does, and the answer has to fit into it.
    until = clock.elapsing() + settings.SEND_LEASE_SECONDS - settings.SMTP_FINAL_TIMEOUT
    if not pass_point_of_no_return(batch, look):
        conversation.abort()
        return
    crash_point("C7")
    try:
        accepted = conversation.hand_over(content, until=until)
    except OutcomeUnknown as error:
        with workspace_scope(batch.workspace_id):
            outcomes.record_unknown(message=message, reason=str(error), now=batch.now)
        batch.report.unknown += 1
        log.warning("message_outcome_unknown", message=str(message.pk), attempt=message.attempt)
        return
    except TransportError as error:
        _refused(batch, message, error)
        if error.whole_server:
            raise
        return
    crash_point("C10")
    record_accepted(batch, look, accepted.text, provider_id=accepted.provider_id)


def _unfit(batch: Batch, message: Message, error: Invalid) -> None:
    """It cannot be written as a mail at all."""
    with workspace_scope(batch.workspace_id):
        if outcomes.record_failed(message=message, reason=error.message, code="bad_mail", now=batch.now):
            batch.report.failed += 1


def _refused(batch: Batch, message: Message, error: TransportError) -> None:
    """The server refused this mail in words, before or after DATA: definite, nothing was delivered."""
    with workspace_scope(batch.workspace_id):
        if isinstance(error, HeldUp):
            batch.report.held += give_back(message, words=f"Held: {error.message}", due_at=batch.now)
            return
        if error.permanent and error.whole_server:
            # It is the mailbox's matter (a sending service refused the key): the mail waits until somebody mended it.
            batch.report.held += give_back(message, words=f"Held: {error.message}", due_at=batch.now + RETRY)
            return
        if error.permanent and rest_for_quota(mailbox_id=batch.mailbox.pk, words=error.message, now=batch.now):
            # Our own day at the provider is full: no fault of this mail or of who was to get it.
            batch.report.held += give_back(message, words=f"Held: {error.message}", due_at=batch.now)
            batch.mailbox = Mailbox.objects.get(pk=batch.mailbox.pk)
            return
        if error.permanent or message.attempt >= MAX_ATTEMPTS:
            if outcomes.record_refused(message=message, reason=error.message, smtp_code=error.code, now=batch.now):
                batch.report.failed += 1
            batch.mailbox = Mailbox.objects.get(pk=batch.mailbox.pk)
            return
        batch.report.held += give_back(
            message,
            words=f"Held: the server asked to try later ({error.message})",
            due_at=batch.now + RETRY * message.attempt,
        )


def _stand_down(batch: Batch, messages: list[Message]) -> None:
    """Give claims back to a mailbox that does not send any more."""
    with workspace_scope(batch.workspace_id):
        for message in messages:
            batch.report.held += mine(message).update(lease_until=None, hold_reason=state_words(batch.mailbox))


def _release(batch: Batch, messages: list[Message], error: TransportError) -> None:
    """Give claims back and say on the mailbox what is wrong; a refused log-in holds the mailbox until somebody mends it."""
    with workspace_scope(batch.workspace_id):
        mailbox = lock_mailbox(batch.mailbox.pk)
        mailbox.last_error = error.message[:500]
        mailbox.save(update_fields=["last_error"])
        if error.permanent:
            hold_mailbox(mailbox=mailbox, reason=error.message, by=SYSTEM, now=batch.now, code="log_in")
        for message in messages:
            batch.report.held += mine(message).update(
                lease_until=None, due_at=batch.now + RETRY, hold_reason=f"Held: {error.message}"[:300]
            )
        batch.report.reasons.append(error.message)


def _next_due(mailbox: Mailbox, now: datetime, wait: datetime | None) -> datetime | None:
    """When this mailbox has work again: the next planned message, not before there is room."""
    if not mailbox.sends:
        return None
    due = (
        Message.objects.filter(mailbox=mailbox, state=Message.State.PLANNED)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )
    if due is None:
        return None
    return max(due, wait) if wait else due
