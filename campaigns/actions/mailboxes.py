"""Mailboxes: create, change, test, hold and release."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from campaigns.actions.inbound import new_key
from campaigns.actions.sending import account_of, mailbox_purpose
from campaigns.actions.steps import mark_mailbox
from campaigns.models import Mailbox
from campaigns.rules.mime import normalise_address
from campaigns.rules.tokens import public_token
from campaigns.transports.smtp import SmtpConversation, TransportError
from leadgen.core import egress, secrets
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tasks import enqueue
from leadgen.core.tenancy import current_workspace_id

FIELDS = (
    "address", "from_name", "member", "host", "port", "security", "username", "signature", "daily_cap", "min_gap_seconds",
)  # fmt: skip

CONNECTION = {"host", "port", "security", "username", "password"}


def create_mailbox(*, by: Actor, now: datetime, password: str = "", **values: Any) -> Mailbox:
    """A new sending identity; its password is sealed, its inbound key made. Raises Invalid and Conflict (field named)."""
    cleaned = _clean(values)
    mailbox = Mailbox(id=uuid4(), workspace_id=current_workspace_id(), created_at=now, **cleaned)
    mailbox.password_sealed = secrets.seal(password, purpose=_purpose(mailbox, "password"))
    mailbox.inbound_sealed = secrets.seal(new_key(), purpose=_purpose(mailbox, "inbound"))
    _save(mailbox, force_insert=True)
    write_audit(by=by, action="mailbox.created", now=now, target=mailbox, detail={"host": mailbox.host})
    return mailbox


def update_mailbox(
    *, mailbox: Mailbox, changes: Mapping[str, Any], by: Actor, now: datetime, password: str | None = None
) -> list[str]:
    """Change FIELDS; `password` None keeps the old one. Returns the names of what changed."""
    cleaned = _clean({name: getattr(mailbox, name) for name in FIELDS} | dict(changes))
    changed = [name for name, value in cleaned.items() if getattr(mailbox, name) != value]
    if mailbox.password_sealed and password is None and {"host", "username"} & set(changed):
        # Otherwise whoever may edit a mailbox could have its password sent to a server of their own.
        raise Invalid("Type the password again: it is only used with the server it was given for.", field="password")
    for name in changed:
        setattr(mailbox, name, cleaned[name])
    if password is not None:
        mailbox.password_sealed = secrets.seal(password, purpose=_purpose(mailbox, "password"))
        changed.append("password")
    if changed:
        if CONNECTION & set(changed):
            # The last test told of another server or log-in.
            mailbox.check_ok, mailbox.check_words, mailbox.checked_at = None, "", None
        _save(mailbox)
        write_audit(by=by, action="mailbox.changed", now=now, target=mailbox, detail={"fields": changed})
        mark_mailbox(mailbox.pk, now)
    return changed


def hold_mailbox(*, mailbox: Mailbox, reason: str, by: Actor, now: datetime) -> None:
    """Nothing more is sent from it until somebody releases it."""
    if not reason.strip():
        raise Invalid("Say why it is held; everybody who waits for it reads this.", field="reason")
    _set_state(mailbox, Mailbox.State.HELD, reason.strip()[:300], by, now)


def release_mailbox(*, mailbox: Mailbox, by: Actor, now: datetime) -> None:
    """Send again; what waited goes as caps and windows allow."""
    _set_state(mailbox, Mailbox.State.ACTIVE, "", by, now)
    Mailbox.objects.filter(pk=mailbox.pk).update(last_error="")
    mark_mailbox(mailbox.pk, now)


def _set_state(mailbox: Mailbox, state: str, reason: str, by: Actor, now: datetime) -> None:
    if not Mailbox.objects.filter(pk=mailbox.pk).exclude(state=state).update(state=state, state_reason=reason):
        return
    mailbox.refresh_from_db()
    write_audit(by=by, action=f"mailbox.{state}", now=now, target=mailbox, detail={"reason": reason})


def ask_check(*, mailbox: Mailbox, by: Actor, now: datetime) -> None:
    """Let a worker connect and log in. The network is never used inside a request's transaction; the row has the result."""
    Mailbox.objects.filter(pk=mailbox.pk).update(check_asked_at=now)
    mailbox.check_asked_at = now
    enqueue("campaigns.check_mailbox", mailbox.pk)


def record_check(*, mailbox_id: UUID, works: bool, words: str, now: datetime) -> None:
    """What the test found; a test that works takes back an older error."""
    found = {"checked_at": now, "check_ok": works, "check_words": words[:500]}
    Mailbox.objects.filter(pk=mailbox_id).update(**found, **({"last_error": ""} if works else {}))


def check_connection(*, mailbox: Mailbox) -> tuple[bool, str]:
    """Connect and log in, send nothing. Returns (works, what happened in words). Call outside a transaction."""
    where = f"{mailbox.host}:{mailbox.port}"
    try:
        with SmtpConversation(account_of(mailbox)):
            return True, f"{where} accepted the log-in." if mailbox.username else f"{where} answered; no log-in is set."
    except (TransportError, Invalid) as error:
        return False, error.message
    except secrets.SealedElsewhere:
        return False, "The stored password cannot be opened with the server's keys. Type it again."


def rotate_inbound_key(*, mailbox: Mailbox, by: Actor, now: datetime) -> str:
    """A new key for the inbound endpoint; the old one stops working at once. Returned in clear this once."""
    key = new_key()
    mailbox.inbound_sealed = secrets.seal(key, purpose=_purpose(mailbox, "inbound"))
    Mailbox.objects.filter(pk=mailbox.pk).update(inbound_sealed=mailbox.inbound_sealed)
    write_audit(by=by, action="mailbox.inbound_key", now=now, target=mailbox)
    return key


def inbound_address(mailbox: Mailbox) -> str:
    """Where mail that came to this mailbox is posted as raw MIME, signed with its inbound key."""
    token = public_token("inbound", workspace_id=mailbox.workspace_id, row=mailbox.pk)
    return f"{settings.SITE_URL}/p/in/{token}/"


def _purpose(mailbox: Mailbox, what: str) -> str:
    return mailbox_purpose(mailbox.workspace_id, mailbox.pk, what)


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise Invalid(f"Unknown field: {', '.join(sorted(unknown))}.", field=min(unknown))
    cleaned = dict(values)
    cleaned["address"] = normalise_address(str(values.get("address", "")), field="address").lower()
    cleaned["from_name"] = " ".join(str(values.get("from_name", "")).split())
    if not cleaned["from_name"]:
        raise Invalid("Give the name people see as the sender.", field="from_name")
    cleaned["host"] = str(values.get("host", "")).strip().lower()
    if not cleaned["host"]:
        raise Invalid("Give the SMTP server, such as smtp.provider.example.", field="host")
    for name, least, most in (("daily_cap", 1, 10_000), ("min_gap_seconds", 0, 86_400), ("port", 1, 65_535)):
        number = cleaned.get(name)
        if number is not None and not least <= int(number) <= most:
            raise Invalid(f"Use a number from {least} to {most:,}.", field=name)
    egress.check_mail_name(cleaned["host"], int(cleaned.get("port") or 587))
    if cleaned.get("security") == Mailbox.Security.NONE and not egress.is_allowed(cleaned["host"]):
        raise Invalid(
            "Without encryption the password would be readable on the way. Use STARTTLS or TLS.", field="security"
        )
    return cleaned


def _save(mailbox: Mailbox, **kwargs: Any) -> None:
    try:
        with transaction.atomic():
            mailbox.save(**kwargs)
    except IntegrityError as error:
        if "mailbox_address" not in str(error):
            raise
        raise Conflict(f"{mailbox.address} is a mailbox here already.", field="address") from error
