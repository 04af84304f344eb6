"""Reading hostile mail: headers and bodies as text whatever their encoding, HTML as text."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from html.parser import HTMLParser

MAX_BODY = 200_000
MAX_HTML = 100_000
_MESSAGE_ID = re.compile(r"<([^<>\s@]{1,200}@[^<>\s]{1,200})>")
_BLOCKS = {"p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "blockquote", "hr", "pre"}
_HIDDEN = {"style", "script", "head", "title"}
_QUOTE_MARKS = ("gmail_quote", "yahoo_quoted", "divrplyfwdmsg", "moz-cite-prefix", "appendonsend", "protonmail_quote")
_HABITS = (
    ("koi8-r", re.compile("[а-яё]")), ("cp1251", re.compile("[а-яёА-Я]")),
    ("gb18030", re.compile("[\u4e00-\u9fa5\u3000-\u303f\uff00-\uff5e]")), ("shift_jis", re.compile("[\u3040-\u30ff\u4e00-\u9fa5\u3000-\u303f\uff00-\uff5e]")),
)  # fmt: skip
_RAW = re.compile("[\udc80-\udcff]")


def parse(raw: bytes) -> Message:
    """The mail as a tree; never raises, whatever the bytes are."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raw = raw.decode("utf-16", "replace").encode()
    elif raw[:3] == b"\xef\xbb\xbf":
        raw = raw[3:]
    if b"\n" not in raw[:4_000]:
        raw = raw.replace(b"\r", b"\n")  # as old Macintosh programs stored it
    raw = raw.lstrip(b"\r\n")
    return message_from_bytes(raw)  # the lenient policy: the strict one raises on broken headers


def header(mail: Message, name: str) -> str:
    """A header as one line of text: encoded words decoded, unknown charsets replaced; '' if absent."""
    return next((decoded(value) for value in raw_values(mail, name)), "")


def raw_values(mail: Message, name: str) -> list[str]:
    """The values of a header as text with its encoded words still encoded; 8-bit letters without encoding are read by habit."""
    low = name.lower()
    values = (str(value) for key, value in mail.raw_items() if key.lower() == low)
    return [_text(value.encode("utf-8", "surrogateescape"), None) if _RAW.search(value) else value for value in values]


def decoded(value: str) -> str:
    """A header value with its encoded words as text."""
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        parts = [(value, None)]
    words = [_text(part, charset) if isinstance(part, bytes) else part for part, charset in parts]
    return " ".join(_clean("".join(words)).split())


def addresses(mail: Message, name: str) -> list[tuple[str, str]]:
    """(name, address) of an address header, addresses in lower case."""
    found = getaddresses(raw_values(mail, name), strict=False)
    return [(decoded(shown), address.strip().lower()) for shown, address in found if "@" in address]


def message_ids(value: str) -> tuple[str, ...]:
    """Every <id@host> in `value`, without brackets, once, in order."""
    return tuple(dict.fromkeys(_MESSAGE_ID.findall(value)))


def part_text(part: Message) -> str:
    """The decoded text of one leaf part, with `\\n` line ends."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset()
    return _clean(_text(payload[:MAX_BODY], charset)).replace("\r\n", "\n").replace("\r", "\n")


def leaves(mail: Message) -> Iterator[Message]:
    """The leaf parts of this mail itself, not those of a mail attached to it."""
    if mail.get_content_type() == "message/rfc822":
        return
    payload = mail.get_payload()
    if isinstance(payload, list):
        for part in payload:
            if isinstance(part, Message):
                yield from leaves(part)
    else:
        yield mail


def body_text(mail: Message) -> str:
    """The readable text: the plain parts if there are any, else the HTML as text. Attachments are left out."""
    plain, rich = [], []
    for part in leaves(mail):
        if part.get_content_disposition() == "attachment":
            continue
        if part.get_content_type() == "text/plain":
            plain.append(part_text(part))
        elif part.get_content_type() == "text/html":
            rich.append(html_text(part_text(part)))
    text = "\n".join(piece for piece in plain if piece.strip())
    return text or "\n".join(rich)


def html_all_text(html: str) -> str:
    """HTML as plain text with all that is quoted in it: bounces quote what they are about."""
    return html_text(html, quotes=True)


def html_text(html: str, *, quotes: bool = False) -> str:
    """HTML as plain text, without what mail programs mark as quoted."""
    reader = _Reader(quotes)
    reader.feed(html[:MAX_HTML])
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.out).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _text(raw: bytes, charset: str | None) -> str:
    for name in (charset, "utf-8"):
        try:
            return raw.decode(name or "ascii")
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    # Undeclared: what East Asian and Cyrillic systems write by habit, if it reads as such throughout.
    if b"\x1b$" in raw:
        return raw.decode("iso-2022-jp", "replace")
    for name, letters in _HABITS:
        try:
            text = raw.decode(name)
        except UnicodeDecodeError:
            continue
        foreign = [letter for letter in text if letter > "\x7f"]
        if len(foreign) >= 4 and len(letters.findall("".join(foreign))) > 0.9 * len(foreign):
            return text
    return raw.decode("cp1252", "replace")


def _clean(text: str) -> str:
    # What PostgreSQL cannot store: NUL and lone surrogates.
    return re.sub(r"[\x00\ud800-\udfff]", "", text)


class _Reader(HTMLParser):
    def __init__(self, quotes: bool) -> None:
        super().__init__()
        self.quotes = quotes
        self.out: list[str] = []
        self.skipping: list[str] = []  # open tags inside something hidden or quoted

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        marks = " ".join(value or "" for name, value in attrs if name in ("class", "id")).lower()
        quoted = not self.quotes and (any(mark in marks for mark in _QUOTE_MARKS) or tag == "blockquote")
        if tag not in ("br", "hr", "img", "meta", "input", "link") and (self.skipping or quoted or tag in _HIDDEN):
            self.skipping.append(tag)
        if tag in _BLOCKS and not self.skipping:
            self.out.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.skipping:
            while self.skipping.pop() != tag:
                pass
        elif tag in _BLOCKS and not self.skipping:
            self.out.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            self.out.append(" ".join(data.split("\n")))
