"""Mail that came in: read, matched to message, person and enrolment, and only then allowed to change anything.

Proof before effect: a bounce, a report or a reply changes state only if a Message-ID of ours occurs in it that belongs to
this mailbox. Anybody could otherwise mail in forged bounces and erase a lead list.
"""

import hashlib
import hmac
import re
import uuid
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from accounts.actions.audit import SYSTEM
from accounts.models import Member
from campaigns.actions.outcomes import apply_bounce, prove_sent
from campaigns.actions.sending import mailbox_purpose
from campaigns.actions.steps import mark_enrolments, stop_enrolment
from campaigns.actions.unsubscribes import object_to_mail
from campaigns.models import Enrolment, InboundMail, Mailbox, Message
from campaigns.rules.inbound import InboundMessage, read_mail
from leadgen.core import secrets
from leadgen.core.errors import Refused
from prospects.actions.activities import record_activity
from prospects.actions.leads import note_interest
from prospects.actions.tasks import create_task
from prospects.models import ActivityKind, Channel, Lead, Person, Suppression, Task

SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")
TOLERANCE = timedelta(minutes=10)
# What a reply wants decides how soon somebody should answer.
URGENT = {"positive", "meeting", "question", "referral"}


def inbound_key(mailbox: Mailbox) -> str:
    """The key that signs mail given to this mailbox's endpoint."""
    return secrets.unseal(mailbox.inbound_sealed, purpose=mailbox_purpose(mailbox.workspace_id, mailbox.pk, "inbound"))


def sign(*, key: str, raw: bytes, at: int) -> str:
    """The header value for `raw` at unix time `at`: HMAC-SHA256 over "<t>.<body>"."""
    signature = hmac.new(key.encode(), f"{at}.".encode() + raw, hashlib.sha256).hexdigest()
    return f"t={at},v1={signature}"


def verify_signature(*, mailbox: Mailbox, raw: bytes, header: str, now: datetime) -> None:
    """Raises Refused unless the header was made with this mailbox's key within ten minutes."""
    found = SIGNATURE.fullmatch(header.strip())
    if found is None or not mailbox.inbound_sealed:
        raise Refused("Sign the body: X-Leadgen-Signature: t=<unix time>,v1=<HMAC-SHA256 of t.body>.", code="signature")
    at = int(found.group(1))
    if abs(now.timestamp() - at) > TOLERANCE.total_seconds():
        raise Refused("The signature is older than ten minutes.", code="signature_old")
    if not secrets.same(sign(key=inbound_key(mailbox), raw=raw, at=at), header.strip()):
        raise Refused("The signature does not fit the body.", code="signature")


def receive_mail(*, mailbox: Mailbox, raw: bytes, now: datetime) -> tuple[InboundMail, bool]:
    """Store one mail and carry out what it means; the same mail twice is one row. Returns (row, is new)."""
    mail = read_mail(raw, received=now)
    digest = mail.digest or hashlib.sha256(raw).hexdigest()
    known = InboundMail.objects.filter(mailbox=mailbox, digest=digest).first()
    if known is not None:
        return known, False
    message, reason = _match(mailbox, mail)
    person = message.person if message else _sender(mail)
    row = InboundMail(
        mailbox=mailbox,
        digest=digest,
        mime_id=mail.message_id[:500],
        from_address=mail.from_address[:254],
        from_name=mail.from_name[:250],
        subject=mail.subject[:500],
        text=mail.text,
        kind=mail.kind,
        intent=mail.intent.intent if mail.intent else "",
        confidence=mail.intent.confidence if mail.intent else None,
        why=(mail.intent.why if mail.intent else mail.reason)[:500],
        message=message,
        enrolment=message.enrolment if message else None,
        person=person,
        match_reason=reason,
        received_at=now,
    )
    with transaction.atomic():
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as error:
            if "inboundmail_once" not in str(error):
                raise
            # Delivered twice at once: the other one is stored and carries out what it means.
            return InboundMail.objects.get(mailbox=mailbox, digest=digest), False
        row.effect = _effects(row, mail, message, person, now)[:300]
        row.save(update_fields=["effect"])
        Mailbox.objects.filter(pk=mailbox.pk).update(last_inbound_at=now)
    return row, True


def _match(mailbox: Mailbox, mail: InboundMessage) -> tuple[Message | None, str]:
    """Our message this mail answers or returns, and why we think so. Ids first; then sender and open enrolment, as "probable"."""
    ids = list(dict.fromkeys([mail.in_reply_to, *mail.references, *mail.original_ids]))
    by_id = {
        message.message_id: message
        for message in Message.objects.select_related(
            "person", "person__company", "enrolment", "enrolment__sequence", "campaign"
        ).filter(message_id__in=[found for found in ids if found], mailbox=mailbox)
    }
    for found in ids:
        if found in by_id:
            return by_id[found], "It names the Message-ID of our mail."
    if mail.kind in {"bounce", "complaint"} or not mail.from_address:
        return None, "It names no Message-ID of ours."
    latest = (
        Message.objects.select_related("person", "person__company", "enrolment", "enrolment__sequence", "campaign")
        .filter(
            mailbox=mailbox,
            to_address=mail.from_address.lower(),
            state__in=[Message.State.SENT, Message.State.UNKNOWN],
            enrolment__state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED],
        )
        .order_by("-submitted_at")
        .first()
    )
    return (
        (latest, "Probable: the address we wrote to, in a running sequence.") if latest else (None, "No mail of ours.")
    )


def _sender(mail: InboundMessage) -> Person | None:
    return Person.objects.filter(email=mail.from_address.lower()).first() if mail.from_address else None


def _effects(
    row: InboundMail, mail: InboundMessage, message: Message | None, person: Person | None, now: datetime
) -> str:
    """Carry out what the mail means; returns it in words for the inbox."""
    if message is not None:
        prove_sent(message=message, by=mail.kind if mail.kind != "auto_reply" else "reply", now=now)
        message.refresh_from_db()
    if mail.kind == "bounce":
        return _bounce(mail, message, now)
    if mail.kind == "complaint":
        return _complaint(message, now)
    if mail.kind == "auto_reply":
        return _auto_reply(row, mail, message, now)
    if mail.kind == "left_company":
        return _left(row, mail, message, now)
    if mail.kind == "unsubscribe" or (mail.intent and mail.intent.intent == "opt_out"):
        return _opt_out(row, message, person, now)
    if mail.kind == "reply" and person is not None:
        return _reply(row, mail, message, person, now)
    return "Nothing changed: it belongs to nobody we know."


def _bounce(mail: InboundMessage, message: Message | None, now: datetime) -> str:
    if message is None:
        return "Nothing changed: a bounce without a Message-ID of ours proves nothing."
    failed = [r for r in mail.recipients if r.action != "delayed"]
    ours = next((r for r in failed if r.address.lower() == message.to_address), failed[0] if failed else None)
    if ours is None:
        return "Nothing changed: a delay is no bounce."
    words = ours.diagnostic or ours.reason or mail.reason
    if ours.type == "soft":
        Message.objects.filter(pk=message.pk).update(bounced_at=now, bounce_type="soft")
        _record(
            message, ActivityKind.BOUNCED, f"Bounced (soft): {words}", now, automated=True, key=f"bounced:{message.pk}"
        )
        return f"Soft bounce noted: {words}"
    apply_bounce(message=message, kind=ours.type, words=words, now=now)
    if ours.type == "policy":
        return f"Mailbox held: refused by policy: {words}"
    return f"Address suppressed, sequence stopped: {words}"


def _complaint(message: Message | None, now: datetime) -> str:
    if message is None:
        return "Nothing changed: a report without a Message-ID of ours proves nothing."
    object_to_mail(
        person=message.person, address=message.to_address, reason=Suppression.Reason.COMPLAINED,
        words="Marked our mail as spam.", message=message, now=now,
    )  # fmt: skip
    return "Address suppressed, sequence stopped: marked as spam."


def _auto_reply(row: InboundMail, mail: InboundMessage, message: Message | None, now: datetime) -> str:
    if message is None:
        return "Nothing changed: an automatic reply that names no mail of ours."
    until = f" until {mail.return_date:%d %b %Y}" if mail.return_date else ""
    _record(
        message, ActivityKind.AUTO_REPLIED, f"Automatic reply: away{until}", now, automated=True, key=f"auto:{row.pk}"
    )
    enrolment = message.enrolment
    if mail.return_date is None or enrolment is None or enrolment.state != Enrolment.State.ACTIVE:
        return "Noted; an automatic reply never stops a sequence."
    # The day after the return: nobody answers cold mail on the first morning.
    resume = datetime.combine(mail.return_date + timedelta(days=1), now.timetz())
    words = f"Waits: away until {mail.return_date:%d %b}, resumes {resume:%d %b}"
    Enrolment.objects.filter(pk=enrolment.pk, next_at__isnull=False, next_at__lt=resume).update(
        next_at=resume, wait_reason=words
    )
    Message.objects.filter(enrolment=enrolment, state=Message.State.PLANNED, due_at__lt=resume).update(
        due_at=resume, hold_reason=words.replace("Waits", "Held")
    )
    mark_enrolments(resume)
    return words


def _left(row: InboundMail, mail: InboundMessage, message: Message | None, now: datetime) -> str:
    if message is None or message.enrolment is None:
        return "Noted: they left the company, but it names no mail of ours."
    _record(message, ActivityKind.AUTO_REPLIED, "Left the company", now, automated=True, key=f"left:{row.pk}")
    if message.person is not None:
        Person.objects.filter(pk=message.person.pk).update(
            email_status=Person.EmailStatus.INVALID, email_status_at=now, email_status_reason="Left the company"
        )
    stop_enrolment(enrolment=message.enrolment, reason="They left the company.", by_type="left_company", now=now)
    return "Sequence stopped: they left the company."


def _opt_out(row: InboundMail, message: Message | None, person: Person | None, now: datetime) -> str:
    """Whoever writes "stop writing to me" is left alone, whether or not it names a mail of ours: it is their own address."""
    address = message.to_address if message else (person.email if person else "")
    if not address:
        return "Nothing changed: nobody here has this address."
    if message is None and row.from_address.lower() != address:
        return "Nothing changed: the sender is not the person we wrote to."
    object_to_mail(
        person=person, address=address, reason=Suppression.Reason.OBJECTED,
        words="Asked in words not to be written to.", message=message, now=now,
    )  # fmt: skip
    if row.from_address and row.from_address.lower() != address and message is not None:
        object_to_mail(
            person=None, address=row.from_address.lower(), reason=Suppression.Reason.OBJECTED,
            words="Asked in words not to be written to, from this address.", now=now,
        )  # fmt: skip
    return "Address suppressed, every sequence stopped: they asked for it."


def _reply(row: InboundMail, mail: InboundMessage, message: Message | None, person: Person, now: datetime) -> str:
    """A person answered: stop, write the fact, perhaps open a lead, and put it into somebody's queue."""
    intent = mail.intent.intent if mail.intent else "unsure"
    said = " ".join(mail.text.split())
    activity = record_activity(
        kind=ActivityKind.REPLIED,
        at=now,
        now=now,
        person=person,
        campaign=message.campaign if message else None,
        channel=Channel.EMAIL,
        summary=f"Replied: “{said[:200]}”" if said else "Replied",
        detail={"intent": intent, "confidence": mail.intent.confidence if mail.intent else None, "mail": str(row.pk)},
        about=("inbound_mail", row.pk),
        key=f"replied:{row.pk}",
    )
    effect = ["Reply noted"]
    owner = person.owner
    if message is not None:
        Message.objects.filter(pk=message.pk, replied_at__isnull=True).update(replied_at=now)
    # Whichever mail it answers: what runs for them now stops, and their colleagues' if the sequence says so.
    running = (
        Enrolment.objects.select_related("sequence", "person", "owner")
        .filter(person=person, state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED])
        .first()
    )
    if running is not None and stop_enrolment(enrolment=running, reason="They replied.", by_type="reply", now=now):
        effect.append("sequence stopped by this message")
    enrolment = message.enrolment if message is not None and message.enrolment is not None else running
    if enrolment is not None:
        owner = owner or enrolment.owner
        effect += _colleagues(enrolment, person, now)
    lead = note_interest(activity=activity, now=now, owner=owner)
    if lead is not None:
        effect.append("lead open")
        if enrolment is not None:
            Enrolment.objects.filter(pk=enrolment.pk, lead__isnull=True).update(lead=lead)
    make_reply_task(row=row, person=person, lead=lead, owner=owner, now=now)
    return ", ".join(effect) + "."


def make_reply_task(
    *, row: InboundMail, person: Person, lead: Lead | None, owner: Member | None, now: datetime
) -> Task:
    """Put an answered-for mail into somebody's queue: the owner's if they still work here, else the lead's, else anybody's."""
    said = " ".join(row.text.split())
    owners = [owner, lead.owner if lead else None]
    return create_task(
        by=SYSTEM,
        now=now,
        kind=Task.Kind.REPLY,
        title=f"Reply to {person}",
        reason=f"{(row.intent or 'unsure').replace('_', ' ').capitalize()}: “{said[:160]}”",
        due_at=now if row.intent in URGENT else now + timedelta(hours=4),
        person=person,
        company=person.company,
        lead=lead,
        campaign=row.message.campaign if row.message else None,
        owner=next((member for member in owners if member is not None and member.is_active), None),
        about=("inbound_mail", row.pk),
    )


def _colleagues(enrolment: Enrolment, person: Person, now: datetime) -> list[str]:
    """If the sequence says so, one answer stops the colleagues' enrolments too."""
    if not enrolment.sequence.stop_on_company_reply or person.company_id is None:
        return []
    others = (
        Enrolment.objects.select_related("sequence", "person")
        .filter(person__company_id=person.company_id, state__in=[Enrolment.State.ACTIVE, Enrolment.State.PAUSED])
        .exclude(person=person)
    )
    stopped = [
        stop_enrolment(
            enrolment=other, reason=f"{person} of the same company replied.", by_type="company_reply", now=now
        )
        for other in others
    ]
    count = sum(stopped)
    return [f"{count} colleague{'s' if count != 1 else ''} stopped"] if count else []


def _record(message: Message, kind: str, summary: str, now: datetime, *, automated: bool, key: str) -> None:
    record_activity(
        kind=kind,
        at=now,
        now=now,
        person=message.person,
        campaign=message.campaign,
        channel=Channel.EMAIL,
        hit_class="automated" if automated else "human",
        summary=summary,
        about=("message", message.pk),
        key=key,
    )


def new_key() -> str:
    """A fresh inbound key."""
    return uuid.uuid4().hex + uuid.uuid4().hex
