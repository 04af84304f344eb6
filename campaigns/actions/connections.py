"""From a mailbox row to what talks for it: its secrets opened, its token fresh.

Everything that opens a connection for a mailbox comes through here, so that a password or token only ever goes to the
server it was given for.
"""

from datetime import datetime

from campaigns.actions.mailbox_secrets import opened, opened_dict
from campaigns.actions.oauth import TokenRefused, TokenUnavailable, access_token
from campaigns.models import Mailbox
from campaigns.transports.esp import EspAccount, EspConversation
from campaigns.transports.imap import ImapAccount
from campaigns.transports.services import service_of
from campaigns.transports.smtp import SmtpAccount, SmtpConversation, TransportError
from leadgen.core import secrets
from leadgen.core.errors import Invalid

type Conversation = SmtpConversation | EspConversation


def conversation_for(mailbox: Mailbox, *, now: datetime) -> Conversation:
    """What hands over this mailbox's mail, not yet connected. Call outside any transaction: a token may have to be fetched.

    Raises TransportError (whole_server): permanent where a person must mend it, else for a while.
    """
    try:
        if mailbox.route == Mailbox.Route.ESP:
            return EspConversation(esp_account(mailbox))
        return SmtpConversation(smtp_account(mailbox, token=token_for(mailbox, now=now)))
    except secrets.SealedElsewhere as error:
        words = "The stored password cannot be opened with the server's keys. Type it again."
        raise TransportError(words, permanent=True, whole_server=True) from error
    except Invalid as error:
        raise TransportError(error.message, permanent=True, whole_server=True) from error


def token_for(mailbox: Mailbox, *, now: datetime) -> str:
    """A fresh access token, '' for a mailbox that logs in with a password. Raises TransportError (whole_server)."""
    if mailbox.auth == Mailbox.Auth.PASSWORD:
        return ""
    try:
        return access_token(workspace_id=mailbox.workspace_id, mailbox_id=mailbox.pk, now=now)
    except TokenUnavailable as error:  # before TokenRefused, which it is a kind of
        raise TransportError(error.message, permanent=False, whole_server=True) from error
    except TokenRefused as error:
        raise TransportError(error.message, permanent=True, whole_server=True) from error


def smtp_account(mailbox: Mailbox, *, token: str = "") -> SmtpAccount:
    """Its SMTP log-in: by `token` where one is given, else by the stored password."""
    return SmtpAccount(
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security,
        username=mailbox.username or (mailbox.address if token else ""),
        password="" if token else opened(mailbox, "password"),
        token=token,
    )


def imap_account(mailbox: Mailbox, *, token: str = "") -> ImapAccount:
    """Its IMAP log-in; what is blank there is as for SMTP."""
    return ImapAccount(
        host=mailbox.imap_host,
        port=mailbox.imap_port,
        security=mailbox.imap_security,
        username=mailbox.imap_username or mailbox.username or mailbox.address,
        password="" if token else opened(mailbox, "imap_password") or opened(mailbox, "password"),
        token=token,
    )


def esp_account(mailbox: Mailbox) -> EspAccount:
    """Its sending service with the key in clear. Raises Invalid for a service that is not known here."""
    found = opened_dict(mailbox, "esp")
    return EspAccount(
        service=service_of(mailbox.esp),
        sender=mailbox.address,
        key=found.get("key", ""),
        secret=found.get("secret", ""),
        domain=found.get("domain", ""),
        region=found.get("region", ""),
    )
