"""A mail written by hand from the queue: held some seconds on the server, so that it can be taken back, then sent once."""

from datetime import datetime, timedelta

from accounts.actions.audit import Actor
from campaigns.actions.inbox import send_reply, undo_reply
from campaigns.actions.queue import UNDO_SECONDS, reopen_task, take_item
from campaigns.actions.steps import mark_mailbox
from campaigns.models import InboundMail, Mailbox, Message, TrackedLink
from campaigns.queries.mail import freeze_message
from campaigns.queries.verdicts import block_of_person
from campaigns.rules import tokens
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.ids import uuid7
from leadgen.core.tenancy import bulk_insert
from prospects.actions.tasks import complete_task
from prospects.models import ActivityKind, Task

MAIL_KINDS = (Task.Kind.MANUAL_EMAIL, Task.Kind.REPLY, Task.Kind.INBOUND, Task.Kind.TODO)


def send_from_task(
    *, task: Task, by: Actor, now: datetime, mailbox: Mailbox, subject: str, text: str, key: str
) -> Message:
    """Close a task with a mail that leaves in UNDO_SECONDS. The same `key` is the same mail, however often it is posted.

    A reply goes the inbox's way: same thread, same mailbox. Raises Refused with the reason where the person must not get
    mail, Invalid for what is missing, Conflict where the task is closed or a colleague has claimed it.
    """
    answered = answered_mail(task)
    full_key = (f"reply:{answered.pk}:{key}" if answered else f"task:{task.pk}:{key}")[:120]
    known = Message.objects.filter(key=full_key).first()
    if known is not None:
        return known
    if task.kind not in MAIL_KINDS:
        raise Invalid("No e-mail is written from this kind of task.", field="do")
    subject, text = " ".join(subject.split()), text.strip().replace("\r\n", "\n")
    if not subject:
        raise Invalid("Write a subject.", field="subject")
    if not text:
        raise Invalid("Write something first.", field="text")
    task = take_item(task, by, now)
    # The text as written, so that taking it back gives it back.
    task.body = f"Subject: {subject}\n\n{text}"
    task.save(update_fields=["body"])
    if answered is not None:
        return send_reply(mail=answered, text=text, by=by, now=now, key=key, subject=subject)
    return _write(task, by=by, now=now, mailbox=mailbox, subject=subject, text=text, key=full_key)


def _write(task: Task, *, by: Actor, now: datetime, mailbox: Mailbox, subject: str, text: str, key: str) -> Message:
    person = task.person
    if person is None:
        raise Invalid("This task names nobody to write to.", field="text")
    blocked = block_of_person(person)
    if blocked:
        raise Refused(blocked.reason, code=blocked.code)
    if mailbox.state == Mailbox.State.HELD:
        raise Invalid(f"{mailbox.address} is held: {mailbox.state_reason}", field="mailbox")
    row = uuid7()
    message = Message(
        id=row, workspace_id=task.workspace_id, kind=Message.Kind.MANUAL, campaign=task.campaign, person=person,
        mailbox=mailbox, member=by.member, to_address=person.email, to_name=person.full_name, subject=subject[:250],
        text=text, key=key, due_at=now + timedelta(seconds=UNDO_SECONDS), created_at=now,
        message_id=tokens.message_id(
            workspace_id=task.workspace_id, message=row, domain=mailbox.address.rpartition("@")[2]
        ),
        hold_reason="Held: a moment in which it can be taken back",
    )  # fmt: skip
    links = freeze_message(message, workspace=task.workspace, now=now)
    message.save(force_insert=True)
    bulk_insert(TrackedLink, links)
    complete_task(
        by=by, now=now, task=task, outcome="sent", kind=ActivityKind.TASK, summary=f"Wrote an e-mail: {subject}",
        detail={"message": str(row)},
    )  # fmt: skip
    mark_mailbox(mailbox.pk, message.due_at)
    return message


def take_back_mail(*, task: Task, by: Actor, now: datetime) -> Message:
    """Block the mail a task was closed with, if it has not left, and open the task again with its text. Twice is once.

    Raises Conflict where it is with the server already: what was handed over cannot be called back.
    """
    answered = answered_mail(task)
    about = {"answers": answered} if answered else {"key__startswith": f"task:{task.pk}:"}
    message = Message.objects.select_related("member").filter(**about).order_by("-created_at", "-pk").first()
    if message is None:
        raise Conflict("There is no mail to take back.", code="too_late")
    if by.member is None or message.member_id != by.member.pk:
        raise Refused("Only who wrote it can take it back.", code="not_yours")
    if answered is not None:
        return undo_reply(message=message, by=by, now=now)
    if message.state == Message.State.BLOCKED and message.reason_code == "undone":
        return message
    # A worker that talks to the server already finds the row blocked at its last look and hands nothing over.
    changed = Message.objects.filter(pk=message.pk, state=Message.State.PLANNED).update(
        state=Message.State.BLOCKED, reason=f"Taken back by {by.label} before it was sent.", reason_code="undone",
        settled_at=now, hold_reason="", lease_until=None,
    )  # fmt: skip
    if not changed:
        raise Conflict("Too late: it has left already.", code="too_late")
    message.refresh_from_db()
    reopen_task(task=task, by=by, now=now, mail=True)
    return message


def answered_mail(task: Task) -> InboundMail | None:
    """The mail a reply task is about."""
    if task.about_type != "inbound_mail" or task.kind != Task.Kind.REPLY:
        return None
    return InboundMail.objects.select_related("message", "mailbox").filter(pk=task.about_id).first()
