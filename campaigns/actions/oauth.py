"""A mailbox's consent at Google or Microsoft: asked for, kept, made fresh, and taken back.

Two workers that need a token at once refresh once: an advisory lock of the database, held outside any transaction, lets
the second one read what the first one saved. A new refresh token is saved in the statement that follows its receipt and
only over the one it replaces.
"""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import connection

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.actions.system_mail import plan_system_mail
from accounts.models import Member, Role
from campaigns.actions.health import hold_mailbox, release_mailbox
from campaigns.actions.mailbox_secrets import opened_dict, sealed_for
from campaigns.models import Mailbox
from campaigns.queries.mailsync import SYNC_LANE
from campaigns.transports import oauth
from leadgen.core import lanes, secrets
from leadgen.core.errors import Invalid, Refused
from leadgen.core.logging import log
from leadgen.core.tenancy import workspace_scope

FRESH = timedelta(minutes=2)  # a token that ends sooner is renewed before it is used
LOCK_PATIENCE = 45.0  # longer than a provider may take to answer
SALT = "mailbox-oauth"
STATE_AGE = 900  # seconds a consent page may stay open
CODE_AGE = timedelta(minutes=10)


class TokenRefused(Exception):
    """Somebody has to connect the mailbox again; it is held and its owner was told."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TokenUnavailable(TokenRefused):
    """No token now; the consent still stands, so the mail waits and it is tried again."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A consent that was asked for: where the browser goes, and what its session must remember."""

    url: str
    remembered: dict[str, str]


def client_of(provider: str) -> oauth.OAuthClient | None:
    """This installation's client at google or microsoft, None where the operator set none up."""
    found: Mapping[str, Any] = settings.MAILBOX_OAUTH.get(provider, {})
    if not found.get("client_id"):
        return None
    return oauth.OAuthClient(provider=provider, **found)


def client_problem(provider: str) -> str:
    """Why nobody can connect with this provider here, with the remedy; '' if they can."""
    if client_of(provider) is not None:
        return ""
    name = provider.upper()
    return (
        f"Connecting with {provider.title()} is not set up on this installation. Your operator registers a client there and sets "
        f"LEADGEN_{name}_CLIENT_ID and LEADGEN_{name}_CLIENT_SECRET (docs/operations.md). Until then use a password."
    )


def redirect_uri() -> str:
    """Where the provider sends the browser back; the operator registers exactly this address."""
    return f"{settings.SITE_URL}/p/oauth/"


def begin_connect(*, mailbox: Mailbox, slug: str) -> Begun:
    """Ask for consent. Raises Invalid where this mailbox does not use OAuth or the operator set up no client."""
    client = client_of(mailbox.auth)
    if client is None:
        raise Invalid(
            client_problem(mailbox.auth) if mailbox.auth != Mailbox.Auth.PASSWORD else "This mailbox uses a password.",
            field="auth",
        )
    verifier, nonce = oauth.new_verifier(), uuid.uuid4().hex
    state = signing.dumps({"slug": slug, "mailbox": mailbox.pk.hex, "nonce": nonce}, salt=SALT, compress=True)
    url = oauth.consent_url(
        client, redirect_uri=redirect_uri(), state=state, verifier=verifier, address=mailbox.username or mailbox.address
    )
    return Begun(url, {"nonce": nonce, "verifier": verifier, "mailbox": mailbox.pk.hex})


def read_state(state: str) -> dict[str, str] | None:
    """{slug, mailbox, nonce} of a state we made within the last quarter of an hour, else None."""
    try:
        found = signing.loads(state, salt=SALT, max_age=STATE_AGE)
    except signing.BadSignature:
        return None
    return dict(found)


def accept_consent(
    *, mailbox: Mailbox, state: str, code: str, remembered: Mapping[str, str], by: Actor, now: datetime
) -> None:
    """Keep the code of a consent; the next use of the mailbox (its connection test) turns it into tokens.

    `remembered` is what this browser's session kept when it asked, and is worth one try. Raises Refused where state,
    session and mailbox do not belong together.
    """
    found = read_state(state)
    ours = found is not None and (found["mailbox"], found["nonce"]) == (mailbox.pk.hex, remembered.get("nonce"))
    if not ours or not code:
        raise Refused(
            "This answer belongs to no request of this browser, or is older than a quarter of an hour. Connect again.",
            code="oauth_state",
        )
    try:
        kept = opened_dict(mailbox, "oauth")
    except secrets.SealedElsewhere:
        kept = {}  # what no key opens is replaced by the new consent
    kept |= {"code": code, "verifier": remembered["verifier"], "code_at": now.isoformat()}
    mailbox.oauth_sealed = sealed_for(mailbox, "oauth", json.dumps(kept))
    mailbox.oauth_expires_at = None
    mailbox.save(update_fields=["oauth_sealed", "oauth_expires_at"])
    write_audit(by=by, action="mailbox.connected", now=now, target=mailbox, detail={"provider": mailbox.auth})
    if mailbox.sync == Mailbox.Sync.IMAP:
        lanes.mark(workspace_id=mailbox.workspace_id, kind=SYNC_LANE, key=str(mailbox.pk), due=now)


def disconnect(*, mailbox: Mailbox, by: Actor, now: datetime) -> None:
    """Forget the consent; nothing is sent or read with it from now on."""
    if not mailbox.oauth_sealed:
        raise Invalid("It is not connected.")
    mailbox.oauth_sealed, mailbox.oauth_expires_at = "", None
    mailbox.check_ok, mailbox.check_words, mailbox.checked_at, mailbox.check_steps = None, "", None, []
    mailbox.save(
        update_fields=["oauth_sealed", "oauth_expires_at", "check_ok", "check_words", "checked_at", "check_steps"]
    )
    write_audit(by=by, action="mailbox.disconnected", now=now, target=mailbox, detail={"provider": mailbox.auth})


def is_connected(mailbox: Mailbox) -> bool:
    """Whether somebody consented; whether the provider still agrees shows at the next use."""
    return bool(mailbox.oauth_sealed)


def access_token(*, workspace_id: uuid.UUID, mailbox_id: uuid.UUID, now: datetime) -> str:
    """A token good for two more minutes at least. Call outside any transaction: the provider may have to be asked.

    Raises TokenRefused (mailbox held, owner told) and TokenUnavailable.
    """
    mailbox, kept = _stored(workspace_id, mailbox_id)
    if _fresh(mailbox, kept, now):
        return kept["access_token"]
    with _one_at_a_time(mailbox_id):
        mailbox, kept = _stored(workspace_id, mailbox_id)  # another worker may have renewed it while we waited
        if _fresh(mailbox, kept, now):
            return kept["access_token"]
        return _renew(mailbox, kept, now)


def _stored(workspace_id: uuid.UUID, mailbox_id: uuid.UUID) -> tuple[Mailbox, dict[str, str]]:
    with workspace_scope(workspace_id):
        mailbox = Mailbox.objects.get(pk=mailbox_id)
    try:
        return mailbox, opened_dict(mailbox, "oauth")
    except secrets.SealedElsewhere as error:
        raise TokenRefused("The stored consent cannot be opened with the server's keys. Connect again.") from error


def _fresh(mailbox: Mailbox, kept: Mapping[str, str], now: datetime) -> bool:
    ends = mailbox.oauth_expires_at
    return bool(kept.get("access_token")) and "code" not in kept and ends is not None and ends > now + FRESH


def _renew(mailbox: Mailbox, kept: dict[str, str], now: datetime) -> str:
    client = client_of(mailbox.auth)
    if client is None:
        raise TokenUnavailable(client_problem(mailbox.auth))
    try:
        if "code" in kept:
            if now - datetime.fromisoformat(kept["code_at"]) > CODE_AGE:
                raise oauth.GrantRefused("The consent was not used within ten minutes and has run out.")
            tokens = oauth.exchange_code(
                client, code=kept["code"], verifier=kept["verifier"], redirect_uri=redirect_uri()
            )
            if not tokens.refresh_token and not kept.get("refresh_token"):
                raise oauth.GrantRefused(f"{client.label} gave no lasting consent (refresh token).")
        elif kept.get("refresh_token"):
            tokens = oauth.refresh(client, refresh_token=kept["refresh_token"])
        else:
            raise oauth.GrantRefused(f"Nobody has connected this mailbox with {client.label} yet.")
    except oauth.GrantRefused as error:
        words = f"{error.message.rstrip('.')}. Connect the mailbox again."
        _hold(mailbox, kept, words, now)
        raise TokenRefused(words) from error
    except oauth.ProviderUnavailable as error:
        raise TokenUnavailable(error.message) from error
    return _save(mailbox, tokens, kept, now)


def _save(mailbox: Mailbox, tokens: oauth.Tokens, kept: Mapping[str, str], now: datetime) -> str:
    """Store what came, over exactly what it replaces: a consent given anew meanwhile wins and is used next time."""
    wanted = {
        "refresh_token": tokens.refresh_token or kept.get("refresh_token", ""),
        "access_token": tokens.access_token,
        "scope": tokens.scope or kept.get("scope", ""),
    }
    with workspace_scope(mailbox.workspace_id):
        row = Mailbox.objects.select_for_update(of=("self",), no_key=True).get(pk=mailbox.pk)
        if opened_dict(row, "oauth") != dict(kept):  # not the bytes: key rotation seals the same content anew
            log.info("oauth_replaced_meanwhile", mailbox=str(mailbox.pk))
            return tokens.access_token
        row.oauth_sealed = sealed_for(row, "oauth", json.dumps(wanted))
        row.oauth_expires_at = now + timedelta(seconds=tokens.expires_in)
        row.save(update_fields=["oauth_sealed", "oauth_expires_at"])
        if row.state == Mailbox.State.HELD and row.state_code in {"oauth", "log_in"}:
            release_mailbox(mailbox=row, by=SYSTEM, now=now)
    return tokens.access_token


def _hold(mailbox: Mailbox, kept: Mapping[str, str], words: str, now: datetime) -> None:
    """Nothing more goes out or is read until somebody connects it again; whoever owns it is told once."""
    with workspace_scope(mailbox.workspace_id):
        row = Mailbox.objects.select_for_update(of=("self",), no_key=True).get(pk=mailbox.pk)
        if opened_dict(row, "oauth") != dict(kept):
            return  # connected anew meanwhile
        if "code" in kept:
            left = {name: value for name, value in kept.items() if name not in {"code", "verifier", "code_at"}}
            row.oauth_sealed = sealed_for(row, "oauth", json.dumps(left)) if left else ""
        row.last_error = words[:500]
        row.save(update_fields=["oauth_sealed", "last_error"])
        # One that was never connected is not yet at work: whoever connects it reads what went wrong in the test.
        if kept.get("refresh_token") and hold_mailbox(mailbox=row, reason=words, by=SYSTEM, now=now, code="oauth"):
            _tell(row, words, now)


def _tell(mailbox: Mailbox, words: str, now: datetime) -> None:
    owner = mailbox.member if mailbox.member is not None and mailbox.member.is_active else None
    people = [owner] if owner else list(Member.objects.filter(role=Role.OWNER, is_active=True)[:5])
    for member in people:
        plan_system_mail(
            kind="mailbox_held",
            to=member.email,
            subject=f"{mailbox.address} has to be connected again",
            text=f"{words}\n\nUntil then nothing is sent from {mailbox.address}. What is planned waits; nothing is lost.\n\n"
            f"Connect it under Settings › Mailboxes: {settings.SITE_URL}/\n",
            now=now,
        )


@contextmanager
def _one_at_a_time(mailbox_id: uuid.UUID) -> Iterator[None]:
    """Only one process talks to the provider about this mailbox; a dead one's lock goes with its connection."""
    key = int.from_bytes(mailbox_id.bytes[:8], signed=True) ^ 0x6F61757468
    until = time.monotonic() + LOCK_PATIENCE
    while not _locked("SELECT pg_try_advisory_lock(%s)", key):
        if time.monotonic() > until:
            raise TokenUnavailable("Another worker is still renewing the connection. It is tried again.")
        time.sleep(0.1)
    try:
        yield
    finally:
        _locked("SELECT pg_advisory_unlock(%s)", key)


def _locked(sql: str, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [key])
        return bool(cursor.fetchone()[0])
