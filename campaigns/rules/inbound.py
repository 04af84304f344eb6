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
from typing import Any, Literal, NamedTuple

from .autoreplies import LEFT, return_date, why_automatic
from .bounces import Recipient, bounce_recipients, is_delay
from .bounces_words import attached, human_part, returned_to
from .intent import Intent, understand
from .linkedin_mail import LinkedInNews, claims_linkedin, linkedin_news
from .mail_text import addresses, body_text, header, leaves, message_ids, parse, part_text
from .opt_out import wish
from .reply_text import new_text
from .said_dates import asked_for
from .suggestions import Suggestion, suggestions

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
        """The shape of `manage.py classify_mail` (without the file). News of LinkedIn count as other there."""
        return {
            "kind": "other" if self.kind == "linkedin" else self.kind,
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
            "return_date": (self.return_date or self.back_on or None) and str(self.return_date or self.back_on),
            "suggestions": [item._asdict() for item in self.suggestions],
        }


def read_mail(raw: bytes, *, received: datetime) -> InboundMessage:
    """The mail in `raw`. `received` (aware) stands in where dates in the text have no year. Never raises on bad mail."""
    mail = parse(raw)
    sender = next(iter(addresses(mail, "From")), ("", ""))
    subject = header(mail, "Subject")
    whole = body_text(mail)
    text = new_text(whole)
    to = tuple(address for _name, address in addresses(mail, "To"))
    ids = message_ids(header(mail, "In-Reply-To"))
    references = message_ids(header(mail, "References"))
    own = next(iter(message_ids(header(mail, "Message-ID"))), "")
    read = _read(mail, text, whole, subject)
    day = received.date()
    returns = back_on = None
    if read.kind in ("auto_reply", "left_company"):
        returns = return_date(f"{subject}\n\n{whole}", day)
    if read.intent is not None and read.intent.intent == "not_now":
        back_on = asked_for(text, day)
    people: tuple[Suggestion, ...] = ()
    if read.kind in ("auto_reply", "left_company") or (
        read.kind == "reply" and read.intent is not None and read.intent.intent != "opt_out"
    ):
        ours = frozenset({sender[1], *to, *(address for _name, address in addresses(mail, "Cc"))})
        people = suggestions(whole if read.kind != "reply" else text, ours=ours, named_only=_named_only(read))
    return InboundMessage(
        message_id=own,
        in_reply_to=ids[0] if ids else "",
        references=references,
        from_name=sender[0],
        from_address=sender[1],
        to=to,
        subject=subject,
        text=text if read.linkedin is None else read.linkedin.text,
        date=_date(header(mail, "Date")),
        auto_submitted=header(mail, "Auto-Submitted"),
        kind=read.kind,
        reason=read.reason,
        recipients=read.recipients,
        original_ids=_original_ids(mail, own, (*ids, *reversed(references)), whole),
        return_date=returns,
        intent=read.intent,
        digest=hashlib.sha256(own.encode() if own else raw).hexdigest(),
        back_on=back_on,
        suggestions=people,
        linkedin=read.linkedin,
        scores=read.scores,
    )


class _Read(NamedTuple):
    kind: Kind
    reason: str
    intent: Intent | None = None
    scores: dict[str, float] = {}
    recipients: tuple[Recipient, ...] = ()
    linkedin: LinkedInNews | None = None


def _read(mail: Message, text: str, whole: str, subject: str) -> _Read:
    """What kind of mail it is and why: machines first, then people."""
    complaint = _complaint(mail)
    if complaint is not None:
        return _Read("complaint", "a feedback report (RFC 5965)", recipients=complaint)
    recipients = bounce_recipients(mail)
    if recipients is not None and is_delay(recipients, mail):
        reason = "a notice that delivery is delayed: no bounce, the server keeps trying"
        return _Read("other", reason, recipients=recipients)
    if recipients is not None:
        return _Read("bounce", _bounce_reason(recipients), recipients=recipients)
    if claims_linkedin(mail):
        news = linkedin_news(mail, subject)
        if news is None:
            return _Read("other", "a mail of LinkedIn without news of a person, or one not proved to be LinkedIn's")
        what = "accepted your invitation" if news.event == "accepted" else "answered"
        return _Read("linkedin", f"LinkedIn says that {news.name} {what}", linkedin=news)
    automatic = why_automatic(mail, subject, text or whole)
    if automatic:
        left = LEFT.search(whole[:3_000])
        reason = f"automatic answer by {automatic}" + (f"; it says “{left.group()}”" if left else "")
        return _Read("left_company" if left else "auto_reply", reason)
    return _written(mail, text, subject)


def _named_only(read: _Read) -> bool:
    """Names without an address are worth something only where the mail is about another person."""
    return read.kind == "auto_reply" or (
        read.kind == "reply" and (read.intent is None or read.intent.intent != "referral")
    )


def _written(mail: Message, text: str, subject: str) -> _Read:
    """What a person (or a newsletter) wrote."""
    threaded = mail.get("In-Reply-To") is not None or mail.get("References") is not None
    bulk = mail.get("List-Id") is not None or header(mail, "Precedence").lower() in ("bulk", "list", "junk")
    if bulk and not threaded:
        return _Read("other", "a mailing list or bulk mail, not an answer")
    # A subject typed anew ("Unsubscribe") is the whole request of many a mail client.
    asked = wish(subject) if len(subject.split()) <= 6 and not _ANSWER.match(subject) else ""
    if asked or (not text and wish(_ANSWER.sub("", subject))):
        intent = Intent("opt_out", 0.97, f"the subject “{subject[:80]}”")
        return _Read("unsubscribe", intent.why, intent)
    if not text:
        return _Read("other", "no text of its own")
    intent, scores = understand(text, subject)
    if intent.intent == "opt_out":
        return _Read("unsubscribe", intent.why, intent, scores)
    gone = _GONE.search(text[:2_000]) or (LEFT.search(text[:300]) if _of_another(text) else None)
    if gone:
        return _Read("left_company", f"the words “{gone.group()}”", intent, scores)
    reason = "an answer in a thread" if threaded else "a mail by a person, without thread headers"
    return _Read("reply", reason, intent, scores)


_ANSWER = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|antw|odp|rif|ref|res|ynt|fwd?|wg|tr|回复|答复|返信)\s*(?:\[\d+\])?\s*[:：]\s*)+",
    re.IGNORECASE,
)


def _of_another(text: str) -> bool:
    """Whether the first words about leaving speak of a person, not of a contract ("we are no longer with Oracle")."""
    return (
        re.search(
            r"\b(?:we|us|our|wir|nous|nosotros|noi|nós|wij|my|vi|me)\b[^.\n]{0,30}(?:no longer|nicht mehr|plus|ya no|non|niet meer|już nie|inte längre|ikke)",
            text[:300],
            re.IGNORECASE,
        )
        is None
    )


def _bounce_reason(recipients: tuple[Recipient, ...]) -> str:
    if not recipients:
        return "a delivery failure that names no address"
    first = recipients[0]
    more = f" and {len(recipients) - 1} more" if len(recipients) > 1 else ""
    return f"{first.address}{more}: {first.reason}"


def _complaint(mail: Message) -> tuple[Recipient, ...] | None:
    """The recipients an abuse report names; None if the mail is none."""
    kind, named = "", []
    reports = [part for part in mail.walk() if part.get_content_type() == "message/feedback-report"]
    if reports and mail.get_content_maintype() == "multipart":
        payload = reports[0].get_payload()
        report = payload[0] if isinstance(payload, list) and payload else parse(part_text(reports[0]).encode())
        if isinstance(report, Message):
            kind = header(report, "Feedback-Type") or "abuse"
            for name in ("Original-Rcpt-To", "Removal-Recipient"):
                named += [address for _n, address in addresses(report, name)]
    elif "feedback-report" in str(mail.get_param("report-type", "")).lower():
        kind = "abuse"
    # Hotmail's reports are the mail alone, with the recipient in a header of its own.
    for part in attached(mail)[:3]:
        named += [address for name in _HOTMAIL for _n, address in addresses(part, name)]
        kind = kind or ("abuse" if any(part.get(name) is not None for name in _HOTMAIL) else "")
    if not kind:
        return None
    named = named or returned_to(human_part(mail)[1])[:1]
    return tuple(Recipient(address, "policy", f"reported as {kind}") for address in dict.fromkeys(named))


_HOTMAIL = ("X-HmXmrOriginalRecipient",)


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
