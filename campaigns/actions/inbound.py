"""Mail that came in: read, matched to message, person and enrolment, stored; then what it proves is carried out.

Proof before effect: a bounce, a report or a reply changes state only if a Message-ID or token of ours occurs in it that
belongs to this mailbox and recipient (actions.inbound_proof). Anybody could otherwise mail in forged bounces and erase a
lead list. What is refused is stored all the same, and says why nothing changed.
"""

import hashlib
import hmac
import re
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from campaigns.actions.answers import stop_for_answer
from campaigns.actions.inbound_effects import Received, carry_out
from campaigns.actions.inbound_proof import match_mail
from campaigns.actions.mailbox_secrets import mailbox_purpose
from campaigns.actions.seeds import note_seed
from campaigns.models import InboundMail, Mailbox, MailFolder
from campaigns.rules.inbound import InboundMessage, read_mail
from leadgen.core import secrets
from leadgen.core.errors import AppError, Refused
from prospects.models import Person
from prospects.queries.duplicates import PEOPLE
from prospects.queries.merges import record_by

SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")
TOLERANCE = timedelta(minutes=10)
MOST_SUGGESTED = 5


def inbound_key(mailbox: Mailbox) -> str:
    """The key that signs mail given to this mailbox's endpoint."""
    return secrets.unseal(mailbox.inbound_sealed, purpose=mailbox_purpose(mailbox.workspace_id, mailbox.pk, "inbound"))


def sign(*, key: str, raw: bytes, at: int) -> str:
    """The header value for `raw` at unix time `at`: HMAC-SHA256 over "<t>.<body>"."""
    signature = hmac.new(key.encode(), f"{at}.".encode() + raw, hashlib.sha256).hexdigest()
    return f"t={at},v1={signature}"


def verify_signature(*, mailbox: Mailbox, raw: bytes, header: str, now: datetime) -> int:
    """When it was signed (unix time). Raises Refused unless the header was made with this mailbox's key within ten minutes."""
    found = SIGNATURE.fullmatch(header.strip())
    if found is None or not mailbox.inbound_sealed:
        raise Refused("Sign the body: X-Leadgen-Signature: t=<unix time>,v1=<HMAC-SHA256 of t.body>.", code="signature")
    at = int(found.group(1))
    if abs(now.timestamp() - at) > TOLERANCE.total_seconds():
        raise Refused("The signature is older than ten minutes.", code="signature_old")
    if not secrets.same(sign(key=inbound_key(mailbox), raw=raw, at=at), header.strip()):
        raise Refused("The signature does not fit the body.", code="signature")
    return at


def receive_mail(
    *, mailbox: Mailbox, raw: bytes, now: datetime, folder: MailFolder | None = None, uid: int | None = None
) -> tuple[InboundMail, bool]:
    """Store one mail and carry out what it means; the same mail twice is one row. Returns (row, is new).

    `folder` and `uid` say where IMAP found it.
    """
    mail = read_mail(raw, received=now)
    digest = mail.digest or hashlib.sha256(raw).hexdigest()
    known = InboundMail.objects.filter(mailbox=mailbox, digest=digest).first()
    if known is not None:
        return known, False
    match = match_mail(mailbox=mailbox, mail=mail, raw=raw, now=now)
    message = match.message
    person = message.person if message else _sender(mail)
    row = InboundMail(
        mailbox=mailbox,
        folder=folder,
        uid=uid,
        digest=digest,
        mime_id=mail.message_id[:500],
        from_address=mail.from_address[:254],
        from_name=mail.from_name[:250],
        subject=mail.subject[:500],
        text=mail.text,
        kind=mail.kind,
        intent=mail.intent.intent if mail.intent else "",
        intent_by=mail.intent.by if mail.intent else "",
        confidence=mail.intent.confidence if mail.intent else None,
        why=(mail.intent.why if mail.intent else mail.reason)[:500],
        message=message,
        enrolment=message.enrolment if message else None,
        person=person,
        match_reason=match.reason,
        back_on=mail.back_on or mail.return_date,
        suggested=_suggested(mailbox, mail, person),
        detail=_detail(mail),
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
        seed = note_seed(mailbox=mailbox, raw=raw, now=now)
        if seed:  # our own mail: nobody has to answer it
            row.effect, row.done_at = seed[:300], now
            row.save(update_fields=["effect", "done_at"])
            return row, True
        row.effect = _effect_of(Received(row=row, mail=mail, match=match, person=person, raw=raw, now=now))[:300]
        row.save(update_fields=["effect"])
        Mailbox.objects.filter(pk=mailbox.pk).update(last_inbound_at=now)
    return row, True


def _effect_of(got: Received) -> str:
    """What it changed, in words. What cannot be carried out is undone and told; the mail is kept, and a person's answer
    stops their sequence, in any case."""
    try:
        with transaction.atomic():
            return carry_out(got)
    except AppError as error:
        if got.mail.kind in {"reply", "unsubscribe"} and got.person is not None:
            stopped, _ = stop_for_answer(person=got.person, message=got.message, now=got.now)
            if stopped:
                return f"{stopped[0].capitalize()}; nothing else was changed: {error.message}"
        return f"Nothing changed: {error.message}"


def _sender(mail: InboundMessage) -> Person | None:
    found: Person | None = record_by(PEOPLE, "email", mail.from_address.lower())
    return found


def _suggested(mailbox: Mailbox, mail: InboundMessage, person: Person | None) -> list[dict[str, Any]]:
    """Whom the mail names to write to instead; never its writer, whom it answers, or ourselves."""
    own = {mailbox.address, mail.from_address.lower(), person.email if person else ""} - {""}
    found: list[dict[str, Any]] = []
    for name, address, why in mail.suggestions:
        address = address.lower()
        if address in own or not (name or address) or len(found) >= MOST_SUGGESTED:
            continue
        known = Person.objects.filter(email=address).values_list("pk", flat=True).first() if address else None
        found.append(
            {"name": name[:250], "address": address[:254], "why": why[:300], "person": str(known) if known else None}
        )
    return found


def _detail(mail: InboundMessage) -> dict[str, Any]:
    """What a person may want to see of a report or of LinkedIn's news, in plain data."""
    detail: dict[str, Any] = {}
    if mail.recipients:
        detail["recipients"] = [
            {
                "address": one.address, "type": one.type, "reason": one.reason[:300], "status": one.status,
                "diagnostic": one.diagnostic[:500], "action": one.action,
            }
            for one in mail.recipients[:50]
        ]  # fmt: skip
    if mail.linkedin is not None:
        news = mail.linkedin
        detail["linkedin"] = {"event": news.event, "name": news.name[:250], "profile_url": news.profile_url[:300]}
    if mail.scores:
        detail["scores"] = {name: round(score, 4) for name, score in mail.scores.items()}
    return detail


def new_key() -> str:
    """A fresh inbound key."""
    return uuid.uuid4().hex + uuid.uuid4().hex
