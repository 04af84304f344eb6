"""The connection test: every step of sending and reading that can be tried without sending, each failure explained."""

import smtplib
import ssl
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.actions.audit import Actor
from campaigns.actions.connections import esp_account, imap_account, smtp_account, token_for
from campaigns.models import Mailbox
from campaigns.rules.remedies import remedy
from campaigns.transports.esp import check_service
from campaigns.transports.imap import ImapConversation, ImapError
from campaigns.transports.smtp import SmtpConversation, TransportError
from leadgen.core import secrets
from leadgen.core.errors import Invalid
from leadgen.core.tasks import enqueue

NAMES = {
    "name": "Name", "connection": "Connection", "tls": "Encryption", "login": "Log-in", "folders": "Folders",
    "consent": "Consent", "key": "Key", "mail": "Mail that comes in",
}  # fmt: skip
ORDER = ("name", "connection", "tls", "login")
UNSEALED = "The stored password cannot be opened with the server's keys. Type it again."


@dataclass(frozen=True, slots=True)
class Step:
    """`ok` None: not reached. `part`: SMTP, IMAP, the provider or the sending service."""

    part: str
    name: str
    ok: bool | None
    words: str = ""
    remedy: str = ""


@dataclass(slots=True)
class Found:
    """What a test found. `works`: every part that was tried; `words`: one sentence a part, the failure first."""

    steps: list[Step] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def works(self) -> bool:
        return all(step.ok for step in self.steps)

    @property
    def words(self) -> str:
        failed = [f"{step.words} {step.remedy}".strip() for step in self.steps if step.ok is False]
        return " ".join(failed or self.said)

    def rows(self) -> list[dict[str, Any]]:
        """As they are stored with the mailbox."""
        return [asdict(step) for step in self.steps]


def ask_check(*, mailbox: Mailbox, by: Actor, now: datetime) -> None:
    """Let a worker connect and log in. The network is never used inside a request's transaction; the row has the result."""
    Mailbox.objects.filter(pk=mailbox.pk).update(check_asked_at=now)
    mailbox.check_asked_at = now
    enqueue("campaigns.check_mailbox", mailbox.pk)


def record_check(*, mailbox_id: UUID, found: Found, now: datetime) -> None:
    """Store what the test found; a test that works takes back an older error."""
    values = {
        "checked_at": now, "check_ok": found.works, "check_words": found.words[:500], "check_steps": found.rows(),
    }  # fmt: skip
    Mailbox.objects.filter(pk=mailbox_id).update(**values, **({"last_error": ""} if found.works else {}))


def check_connection(*, mailbox: Mailbox, now: datetime) -> Found:
    """Connect and log in wherever this mailbox sends and reads; sends nothing. Call outside a transaction."""
    found = Found()
    needs_login = mailbox.route == Mailbox.Route.SMTP or mailbox.sync == Mailbox.Sync.IMAP
    token = ""
    if needs_login and mailbox.auth != Mailbox.Auth.PASSWORD:
        part = mailbox.get_auth_display().split(" ")[0]
        try:
            token = token_for(mailbox, now=now)
        except TransportError as error:
            found.steps.append(_step(part, "consent", False, error.message, remedy(step="consent", words="", host="")))
            needs_login = False
        else:
            found.steps.append(_step(part, "consent", True, f"{part} gave a token."))
    if mailbox.route == Mailbox.Route.ESP:
        _check_service(mailbox, found)
    elif needs_login:
        _check_smtp(mailbox, token, found)
    if needs_login and mailbox.sync == Mailbox.Sync.IMAP:
        _check_imap(mailbox, token, found)
    return found


def _check_service(mailbox: Mailbox, found: Found) -> None:
    part = mailbox.esp.title()
    try:
        account = esp_account(mailbox)
        part = account.service.label
        does_all = check_service(account)
    except secrets.SealedElsewhere:
        found.steps.append(_step(part, "key", False, UNSEALED))
    except TransportError as error:
        advice = remedy(step="key" if error.permanent else "connection", words="", host="") if error.permanent else ""
        found.steps.append(_step(part, "key" if error.permanent else "connection", False, error.message, advice))
    except Invalid as error:
        found.steps.append(_step(part, "key", False, error.message))
    else:
        found.steps.append(_step(part, "key", True, f"{part} accepted the key."))
        found.said.append(f"{part} accepted the key.")
        if mailbox.sync == Mailbox.Sync.PUSH and account.service.key == "resend":
            words = "The key may fetch mail that came in." if does_all else "The key may only send."
            advice = "" if does_all else "Give it full access, or the mail Resend tells of cannot be fetched."
            found.steps.append(_step(part, "mail", does_all, words, advice))


def _check_smtp(mailbox: Mailbox, token: str, found: Found) -> None:
    where = f"{mailbox.host}:{mailbox.port}"
    try:
        with SmtpConversation(smtp_account(mailbox, token=token)):
            pass
    except secrets.SealedElsewhere:
        _failed(found, "SMTP", "login", UNSEALED, "", mailbox.security)
        return
    except TransportError as error:
        step = _step_of(error.__cause__)
        advice = remedy(step=step, words=error.message, host=mailbox.host, by_token=bool(token))
        _failed(found, "SMTP", step, error.message, advice, mailbox.security)
        return
    words = f"{where} accepted the log-in." if mailbox.username or token else f"{where} answered; no log-in is set."
    _passed(found, "SMTP", words, mailbox.security)


def _check_imap(mailbox: Mailbox, token: str, found: Found) -> None:
    where = f"{mailbox.imap_host}:{mailbox.imap_port}"
    try:
        account = imap_account(mailbox, token=token)
    except secrets.SealedElsewhere:
        _failed(found, "IMAP", "login", UNSEALED, "", mailbox.imap_security)
        return
    conversation = ImapConversation(account)
    try:
        conversation.connect()
    except ImapError as error:
        step = "login" if error.permanent or "takes no password" in error.message else _step_of(error.__cause__)
        advice = remedy(step=step, words=error.message, host=mailbox.imap_host, by_token=bool(token))
        _failed(found, "IMAP", step, error.message, advice, mailbox.imap_security)
        return
    _passed(found, "IMAP", f"{where} accepted the log-in.", mailbox.imap_security)
    try:
        folders = conversation.folders()
    except ImapError as error:
        found.steps.append(_step("IMAP", "folders", False, error.message, remedy(step="folders", words="", host="")))
        return
    finally:
        conversation.close()
    sent = next((folder.name for folder in folders if folder.role == "sent"), "")
    words = f"{len(folders)} folders; mail that was sent is in “{sent}”." if sent else (
        f"{len(folders)} folders, none of them known as Sent: what became of a mail cannot be looked up there."
    )  # fmt: skip
    found.steps.append(_step("IMAP", "folders", True, words))
    found.said.append(words)


def _step_of(cause: BaseException | None) -> str:
    """Where on the way it broke."""
    if isinstance(cause, Invalid):
        return "name"
    if isinstance(cause, smtplib.SMTPAuthenticationError):
        return "login"
    if cause is None or isinstance(cause, (ssl.SSLError, smtplib.SMTPNotSupportedError)):
        # SMTPNotSupportedError: no STARTTLS, or (rarely) no way to log in that both know. No cause: IMAP without STARTTLS.
        return "login" if "AUTH" in str(cause) else "tls"
    return "connection"


def _way(security: str) -> Iterable[str]:
    return (step for step in ORDER if step != "tls" or security != Mailbox.Security.NONE)


def _passed(found: Found, part: str, words: str, security: str) -> None:
    found.steps += [_step(part, step, True, words if step == "login" else "") for step in _way(security)]
    found.said.append(words)


def _failed(found: Found, part: str, broken: str, words: str, advice: str, security: str) -> None:
    state: bool | None = True
    for step in ORDER:
        if step == broken:
            found.steps.append(_step(part, step, False, words, advice))
            state = None
        elif step in _way(security):
            found.steps.append(_step(part, step, state))


def _step(part: str, step: str, ok: bool | None, words: str = "", advice: str = "") -> Step:
    return Step(part, NAMES[step], ok, words, advice)
