"""One incoming mail, from its bytes to what it is and what it says. Pure: matching to messages and people is elsewhere.

Nothing here is proof. Anybody can write a mail that looks like a bounce, so `original_ids` must be matched with our own
Message-IDs before a bounce, a complaint or a reply may change anything.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from .autoreplies import LEFT, return_date, why_automatic
from .bounces import Recipient, bounce_recipients, is_delay
from .intent import Intent, classify_reply
from .linkedin_mail import LinkedInNews
from .mail_text import addresses, body_text, header, leaves, message_ids, parse, part_text
from .reply_text import new_text
from .suggestions import Suggestion

Kind = Literal["bounce", "auto_reply", "complaint", "unsubscribe", "left_company", "reply", "linkedin", "other"]
Day = date  # a field below is called date
_ORIGINAL_ID = re.compile(
    r"^[ \t>|]*(?:x-)?(?:original-)?message-id:\s*(<[^<>\s]{3,400}>)", re.IGNORECASE | re.MULTILINE
)
_GONE = re.compile(
    r"\b(?:he|she|they|[A-Z]\w+) (?:is|are|has|have)(?: \w+)? (?:no longer (?:with us|with the company|works?|working here|employed)|left the (?:company|organi[sz]ation|team))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """`text` is the new text alone; ids are without brackets; `date` is aware UTC or None; `reason` says why it is that kind.

    `recipients` are those of a bounce or complaint. `original_ids` are the Message-IDs it refers to, nearest first: of its
    thread headers and of the mail it returns. `intent` is set for what a person wrote.

    `return_date` is the first day an absent person is back (auto_reply, left_company). `back_on` is the day a person asks to
    be written to again (intent not_now: "try me in March" is 1 March); both lie on or after the day received.
    `suggestions` are the people it names instead of the writer: a successor, a stand-in, the right person; never the writer
    and never one of our own addresses (those in To and Cc). `linkedin` is set exactly if kind is "linkedin". `scores` are
    the embedding model's per intent (0 to 1), empty where the rules were sure or no model is installed.
    """

    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    from_name: str
    from_address: str
    to: tuple[str, ...]
    subject: str
    text: str
    date: datetime | None
    auto_submitted: str
    kind: Kind
    reason: str
    recipients: tuple[Recipient, ...] = ()
    original_ids: tuple[str, ...] = ()
    return_date: Day | None = None
    intent: Intent | None = None
    digest: str = ""
    back_on: Day | None = None
    suggestions: tuple[Suggestion, ...] = ()
    linkedin: LinkedInNews | None = None
    scores: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The shape of `manage.py classify_mail` (without the file)."""
        return {
            "kind": self.kind,
            "recipients": [
                {
                    "address": r.address,
                    "type": r.type,
                    "reason": r.reason,
                    "status": r.status,
                    "diagnostic": r.diagnostic,
                }
                for r in self.recipients
            ],
            "text": self.text,
            "intent": self.intent.intent if self.intent else None,
            "confidence": self.intent.confidence if self.intent else None,
            "why": self.intent.why if self.intent else self.reason,
        }


def read_mail(raw: bytes, *, received: datetime) -> InboundMessage:
    """The mail in `raw`. `received` (aware) stands in where dates in the text have no year. Never raises on bad mail."""
    mail = parse(raw)
    sender = next(iter(addresses(mail, "From")), ("", ""))
    subject = header(mail, "Subject")
    whole = body_text(mail)
    text = new_text(whole)
    recipients = bounce_recipients(mail)
    complaint = _complaint(mail)
    automatic = "" if recipients is not None or complaint is not None else why_automatic(mail, subject, text)
    intent: Intent | None = None
    kind: Kind
    if complaint is not None:
        kind, reason = "complaint", "a feedback report (RFC 5965)"
    elif recipients is not None and is_delay(recipients, mail):
        kind, reason = "other", "a notice that delivery is delayed: no bounce, the server keeps trying"
    elif recipients is not None:
        kind, reason = "bounce", _bounce_reason(recipients)
    elif automatic:
        left = LEFT.search(text[:2_000])
        kind = "left_company" if left else "auto_reply"
        reason = f"automatic answer by {automatic}" + (f"; it says “{left.group()}”" if left else "")
    else:
        kind, reason, intent = _written(mail, text, subject)
    ids = message_ids(header(mail, "In-Reply-To"))
    references = message_ids(header(mail, "References"))
    own = next(iter(message_ids(header(mail, "Message-ID"))), "")
    return InboundMessage(
        message_id=own,
        in_reply_to=ids[0] if ids else "",
        references=references,
        from_name=sender[0],
        from_address=sender[1],
        to=tuple(address for _name, address in addresses(mail, "To")),
        subject=subject,
        text=text,
        date=_date(header(mail, "Date")),
        auto_submitted=header(mail, "Auto-Submitted"),
        kind=kind,
        reason=reason,
        recipients=recipients or complaint or (),
        original_ids=_original_ids(mail, own, (*ids, *reversed(references)), whole),
        return_date=return_date(text, received.date()) if kind in ("auto_reply", "left_company") else None,
        intent=intent,
        digest=hashlib.sha256(own.encode() if own else raw).hexdigest(),
    )


def _written(mail: Message, text: str, subject: str) -> tuple[Kind, str, Intent | None]:
    """What a person (or a newsletter) wrote."""
    threaded = mail.get("In-Reply-To") is not None or mail.get("References") is not None
    bulk = mail.get("List-Id") is not None or header(mail, "Precedence").lower() in ("bulk", "list", "junk")
    if bulk and not threaded:
        return "other", "a mailing list or bulk mail, not an answer", None
    if not text and not re.search(r"\bunsubscribe\b", subject, re.IGNORECASE):
        return "other", "no text of its own", None
    gone = _GONE.search(text[:2_000])
    if gone:
        return "left_company", f"the words “{gone.group()}”", classify_reply(text, subject)
    intent = classify_reply(text, subject)
    if intent.intent == "opt_out":
        return "unsubscribe", intent.why, intent
    return "reply", "an answer in a thread" if threaded else "a mail by a person, without thread headers", intent


def _bounce_reason(recipients: tuple[Recipient, ...]) -> str:
    if not recipients:
        return "a delivery failure that names no address"
    first = recipients[0]
    more = f" and {len(recipients) - 1} more" if len(recipients) > 1 else ""
    return f"{first.address}{more}: {first.reason}"


def _complaint(mail: Message) -> tuple[Recipient, ...] | None:
    """The recipients an abuse report names; None if the mail is none."""
    for part in mail.walk():
        if part.get_content_type() != "message/feedback-report":
            continue
        payload = part.get_payload()
        report = payload[0] if isinstance(payload, list) and payload else parse(part_text(part).encode())
        if not isinstance(report, Message):
            return ()
        kind = header(report, "Feedback-Type") or "abuse"
        named = [
            address for name in ("Original-Rcpt-To", "Removal-Recipient") for _n, address in addresses(report, name)
        ]
        return tuple(Recipient(address, "policy", f"reported as {kind}") for address in dict.fromkeys(named))
    return None


def _original_ids(mail: Message, own: str, threaded: tuple[str, ...], whole: str) -> tuple[str, ...]:
    found = list(threaded)
    for part in mail.walk():
        if part is not mail and part.get("Message-ID") is not None:
            found += message_ids(header(part, "Message-ID"))
    texts = [part_text(part) for part in leaves(mail) if part.get_content_maintype() in ("text", "message")]
    for text in (*texts, whole):
        for match in _ORIGINAL_ID.finditer(text):
            found += message_ids(match.group(1))
    return tuple(item for item in dict.fromkeys(found) if item != own)


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
