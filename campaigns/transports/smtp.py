"""One SMTP conversation, cut where it matters: everything up to RCPT can be undone, nothing after the final dot can.

`smtplib` raises the same SMTPServerDisconnected whether the server never saw a mail or accepted it and fell silent
(reliability.md M7), so the body and the terminating dot are two writes here, with a look at the socket between them.
"""

import select
import smtplib
import socket
import ssl
from dataclasses import dataclass
from math import inf
from typing import Any

from django.conf import settings

from campaigns.transports.oauth import xoauth2_string
from leadgen.core import clock, egress
from leadgen.core.crash import crash_point
from leadgen.core.errors import Invalid

CONNECT_TIMEOUT = float(settings.SMTP_TIMEOUT)
# RFC 5321 section 4.5.3.2.6 says ten minutes for the answer to the final dot: a client that gives up earlier loses
# knowledge of what was accepted. The message's lease is longer than the whole conversation.
FINAL_TIMEOUT = float(settings.SMTP_FINAL_TIMEOUT)


class TransportError(Exception):
    """The server refused or could not be reached before anything was handed over: definite, nothing was sent."""

    def __init__(self, message: str, *, permanent: bool, code: int = 0, whole_server: bool = False) -> None:
        super().__init__(message)
        self.message, self.permanent, self.code, self.whole_server = message, permanent, code, whole_server


class HeldUp(TransportError):
    """So much time passed since the point of no return that whether the mail may go must be asked anew. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__("sending stood still for too long just before this mail left", permanent=False)


class OutcomeUnknown(Exception):
    """The line broke after the final dot was written: the server may have accepted the mail."""


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """Where and as whom to log in: with `token` by XOAUTH2, else with `password`; both in clear here and never logged.

    `security`: none, starttls or tls.
    """

    host: str
    port: int
    security: str
    username: str = ""
    password: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server's 250 to the final dot; its text usually carries the provider's queue id. `provider_id`: a sending
    service's own id of the mail."""

    code: int
    text: str
    provider_id: str = ""


class _Smtp(smtplib.SMTP):
    """smtplib over a connection that egress made: to a checked address of the host."""

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        return egress.open_connection(host, port, timeout)


class _SmtpTls(smtplib.SMTP_SSL):
    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        return self.context.wrap_socket(egress.open_connection(host, port, timeout), server_hostname=host)


def _log_in_by_token(smtp: smtplib.SMTP, account: SmtpAccount) -> None:
    """XOAUTH2. A refusal comes as a challenge that holds the error in JSON; an empty answer to it ends the log-in."""
    smtp.ehlo_or_helo_if_needed()
    first = xoauth2_string(account.username, account.token)
    said: list[str] = []

    def answer(challenge: bytes | None = None) -> str:
        if challenge is None:
            return first
        said.append(challenge.decode("utf-8", "replace"))
        return ""

    try:
        smtp.auth("XOAUTH2", answer, initial_response_ok=True)
    except smtplib.SMTPAuthenticationError as error:
        reply = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
        raise smtplib.SMTPAuthenticationError(
            error.smtp_code, b" ".join([reply, *(s.encode() for s in said)])
        ) from error


def _words(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())}"[:500]


class SmtpConversation:
    """A logged-in connection that hands over mails one after another. Use as a context manager; not thread-safe."""

    def __init__(self, account: SmtpAccount) -> None:
        self.account = account
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> "SmtpConversation":
        self.connect()
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def connect(self) -> None:
        """Connect and log in. Raises TransportError (whole_server) with the failure in words."""
        account = self.account
        where = f"{account.host}:{account.port}"
        try:
            if account.security == "tls":
                context = ssl.create_default_context()
                smtp: smtplib.SMTP = _SmtpTls(account.host, account.port, timeout=CONNECT_TIMEOUT, context=context)
            else:
                smtp = _Smtp(account.host, account.port, timeout=CONNECT_TIMEOUT)
            self._smtp = smtp
            if account.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            if account.token:
                _log_in_by_token(smtp, account)
            elif account.username:
                smtp.login(account.username, account.password)
            else:
                smtp.ehlo_or_helo_if_needed()
            assert smtp.sock is not None
            # Mails are small and each command waits for its answer: Nagle's delay would cost 40 ms apiece.
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except smtplib.SMTPAuthenticationError as error:
            self.close()
            words = _words(error.smtp_code, error.smtp_error)
            raise TransportError(
                f"{where} refused {'the OAuth log-in' if account.token else 'user name or password'}: {words}",
                permanent=True,
                code=error.smtp_code,
                whole_server=True,
            ) from error
        except Invalid as error:
            self.close()
            raise TransportError(error.message, permanent=False, whole_server=True) from error
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise TransportError(
                f"{where} shows a certificate that cannot be trusted: {error.verify_message}. Check the server's name.",
                permanent=False,
                whole_server=True,
            ) from error
        except TimeoutError as error:
            self.close()
            raise TransportError(
                f"{where} did not answer within {CONNECT_TIMEOUT:.0f} seconds. Check name, port and security.",
                permanent=False,
                whole_server=True,
            ) from error
        except ConnectionRefusedError as error:
            self.close()
            raise TransportError(
                f"{where} refused the connection: nothing listens there. Check the port.",
                permanent=False,
                whole_server=True,
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise TransportError(f"{where} cannot be used: {error}", permanent=False, whole_server=True) from error

    @property
    def connected(self) -> bool:
        return self._smtp is not None and self._smtp.sock is not None

    def prepare(self, *, sender: str, recipient: str) -> None:
        """MAIL and RCPT, in one write where the server offers PIPELINING. Raises TransportError; until `hand_over`
        everything can still be taken back by `abort`."""
        smtp = self._need()
        mail, rcpt = f"MAIL FROM:<{_bare(sender)}>", f"RCPT TO:<{_bare(recipient)}>"
        step = "sender"
        try:
            if smtp.has_extn("pipelining"):
                smtp.send(f"{mail}\r\n{rcpt}\r\n")
                code, reply = smtp.getreply()
                recipient_code, recipient_reply = smtp.getreply()
            else:
                code, reply = smtp.docmd(mail)
                recipient_code, recipient_reply = smtp.docmd(rcpt) if code == 250 else (code, reply)
            if code == 250:
                step, code, reply = "recipient", recipient_code, recipient_reply
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise TransportError(
                f"The connection broke before anything was sent: {error}", permanent=False, whole_server=True
            ) from error
        if code not in {250, 251}:
            self.abort()
            raise TransportError(
                f"The server refused the {step}: {_words(code, reply)}",
                permanent=code >= 500,
                code=code,
                whole_server=step == "sender" or code == 421,
            )

    def abort(self) -> None:
        """Take back MAIL and RCPT."""
        if self._smtp is None:
            return
        try:
            self._smtp.rset()
        except (smtplib.SMTPException, OSError):
            self.close()

    def hand_over(self, content: bytes, *, until: float = inf) -> Accepted:
        """DATA, body, dot. Call only after the point of no return was committed.

        Not after `until` (clock.elapsing): a process that stood still may not finish what was decided long ago. Raises HeldUp
        then; TransportError where the server refused in words or nothing can have been accepted; OutcomeUnknown where
        the line broke after the dot was written (and for a break in mid-body that the kernel's buffer may hide).
        """
        smtp = self._need()
        try:
            code, reply = smtp.docmd("DATA")
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise TransportError(
                f"The connection broke before the mail was sent: {error}", permanent=False, whole_server=True
            ) from error
        if code != 354:
            self.abort()
            raise TransportError(
                f"The server refused the mail: {_words(code, reply)}", permanent=code >= 500, code=code
            )
        sock: Any = smtp.sock
        try:
            body = memoryview(_stuffed(content))
            sock.sendall(body[: len(body) // 2])  # two writes, so that "in mid-body" is a place where a test can kill
            crash_point("C8")
            sock.sendall(body[len(body) // 2 :])
            early = bool(select.select([sock], [], [], 0)[0])
        except OSError as error:
            self.close()
            raise TransportError(
                f"The connection broke inside the mail, before its end: {error}", permanent=False, whole_server=True
            ) from error
        if early:
            # The server spoke (or hung up) before the end of the mail: without the dot it has accepted nothing.
            try:
                code, reply = smtp.getreply()
            except (smtplib.SMTPException, OSError) as error:
                self.close()
                raise TransportError(
                    f"The connection ended inside the mail: {error}", permanent=False, whole_server=True
                ) from error
            self.close()
            raise TransportError(
                f"The server refused the mail: {_words(code, reply)}", permanent=code >= 500, code=code
            )
        if clock.elapsing() > until:
            self._smtp = None
            smtp.close()  # without the dot nothing is accepted; without QUIT, which would be a line of the mail
            raise HeldUp
        try:
            sock.settimeout(FINAL_TIMEOUT)
            sock.sendall(b".\r\n")
            crash_point("C9")
            code, reply = smtp.getreply()
            sock.settimeout(CONNECT_TIMEOUT)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise OutcomeUnknown(f"No answer after the mail was handed over: {error}") from error
        if 400 <= code < 600:
            raise TransportError(
                f"The server refused the mail: {_words(code, reply)}", permanent=code >= 500, code=code
            )
        if not 200 <= code < 300:
            # Not an answer to the dot by any reading: it says neither yes nor no.
            self.close()
            raise OutcomeUnknown(f"The server answered {_words(code, reply)!r}, which is neither yes nor no")
        return Accepted(code, _words(code, reply))

    def close(self) -> None:
        """QUIT politely; an error here changes nothing that was accepted."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            smtp.quit()
        except (smtplib.SMTPException, OSError):
            smtp.close()

    def _need(self) -> smtplib.SMTP:
        if not self.connected:
            raise TransportError("The connection is closed.", permanent=False, whole_server=True)
        assert self._smtp is not None
        return self._smtp


def _bare(address: str) -> str:
    """An address as it may stand in a command. Raises TransportError for what would need an extension or ends the line."""
    if not address.isascii() or not address.isprintable() or any(char in address for char in "<> "):
        raise TransportError(f"{address!r} cannot be used as an address.", permanent=True)
    return address


def _stuffed(content: bytes) -> bytes:
    """Dot-stuffed and ended by CRLF (RFC 5321 section 4.5.2); `content` has CRLF line ends already."""
    body = content.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body if body.endswith(b"\r\n") else body + b"\r\n"
