"""What people do with mail that came in: read it, correct what it wants, answer it, take an answer back, be done with it."""

import re
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.actions.audit import Actor, write_audit
from campaigns.actions.answers import make_again_task, make_reply_task, stop_for_answer
from campaigns.actions.steps import mark_mailbox
from campaigns.actions.unsubscribes import object_to_mail
from campaigns.models import InboundMail, Mailbox, Message
from campaigns.queries.verdicts import block_of_person
from campaigns.rules import links, tokens
from campaigns.rules.intent import INTENTS
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.ids import uuid7
from leadgen.core.tenancy import bulk_insert, current_workspace_id
from prospects.actions.activities import record_activity
from prospects.actions.leads import note_interest
from prospects.actions.people import create_person
from prospects.actions.tasks import complete_task
from prospects.models import ActivityKind, Channel, Person, Suppression, Task
from prospects.queries.leads import open_lead_of
from prospects.rules.normalise import company_domain

type TaskQuery = QuerySet[Task]

# A reply waits this long on the server, so that it can be taken back.
UNDO = timedelta(seconds=8)
MAX_TEXT = 50_000
# What a bounce or complaint is was proven, not guessed: nobody corrects it.
PROVEN = (InboundMail.Kind.BOUNCE, InboundMail.Kind.COMPLAINT)
FIXED = (*PROVEN, InboundMail.Kind.LINKEDIN)
WORDS = {
    "positive": "interested", "meeting": "a meeting", "question": "a question", "referral": "a referral",
    "not_now": "not now", "not_interested": "not interested", "opt_out": "an opt-out", "unsure": "unsure",
}  # fmt: skip
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,120}@[A-Za-z0-9.\-\[\]:]{1,120}")


def mark_read(*, mail: InboundMail, now: datetime) -> None:
    """Somebody opened it."""
    if mail.read_at is None:
        mail.read_at = now
        InboundMail.objects.filter(pk=mail.pk, read_at__isnull=True).update(read_at=now)


def correct_intent(*, mail: InboundMail, intent: str, by: Actor, now: datetime) -> InboundMail:
    """A person says what a mail wants. Logged; what follows from the new reading is carried out, what followed from the
    old one stays (a lead it opened is disqualified, a suppression lifted, by a person who says so).

    Raises Invalid for an intent that does not exist, Refused for a bounce or complaint.
    """
    if intent not in INTENTS:
        raise Invalid(f"Choose one of: {', '.join(INTENTS)}.", field="intent")
    if mail.kind in PROVEN:
        raise Refused("A bounce or complaint is proven by its form; there is nothing to correct.", code="proven")
    if mail.kind in FIXED:
        raise Refused("LinkedIn's mail tells what happened there; correct it under LinkedIn checks.", code="proven")
    mail = _locked(mail)
    if mail.intent == intent and mail.intent_by == InboundMail.IntentBy.PERSON:
        return mail
    before, was = mail.intent or mail.kind, mail.kind
    kind = InboundMail.Kind.UNSUBSCRIBE if intent == "opt_out" else InboundMail.Kind.REPLY
    mail.intent, mail.kind, mail.corrected_by, mail.corrected_at = intent, kind, by.member, now
    mail.intent_by = InboundMail.IntentBy.PERSON
    effect = _follow(mail, before=before, was=was, by=by, now=now)
    mail.effect = f"{mail.effect} Corrected by {by.label}: {effect}"[:300].strip()
    mail.save(update_fields=["intent", "intent_by", "kind", "corrected_by", "corrected_at", "effect"])
    write_audit(
        by=by, action="inbox.corrected", now=now, target=mail, target_type="inbound_mail", label=mail.subject,
        detail={"from": before, "to": intent, "why": mail.why},
    )  # fmt: skip
    return mail


def _follow(mail: InboundMail, *, before: str, was: str, by: Actor, now: datetime) -> str:
    """What follows from the corrected reading, in words."""
    person = mail.person
    if person is None:
        return f"read as {WORDS[mail.intent]}."
    if mail.intent == "opt_out":
        object_to_mail(
            person=person, address=mail.from_address or person.email, reason=Suppression.Reason.OBJECTED,
            words="Asked in words not to be written to.", message=mail.message, now=now,
        )  # fmt: skip
        return "address suppressed, every sequence stopped."
    fact = record_activity(
        kind=ActivityKind.REPLIED, at=mail.received_at, now=now, by=by, person=person, channel=Channel.EMAIL,
        campaign=mail.message.campaign if mail.message else None,
        summary=f"Reply read as {WORDS[mail.intent]}, not {WORDS.get(before, before.replace('_', ' '))}",
        detail={"intent": mail.intent, "corrects": before, "mail": str(mail.pk)}, about=("inbound_mail", mail.pk),
        key=f"replied:{mail.pk}:{now.isoformat()}",
    )  # fmt: skip
    had = open_lead_of(person.pk)
    lead = note_interest(activity=fact, now=now, by=by)
    effect = [f"read as {WORDS[mail.intent]}"] if lead is None or had is not None else ["lead open"]
    if was not in (InboundMail.Kind.REPLY, InboundMail.Kind.UNSUBSCRIBE):
        # What was taken for a machine's answer is a person's: now it does what it should have done when it came.
        effect += stop_for_answer(person=person, message=mail.message, now=now, by=by)[0]
    if mail.intent == "not_now" and make_again_task(row=mail, person=person, lead=lead, owner=person.owner, now=now):
        effect.append("a to-do says when to write again")
    if mail.done_at is None:
        task = make_reply_task(row=mail, person=person, lead=lead, owner=person.owner, now=now)
        Task.objects.filter(pk=task.pk, state=Task.State.OPEN).update(
            reason=f"{WORDS[mail.intent].capitalize()}, says {by.label}: “{' '.join(mail.text.split())[:160]}”"[:300]
        )
    return f"{', '.join(effect)}."


def send_reply(*, mail: InboundMail, text: str, by: Actor, now: datetime, key: str, subject: str = "") -> Message:
    """Answer in the same thread from the mailbox it came to. The row is planned for UNDO later; the dispatcher sends it.

    Told twice with one `key` it is one message. The mail is done by it and its task completed. Raises Invalid (field
    text), Refused where the sender may not be written to, with the reason.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Invalid("Write something first.", field="text")
    if len(text) > MAX_TEXT:
        raise Invalid(f"An e-mail has at most {MAX_TEXT:,} characters here.", field="text")
    if not key or len(key) > 64:
        raise Invalid("A key of 1 to 64 characters makes a double click one e-mail.", field="key")
    mail = _locked(mail)
    unique = f"reply:{mail.pk}:{key}"
    known = Message.objects.filter(key=unique).first()
    if known is not None:
        return known
    person = recipient_of(mail, by=by, now=now)
    blocked = block_of_person(person, address=person.email)
    if blocked is not None:
        raise Refused(blocked.reason, code=blocked.code)
    mailbox = Mailbox.objects.get(pk=mail.mailbox_id)
    if mailbox.signature and mailbox.signature not in text:
        text = f"{text}\n\n{mailbox.signature}"
    subject = " ".join((subject or mail.subject).split())[:240]
    pk = uuid7()
    answered = mail.mime_id if _MESSAGE_ID.fullmatch(mail.mime_id) else ""
    earlier = [
        *(mail.message.references.split() if mail.message else []),
        mail.message.message_id if mail.message else "",
        answered,
    ]
    message = Message(
        id=pk, kind=Message.Kind.REPLY, mailbox=mailbox, person=person, member=by.member, answers=mail,
        campaign=mail.message.campaign if mail.message else None, to_address=person.email, to_name=person.full_name,
        subject=subject if subject.lower().startswith("re:") else f"Re: {subject}".strip(), text=text,
        html=links.text_to_html(text), in_reply_to=answered, references=" ".join(dict.fromkeys(filter(None, earlier))),
        message_id=tokens.message_id(
            workspace_id=current_workspace_id(), message=pk, domain=mailbox.address.rpartition("@")[2]
        ),
        key=unique, due_at=now + UNDO, created_at=now,
        hold_reason="Held: a moment in which it can be taken back",
    )  # fmt: skip
    bulk_insert(Message, [message], ignore_conflicts=True)
    found = Message.objects.get(key=unique)
    if found.pk != pk:
        return found
    mark_mailbox(mailbox.pk, found.due_at)
    _finish(mail, by=by, now=now, outcome="replied")
    return found


def undo_reply(*, message: Message, by: Actor, now: datetime) -> Message:
    """Take a reply back before it is handed over: it is blocked, the mail needs an answer again, its task is open again.

    Raises Conflict where it is past that point.
    """
    if message.kind != Message.Kind.REPLY:
        raise Invalid("Only a reply can be taken back.", code="not_a_reply")
    # A worker that talks to the server already finds the row blocked at its last look and hands nothing over.
    changed = Message.objects.filter(pk=message.pk, state=Message.State.PLANNED).update(
        state=Message.State.BLOCKED, reason=f"Taken back by {by.label} before it was sent.", reason_code="undone",
        hold_reason="", settled_at=now, lease_until=None,
    )  # fmt: skip
    message.refresh_from_db()
    if not changed:
        if message.reason_code == "undone":
            return message
        raise Conflict(f"Too late: this e-mail is {message.get_state_display().lower()}.", code="too_late")
    if message.answers_id is not None:
        InboundMail.objects.filter(pk=message.answers_id).update(done_at=None, done_by=None)
        _tasks_of(message.answers_id).filter(
            state=Task.State.DONE, outcome__in=("replied", "sent"), closed_by=message.member
        ).update(state=Task.State.OPEN, outcome="", closed_at=None, closed_by=None)
    write_audit(by=by, action="message.undone", now=now, target=message, label=message.subject)
    return message


def mark_done(*, mail: InboundMail, by: Actor, now: datetime) -> InboundMail:
    """It needs no answer; out of "Needs reply", and its task with it."""
    mail = _locked(mail)
    if mail.done_at is None:
        _finish(mail, by=by, now=now, outcome="no_answer_needed")
    return mail


def mark_undone(*, mail: InboundMail, by: Actor, now: datetime) -> InboundMail:
    """It needs an answer after all; its task, if it had one, opens again."""
    mail = _locked(mail)
    if mail.done_at is not None:
        mail.done_at, mail.done_by = None, None
        mail.save(update_fields=["done_at", "done_by"])
    # Also where the task was closed in the queue, which is what took the mail out of "Needs reply".
    _tasks_of(mail.pk).exclude(state=Task.State.OPEN).update(
        state=Task.State.OPEN, outcome="", closed_at=None, closed_by=None
    )
    return mail


def recipient_of(mail: InboundMail, *, by: Actor, now: datetime) -> Person:
    """Whom an answer goes to: who wrote, not who was written to. A sender nobody knows becomes a person.

    Raises Invalid where the mail has no usable sender.
    """
    address = mail.from_address.lower()
    if mail.person is not None and (not address or mail.person.email == address):
        return mail.person
    if not address:
        raise Invalid("This mail names no sender to answer to.", code="no_sender")
    known = Person.objects.select_related("company", "owner").filter(email=address).first()
    if known is None:
        company = mail.person.company if mail.person is not None else None
        same = company is not None and company.domain and company.domain == company_domain(address)
        mailbox = Mailbox.objects.get(pk=mail.mailbox_id)
        known = create_person(
            by=by, now=now, name=mail.from_name, email=address, source=f"Wrote to {mailbox.address}"[:120],
            **({"company": company} if same else {}),
        )  # fmt: skip
    if mail.person is None:
        mail.person = known
        InboundMail.objects.filter(pk=mail.pk).update(person=known)
    return known


def _locked(mail: InboundMail) -> InboundMail:
    """The mail as it is now, locked: two people may work in one inbox."""
    row = InboundMail.objects.select_for_update(of=("self",)).filter(pk=mail.pk)
    related = (
        "person",
        "person__company",
        "person__owner",
        "message",
        "message__campaign",
        "message__enrolment__sequence",
    )
    return row.select_related(*related).get()


def _finish(mail: InboundMail, *, by: Actor, now: datetime, outcome: str) -> None:
    mail.done_at, mail.done_by = now, by.member
    mail.read_at = mail.read_at or now
    mail.save(update_fields=["done_at", "done_by", "read_at"])
    for task in (
        _tasks_of(mail.pk).filter(state=Task.State.OPEN).select_related("person", "company", "lead", "campaign")
    ):
        complete_task(by=by, now=now, task=task, outcome=outcome)


def _tasks_of(mail_id: UUID) -> TaskQuery:
    return Task.objects.filter(Q(about_type="inbound_mail", about_id=mail_id, kind=Task.Kind.REPLY))
