"""From a message's values to the bytes that go into SMTP DATA: 7-bit, CRLF, lines of at most 998, no injected header.

The bytes are a function of the values alone (the boundary comes from the Message-ID), so an attempt can be compared with
what was frozen before.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import idna

from campaigns.rules.mime_skeleton import WORD, date_header, encode_words, skeleton
from leadgen.core.errors import Invalid

MAX_REFERENCES = 20
_SAFE_LINE = 998
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
# Domains that IDNA leaves as they are: lower case letters, digits and single hyphens inside.
_LABEL = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_ASCII_DOMAIN = re.compile(rf"(?:(?=[^.]{{1,63}}\.){_LABEL}\.)+(?=[^.]{{1,63}}\Z){_LABEL}\Z")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.\-\[\]:]+\Z")
_URL = re.compile(r"https?://[!-;=?-~]+\Z")  # printable ASCII without space, < and >
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}\Z")
# What a header may not hold: line ends of any sort, NUL and the other controls (a tab is only an odd space).
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """One mail as values. Message-IDs are without angle brackets; `html` may be empty; `extra` headers are added as is."""

    from_name: str
    from_address: str
    to_name: str
    to_address: str
    subject: str
    text: str
    message_id: str
    date: datetime
    html: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    list_unsubscribe_url: str = ""
    list_unsubscribe_mailto: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


_OWN = {
    "from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "in-reply-to", "references",
    "list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type", "content-transfer-encoding",
    "content-disposition", "return-path", "received", "dkim-signature",
}  # fmt: skip


def build(mail: OutgoingMail) -> bytes:
    """The mail as RFC 5322 bytes, from the skeleton of its sender. Raises Invalid naming the field that cannot be sent."""
    headers = [
        ("To", _mailbox("to", mail.to_name, mail.to_address)),
        ("Subject", encode_words(" ".join(_line("subject", mail.subject).split()))),
        ("Date", date_header(mail.date)),
        ("Message-ID", _id("message_id", mail.message_id)),
    ]
    if mail.in_reply_to:
        headers.append(("In-Reply-To", _id("in_reply_to", mail.in_reply_to)))
    if mail.references:
        headers.append(("References", " ".join([_id("references", item) for item in _shortened(mail.references)])))
    headers += _unsubscribe(mail)
    for name, value in mail.extra.items():
        if not _HEADER_NAME.match(name) or name.lower() in _OWN:
            raise Invalid(f"The header {name!r} cannot be added.", code="mail_invalid", field="extra")
        headers.append((name, encode_words(" ".join(_line(f"extra.{name}", value).split()))))
    boundary = "=_" + hashlib.sha256(mail.message_id.encode()).hexdigest()[:40] if mail.html else ""
    sender = _sender(mail.from_name, mail.from_address)
    return skeleton(sender, two_parts=bool(mail.html)).fill(headers, mail.text, mail.html, boundary)


def normalise_address(address: str, *, field: str = "address") -> str:
    """`address` in the form SMTP carries without extensions: ASCII local part, IDNA domain. Raises Invalid."""
    _line(field, address)
    local, at, domain = address.strip().rpartition("@")
    if not at or len(local) > 64 or not _LOCAL_PART.match(local):
        raise Invalid(f"{address!r} is not an e-mail address that can be used.", code="mail_invalid", field=field)
    if len(domain) <= 253 and _ASCII_DOMAIN.match(domain):
        return f"{local}@{domain}"
    try:
        return f"{local}@{_idna(domain)}"
    except idna.IDNAError as error:
        raise Invalid(f"{address!r} has no usable domain: {error}", code="mail_invalid", field=field) from error


@lru_cache(maxsize=4096)
def _idna(domain: str) -> str:
    return idna.encode(domain, uts46=True).decode("ascii").lower()


@lru_cache(maxsize=1024)
def _sender(name: str, address: str) -> str:
    return _mailbox("from", name, address)


def _mailbox(field: str, name: str, address: str) -> str:
    shown = " ".join(_line(f"{field}_name", name).split())
    spec = f"<{normalise_address(address, field=f'{field}_address')}>"
    if not shown:
        return spec
    if shown.isascii() and len(shown) <= WORD and "=?" not in shown:
        quoted = shown.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" {spec}'
    return f"{encode_words(shown, always=True)} {spec}"


def _line(field: str, value: str) -> str:
    if _CONTROL.search(value):
        raise Invalid(f"{field} contains a line break or a control character.", code="header_injection", field=field)
    if _SURROGATE.search(value):
        raise Invalid(f"{field} contains a broken character.", code="mail_invalid", field=field)
    return value.replace("\t", " ").strip()


def _id(field: str, value: str) -> str:
    bare = _line(field, value).removeprefix("<").removesuffix(">")
    if len(bare) > 250 or not _MESSAGE_ID.match(bare):
        raise Invalid(f"{field} {value!r} is not a Message-ID.", code="mail_invalid", field=field)
    return f"<{bare}>"


def _shortened(references: tuple[str, ...]) -> tuple[str, ...]:
    # The first names the thread, the last are what clients look for.
    if len(references) <= MAX_REFERENCES:
        return references
    return references[:1] + references[1 - MAX_REFERENCES :]


def _unsubscribe(mail: OutgoingMail) -> list[tuple[str, str]]:
    """RFC 2369 and RFC 8058: both ways out, and the promise that one POST is enough."""
    ways = []
    if mail.list_unsubscribe_url:
        url = _line("list_unsubscribe_url", mail.list_unsubscribe_url)
        if not _URL.match(url) or len(url) > _SAFE_LINE - 10:
            raise Invalid(f"{url!r} is not a URL.", code="mail_invalid", field="list_unsubscribe_url")
        ways.append(f"<{url}>")
    if mail.list_unsubscribe_mailto:
        field = "list_unsubscribe_mailto"
        address, _, query = _line(field, mail.list_unsubscribe_mailto).removeprefix("mailto:").partition("?")
        if not re.fullmatch(r"[A-Za-z0-9=&%._~+-]{0,400}", query):
            raise Invalid(f"{query!r} cannot stand in a mailto link.", code="mail_invalid", field=field)
        ways.append(f"<mailto:{normalise_address(address, field=field)}{'?' + query if query else ''}>")
    headers = [("List-Unsubscribe", ", ".join(ways))] if ways else []
    if mail.list_unsubscribe_url:
        headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return headers
