"""Delivery reports as the standards have them: RFC 3464 and 6533, also where the MIME around them is broken, and SES's JSON."""

import json
import re
from collections.abc import Iterator
from email.message import Message
from itertools import islice
from typing import NamedTuple

from .bounces_words import ADDRESS, clean
from .mail_text import decoded, header, leaves, parse, part_text

_REPORTS = ("message/delivery-status", "message/global-delivery-status", "message/global-headers-delivery-status")
_ADDRESS = re.compile(ADDRESS)
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})")
_FIELD_BLOCK = re.compile(
    r"^(?:(?:original-recipient|final-recipient|x-actual-recipient|action|status|remote-mta|diagnostic-code|last-attempt-date|will-retry-until|final-log-id|x-[\w-]+)[ \t]*:[^\n]*\n(?:[ \t]+[^\n]+\n)*)+",
    re.IGNORECASE | re.MULTILINE,
)
_DONE = ("delivered", "relayed", "expanded")
_DECODE = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


class Reported(NamedTuple):
    """One recipient block of a report. `address` as we wrote it where the report says so, `final` as it was tried last."""

    address: str
    final: str
    action: str
    status: str
    diagnostic: str


def reported(mail: Message) -> list[Reported] | None:
    """The recipients a report names, those that were reached too; None if the mail holds no report that names anybody."""
    blocks = [block for part in report_parts(mail) for block in _blocks(part)]
    found = [item for block in blocks if (item := _recipient(block)) is not None]
    if not found:
        found = list(_from_text(mail)) or list(_from_json(mail))
    return found or None


def report_parts(mail: Message) -> Iterator[Message]:
    """The delivery-status parts of this mail itself, never those of a mail attached to it."""
    if mail.get_content_type() in _REPORTS:
        yield mail
        return
    payload = mail.get_payload()
    if mail.get_content_maintype() == "message" or not isinstance(payload, list):
        return
    for part in payload:
        if isinstance(part, Message):
            yield from report_parts(part)


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    whole = [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []
    # An encoded report is parsed as one block of nonsense: decode it first.
    encoded = header(part, "Content-Transfer-Encoding").lower() in ("base64", "quoted-printable")
    if not encoded and any(block.keys() for block in whole):
        return whole
    text = payload if isinstance(payload, str) else "\n\n".join(block.as_string() for block in whole)
    copy = Message()
    copy["Content-Type"] = "text/plain; charset=utf-8"
    if part.get("Content-Transfer-Encoding") is not None:
        copy["Content-Transfer-Encoding"] = header(part, "Content-Transfer-Encoding")
    copy.set_payload(text.strip())
    return [
        parse(block.encode("utf-8", "replace"))
        for block in re.split(r"\n[ \t]*\n", part_text(copy) or text)
        if block.strip()
    ]


def _recipient(block: Message) -> Reported | None:
    original, final, actual = (
        _address(header(block, name)) for name in ("Original-Recipient", "Final-Recipient", "X-Actual-Recipient")
    )
    address = original or final or actual
    if not address:
        return None
    action = re.match(r"[a-z]*", header(block, "Action").strip().lower())
    status = _STATUS.search(header(block, "Status"))
    return Reported(
        address,
        final or actual or address,
        action.group() if action else "",
        status.group(1) if status else "",
        _diagnostic(block),
    )


def _diagnostic(block: Message) -> str:
    words = [decoded(str(value)) for value in block.get_all("Diagnostic-Code", [])]
    words += [
        header(block, name) for name in ("X-Supplementary-Info", "X-Display-Name-Error", "X-PowerMTA-BounceCategory")
    ]
    # A status with words in brackets: "Status: 5.1.1 (user unknown)".
    words.append(header(block, "Status").partition(" ")[2])
    words.append(header(block, "Action").partition(" ")[2])
    return " ".join(word for word in words if word)[:1_000]


def _address(value: str) -> str:
    kind, mark, rest = value.partition(";")
    rest = rest if mark else kind
    if "utf-8" in kind.lower():  # RFC 6533: \x{E9} stands for é
        rest = _DECODE.sub(_unescaped, rest)
    rest = re.sub(r"\s+", "", rest) if "@" in rest and '"' not in rest else rest
    found = _ADDRESS.search(rest.replace("+40", "@") if "@" not in rest else rest)
    return clean(found.group()) if found else ""


def _unescaped(match: "re.Match[str]") -> str:
    point = int(match.group(1), 16)
    return chr(point) if point < 0xD800 or 0xDFFF < point < 0x110000 else ""


def _from_text(mail: Message) -> Iterator[Reported]:
    """Reports whose part lost its type or its boundary: the fields are still there, at the start of lines."""
    for part in leaves(mail):
        if part.get_content_maintype() not in ("text", "message", "application"):
            continue
        text = part_text(part)
        if "final-recipient" not in text[:60_000].lower():
            continue
        for block in islice(_FIELD_BLOCK.finditer(text[:60_000]), 60):
            if re.search(r"^final-recipient|^original-recipient", block.group(), re.IGNORECASE | re.MULTILINE):
                found = _recipient(parse(block.group().encode("utf-8", "replace")))
                if found is not None and (found.action or found.status or found.diagnostic):
                    yield found


def _from_json(mail: Message) -> Iterator[Reported]:
    """Amazon's notifications, mailed by SNS."""
    for part in leaves(mail):
        text = part_text(part) if part.get_content_maintype() in ("text", "application") else ""
        if '"bouncedRecipients"' not in text and 'bouncedRecipients\\"' not in text:
            continue
        start = text.find("{")
        try:
            data, _end = json.JSONDecoder().raw_decode(text[start:])
            data = json.loads(data["Message"]) if isinstance(data.get("Message"), str) else data
            rows = data["bounce"]["bouncedRecipients"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and "@" in str(row.get("emailAddress", "")):
                address = clean(str(row["emailAddress"]))
                yield Reported(
                    address,
                    address,
                    str(row.get("action", "failed")),
                    str(row.get("status", "")),
                    str(row.get("diagnosticCode", ""))[:1_000],
                )


def is_done(item: Reported) -> bool:
    """Whether the report says this recipient was reached."""
    return item.action in _DONE or (item.action == "" and item.status.startswith("2"))
