"""The point of no return: one short committed transaction a mail, after RCPT and before DATA (design.md idea 6).

It locks enrolment and mailbox and decides on what is true then. Two ways lead through it to the same answer:

- The short way, two statements. The batch looked at everything (campaigns.queries.looks) and decided `go`. With both rows
  locked, one statement asks whether enrolment, mailbox, person, sequence and campaign still are the very versions that
  were seen, whether the address is on no suppression list and whether sending is allowed at all; then it moves the message,
  fenced by state, attempt and lease, and counts the mail on the mailbox. Any difference: nothing was changed.
- The long way, through the models, for everything else: it reads each row again under the locks and says in words why a
  mail must wait or never goes. Mailboxes with gaps, jitter or a cap a recipient domain always take it.

The commit is durable before DATA: whatever dies afterwards, the message is `unknown` and cannot be planned again.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models.expressions import RawSQL

from campaigns.actions import outcomes
from campaigns.actions.pacing import Room, domain_of
from campaigns.models import Mailbox, Message
from campaigns.models.locks import lock_enrolment, lock_mailbox
from campaigns.queries.looks import Clock, Look, version_of
from campaigns.queries.verdicts import Verdict, VerdictKind, verdict_of
from leadgen.core import restore
from leadgen.core.crash import crash_point
from leadgen.core.logging import log
from leadgen.core.prepared import Sent, Statement, run
from leadgen.core.tenancy import workspace_scope
from prospects.models import Suppression

# Longer than the whole SMTP conversation (FINAL_TIMEOUT and the commands before it): a rescue must come after the end.
LEASE = timedelta(seconds=settings.SEND_LEASE_SECONDS)
RETRY = timedelta(seconds=settings.SEND_RETRY_SECONDS)
SUBMITTED = "Handed to the server; its answer is not recorded yet."

# Rows are found where they were seen (ctid) or by primary key, never by what a planner without statistics might prefer: an
# index on `state` would walk everything that is planned. A message that moved since is found by the long way.
# A restore cannot happen below an open connection, so one row says whether sending is held (leadgen.core.restore).
# The order of all locks: enrolment, then mailbox. Both rows are named in it, so both are locked in it.
LOCK = Statement(
    "no_return_lock",
    """
SELECT 1 FROM campaigns_enrolment e, campaigns_mailbox b
WHERE e.workspace_id = %(workspace)s AND e.id = %(enrolment)s AND b.workspace_id = %(workspace)s AND b.id = %(mailbox)s
FOR NO KEY UPDATE OF e, b
""",
)
PASS = Statement(
    "no_return",
    f"""
WITH same AS MATERIALIZED (
    SELECT 1 FROM campaigns_enrolment e, campaigns_mailbox b, prospects_person p, campaigns_sequence s, prospects_campaign c
    WHERE e.workspace_id = %(workspace)s AND e.id = %(enrolment)s AND e.ctid = %(v0)s::tid AND e.xmin = %(v1)s::xid
      AND b.workspace_id = %(workspace)s AND b.id = %(mailbox)s AND b.ctid = %(b0)s::tid AND b.xmin = %(b1)s::xid
      AND p.workspace_id = %(workspace)s AND p.id = %(person)s AND p.ctid = %(v2)s::tid AND p.xmin = %(v3)s::xid
      AND s.workspace_id = %(workspace)s AND s.id = %(sequence)s AND s.ctid = %(v4)s::tid AND s.xmin = %(v5)s::xid
      AND c.workspace_id = %(workspace)s AND c.id = %(campaign)s AND c.ctid = %(v6)s::tid AND c.xmin = %(v7)s::xid
      AND NOT EXISTS (
          SELECT 1 FROM prospects_suppression x
          WHERE x.workspace_id = %(workspace)s AND x.kind IN ('{Suppression.Kind.EMAIL}', '{Suppression.Kind.DOMAIN}')
            AND x.digest = ANY(%(digests)s::text[])
      )
      AND NOT EXISTS (
          SELECT 1 FROM campaigns_maildomain d
          WHERE d.workspace_id = %(workspace)s AND d.name = %(domain)s AND d.hold_cold AND d.role = 'primary'
      )
      AND NOT EXISTS (SELECT 1 FROM core_installation WHERE held_at IS NOT NULL)
), moved AS (
    UPDATE campaigns_message m
    SET state = 'unknown', reason = '{SUBMITTED}', reason_code = 'submitted', submitted_at = %(now)s, hold_reason = '',
        lease_until = clock_timestamp() + %(lease)s::interval
    WHERE m.workspace_id = %(workspace)s AND m.ctid = %(tid)s::tid AND m.id = %(message)s AND m.state = 'planned'
      AND m.attempt = %(attempt)s AND m.lease_until > clock_timestamp() AND EXISTS (SELECT 1 FROM same)
    RETURNING m.ctid
)
UPDATE campaigns_mailbox b SET submissions = b.submissions + 1, last_submitted_at = %(now)s
WHERE b.workspace_id = %(workspace)s AND b.id = %(mailbox)s AND EXISTS (SELECT 1 FROM moved)
RETURNING b.ctid::text, b.xmin::text, (SELECT ctid::text FROM moved)
""",  # noqa: S608  constants of ours
)


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
    room: Room | None = None  # what was counted, for the next turn at the same instant

    @property
    def attempted(self) -> int:
        return self.sent + self.blocked + self.failed + self.unknown


@dataclass(slots=True)
class Batch:
    """What the mails of one turn on a mailbox share."""

    workspace_id: UUID
    mailbox: Mailbox
    room: Room
    now: datetime
    clock: Clock
    report: SendReport
    left: int  # mails the mailbox may still send, as far as this batch knows
    version: tuple[str, str] = ("", "")  # of the mailbox's row, as seen last
    # The record of the mail before, on its way to the database: settle it before the connection is used for anything else.
    pending: tuple[Look, str, str, Sent] | None = None
    touched: list[datetime] = field(default_factory=list)  # when enrolments that were moved on are due next

    @property
    def takes_short_way(self) -> bool:
        """Whether room is nothing but a number that goes down: no gap to compute, no domain to count."""
        box = self.mailbox
        return not box.min_gap_seconds and not box.gap_jitter_seconds and box.domain_cap is None


def pass_point_of_no_return(batch: Batch, look: Look) -> bool:
    """True: committed, DATA may follow. False: it waits or never goes; that is recorded and in the report."""
    if (
        look.versions
        and look.tid
        and batch.version[0]
        and batch.left > 0
        and batch.takes_short_way
        and _short_way(batch, look)
    ):
        return True
    return _long_way(batch, look)


def _short_way(batch: Batch, look: Look) -> bool:
    message, enrolment = look.message, look.enrolment
    assert enrolment is not None
    values = {
        "workspace": batch.workspace_id, "enrolment": enrolment.pk, "mailbox": batch.mailbox.pk,
        "person": enrolment.person_id, "sequence": enrolment.sequence_id, "campaign": enrolment.sequence.campaign_id,
        "message": message.pk, "attempt": message.attempt, "digests": look.digests, "now": batch.now, "lease": LEASE,
        "tid": look.tid, "domain": batch.mailbox.domain, "b0": batch.version[0], "b1": batch.version[1], **{f"v{i}": part for i, part in enumerate(look.versions)},
    }  # fmt: skip
    rows = run(batch.workspace_id, (LOCK, values), (PASS, values), before_commit=lambda: crash_point("C6"))
    if not rows:
        return False
    row = rows[0]
    batch.version, look.tid = (str(row[0]), str(row[1])), str(row[2])
    batch.left -= 1
    batch.room.noted(batch.mailbox)
    message.submitted_at = batch.now
    return True


def _long_way(batch: Batch, look: Look) -> bool:
    message, now = look.message, batch.now
    with workspace_scope(batch.workspace_id):
        if not _decide(batch, look):
            return False
        passed = mine(message).update(
            state=Message.State.UNKNOWN,
            reason=SUBMITTED,
            reason_code="submitted",
            submitted_at=now,
            hold_reason="",
            lease_until=RawSQL("clock_timestamp() + %s", [LEASE]),
        )
        if not passed:
            log.warning("message_fenced", message=str(message.pk), attempt=message.attempt)
            return False
        batch.room.take(batch.mailbox, domain_of(message.to_address))
        batch.mailbox = Mailbox.objects.get(pk=batch.mailbox.pk)
        batch.version = version_of(batch.mailbox)
        batch.left -= 1
        look.tid = ""
        message.submitted_at = now
        crash_point("C6")
    return True


def may_still_go(batch: Batch, look: Look) -> bool:
    """Decide under the locks about a mail that by the batch's look may not go. False: it waits or is blocked, recorded."""
    with workspace_scope(batch.workspace_id):
        return _decide(batch, look)


def _decide(batch: Batch, look: Look) -> bool:
    """Lock, read everything again, and record why a mail may not go. In the caller's transaction."""
    message, now, report = look.message, batch.now, batch.report
    enrolment = lock_enrolment(message.enrolment_id) if message.enrolment_id else None
    mailbox = batch.mailbox = lock_mailbox(message.mailbox_id)
    batch.left, free_at = batch.room.left(mailbox, domain_of(message.to_address))
    held = restore.sending_held()
    verdict = (
        Verdict(VerdictKind.HOLD, "restored", held)
        if held
        else verdict_of(
            message=message,
            enrolment=enrolment,
            mailbox=mailbox,
            room=batch.left,
            free_at=free_at,
            now=now,
            room_words=batch.room.reason,
            room_code=batch.room.code,
        )
    )
    batch.version = version_of(mailbox)
    if verdict.kind == Verdict.GO:
        return True
    report.reasons.append(verdict.reason)
    if verdict.kind == Verdict.BLOCK:
        if outcomes.record_blocked(message=message, enrolment=enrolment, verdict=verdict, now=now):
            report.blocked += 1
    else:
        report.held += mine(message).update(
            hold_reason=verdict.reason[:300], due_at=verdict.until or now + RETRY, lease_until=None
        )
    return False


def mine(message: Message) -> "outcomes.MessageQuery":
    """The row, if this attempt still holds it: still planned, same attempt, lease not over by the database's clock."""
    return Message.objects.filter(pk=message.pk, state=Message.State.PLANNED, attempt=message.attempt).extra(
        where=["campaigns_message.lease_until > clock_timestamp()"]
    )


def give_back(message: Message, *, words: str, due_at: datetime) -> int:
    """A temporary no, in words, whether before or after DATA: it was not accepted, so it may be offered again."""
    return (
        Message.objects.filter(pk=message.pk, attempt=message.attempt)
        .filter(
            state__in=[Message.State.PLANNED, Message.State.UNKNOWN], reason_code__in=["", "submitted", outcomes.DIED]
        )
        .update(
            state=Message.State.PLANNED,
            submitted_at=None,
            reason="",
            reason_code="",
            lease_until=None,
            hold_reason=words[:300],
            due_at=due_at,
        )
    )
