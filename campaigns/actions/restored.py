"""After a restore: what the Sent folders say was sent since the backup, written back before anything may be sent again.

Every mail of a sequence carries its own proof: the token of its List-Unsubscribe names workspace and message, and its
Message-ID is made from the same two. So also a message of which the restored database has never heard is recognised, and
its row is made again under its old id. Nothing here sends anything.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import Message as Mail
from email.utils import parsedate_to_datetime

from accounts.actions.audit import Actor, write_audit
from campaigns.actions.mailsync import open_line
from campaigns.actions.outcomes import record_sent
from campaigns.actions.steps import steps_of
from campaigns.models import Enrolment, Mailbox, Message, Step, StepRun
from campaigns.models.locks import lock_enrolment
from campaigns.rules.mail_text import addresses, header, message_ids, parse
from campaigns.rules.tokens import message_id, read_public_token
from campaigns.transports.imap import ImapConversation, ImapError
from leadgen.core import restore
from leadgen.core.models import Installation, Lane
from leadgen.core.tenancy import workspace_scope

HEADERS = "MESSAGE-ID TO DATE SUBJECT LIST-UNSUBSCRIBE IN-REPLY-TO REFERENCES"
PLACES = {"sent", "all"}
AT_ONCE = 200
# A clock that is a little behind, and mail that was under way when the backup was made.
MARGIN = timedelta(days=1)
UNSUBSCRIBE = re.compile(r"/p/u/([0-9a-f.a-z]+)/?>")
LOST_TEXT = (
    "This mail was sent after the backup that this database was restored from. Its text stands in the Sent folder."
)


@dataclass(slots=True)
class Compared:
    """What the comparison of one mailbox found. `problem`: why it could not be compared, or ''."""

    workspace: uuid.UUID
    mailbox: str
    seen: int = 0  # mails in Sent since the backup
    known: int = 0  # recorded as sent already
    proven: int = 0  # stood as planned or unknown, and are sent now
    rebuilt: int = 0  # the database had never heard of them
    unplaced: int = 0  # genuine, but of a person or step that is not there any more
    problem: str = ""


def compare_all(*, now: datetime, since: datetime | None = None) -> list[Compared]:
    """Compare every mailbox with its Sent folder, from a day before the backup. Opens its own transactions."""
    found: list[Compared] = []
    start = since or Installation.objects.values_list("seen_at", flat=True).get(pk=1) - MARGIN
    for workspace_id in Lane.objects.order_by("workspace_id").values_list("workspace_id", flat=True).distinct():
        with workspace_scope(workspace_id):
            mailboxes = list(Mailbox.objects.order_by("address"))
        found += [compare_mailbox(mailbox=mailbox, since=start, now=now) for mailbox in mailboxes]
    return found


def compare_mailbox(*, mailbox: Mailbox, since: datetime, now: datetime) -> Compared:
    """Write back what the Sent folder proves. Never raises for what the server does: `problem` says it."""
    done = Compared(mailbox.workspace_id, mailbox.address)
    try:
        line = open_line(workspace_id=mailbox.workspace_id, mailbox_id=mailbox.pk, now=now)
    except ImapError as error:
        done.problem = str(error)
        return done
    if line is None:
        done.problem = "It is not read over IMAP, so its Sent folder cannot be looked at."
        return done
    try:
        heads = _sent_since(line, since)
    except ImapError as error:
        done.problem = str(error)
        return done
    finally:
        line.close()
    # Oldest first, so that a person's first step is written before the second.
    for mail, at in sorted(heads, key=lambda entry: entry[1]):
        with workspace_scope(mailbox.workspace_id):
            _write_back(mailbox, mail, at, now, done)
    return done


def release_sending(*, compared: list[Compared], by: Actor, label: str, now: datetime) -> bool:
    """Let sending go on, and write it into the audit log of every workspace. False: nothing was held."""
    if not restore.release(by=label, now=now):
        return False
    audit_everywhere(action="sending.released", by=by, label=label, compared=compared, now=now)
    return True


def audit_everywhere(
    *, action: str, by: Actor, label: str, now: datetime, compared: list[Compared] | None = None
) -> None:
    """The operator's act concerns all workspaces; each reads it in its own log."""
    for workspace_id in Lane.objects.order_by("workspace_id").values_list("workspace_id", flat=True).distinct():
        own = [entry for entry in compared or [] if entry.workspace == workspace_id]
        detail = {
            name: sum(getattr(entry, name) for entry in own) for name in ("proven", "rebuilt", "unplaced")
        } | {"not_compared": [entry.mailbox for entry in own if entry.problem]}  # fmt: skip
        with workspace_scope(workspace_id):
            write_audit(
                by=by, action=action, now=now, target_type="installation", label=label, detail=detail if own else {}
            )


def _sent_since(line: ImapConversation, since: datetime) -> list[tuple[Mail, datetime]]:
    found: dict[str, tuple[Mail, datetime]] = {}
    for folder in line.folders():
        if folder.role not in PLACES:
            continue
        line.select(folder.name)
        uids = line.uids_after(0, since=since.date())
        for start in range(0, len(uids), AT_ONCE):
            for head in line.heads(uids[start : start + AT_ONCE], HEADERS):
                mail = parse(head.raw)
                own = next(iter(message_ids(header(mail, "Message-ID"))), "").strip("<>")
                at = _date(header(mail, "Date"))
                if own and at is not None:
                    found[own] = (mail, at)
    return list(found.values())


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _write_back(mailbox: Mailbox, mail: Mail, at: datetime, now: datetime, done: Compared) -> None:
    done.seen += 1
    own = next(iter(message_ids(header(mail, "Message-ID")))).strip("<>")
    message = (
        Message.objects.select_related("person", "enrolment__lead", "campaign", "member").filter(message_id=own).first()
    )
    if message is not None:
        if message.state == Message.State.SENT:
            done.known += 1
        elif _prove(message, at, now):
            done.proven += 1
        else:
            done.unplaced += 1
        return
    key = _genuine(mailbox, mail, own)
    if key is None:
        return  # a mail somebody wrote in their own program
    if _rebuild(mailbox, mail, key, own, at, now):
        done.rebuilt += 1
    else:
        done.unplaced += 1


def _prove(message: Message, at: datetime, now: datetime) -> bool:
    """It stands as planned or unknown, and the folder has it: it was sent."""
    if message.enrolment_id is not None:
        lock_enrolment(message.enrolment_id)
    Message.objects.filter(pk=message.pk, state=Message.State.PLANNED).update(
        state=Message.State.UNKNOWN, reason_code="submitted", submitted_at=at, hold_reason="", lease_until=None
    )
    message.refresh_from_db()
    return record_sent(message=message, response="Found after a restore.", by="sent_folder", now=now)


def _genuine(mailbox: Mailbox, mail: Mail, own: str) -> uuid.UUID | None:
    """The id of the message that this mail is, if its token and its Message-ID are both ours and of this workspace."""
    token = UNSUBSCRIBE.search("".join(header(mail, "List-Unsubscribe").split()))
    found = read_public_token("unsubscribe", token.group(1)) if token else None
    if found is None or found[0] != mailbox.workspace_id:
        return None
    expected = message_id(workspace_id=found[0], message=found[1], domain=own.rpartition("@")[2])
    return found[1] if own == expected else None


def _rebuild(mailbox: Mailbox, mail: Mail, key: uuid.UUID, own: str, at: datetime, now: datetime) -> bool:
    """Make the message again, as the step that was due for this person then. False where none was."""
    recipient = next((address for _, address in addresses(mail, "To")), "")
    enrolment = (
        Enrolment.objects.filter(
            person__email=recipient, mailbox=mailbox, state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED]
        )
        .order_by("-enrolled_at")
        .first()
    )
    if enrolment is None or Message.objects.filter(pk=key).exists():
        return False
    enrolment = lock_enrolment(enrolment.pk)
    begun = set(StepRun.objects.filter(enrolment=enrolment, done_at__isnull=False).values_list("step_id", flat=True))
    step = next((s for s in steps_of(enrolment.version_id) if s.kind == Step.Kind.EMAIL and s.pk not in begun), None)
    if step is None:
        return False
    planned = Message.objects.filter(enrolment=enrolment, step=step).first()
    if planned is not None:
        if planned.state != Message.State.PLANNED:
            return False
        # Planned again under another id since: this mail is the one that went out.
        Message.objects.filter(pk=planned.pk).delete()
    Message(
        id=key, workspace_id=mailbox.workspace_id, kind=Message.Kind.STEP, state=Message.State.UNKNOWN,
        reason_code="submitted", enrolment=enrolment, step=step, campaign=enrolment.sequence.campaign,
        person=enrolment.person, mailbox=mailbox, to_address=recipient, to_name=enrolment.person.full_name,
        subject=header(mail, "Subject")[:250], text=LOST_TEXT, message_id=own,
        in_reply_to=next(iter(message_ids(header(mail, "In-Reply-To"))), "").strip("<>"), due_at=at, submitted_at=at,
        created_at=at, attempt=1,
    ).save(force_insert=True)  # fmt: skip
    StepRun.objects.get_or_create(enrolment=enrolment, step=step, defaults={"begun_at": at})
    Enrolment.objects.filter(pk=enrolment.pk).update(position=step.position, next_at=None)
    message = Message.objects.select_related("person", "enrolment__lead", "campaign", "member").get(pk=key)
    return record_sent(message=message, response="Found after a restore.", by="sent_folder", now=now)
