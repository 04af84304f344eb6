"""Mail that comes in, for tests: a message that was sent, mails that answer or return it, and the signed POST."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from campaigns.actions.inbound import inbound_key, new_key, sign
from campaigns.actions.sending import mailbox_purpose
from campaigns.models import Enrolment, Mailbox, Message, Step
from campaigns.rules.tokens import public_token
from leadgen.core import secrets
from leadgen.core.tenancy import workspace_scope
from prospects.models import Person
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_mailbox, make_sequence


def keyed_mailbox(**fields: Any) -> Mailbox:
    """A mailbox whose inbound endpoint has a key."""
    mailbox = make_mailbox(**fields)
    purpose = mailbox_purpose(mailbox.workspace_id, mailbox.pk, "inbound")
    mailbox.inbound_sealed = secrets.seal(new_key(), purpose=purpose)
    mailbox.save(update_fields=["inbound_sealed"])
    return mailbox


def sent_to(person: Person, mailbox: Mailbox, version: Any = None, *, owner: Any = None, at: datetime = NOW) -> Message:
    """The first e-mail of a sequence, sent an hour before `at`; the follow-up is due in two days."""
    version = version or make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox)
    enrolment = make_enrolment(version, person, mailbox=mailbox, owner=owner, at=at)
    Enrolment.objects.filter(pk=enrolment.pk).update(position=1, next_at=at + timedelta(days=2))
    sent = at - timedelta(hours=1)
    return Message.objects.create(
        kind="step", state="sent", enrolment=enrolment, step=Step.objects.get(version=version, position=1),
        campaign=version.sequence.campaign, person=person, mailbox=mailbox, to_address=person.email, to_name=person.full_name,
        subject="A question", text="Hi, may I ask?", message_id=f"{uuid.uuid4().hex}@acme.example", due_at=sent,
        submitted_at=sent, sent_at=sent, settled_at=sent, created_at=sent,
    )  # fmt: skip


def reply(
    message: Message | None, words: str, *, sender: str = "", extra: tuple[str, ...] = (), own: str = ""
) -> bytes:
    """A plain answer; `message` None: a mail that names none of ours."""
    headers = [
        f"From: {sender or (message.to_address if message else 'eve@elsewhere.example')}",
        "To: sam@acme.example",
        f"Subject: Re: {message.subject if message else 'Hello'}",
        f"Message-ID: <{own or uuid.uuid4().hex}@mail.example>",
        "Content-Type: text/plain; charset=utf-8",
        *((f"In-Reply-To: <{message.message_id}>",) if message else ()),
        *extra,
    ]
    return "\r\n".join([*headers, "", words]).encode()


def bounce(message_id: str, address: str, *, status: str = "5.1.1", words: str = "550 5.1.1 no such user") -> bytes:
    """A delivery status notification (RFC 3464) that returns the headers of the mail `message_id`."""
    lines = [
        "From: Mail Delivery System <mailer-daemon@mx.example>", "To: sam@acme.example",
        "Subject: Undelivered Mail Returned to Sender", f"Message-ID: <{uuid.uuid4().hex}@mx.example>",
        "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "", "--b",
        "Content-Type: text/plain", "", "It failed.", "--b", "Content-Type: message/delivery-status", "",
        "Reporting-MTA: dns; mx.example", "", f"Final-Recipient: rfc822; {address}", "Action: failed",
        f"Status: {status}", f"Diagnostic-Code: smtp; {words}", "", "--b", "Content-Type: text/rfc822-headers", "",
        f"Message-ID: <{message_id}>", "Subject: A question", "", "--b--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def post_mail(mailbox: Mailbox, raw: bytes, *, signature: str = "", at: datetime = NOW, complete_to: str = "") -> Any:
    """Hand a mail to the endpoint as a mail server would, signed unless a signature is given. b"" is a heartbeat."""
    token = public_token("inbound", workspace_id=mailbox.workspace_id, row=mailbox.pk)
    with workspace_scope(mailbox.workspace_id):
        header = signature or sign(key=inbound_key(mailbox), raw=raw, at=int(at.timestamp()))
    return Client().post(
        f"/p/in/{token}/",
        raw,
        content_type="message/rfc822",
        headers={"X-Leadgen-Signature": header} | ({"X-Leadgen-Complete-To": complete_to} if complete_to else {}),
    )
