"""Send what is due from one mailbox: claim, connect, point of no return, DATA, record (design.md idea 6).

Delivery guarantee: at most once. A message is handed to the server at most one time unless that server refused it in
words; if the line dies after the final dot the message stays `unknown`, is shown, and is never sent again by itself.
The failure this accepts: a mail that was lost with the line is not repaired without a person or evidence.

No transaction is open while the network is used. Every state change is fenced by `attempt` and lease, so a worker that
was frozen past its lease cannot commit.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q

from campaigns.actions import outcomes
from campaigns.actions.pacing import Room
from campaigns.models import Mailbox, Message
from campaigns.models.locks import lock_enrolment, lock_mailbox
from campaigns.queries.mail import mime_of
from campaigns.queries.verdicts import Verdict, verdict_of
from campaigns.transports.smtp import Accepted, OutcomeUnknown, SmtpAccount, SmtpConversation, TransportError
from leadgen.core import secrets
from leadgen.core.crash import crash_point
from leadgen.core.errors import Invalid
from leadgen.core.logging import log
from leadgen.core.tenancy import workspace_scope

# Longer than the whole SMTP conversation (FINAL_TIMEOUT and the commands before it): a rescue must come after the end.
LEASE = timedelta(seconds=settings.SEND_LEASE_SECONDS)
RETRY = timedelta(seconds=settings.SEND_RETRY_SECONDS)
MAX_ATTEMPTS = 5


@dataclass(slots=True)
class SendReport:
    """What one turn on a mailbox did; `next_due` is when it has work again (None: nothing planned)."""

    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0
    held: int = 0
    next_due: datetime | None = None
    reasons: list[str] = field(default_factory=list)

    @property
    def attempted(self) -> int:
        return self.sent + self.blocked + self.failed + self.unknown


def mailbox_purpose(workspace_id: uuid.UUID, mailbox_id: uuid.UUID, what: str = "password") -> str:
    """What a mailbox's secret is sealed for."""
    return f"mailbox:{workspace_id}:{mailbox_id}:{what}"


def account_of(mailbox: Mailbox) -> SmtpAccount:
    """The mailbox's SMTP log-in, its password unsealed."""
    return SmtpAccount(
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security,
        username=mailbox.username,
        password=secrets.unseal(mailbox.password_sealed, purpose=mailbox_purpose(mailbox.workspace_id, mailbox.pk)),
    )


def send_due(*, workspace_id: uuid.UUID, mailbox_id: uuid.UUID, now: datetime, limit: int = 100) -> SendReport:
    """One turn on a mailbox. Opens its own short transactions: call it outside of any."""
    report = SendReport()
    with workspace_scope(workspace_id):
        mailbox = lock_mailbox(mailbox_id)
        room = Room(mailbox, now)
        left, wait = room.left(mailbox)
        claimed = _claim(mailbox, now, min(limit, left)) if left else []
        if not claimed:
            report.next_due = _next_due(mailbox, now, wait)
            return report
        account = account_of(mailbox)
    crash_point("C3")
    conversation = SmtpConversation(account)
    try:
        for index, message in enumerate(claimed):
            try:
                _send_one(conversation, workspace_id, message, room, now, report)
            except TransportError as error:
                # The server itself cannot be used: nothing of the rest was handed over.
                _release(workspace_id, mailbox_id, claimed[index:], error, now, report)
                break
    finally:
        conversation.close()
    with workspace_scope(workspace_id):
        mailbox = Mailbox.objects.get(pk=mailbox_id)
        report.next_due = _next_due(mailbox, now, room.left(mailbox)[1])
    return report


def _claim(mailbox: Mailbox, now: datetime, limit: int) -> list[Message]:
    """Lease due messages of this mailbox, follow-ups first: whoever was written to already waits the shortest."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE campaigns_message SET attempt = attempt + 1, lease_until = clock_timestamp() + make_interval(secs => %s)
            WHERE workspace_id = %s AND id IN (
                SELECT id FROM campaigns_message
                WHERE workspace_id = %s AND mailbox_id = %s AND state = 'planned' AND due_at <= %s
                  AND (lease_until IS NULL OR lease_until < clock_timestamp())
                ORDER BY (in_reply_to = ''), due_at, id
                FOR UPDATE SKIP LOCKED LIMIT %s
            )
            RETURNING id
            """,
            [LEASE.total_seconds(), mailbox.workspace_id, mailbox.workspace_id, mailbox.pk, now, limit],
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = Message.objects.select_related(
        "mailbox", "person", "person__company", "campaign", "member", "enrolment", "enrolment__lead"
    ).in_bulk(ids)
    return sorted(rows.values(), key=lambda message: (not message.in_reply_to, message.due_at, message.pk))


def _send_one(
    conversation: SmtpConversation,
    workspace_id: uuid.UUID,
    message: Message,
    room: Room,
    now: datetime,
    report: SendReport,
) -> None:
    """One message through its whole life. Raises TransportError only where the server as a whole cannot be used."""
    try:
        content = mime_of(message, now=now)
    except Invalid as error:
        with workspace_scope(workspace_id):
            if outcomes.record_failed(message=message, reason=error.message, code="bad_mail", now=now):
                report.failed += 1
        return
    try:
        if not conversation.connected:
            conversation.connect()
            crash_point("C4")
        conversation.prepare(sender=message.mailbox.address, recipient=message.to_address)
    except TransportError as error:
        if error.whole_server:
            raise
        _refused(workspace_id, message, error, now, report)
        return
    crash_point("C5")
    if not _pass_point_of_no_return(workspace_id, message, room, now, report):
        conversation.abort()
        return
    crash_point("C7")
    try:
        accepted = conversation.hand_over(content)
    except OutcomeUnknown as error:
        with workspace_scope(workspace_id):
            outcomes.record_unknown(message=message, reason=str(error), now=now)
        report.unknown += 1
        log.warning("message_outcome_unknown", message=str(message.pk), attempt=message.attempt)
        return
    except TransportError as error:
        _refused(workspace_id, message, error, now, report)
        if error.whole_server:
            raise
        return
    crash_point("C10")
    _record_sent(workspace_id, message, accepted, now, report)
    crash_point("C11")


def _pass_point_of_no_return(
    workspace_id: uuid.UUID, message: Message, room: Room, now: datetime, report: SendReport
) -> bool:
    """One short transaction: lock enrolment and mailbox, look at everything again, commit. True: DATA may follow."""
    with workspace_scope(workspace_id):
        enrolment = lock_enrolment(message.enrolment_id) if message.enrolment_id else None
        mailbox = lock_mailbox(message.mailbox_id)
        left, free_at = room.left(mailbox)
        verdict = verdict_of(message=message, enrolment=enrolment, mailbox=mailbox, room=left, free_at=free_at, now=now)
        if verdict.kind == Verdict.GO:
            passed = _mine(message).update(
                state=Message.State.UNKNOWN,
                reason="Handed to the server; its answer is not recorded yet.",
                reason_code="submitted",
                submitted_at=now,
                hold_reason="",
            )
            if not passed:
                log.warning("message_fenced", message=str(message.pk), attempt=message.attempt)
                return False
            room.take(mailbox)
            message.submitted_at = now
            crash_point("C6")
            return True
        report.reasons.append(verdict.reason)
        if verdict.kind == Verdict.BLOCK:
            if outcomes.record_blocked(message=message, enrolment=enrolment, verdict=verdict, now=now):
                report.blocked += 1
        else:
            _mine(message).update(hold_reason=verdict.reason, due_at=verdict.until or now + RETRY, lease_until=None)
            report.held += 1
        return False


def _mine(message: Message) -> "outcomes.MessageQuery":
    """The row, if this attempt still holds it: still planned, same attempt, lease not over by the database's clock."""
    return Message.objects.filter(pk=message.pk, state=Message.State.PLANNED, attempt=message.attempt).extra(
        where=["campaigns_message.lease_until > clock_timestamp()"]
    )


def _refused(
    workspace_id: uuid.UUID, message: Message, error: TransportError, now: datetime, report: SendReport
) -> None:
    """The server refused this mail in words, before or after DATA: definite, nothing was delivered."""
    with workspace_scope(workspace_id):
        if error.permanent or message.attempt >= MAX_ATTEMPTS:
            if outcomes.record_refused(message=message, reason=error.message, smtp_code=error.code, now=now):
                report.failed += 1
            return
        # A temporary no: this mail was not accepted, so it may be offered again.
        Message.objects.filter(pk=message.pk, attempt=message.attempt, state__in=["planned", "unknown"]).filter(
            Q(state="planned") | Q(reason_code="submitted")
        ).update(
            state=Message.State.PLANNED,
            submitted_at=None,
            reason="",
            reason_code="",
            lease_until=None,
            hold_reason=f"Held: the server asked to try later ({error.message})"[:300],
            due_at=now + RETRY * message.attempt,
        )
        report.held += 1


def _record_sent(
    workspace_id: uuid.UUID, message: Message, accepted: Accepted, now: datetime, report: SendReport
) -> None:
    with workspace_scope(workspace_id):
        if outcomes.record_sent(message=message, response=accepted.text, by="server", now=now):
            report.sent += 1


def _release(
    workspace_id: uuid.UUID,
    mailbox_id: uuid.UUID,
    messages: list[Message],
    error: TransportError,
    now: datetime,
    report: SendReport,
) -> None:
    """Give claims back and say on the mailbox what is wrong; a refused log-in holds the mailbox until somebody mends it."""
    with workspace_scope(workspace_id):
        mailbox = lock_mailbox(mailbox_id)
        mailbox.last_error = error.message[:500]
        if error.permanent:
            mailbox.state, mailbox.state_reason = Mailbox.State.HELD, error.message[:300]
        mailbox.save(update_fields=["last_error", "state", "state_reason"])
        for message in messages:
            report.held += _mine(message).update(
                lease_until=None, due_at=now + RETRY, hold_reason=f"Held: {error.message}"[:300]
            )
        report.reasons.append(error.message)


def _next_due(mailbox: Mailbox, now: datetime, wait: datetime | None) -> datetime | None:
    """When this mailbox has work again: the next planned message, not before there is room."""
    if mailbox.state != Mailbox.State.ACTIVE:
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
