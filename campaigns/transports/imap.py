"""One IMAP conversation: folders, new mail in batches, a look for a Message-ID, a copy put away, IDLE.

Folders are opened read-only (EXAMINE) and bodies are peeked at: nothing here marks a person's mail as read.
Every failure is an ImapError in words.
"""

import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from campaigns.transports.imap_client import Client
from campaigns.transports.imap_folders import role_of
from leadgen.core.errors import Invalid

TIMEOUT = 30.0
# The beginning of a mail tells what it is; the rest is attachments.
MAX_MAIL = 5 * 1024 * 1024
LIST_LINE = re.compile(rb'\((?P<flags>[^)]*)\) (?:NIL|"(?:\\.|[^"\\])*") (?P<name>.*)', re.DOTALL)
UID = re.compile(rb"\bUID (\d+)")
SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
MONTHS = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]  # IMAP dates are English, whatever the locale


class ImapError(Exception):
    """What went wrong, in words with the remedy. `permanent`: the log-in was refused; trying again changes nothing."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.message, self.permanent = message, permanent


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """Where and as whom to log in: with `token` by XOAUTH2, else with `password`. Both in clear here and never logged."""

    host: str
    port: int
    security: str  # none, starttls, tls
    username: str
    password: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """`name` as the server says it (modified UTF-7); `role`: inbox, sent, all, junk, drafts, trash or other."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class FolderState:
    uidvalidity: int
    uidnext: int  # 0: the server does not say
    total: int


@dataclass(frozen=True, slots=True)
class Head:
    """A mail's size and chosen headers, unparsed."""

    uid: int
    size: int
    raw: bytes


class ImapConversation:
    """A logged-in connection. Use as a context manager; not thread-safe."""

    def __init__(self, account: ImapAccount) -> None:
        self.account = account
        self._client: Client | None = None
        self._selected = ""

    def __enter__(self) -> "ImapConversation":
        self.connect()
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    @property
    def connected(self) -> bool:
        return self._client is not None

    @property
    def can_idle(self) -> bool:
        return "IDLE" in self._need().capabilities

    @property
    def is_gmail(self) -> bool:
        """Gmail keeps a copy of what its SMTP server took in its own Sent folder."""
        return "X-GM-EXT-1" in self._need().capabilities

    def connect(self) -> None:
        """Connect and log in; raises ImapError."""
        account, where = self.account, f"{self.account.host}:{self.account.port}"
        try:
            context = ssl.create_default_context() if account.security == "tls" else None
            client = Client(account.host, account.port, timeout=TIMEOUT, context=context)
            self._client, self._selected = client, ""
            if account.security == "starttls":
                if "STARTTLS" not in client.capabilities:
                    raise ImapError(f"{where} offers no STARTTLS. Use TLS on port 993.")
                client.starttls(ssl.create_default_context())
            self._log_in(client, where)
            _, found = client.capability()
            client.capabilities = tuple(b" ".join(found).decode("ascii", "replace").upper().split())
        except ImapError:
            self.close()
            raise
        except Invalid as error:
            self.close()
            raise ImapError(error.message) from error
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise ImapError(
                f"{where} shows a certificate that cannot be trusted: {error.verify_message}. Check the server's name."
            ) from error
        except ssl.SSLError as error:
            self.close()
            raise ImapError(
                f"{where} does not speak TLS ({error.reason or error}). Check port and security: 993 is TLS, 143 STARTTLS."
            ) from error
        except TimeoutError as error:
            self.close()
            raise ImapError(
                f"{where} did not answer within {TIMEOUT:.0f} seconds. Check name, port and security."
            ) from error
        except ConnectionRefusedError as error:
            self.close()
            raise ImapError(f"{where} refused the connection: nothing listens there. Check the port.") from error
        except (imaplib.IMAP4.error, OSError) as error:
            self.close()
            raise ImapError(f"{where} cannot be used: {_said(error)}") from error

    def _log_in(self, client: Client, where: str) -> None:
        account = self.account
        if account.token:
            self._log_in_by_token(client, where)
            return
        if "LOGINDISABLED" in client.capabilities:
            raise ImapError(f"{where} takes no password on a line without encryption. Use TLS or STARTTLS.")
        try:
            client.login(account.username, account.password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise ImapError(
                f"{where} refused user name or password: {_said(error)}. With two-step log-in an app password is needed;"
                " IMAP may also be switched off for this account.",
                permanent=True,
            ) from error

    def _log_in_by_token(self, client: Client, where: str) -> None:
        if "AUTH=XOAUTH2" not in client.capabilities:
            raise ImapError(f"{where} offers no log-in by OAuth (XOAUTH2). Use a password.", permanent=True)
        first = f"user={self.account.username}\x01auth=Bearer {self.account.token}\x01\x01".encode()
        challenges: list[bytes] = []

        def answer(challenge: bytes) -> bytes:
            challenges.append(challenge)
            return first if len(challenges) == 1 else b""  # the second is the error in JSON; an empty answer ends it

        try:
            client.authenticate("XOAUTH2", answer)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            detail = challenges[-1].decode("utf-8", "replace") if len(challenges) > 1 else ""
            words = f"{where} refused the OAuth log-in of {self.account.username}: {_said(error)}"
            raise ImapError(f"{words} {detail}".strip() + ". Connect the mailbox again.", permanent=True) from error

    def folders(self) -> list[Folder]:
        """Every folder that can be opened, with its role."""
        with self._speaking("listing the folders") as client:
            extended = {"SPECIAL-USE", "LIST-EXTENDED"} <= set(client.capabilities)
            lines = _ok(client.list('""', '"*" RETURN (SPECIAL-USE)' if extended else "*"))
        found = []
        for line in lines:
            if not line:
                continue
            # A name with quotes or line ends comes as a literal: (line, name).
            match = LIST_LINE.match(line[0] if isinstance(line, tuple) else line)
            if match is None:
                continue
            flags = {flag.decode("ascii", "replace").lower() for flag in match["flags"].split()}
            name = line[1] if isinstance(line, tuple) else _unquoted(match["name"])
            if flags & {"\\noselect", "\\nonexistent"}:
                continue
            text = name.decode("utf-8", "replace")
            found.append(Folder(text, role_of(text, flags)))
        return found

    def status(self, name: str) -> FolderState:
        """How far a folder is, without opening it."""
        with self._speaking(f"looking at folder {name}") as client:
            lines = _ok(client.status(_quoted(name), "(UIDVALIDITY UIDNEXT MESSAGES)"))
        text = b" ".join(b" ".join(line) if isinstance(line, tuple) else line for line in lines if line)
        numbers = {
            key: int(match.group(1)) if (match := re.search(rb"\b" + key + rb" (\d+)", text)) else 0
            for key in (b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES")
        }
        return FolderState(numbers[b"UIDVALIDITY"], numbers[b"UIDNEXT"], numbers[b"MESSAGES"])

    def select(self, name: str) -> FolderState:
        """Open a folder, read-only."""
        with self._speaking(f"opening folder {name}") as client:
            total = _ok(client.select(_quoted(name), readonly=True))
            self._selected = name
            validity, following = client.response("UIDVALIDITY")[1], client.response("UIDNEXT")[1]
            return FolderState(_number(validity), _number(following), _number(total))

    def uids_after(self, uid: int, *, since: date) -> list[int]:
        """UIDs of the open folder above `uid` of what arrived on or after `since`, ascending."""
        # "n:*" names the newest mail even where its UID is below n.
        return [found for found in self._search(f"UID {uid + 1}:* SINCE {_day(since)}") if found > uid]

    def find(self, message_id: str) -> list[int]:
        """UIDs of mails in the open folder with this Message-ID (without brackets)."""
        return self._search(f'HEADER Message-ID "{_clean(message_id)}"')

    def find_to(self, address: str, day: date) -> list[int]:
        """UIDs of mails to `address` sent on or after `day`."""
        return self._search(f'SENTSINCE {_day(day)} TO "{_clean(address)}"')

    def _search(self, criteria: str) -> list[int]:
        with self._speaking(f"searching {self._selected}") as client:
            lines = _ok(client.uid("SEARCH", criteria))
        return sorted({int(word) for line in lines if line for word in line.split()})

    def heads(self, uids: Sequence[int], names: str = "MESSAGE-ID FROM") -> list[Head]:
        """Size and the named headers of mails of the open folder."""
        if not uids:
            return []
        parts = f"(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({names})])"
        return [
            Head(uid, int(size.group(1)) if (size := SIZE.search(said)) else 0, raw)
            for uid, said, raw in self._fetch(uids, parts)
        ]

    def mails(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """(UID, its bytes up to MAX_MAIL) of mails of the open folder, one at a time. What was deleted meanwhile is missing."""
        for uid in uids:
            for found, _, raw in self._fetch([uid], f"(UID BODY.PEEK[]<0.{MAX_MAIL}>)"):
                yield found, raw

    def _fetch(self, uids: Sequence[int], parts: str) -> list[tuple[int, bytes, bytes]]:
        with self._speaking(f"reading {self._selected}") as client:
            lines: list[Any] = _ok(client.uid("FETCH", ",".join(map(str, uids)), parts))
        found = []
        for index, line in enumerate(lines):
            if not isinstance(line, tuple):
                continue
            # The UID may stand behind the piece.
            after = lines[index + 1] if index + 1 < len(lines) and isinstance(lines[index + 1], bytes) else b""
            said = line[0] + b" " + after
            uid = UID.search(said)
            if uid is not None:
                found.append((int(uid.group(1)), said, line[1]))
        return found

    def append(self, name: str, content: bytes, *, at: datetime) -> None:
        """Put a copy into a folder, marked as read."""
        with self._speaking(f"putting a copy into {name}") as client:
            _ok(client.append(_quoted(name), "(\\Seen)", at, content))

    def idle(self, *, seconds: float, wake: int | None = None) -> bool:
        """Wait for mail in the open folder: True when some came. Ends early when the descriptor `wake` becomes readable."""
        with self._speaking("waiting for mail") as client:
            return client.idle_wait(seconds=seconds, wake=wake)

    def close(self) -> None:
        """Log out politely; an error here changes nothing."""
        client, self._client = self._client, None
        if client is None:
            return
        with suppress(imaplib.IMAP4.error, OSError):
            client.sock.settimeout(2)
            client.logout()
        with suppress(OSError):
            client.shutdown()

    def _need(self) -> Client:
        if self._client is None:
            raise ImapError("The connection is closed.")
        return self._client

    @contextmanager
    def _speaking(self, doing: str) -> Iterator[Client]:
        """Errors of the line as ImapError; after one the connection is closed, for nobody knows where in it we are."""
        client = self._need()
        try:
            yield client
        except (imaplib.IMAP4.abort, OSError) as error:
            self._client = None
            with suppress(OSError):
                client.shutdown()
            raise ImapError(f"The connection to {self.account.host} broke while {doing}: {_said(error)}") from error
        except imaplib.IMAP4.error as error:
            raise ImapError(f"{self.account.host} refused {doing}: {_said(error)}") from error


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    typ, data = answer
    if typ != "OK":
        raise imaplib.IMAP4.error(
            b" ".join(piece for piece in data if isinstance(piece, bytes)).decode("utf-8", "replace")
        )
    return data


def _said(error: BaseException) -> str:
    """The server's words, on one line."""
    value = error.args[0] if error.args else error
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(error)
    return " ".join(text.split())[:300] or type(error).__name__


def _number(data: list[Any]) -> int:
    text = data[0] if data and data[0] else b"0"
    return int(text) if text.isdigit() else 0


def _day(day: date) -> str:
    return f"{day.day:02d}-{MONTHS[day.month - 1]}-{day.year}"


def _clean(text: str) -> str:
    """Safe inside a quoted string."""
    return re.sub(r'[\x00-\x1f"\\]|[^\x00-\x7f]', "", text)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(name: bytes) -> bytes:
    name = name.strip()
    return re.sub(rb"\\(.)", rb"\1", name[1:-1]) if name.startswith(b'"') and name.endswith(b'"') else name
