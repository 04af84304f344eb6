"""What a sending service tells us: bounces, complaints, opt-outs, deliveries, and mail that came in.

Proof before effect: a request must carry the service's signature or our own secret, and an event changes something only
where it names a mail of ours by the service's id (or by the Message-ID we gave with it), of this mailbox, to this very
recipient. Each event counts once, however often it is told. Opens and clicks are not read.

A request is handled in three parts: `admit` (who asks; a transaction), reading it (it may fetch a mail; none), `carry_out`
(a transaction).
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import getaddresses
from typing import Any

from anymail.exceptions import AnymailError
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest

from campaigns.actions.connections import esp_account
from campaigns.actions.freshness import record_sync_failure
from campaigns.actions.inbound import receive_mail
from campaigns.actions.mailbox_secrets import opened_dict
from campaigns.actions.outcomes import ENHANCED, apply_bounce, prove_sent, refusal_type
from campaigns.actions.unsubscribes import object_to_mail, unsubscribe
from campaigns.models import InboundMail, Mailbox, Message
from campaigns.models.messages import InboundMailKind
from campaigns.rules.tokens import public_token
from campaigns.transports.esp_inbound import MailUnavailable, parser
from campaigns.transports.esp_proof import USER, is_proven, signs
from campaigns.transports.services import Service, service_of
from leadgen.core.errors import AppError, Invalid, Refused
from leadgen.core.logging import log
from prospects.models import Suppression

# Headers that may name the mailbox a mail came to.
RECIPIENTS = ("To", "Cc", "Delivered-To", "X-Original-To", "X-Forwarded-To", "Envelope-To")
# What proves that the service has the mail and changes nothing else.
PROVES = {"queued", "sent", "delivered", "deferred"}
# What a service means where it gives no enhanced status code (RFC 3463).
BOUNCES = {"bounced": "hard", "invalid": "hard", "blocked": "policy", "spam": "policy"}
PLAIN = re.compile(r"\b(4\d\d|5\d\d)\b")


class Unfetched(AppError):
    """A mail is there which the service did not hand out. It will tell of it again."""

    status = 503
    default_code = "unfetched"


@dataclass(frozen=True, slots=True)
class Found:
    """What a request told: events of anymail, of mail that came in where `inbound`; None is one known before."""

    inbound: bool
    events: list[Any]


@dataclass(slots=True)
class Done:
    """How many events or mails a request held, and how many of them changed something."""

    received: int = 0
    changed: int = 0


def esp_address(mailbox: Mailbox, *, inbound: bool = False) -> str:
    """What is given to the service as webhook; it holds our secret unless the service signs. Raises SealedElsewhere."""
    token = public_token("esp", workspace_id=mailbox.workspace_id, row=mailbox.pk)
    hooks = opened_dict(mailbox, "webhook")
    site = settings.SITE_URL
    if not hooks.get("signing_key") or not signs(service_of(mailbox.esp), inbound=inbound):
        site = site.replace("://", f"://{USER}:{hooks.get('secret', '')}@", 1)
    return f"{site}/p/esp/{token}/{'in/' if inbound else ''}"


def admit(*, mailbox: Mailbox, request: HttpRequest, body: bytes, inbound: bool, now: datetime) -> Callable[[], Found]:
    """Check who asks; returns what reads the request, to be called outside any transaction: it may fetch a mail.

    Raises Refused without proof of who sent it, Invalid for what this service cannot hand in. The reading raises Invalid
    for what cannot be read, Unfetched where the service did not hand out its mail.
    """
    service = service_of(mailbox.esp)
    hooks = opened_dict(mailbox, "webhook")
    key, secret = hooks.get("signing_key", ""), hooks.get("secret", "")
    if not is_proven(service, request, body, key=key, secret=secret, inbound=inbound, now=now):
        raise Refused("This request does not prove that it comes from the sending service.", code="signature")
    told = _told(body) if service.key == "resend" else {}
    inbound = inbound or told.get("type") == "email.received"  # one webhook of Resend tells both
    known = _known(mailbox, told) if inbound else False
    parse = parser(esp_account(mailbox), inbound=inbound)

    def read() -> Found:
        if known:
            return Found(inbound, [None])
        try:
            return Found(inbound, list(parse(request)))
        except MailUnavailable as error:
            log.warning("esp_mail_unavailable", service=service.key, mailbox=str(mailbox.pk), words=error.message)
            raise Unfetched(error.message) from error
        except (
            AnymailError,
            ImproperlyConfigured,
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            IndexError,
        ) as error:
            log.warning("esp_event_unreadable", service=service.key, error=type(error).__name__)
            raise Invalid("This is no event of the service as we know it.") from error

    return read


def carry_out(*, mailbox: Mailbox, found: Found, now: datetime) -> Done:
    """Store and carry out what a request of the mailbox's service told; what was told before changes nothing."""
    service, done = service_of(mailbox.esp), Done()
    for event in found.events:
        done.received += 1
        if found.inbound:
            done.changed += _mail(mailbox, event, now)
        else:
            done.changed += _apply(mailbox, service, event, now)
    if found.inbound and mailbox.sync == Mailbox.Sync.PUSH and mailbox.sync_error:
        Mailbox.objects.filter(pk=mailbox.pk).update(sync_error="", sync_failed_at=None)
    return done


def note_unfetched(*, mailbox: Mailbox, error: Unfetched, now: datetime) -> None:
    """Say on the mailbox that mail came in which its service does not hand out; IMAP's own words are left alone."""
    if mailbox.sync == Mailbox.Sync.PUSH:
        record_sync_failure(mailbox_id=mailbox.pk, words=error.message, now=now)


def _told(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _known(mailbox: Mailbox, told: dict[str, Any]) -> bool:
    """Whether this mail is stored already, so that a request told again fetches nothing."""
    data = told.get("data")
    own = _id(data.get("message_id")) if isinstance(data, dict) else ""
    digest = hashlib.sha256(own.encode()).hexdigest()
    return bool(own) and InboundMail.objects.filter(mailbox=mailbox, digest=digest).exists()


def _mail(mailbox: Mailbox, event: Any, now: datetime) -> bool:
    if event is None or event.message is None:
        return False
    mailbox = _addressee(mailbox, event.message)
    _, is_new = receive_mail(mailbox=mailbox, raw=event.message.as_bytes(), now=now)
    return is_new


def _addressee(mailbox: Mailbox, message: Any) -> Mailbox:
    """The mailbox the mail names, where that is another one at this service: a hook of an account or of a domain tells the
    mail of all its addresses to each. Mail that names none of ours is the hook's own."""
    named = {address.lower() for name in RECIPIENTS for _, address in getaddresses(message.get_all(name, []))}
    named.add(str(message.envelope_recipient or "").lower())
    if mailbox.address.lower() in named:
        return mailbox
    others = Mailbox.objects.filter(route=Mailbox.Route.ESP, esp=mailbox.esp, address__in=named - {""})
    return others.order_by("address").first() or mailbox


def _apply(mailbox: Mailbox, service: Service, event: Any, now: datetime) -> bool:
    """Carry out one event; False where it changes nothing: opens, clicks, what was told before, and what names no mail of ours."""
    kind = str(event.event_type)
    if kind not in PROVES | {"bounced", "rejected", "failed", "complained", "unsubscribed"}:
        return False
    message = _message(mailbox, event)
    if message is None:
        log.info("esp_event_without_mail", service=service.key, mailbox=str(mailbox.pk), kind=kind)
        return False
    with transaction.atomic():
        given = _id(event.message_id)
        settled = prove_sent(message=message, by="sending service", now=now, seen_at=_seen_at(message, given, event))
        if given and not message.provider_id:
            Message.objects.filter(pk=message.pk, provider_id="").update(provider_id=given[:250])
        if kind in PROVES:
            return settled
        message.refresh_from_db()
        return _once(mailbox, service, event, message, kind, now)


def _message(mailbox: Mailbox, event: Any) -> Message | None:
    """Our mail the event is about: named by the service's id or our own, of this mailbox, and to the event's recipient."""
    recipient = str(event.recipient or "").strip().lower()
    rows = Message.objects.select_related("person", "enrolment", "enrolment__sequence", "campaign").filter(
        # A second copy that waits was handed over once before.
        Q(submitted_at__isnull=False) | Q(first_submitted_at__isnull=False),
        mailbox=mailbox,
    )
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    given, own = _id(event.message_id), _id(metadata.get("lg"))
    message = rows.filter(message_id=own).first() if own else None
    if message is None and given:
        message = rows.filter(provider_id=given).first() or rows.filter(message_id=given).first()
    if message is None or not recipient or message.to_address.lower() != recipient:
        return None
    return message


def _seen_at(message: Message, given: str, event: Any) -> datetime | None:
    """When what the event tells happened. One under another id than the service gave the copy just sent is about the first."""
    if message.first_submitted_at and given and message.provider_id and given not in (
        message.provider_id, message.message_id,
    ):  # fmt: skip
        return message.first_submitted_at
    at = event.timestamp
    return at if isinstance(at, datetime) and at.tzinfo else None


def _id(value: object) -> str:
    return str(value or "").strip().strip("<>")


def _once(mailbox: Mailbox, service: Service, event: Any, message: Message, kind: str, now: datetime) -> bool:
    """Store the event as a row of the inbox and carry it out; told again it is the same row."""
    name = event.event_id or f"{kind}:{_id(event.message_id)}:{event.recipient}:{event.timestamp}"
    words = " ".join(str(event.mta_response or event.description or event.reject_reason or kind).split())[:300]
    row = InboundMail(
        mailbox=mailbox, digest=hashlib.sha256(f"esp:{service.key}:{kind}:{name}".encode()).hexdigest(),
        from_name=service.label, subject=message.subject, text=words, kind=_kind(kind, event),
        why=f"{service.label} told it: {kind}"[:500], message=message, enrolment=message.enrolment, person=message.person,
        match_reason="It names the id of our mail and its recipient.", detail={"event": kind, "service": service.key},
        received_at=now, done_at=now,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if "inboundmail_once" not in str(error):
            raise
        return False
    row.effect = _effect(service, event, message, kind, words, now)[:300]
    row.save(update_fields=["effect"])
    return True


def _kind(kind: str, event: Any) -> InboundMailKind:
    if kind == "complained" or (kind == "rejected" and event.reject_reason == "spam"):
        return InboundMailKind.COMPLAINT
    if kind == "unsubscribed" or (kind == "rejected" and event.reject_reason == "unsubscribed"):
        return InboundMailKind.UNSUBSCRIBE
    return InboundMailKind.BOUNCE


def _effect(service: Service, event: Any, message: Message, kind: str, words: str, now: datetime) -> str:
    meant = _kind(kind, event)
    if meant == InboundMailKind.COMPLAINT:
        object_to_mail(
            person=message.person, address=message.to_address, reason=Suppression.Reason.COMPLAINED,
            words=f"Marked our mail as spam ({service.label}).", message=message, now=now,
        )  # fmt: skip
        return "Address suppressed, sequence stopped: marked as spam."
    if meant == InboundMailKind.UNSUBSCRIBE:
        unsubscribe(message=message, how=f"{service.label}’s own link", now=now)
        return "Address suppressed, every sequence stopped: unsubscribed."
    return apply_bounce(message=message, kind=_bounce_kind(event, kind, words), words=words, now=now)


def _bounce_kind(event: Any, kind: str, words: str) -> str:
    """hard, soft or policy: by the receiving server's own code where it is told, else by what the service makes of it."""
    plain = PLAIN.search(words)
    if ENHANCED.search(words):
        return refusal_type(smtp_code=int(plain.group(1)) if plain else 0, words=words)
    if kind == "failed":
        return "soft"
    return BOUNCES.get(str(event.reject_reason), "soft")
