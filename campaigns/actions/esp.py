"""What a sending service tells us: bounces, complaints, opt-outs, deliveries, and mail that came in.

Proof before effect: a request must carry the service's signature or our own secret, and an event changes something only
where it names a mail of ours by the service's id (or by the Message-ID we gave with it), of this mailbox, to this very
recipient. Each event counts once, however often it is told. Opens and clicks are not read.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from anymail.exceptions import AnymailError
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from campaigns.actions.inbound import receive_mail
from campaigns.actions.mailbox_secrets import opened_dict
from campaigns.actions.outcomes import ENHANCED, apply_bounce, prove_sent, refusal_type
from campaigns.actions.unsubscribes import object_to_mail, unsubscribe
from campaigns.models import InboundMail, Mailbox, Message
from campaigns.models.messages import InboundMailKind
from campaigns.rules.tokens import public_token
from campaigns.transports.services import Service, service_of
from leadgen.core import secrets
from leadgen.core.errors import Invalid, Refused
from leadgen.core.logging import log
from prospects.models import Suppression

USER = "leadgen"  # of the address the service calls: https://leadgen:<secret>@...
SVIX_AGE = 300
# Services whose inbound form holds the whole mail; the others would have us fetch it inside the request.
TAKES_MAIL = {"mailgun", "postmark", "sendgrid", "mailjet", "sparkpost"}
# What proves that the service has the mail and changes nothing else.
PROVES = {"queued", "sent", "delivered", "deferred"}
# What a service means where it gives no enhanced status code (RFC 3463).
BOUNCES = {"bounced": "hard", "invalid": "hard", "blocked": "policy", "spam": "policy"}
PLAIN = re.compile(r"\b(4\d\d|5\d\d)\b")


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
    if not hooks.get("signing_key"):
        site = site.replace("://", f"://{USER}:{hooks.get('secret', '')}@", 1)
    return f"{site}/p/esp/{token}/{'in/' if inbound else ''}"


def receive(*, mailbox: Mailbox, request: HttpRequest, body: bytes, inbound: bool, now: datetime) -> Done:
    """Read a request of the mailbox's service. Raises Refused without proof of who sent it, Invalid for what cannot be read."""
    service = service_of(mailbox.esp)
    _check(mailbox, service, request, body, now)
    if inbound and service.key not in TAKES_MAIL:
        raise Invalid(f"Mail that comes in over {service.label} cannot be taken. Read this mailbox over IMAP.")
    try:
        found = _parser(service, inbound)(request)
    except (AnymailError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        log.warning("esp_event_unreadable", service=service.key, error=type(error).__name__)
        raise Invalid("This is no event of the service as we know it.") from error
    done = Done()
    for event in found:
        done.received += 1
        if inbound:
            done.changed += _mail(mailbox, event, now)
        else:
            done.changed += _apply(mailbox, service, event, now)
    return done


def _parser(service: Service, inbound: bool) -> Callable[[HttpRequest], Iterable[Any]]:
    """anymail's reading of this service's form. Who sent it was checked before, so its own checks get nothing to do."""
    kind = "Inbound" if inbound else "Tracking"
    options = {"webhook_secret": f"{USER}:checked-before"}
    if service.key == "mailgun":
        options["webhook_signing_key"] = "checked-before"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anymail tells which services it still tests itself
        module = import_module(f"anymail.webhooks.{service.key}")
        view = getattr(module, f"{service.label}{kind}WebhookView")(**options)
    parse: Callable[[HttpRequest], Iterable[Any]] = view.parse_events
    return parse


def _check(mailbox: Mailbox, service: Service, request: HttpRequest, body: bytes, now: datetime) -> None:
    """Raises Refused unless the service signed the request, or it carries our secret where the service signs nothing."""
    hooks = opened_dict(mailbox, "webhook")
    key = hooks.get("signing_key", "")
    if key and service.key == "mailgun":
        proven = _mailgun_signed(request, body, key)
    elif key and service.key == "resend":
        proven = _svix_signed(request, body, key, now)
    else:
        proven = bool(hooks.get("secret")) and secrets.same(_basic_auth(request), f"{USER}:{hooks['secret']}")
    if not proven:
        raise Refused("This request does not prove that it comes from the sending service.", code="signature")


def _basic_auth(request: HttpRequest) -> str:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(given, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _mailgun_signed(request: HttpRequest, body: bytes, key: str) -> bool:
    try:
        if request.content_type == "application/json":
            block = json.loads(body)["signature"]
        else:
            block = request.POST
        signed = f"{block['timestamp']}{block['token']}".encode()
        given = str(block["signature"])
    except (KeyError, ValueError, TypeError):
        return False
    return secrets.same(hmac.new(key.encode(), signed, hashlib.sha256).hexdigest(), given)


def _svix_signed(request: HttpRequest, body: bytes, key: str, now: datetime) -> bool:
    event, at = request.headers.get("svix-id", ""), request.headers.get("svix-timestamp", "")
    if not event or not at.isdecimal() or abs(now.timestamp() - int(at)) > SVIX_AGE:
        return False
    try:
        raw = base64.b64decode(key.removeprefix("whsec_"))
    except binascii.Error:
        return False
    expected = base64.b64encode(hmac.new(raw, f"{event}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
    given = [part.partition(",")[2] for part in request.headers.get("svix-signature", "").split()]
    return any(secrets.same(expected, one) for one in given)


def _mail(mailbox: Mailbox, event: Any, now: datetime) -> bool:
    if event.message is None:
        return False
    _, is_new = receive_mail(mailbox=mailbox, raw=event.message.as_bytes(), now=now)
    return is_new


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
        settled = prove_sent(message=message, by="sending service", now=now)
        given = _id(event.message_id)
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
        mailbox=mailbox, submitted_at__isnull=False
    )
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    given, own = _id(event.message_id), _id(metadata.get("lg"))
    message = rows.filter(message_id=own).first() if own else None
    if message is None and given:
        message = rows.filter(provider_id=given).first() or rows.filter(message_id=given).first()
    if message is None or not recipient or message.to_address.lower() != recipient:
        return None
    return message


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
