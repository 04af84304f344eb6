"""The route over a sending service: django-anymail's backends with one mailbox's own settings, cut where it matters.

The same verbs as an SMTP conversation. Everything before the HTTP request can be undone; the request itself is the
hand-over. An answer in the 4xx range is a definite no; no answer, or a 5xx, leaves the outcome unknown, because the
service may have taken the mail before it broke.
"""

import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage as Mime
from email.utils import parseaddr
from importlib import import_module
from math import inf
from typing import Any
from urllib.parse import urljoin

import requests
from anymail.exceptions import (
    AnymailError,
    AnymailRequestsAPIError,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from anymail.message import AnymailMessage
from django.conf import settings
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from campaigns.transports.oauth import ProviderUnavailable, checked_url
from campaigns.transports.services import Service, api_url
from campaigns.transports.smtp import Accepted, HeldUp, OutcomeUnknown, TransportError
from leadgen.core import clock
from leadgen.core.crash import crash_point

TIMEOUT = (20.0, 120.0)  # to connect, to answer
REPEATS = 2  # further tries with the same idempotency key, where the service offers one
# Ours by MIME structure or set by the service itself; all others are handed over as they are.
NOT_COPIED = {
    "from", "to", "cc", "bcc", "subject", "date", "mime-version", "content-type", "content-transfer-encoding",
    "content-disposition", "content-language", "return-path", "sender",
}  # fmt: skip
PROBE_HEADERS = {
    "postmark": "X-Postmark-Server-Token", "brevo": "api-key", "sparkpost": "Authorization",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class EspAccount:
    """A mailbox at a service. `key` and `secret` are in clear here and never logged."""

    service: Service
    sender: str
    key: str
    secret: str = ""
    domain: str = ""
    region: str = ""

    @property
    def url(self) -> str:
        """The API's address; tests put a loopback server in its place."""
        found: Mapping[str, str] = settings.ESP_API_URLS
        return found.get(self.service.key) or api_url(self.service, {"region": self.region})

    def options(self) -> dict[str, str]:
        """What anymail's backend takes: by instance, so that no mailbox sees another's."""
        name = "server_token" if self.service.key == "postmark" else "api_key"
        found = {name: self.key, "api_url": self.url}
        if self.secret:
            found["secret_key"] = self.secret
        if self.domain:
            found["sender_domain"] = self.domain
        return found


class EspSession(requests.Session):
    """No proxies or .netrc of the environment, no redirects, a new connection each time: one that was kept open may be
    dead without telling, and then nobody would know whether the mail had been taken."""

    timeout = TIMEOUT

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["Connection"] = "close"

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs |= {"allow_redirects": False, "timeout": self.timeout}
        return super().request(*args, **kwargs)


class EspConversation:
    """Hands over mails one after another. Use as a context manager; not thread-safe."""

    def __init__(self, account: EspAccount) -> None:
        self.account = account
        self._backend: Any = None
        self._recipient = ""

    def __enter__(self) -> "EspConversation":
        self.connect()
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    @property
    def connected(self) -> bool:
        return self._backend is not None

    def connect(self) -> None:
        """Make the backend ready; nothing goes over the network yet. Raises TransportError (whole_server)."""
        try:
            checked_url(self.account.url)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # anymail tells which services it still tests itself
                backend_class = import_module(f"anymail.backends.{self.account.service.key}").EmailBackend
                backend = backend_class(fail_silently=False, **self.account.options())
        except (AnymailError, ProviderUnavailable) as error:
            raise TransportError(_short(error), permanent=True, whole_server=True) from error
        backend.session = EspSession()
        self._backend = backend

    def prepare(self, *, sender: str, recipient: str) -> None:
        """Note for whom the next mail is; until `hand_over` nothing has left."""
        if not self.connected:
            raise TransportError("The connection is closed.", permanent=False, whole_server=True)
        if not sender or not recipient:
            raise TransportError("Sender or recipient is missing.", permanent=True)
        self._recipient = recipient

    def abort(self) -> None:
        """Take it back: nothing had left."""
        self._recipient = ""

    def hand_over(self, content: bytes, *, until: float = inf) -> Accepted:
        """One HTTP request. Call only after the point of no return was committed, and not after `until` (clock.elapsing).

        Raises HeldUp then, TransportError where the service refused in words or cannot have got the mail; OutcomeUnknown else.
        """
        try:
            mail = self._mail(content)
            payload = self._backend.build_message_payload(mail, {})
            if self.account.service.repeats:
                payload.headers = {**(payload.headers or {}), "Idempotency-Key": mail.metadata["lg"]}
        except (AnymailUnsupportedFeature, AnymailSerializationError, AnymailError, ValueError) as error:
            raise TransportError(f"{self._name} cannot take this mail: {_short(error)}", permanent=True) from error
        if clock.elapsing() > until:
            raise HeldUp
        response = self._post(payload, mail)
        if response.status_code >= 400:  # Postmark's backend does not raise for every 422
            words = f"{self._name}: HTTP {response.status_code} {said(response)}"
            raise TransportError(words, permanent=True, code=response.status_code)
        try:
            status = self._backend.parse_recipient_status(response, payload, mail)
            mail.anymail_status.set_recipient_status(status)
        except AnymailError as error:
            # 2xx, but not in the words we know: it may have been taken.
            raise OutcomeUnknown(f"{self._name} answered {response.status_code} in an unknown way") from error
        refused = mail.anymail_status.status or set()
        if refused and refused <= {"rejected", "invalid", "failed"}:
            raise TransportError(f"{self._name} refused the recipient: {', '.join(sorted(refused))}", permanent=True)
        crash_point("C15")
        given = mail.anymail_status.message_id
        provider_id = given if isinstance(given, str) else next(iter(given or ()), "") or ""
        return Accepted(250, f"{self._name} took it: {provider_id}"[:500], provider_id.strip("<>")[:250])

    def _post(self, payload: Any, mail: AnymailMessage) -> requests.Response:
        tries = 1 + (REPEATS if self.account.service.repeats else 0)
        while True:
            tries -= 1
            try:
                found: requests.Response = self._backend.post_to_esp(payload, mail)
                return found
            except AnymailRequestsAPIError as error:
                failed = self._meaning(error)
                if isinstance(failed, OutcomeUnknown) and tries > 0:
                    continue  # the same key: the service sends it once, however often it is asked
                raise failed from error

    def _meaning(self, error: AnymailRequestsAPIError) -> Exception:
        """What a failed request says about the mail."""
        if error.response is None:
            cause = error.__cause__
            if _never_connected(cause):
                words = f"{self._name} cannot be reached: {type(cause).__name__}"
                return TransportError(words, permanent=False, whole_server=True)
            return OutcomeUnknown(f"No answer from {self._name} after the mail was handed over: {type(cause).__name__}")
        code, words = (
            error.response.status_code,
            f"{self._name}: HTTP {error.response.status_code} {said(error.response)}",
        )
        if code in {401, 403}:
            return TransportError(
                f"{words}. Check the key and the sender.", permanent=True, code=code, whole_server=True
            )
        if code == 402 or 300 <= code < 400:
            return TransportError(words, permanent=True, code=code, whole_server=True)
        if code == 429:
            return TransportError(words, permanent=False, code=code, whole_server=True)
        if 400 <= code < 500 and code not in {408, 409}:
            return TransportError(words, permanent=True, code=code)
        return OutcomeUnknown(words)

    def _mail(self, content: bytes) -> AnymailMessage:
        parsed = message_from_bytes(content, policy=policy.default)
        assert isinstance(parsed, Mime)
        text, html = (_text_of(parsed.get_body((kind,))) for kind in ("plain", "html"))
        own_id = str(parsed.get("Message-ID", "")).strip().strip("<>")
        headers = {name: str(value) for name, value in parsed.items() if name.lower() not in NOT_COPIED}
        if not self.account.service.keeps_id:
            headers = {name: value for name, value in headers.items() if name.lower() != "message-id"}
        if self.account.service.key == "postmark":
            headers["X-PM-KeepID"] = "true"
        reply_to = headers.pop("Reply-To", "")
        mail = AnymailMessage(
            subject=str(parsed["Subject"] or ""),
            body=text,
            from_email=str(parsed["From"]),
            to=[str(parsed["To"]) if parseaddr(str(parsed["To"]))[1] else self._recipient],
            reply_to=[reply_to] if reply_to else None,
            headers=headers,
            metadata={"lg": own_id},
        )
        if html:
            mail.attach_alternative(html, "text/html")
        if self.account.service.tracks:
            # Opens never count here and clicks go over our own links: the service must not rewrite the mail.
            mail.track_opens = mail.track_clicks = False
        return mail

    def close(self) -> None:
        """Let go of the backend."""
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()

    @property
    def _name(self) -> str:
        return self.account.service.label


def check_service(account: EspAccount) -> bool:
    """Ask the service something harmless with the key: True, or False where it is known to send and to do nothing else.

    Raises TransportError in words; sends nothing.
    """
    service = account.service
    url = urljoin(account.url, service.probe.format(domain=account.domain))
    headers, auth = {"Accept": "application/json"}, None
    if service.key in PROBE_HEADERS:
        headers[PROBE_HEADERS[service.key]] = account.key
    elif service.key == "mailgun":
        auth = ("api", account.key)
    elif service.key == "mailjet":
        auth = (account.key, account.secret)
    else:
        headers["Authorization"] = f"Bearer {account.key}"
    try:
        with EspSession() as session:
            answer = session.get(checked_url(url), headers=headers, auth=auth)
    except ProviderUnavailable as error:
        raise TransportError(error.message, permanent=True, whole_server=True) from error
    except requests.RequestException as error:
        words = f"{service.label} cannot be reached: {type(error).__name__}."
        raise TransportError(words, permanent=False, whole_server=True) from error
    code = answer.status_code
    # A key that may only send is refused here although it works: with 403, by Resend with 401 and this name.
    sends_only = service.key == "resend" and code == 401 and "restricted_api_key" in answer.text[:2000]
    invalid = service.key == "resend" and code == 403 and "invalid_api_key" in answer.text[:2000]
    if (code == 401 and not sends_only) or invalid or (service.key == "mailgun" and code in {403, 404}):
        words = f"{service.label} does not know this key or domain: HTTP {code} {said(answer)}"
        raise TransportError(words, permanent=True, code=code, whole_server=True)
    if code >= 500 or code == 429:
        raise TransportError(
            f"{service.label}: HTTP {code} {said(answer)}", permanent=False, code=code, whole_server=True
        )
    return not sends_only


def said(answer: requests.Response) -> str:
    """The service's own words, one short line."""
    return " ".join(answer.text[:2000].split())[:300]


def _never_connected(cause: BaseException | None) -> bool:
    """Whether the request cannot have left: no connection, or a certificate nobody trusts."""
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return True
    inner: Any = cause.args[0] if cause is not None and cause.args else None
    reason = getattr(inner, "reason", None)
    trusted = not any(isinstance(arg, ssl.SSLCertVerificationError) for arg in getattr(reason, "args", ()))
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError)) or not trusted


def _text_of(part: Any) -> str:
    return str(part.get_content()) if part is not None else ""


def _short(error: Exception) -> str:
    return " ".join(str(error.args[0] if error.args else error).split())[:300]
