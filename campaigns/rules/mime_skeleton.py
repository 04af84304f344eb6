"""MIME from a skeleton: what is the same in every mail of a step and mailbox is written once, the rest is filled in.

`email.message.EmailMessage` takes about 2.6 ms a mail, nearly all of it in parsing and folding headers that we just
composed; a skeleton takes some 40 microseconds. Quoted-printable comes from the C library (`binascii.b2a_qp`).
tests/rules/test_mime_skeleton.py proves the result equal in meaning, once parsed, to what the standard library makes.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

LINE = 78
WORD = 60
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_PART = (
    'Content-Type: text/{subtype}; charset="utf-8"\r\n'
    "Content-Transfer-Encoding: quoted-printable\r\n"
)  # fmt: skip


def fold(name: str, value: str) -> str:
    """One header, folded between its tokens only.

    Not by the library: its folding turns long ids and URLs into encoded words and puts spaces into long encoded names.
    """
    if len(name) + 2 + len(value) <= LINE:
        return f"{name}: {value}\r\n"
    start = f"{name}:"
    lines, line = [], start
    for token in value.split(" "):
        if len(line) + 1 + len(token) > LINE and line != start:
            lines.append(line)
            line = ""
        line += " " + token
    return "\r\n".join([*lines, line, ""])


def encode_words(text: str, *, always: bool = False) -> str:
    """`text` in header form: as it is where that is plain ASCII, else RFC 2047 words of at most 75 characters."""
    if not always and text.isascii() and "=?" not in text and all(len(word) <= WORD for word in text.split(" ")):
        return text
    words, chunk = [], b""
    for char in text:
        more = char.encode()
        if len(chunk) + len(more) > 45:  # 60 characters in base64; a character is never cut in two
            words.append(chunk)
            chunk = b""
        chunk += more
    return " ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in [*words, chunk])


@lru_cache(maxsize=256)
def date_header(at: datetime) -> str:
    """RFC 5322 date. Cached: the mails of one turn share their instant."""
    zone = at.utcoffset()
    if zone is None:
        raise ValueError("date must be aware")
    minutes = int(zone.total_seconds() // 60) if at.tzinfo is not UTC else 0
    sign, ahead = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return (
        f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04} {at:%H:%M:%S}"
        f" {sign}{ahead // 60:02}{ahead % 60:02}"
    )


def quoted_printable(text: str) -> bytes:
    """`text` as quoted-printable with CRLF: one kind of line end (a bare CR or LF is how mails are smuggled into one
    another), no NUL, no broken character; lines of at most 76."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text:
        text = text.replace("\x00", "")
    if not text.endswith("\n"):
        text += "\n"
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raw = _SURROGATE.sub("\ufffd", text).encode()
    return binascii.b2a_qp(raw.replace(b"\n", b"\r\n"), istext=True)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What stands in every mail of one variant: the lines before the slots, and how the parts are framed."""

    opening: str  # From
    closing: str  # MIME-Version and, of a single part, its content headers
    two_parts: bool

    def fill(self, headers: Sequence[tuple[str, str]], text: str, html: str, boundary: str) -> bytes:
        """The whole mail. `headers` are checked and encoded already; they are only folded here.

        `boundary` begins with "=_", which cannot occur in quoted-printable text, so no body can contain it.
        """
        head = self.opening + "".join([fold(name, value) for name, value in headers])
        if not self.two_parts:
            return (head + self.closing).encode("ascii") + quoted_printable(text)
        rule = f"--{boundary}"
        start = f'{head}{self.closing}Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n{rule}\r\n{_PLAIN}\r\n'
        return b"".join(
            (
                start.encode("ascii"),
                quoted_printable(text),
                f"\r\n{rule}\r\n{_HTML}\r\n".encode("ascii"),
                quoted_printable(html),
                f"\r\n{rule}--\r\n".encode("ascii"),
            )
        )


_PLAIN = _PART.format(subtype="plain")
_HTML = _PART.format(subtype="html")


@lru_cache(maxsize=1024)
def skeleton(from_value: str, *, two_parts: bool) -> Skeleton:
    """The skeleton of one sender and shape of mail; `from_value` is checked and encoded."""
    closing = "MIME-Version: 1.0\r\n" + ("" if two_parts else f"{_PLAIN}\r\n")
    return Skeleton(fold("From", from_value), closing, two_parts)
