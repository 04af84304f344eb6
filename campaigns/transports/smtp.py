"""One SMTP conversation, cut where it matters: everything up to RCPT can be undone, nothing after the final dot can.

`smtplib` raises the same SMTPServerDisconnected whether the server never saw a mail or accepted it and fell silent
(reliability.md M7), so the body and the terminating dot are two writes here, with a look at the socket between them.
"""

import select
import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from leadgen.core import egress
from leadgen.core.crash import crash_point
from leadgen.core.errors import Invalid

CONNECT_TIMEOUT = 20.0
# RFC 5321 section 4.5.3.2.6 says ten minutes for the answer to the final dot: a client that gives up earlier loses
# knowledge of what was accepted. The message's lease is longer than the whole conversation.
FINAL_TIMEOUT = float(settings.SMTP_FINAL_TIMEOUT)


class TransportError(Exception):
    """The server refused or could not be reached before anything was handed over: definite, nothing was sent."""

    def __init__(self, message: str, *, permanent: bool, code: int = 0, whole_server: bool = False) -> None:
        super().__init__(message)
        self.message, self.permanent, self.code, self.whole_server = message, permanent, code, whole_server


class OutcomeUnknown(Exception):
    """The line broke after the final dot was written: the server may have accepted the mail."""


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """Where and as whom to log in. `security`: none, starttls or tls. `password` is in clear here and never logged."""

    host: str
    port: int
    security: str
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server's 250 to the final dot; its text usually carries the provider's queue id."""

    code: int
    text: str


class _Smtp(smtplib.SMTP):
    """smtplib over a connection that egress made: to a checked address of the host."""

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        return egress.open_connection(host, port, timeout)


class _SmtpTls(smtplib.SMTP_SSL):
    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        return self.context.wrap_socket(egress.open_connection(host, port, timeout), server_hostname=host)


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
            if account.username:
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
                f"{where} refused user name or password: {words}",
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
        """MAIL and RCPT. Raises TransportError; until `hand_over` everything can still be taken back by `abort`."""
        smtp = self._need()
        try:
            code, reply = smtp.mail(sender)
            step = "sender"
            if code == 250:
                step = "recipient"
                code, reply = smtp.rcpt(recipient)
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

    def hand_over(self, content: bytes) -> Accepted:
        """DATA, body, dot. Call only after the point of no return was committed.

        Raises TransportError where the server refused in words or nothing can have been accepted; OutcomeUnknown where
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
            sock.sendall(body[: len(body) // 2])
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
        try:
            sock.settimeout(FINAL_TIMEOUT)
            sock.sendall(b".\r\n")
            crash_point("C9")
            code, reply = smtp.getreply()
            sock.settimeout(CONNECT_TIMEOUT)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise OutcomeUnknown(f"No answer after the mail was handed over: {error}") from error
        if code != 250:
            raise TransportError(
                f"The server refused the mail: {_words(code, reply)}", permanent=code >= 500, code=code
            )
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


def _stuffed(content: bytes) -> bytes:
    """Dot-stuffed and ended by CRLF (RFC 5321 section 4.5.2); `content` has CRLF line ends already."""
    body = content.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body if body.endswith(b"\r\n") else body + b"\r\n"
