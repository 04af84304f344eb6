"""Mail that came in over a service, out of its request: whole where the request holds it, else fetched from its API.

django-anymail reads the forms. Two services hand in less than the mail: Resend only says that one came, Brevo leaves out
what is attached. That is fetched here with the mailbox's key, bounded in size and time. Call outside any transaction.
"""

import json
import time
import warnings
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from uuid import UUID

import requests
from anymail.inbound import AnymailInboundMessage
from anymail.webhooks.brevo import BrevoInboundWebhookView
from anymail.webhooks.resend import ResendInboundWebhookView
from django.http import HttpRequest

from campaigns.transports.esp import EspAccount, EspSession
from campaigns.transports.oauth import ProviderUnavailable, checked_url
from leadgen.core import egress

FETCH_TIMEOUT = (5.0, 10.0)  # to connect, for each piece: a web worker waits meanwhile
FETCH_SECONDS = 25  # all in all; the service hands it in again later
FETCH_BYTES = 30 * 1024 * 1024
# What a fetched mail may be downloaded from besides the API itself; the address comes from the API's own answer.
DOWNLOADS = {"resend": (".resend.com", ".cloudfront.net")}
# Of what is attached, only reports and returned mails say anything here. The rest is never fetched.
REPORTS = ("message/", "text/rfc822-headers")
MOST_REPORTS = 3  # a bounce has two; each is a request while the service waits


class MailUnavailable(Exception):
    """The mail is there, but the service did not give it: its words."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def parser(account: EspAccount, *, inbound: bool) -> Callable[[HttpRequest], Iterable[Any]]:
    """anymail's reading of this service's form. Who sent it was checked before, so its own checks get nothing to do.

    The reading raises MailUnavailable where something had to be fetched and could not be.
    """
    service = account.service
    options: dict[str, Any] = {"webhook_secret": "leadgen:checked-before"}
    if service.key == "mailgun":
        options["webhook_signing_key"] = "checked-before"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anymail tells which services it still tests itself
        if inbound and service.key in FETCHES:
            view = FETCHES[service.key](api_key=account.key, api_url=account.url, **options)
            view.account = account
        else:
            module = import_module(f"anymail.webhooks.{service.key}")
            view = getattr(module, f"{service.label}{'Inbound' if inbound else 'Tracking'}WebhookView")(**options)
    parse: Callable[[HttpRequest], Iterable[Any]] = view.parse_events
    return parse


class _FetchSession(EspSession):
    timeout = FETCH_TIMEOUT


class _Brevo(BrevoInboundWebhookView):
    account: EspAccount

    def esp_to_anymail_event(self, esp_event: dict[str, Any]) -> Any:
        """As anymail, but only reports are fetched, and a mail without a Message-ID gets one: told again it is the same."""
        wanted = [one for one in esp_event.get("Attachments") or [] if _is_report(one)]
        event = super().esp_to_anymail_event(esp_event | {"Attachments": wanted[:MOST_REPORTS]})
        if not event.message["Message-ID"] and event.event_id:
            event.message["Message-ID"] = f"<{event.event_id}@inbound.brevo.invalid>"
        return event

    def _fetch_attachment(self, attachment: dict[str, Any]) -> AnymailInboundMessage:
        token = quote(str(attachment["DownloadToken"]), safe="")
        url = urljoin(self.account.url, f"inbound/attachments/{token}")
        content = _get(self.account, url, {"api-key": self.account.key})
        head = f"Content-Type: {attachment['ContentType']}".split("\n")[0]
        return AnymailInboundMessage.parse_raw_mime_bytes(head.encode() + b"\r\n\r\n" + content)


class _Resend(ResendInboundWebhookView):
    account: EspAccount

    def _fetch_inbound_email(self, email_id: str) -> AnymailInboundMessage:
        """The whole mail as it came; where Resend offers no such download, what its API says of it, without attachments."""
        url = urljoin(self.account.url, f"emails/receiving/{UUID(str(email_id))}")
        found = _json(_get(self.account, url, {"Authorization": f"Bearer {self.account.key}"}))
        raw_url = str((found.get("raw") or {}).get("download_url") or "")
        if raw_url and _may_download(self.account, raw_url):
            return AnymailInboundMessage.parse_raw_mime_bytes(_get(self.account, raw_url, {}))
        headers = found.get("headers") or {}
        pairs = headers.items() if isinstance(headers, dict) else ((one["name"], one["value"]) for one in headers)
        message = AnymailInboundMessage.construct(
            from_email=found.get("from"), to=", ".join(found.get("to") or []) or None, subject=found.get("subject"),
            headers=[
                (name, value) for name, values in pairs if name.lower() not in {"from", "to", "subject"}
                for value in ([values] if isinstance(values, str) else values)
            ],
            text=found.get("text"), html=found.get("html"),
        )  # fmt: skip
        if found.get("message_id") and "Message-ID" not in message:
            message["Message-ID"] = found["message_id"]
        return message


FETCHES: dict[str, Any] = {"brevo": _Brevo, "resend": _Resend}


def _is_report(attachment: Any) -> bool:
    return isinstance(attachment, dict) and str(attachment.get("ContentType", "")).lower().startswith(REPORTS)


def _may_download(account: EspAccount, url: str) -> bool:
    host = (urlsplit(url).hostname or "").lower()
    return egress.is_allowed(host) or f".{host}".endswith(DOWNLOADS.get(account.service.key, ()))


def _get(account: EspAccount, url: str, headers: dict[str, str]) -> bytes:
    """What stands there: no redirects, no more than FETCH_BYTES, no longer than FETCH_SECONDS. Raises MailUnavailable."""
    name, until, found = account.service.label, time.monotonic() + FETCH_SECONDS, bytearray()
    try:
        with _FetchSession() as session, session.get(checked_url(url), headers=headers, stream=True) as answer:
            if answer.status_code != 200:
                hint = " Give it an API key with full access." if answer.status_code in {401, 403} else ""
                raise MailUnavailable(
                    f"{name} does not hand out a mail: HTTP {answer.status_code} {_start(answer)}.{hint}"
                )
            for piece in answer.iter_content(65_536):
                found += piece
                if len(found) > FETCH_BYTES:
                    raise MailUnavailable(f"A mail at {name} is larger than 30 MB.")
                if time.monotonic() > until:
                    raise MailUnavailable(f"{name} was too slow to hand out a mail.")
    except ProviderUnavailable as error:
        raise MailUnavailable(error.message) from error
    except requests.RequestException as error:
        raise MailUnavailable(f"{name} cannot be reached for a mail: {type(error).__name__}.") from error
    return bytes(found)


def _start(answer: requests.Response) -> str:
    """The first of the service's own words, bare of JSON; an error page may be endless."""
    text = next(answer.iter_content(2000), b"").decode(errors="replace")
    try:
        found = json.loads(text)
        text = str(found["message"])
    except (ValueError, KeyError, TypeError):
        pass
    return " ".join(text.split())[:200].rstrip(".")


def _json(content: bytes) -> dict[str, Any]:
    """The object in an answer. Raises MailUnavailable."""
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise MailUnavailable("The service described a mail in an unknown way.")
    return found
