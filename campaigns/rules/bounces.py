"""Bounces: who was not reached, and whether the address, the moment or our reputation is to blame.

RFC 3464 reports first; for mails without one, the words of the mail programs that still write their own.
`hard`: the address does not exist. `soft`: full, too large, unreachable, delayed. `policy`: refused because of us or the
content; never a reason to suppress a person.
"""

import re
from dataclasses import dataclass
from email.message import Message

from .mail_text import addresses, body_text, header, leaves, part_text

HARD, SOFT, POLICY = "hard", "soft", "policy"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a bounce. `action` as RFC 3464 has it (failed, delayed, ...); a delay is not yet a failure."""

    address: str
    type: str
    reason: str
    status: str = ""
    diagnostic: str = ""
    action: str = "failed"


_ADDRESS = r"[A-Za-z0-9][A-Za-z0-9!#$%&'*+/?^_`{|}~.-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_FIND_ADDRESS = re.compile(_ADDRESS)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_SMTP_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[\s\-:]|$)")
_SENDERS = re.compile(
    r"mailer-?daemon|postmaster|mail delivery|maildelivery|delivery.?subsystem|mail.?system|system administrator",
    re.IGNORECASE,
)
_SUBJECTS = re.compile(
    r"undeliver|delivery (status )?(notification|failure|problem|report|error)|(failure|delayed?) notice|returned mail|mail delivery"
    r"|delivery (has )?(failed|delayed)|failed delivery|failure delivery|message not delivered|non.?(delivered|remis)|unzustellbar"
    r"|nicht zugestellt|unable to deliver|could ?n.?t be delivered|returned to sender|mail (system )?error|warning: message .*delayed"
    r"|user unknown|mail failed|message has not (yet )?been|no entregado|non recapitabile|onbestelbaar|mail failure|error sending|delivery notification|rejected mail",
    re.IGNORECASE,
)
_POLICY = re.compile(
    r"\bspam|block(ed|list)|black.?list|\brbl\b|reputation|dmarc|\bspf\b|dkim|policy|poor sender|not accepting mail from|unsolicited"
    r"|content (was )?rejected|virus|sender (address )?(rejected|denied)|relay(ing)? (access )?denied|not permitted to relay|access denied",
    re.IGNORECASE,
)
_HARD = re.compile(
    r"user unknown|unknown (or illegal )?(user|recipient|alias|local.?part|account|address)|no such (user|recipient|address|mailbox|person|account)"
    r"|(user|account|recipient|mailbox|address|domain)( \S+){0,3} (not found|unknown|does ?n.t exist|does not exist|doesn't have|not known|is unknown"
    r"|unavailable|invalid|disabled|is inactive|suspended|not listed)|invalid (recipient|mailbox|address|user)|recipient rejected|not a valid (user|mailbox)"
    r"|host (unknown|not found)|domain not found|bad destination|no mailbox here|address rejected|doesn.t have an? .{0,20}account|mailbox unavailable",
    re.IGNORECASE,
)
_PERMANENT = re.compile(
    r"permanent(ly)?\b|fatal|given up|no longer (valid|in use|exists)|not recogni[sz]ed|no valid recipient",
    re.IGNORECASE,
)
_SOFT = re.compile(
    r"full\b|quota|exceed|too (large|big|many)|temporar|try again|timed? ?out|deferred|delayed|still be(ing)? (tried|retried)"
    r"|not yet been delivered|connection (refused|failed|reset)|too long|server busy|insufficient|over.?limit|attempts?:",
    re.IGNORECASE,
)
_DELAY = re.compile(
    r"delayed|not yet been delivered|will (continue|keep)|still be(ing)? (re)?tr(y|ied)|warning message only|do not need to resend|temporary",
    re.IGNORECASE,
)
# Where the returned mail begins in bounces that are one text, and where the list of the addresses begins.
_RETURNED = re.compile(
    r"^[ \t]*(?:[-=*|_#]{2,}[^\n]*(?:original|returned|unsent|below this line|copy of|(?:message|mail|text|headers?) follows?|message (?:header|text|contents)"
    r"|old message)|this is a copy|(?:old|original) message|included is a copy|return-path: |received: (?:from|by) )",
    re.IGNORECASE | re.MULTILINE,
)
_LIST = re.compile(
    r"did not (?:reach|receive)[^\n]*|(?:could ?n.?t|could not|cannot|unable to|not)(?: \S+){0,3} deliver(?:ed)?(?: \S+){0,3} to\b|following address(?:es)?|following (?:recipient|user)"
    r"|failed (?:address|recipient)|intended recipient|permanent fatal errors",
    re.IGNORECASE,
)
_AT_LINE_START = re.compile(
    rf"^\s*(?:to:?\s+|recipient:?\s*|rcpt to:\s*)?[<\"']?({_ADDRESS})[>\"']?\s*(?:[:;,.(-]|$)",
    re.IGNORECASE | re.MULTILINE,
)
_GUESSES = 2
_ROLE = re.compile(r"^(mailer-?daemon|postmaster|abuse|root|noreply|no-reply|listserv|majordomo)@", re.IGNORECASE)
_WORDS = {
    "5.1.1": "the mailbox does not exist",
    "5.1.2": "the domain does not exist",
    "5.1.10": "the mailbox does not exist",
    "5.2.1": "the mailbox is disabled",
    "5.2.2": "the mailbox is full",
    "4.2.2": "the mailbox is full",
    "5.4.4": "the domain takes no mail",
    "4.4.7": "the server could not be reached in time",
}


def bounce_recipients(mail: Message) -> tuple[Recipient, ...] | None:
    """The recipients a bounce names (perhaps none); None if the mail is no bounce."""
    reported = _from_report(mail)
    if reported is not None:
        return reported or None  # a report of success is no bounce
    if not _looks_like_bounce(mail):
        return None
    return _from_words(mail)


def classify(status: str, diagnostic: str, action: str = "failed") -> tuple[str, str]:
    """(type, reason in words) of one delivery problem, from RFC 3463 status and the server's words."""
    precise = status
    found = _STATUS.search(diagnostic)
    if found and (not status or status.endswith(".0.0")):
        precise = found.group(1)
    if action == "delayed":
        return SOFT, "delivery is delayed, the server keeps trying"
    kind = _by_status(precise, diagnostic)
    words = (
        _WORDS.get(precise)
        or {
            HARD: "the address cannot receive mail",
            SOFT: "it could not be delivered for now",
            POLICY: "the server refused it because of its sender or content",
        }[kind]
    )
    return kind, f"{words} ({precise})" if precise else words


def _by_status(status: str, diagnostic: str) -> str:
    parts = status.split(".")
    category, subject, detail = parts if len(parts) == 3 else ("", "", "")
    if subject == "7" or (category == "5" and subject == "1" and detail in ("7", "8")):
        # A few servers say 5.7.1 for an unknown user.
        return HARD if category == "5" and _HARD.search(diagnostic) and not _POLICY.search(diagnostic) else POLICY
    if category == "4" or (category == "5" and (subject, detail) in _SOFT_STATUS):
        return POLICY if _POLICY.search(diagnostic) and not _SOFT.search(diagnostic) else SOFT
    if category == "5" and subject in ("1", "2"):
        return HARD
    return _by_words(diagnostic, category)


# 5.2.2 full, 5.2.3 and 5.3.4 too large, 5.3.1 system full, 5.3.2 not accepting, 5.4.x no route in time or a loop
_SOFT_STATUS = {
    ("2", "2"),
    ("2", "3"),
    ("3", "1"),
    ("3", "2"),
    ("3", "4"),
    ("4", "1"),
    ("4", "6"),
    ("4", "7"),
    ("5", "3"),
}


def _by_words(diagnostic: str, category: str) -> str:
    for kind, words in ((HARD, _HARD), (POLICY, _POLICY), (SOFT, _SOFT)):
        if words.search(diagnostic):
            return kind
    code = _SMTP_CODE.search(diagnostic)
    if code:
        return SOFT if code.group(1)[0] == "4" or code.group(1) == "552" else HARD
    return HARD if category == "5" or (category != "4" and _PERMANENT.search(diagnostic)) else SOFT


def _from_report(mail: Message) -> tuple[Recipient, ...] | None:
    """The recipients a delivery report says were not reached; None if there is no report that names anybody."""
    found: dict[str, Recipient | None] = {}
    for part in mail.walk():
        if part.get_content_type() not in ("message/delivery-status", "message/global-delivery-status"):
            continue
        blocks = part.get_payload()
        for block in blocks if isinstance(blocks, list) else []:
            if isinstance(block, Message) and (address := _reported_address(block)):
                found[address] = found.get(address) or _reported(block, address)
    return tuple(recipient for recipient in found.values() if recipient is not None) if found else None


def _reported_address(block: Message) -> str:
    # The address as we wrote it first: a server may have rewritten it.
    for name in ("Original-Recipient", "Final-Recipient", "X-Actual-Recipient"):
        match = _FIND_ADDRESS.search(header(block, name).partition(";")[2] or header(block, name))
        if match:
            return match.group(0).lower()
    return ""


def _reported(block: Message, address: str) -> Recipient | None:
    action = header(block, "Action").partition(" ")[0].rstrip(";,(").lower()
    if action in ("delivered", "relayed", "expanded"):
        return None
    status = _status_in(header(block, "Status"))
    diagnostic = header(block, "Diagnostic-Code")[:500]
    action = "delayed" if action == "delayed" else "failed"
    kind, reason = classify(status, diagnostic, action)
    return Recipient(address, kind, reason, status, diagnostic, action)


def _status_in(text: str) -> str:
    found = _STATUS.search(text)
    return found.group(1) if found else ""


def _looks_like_bounce(mail: Message) -> bool:
    if mail.get("X-Failed-Recipients") is not None:
        return True
    if mail.get_content_type() == "multipart/report" and "delivery" in str(mail.get_param("report-type", "")).lower():
        return True
    sender = header(mail, "From")
    subject = header(mail, "Subject")
    from_system = bool(_SENDERS.search(sender)) or header(mail, "Return-Path") == "<>"
    says_failure = bool(_FAILURE.search(body_text(mail)[:3000]))
    says_subject = bool(_SUBJECTS.search(subject)) and not subject.lower().startswith(("re:", "aw:", "fwd:", "fw:"))
    return (from_system and (says_subject or says_failure)) or (says_subject and says_failure)


_FAILURE = re.compile(
    r"(could ?n.?t|could not|not|unable to|wasn.t able to|cannot|failed to)( \S+){0,4} (be )?deliver|permanent (fatal )?error|delivery (failed|to the following)"
    r"|undeliver|addresses had|following (address|recipient)|mailbox (is )?full|mailbox unavailable|user unknown|unknown user|no such user|not a valid user|returned because|no valid recipients",
    re.IGNORECASE,
)


def _from_words(mail: Message) -> tuple[Recipient, ...]:
    texts = [part_text(part) for part in leaves(mail) if part.get_content_maintype() == "text"]
    text = "\n".join(texts) or body_text(mail)
    end = _RETURNED.search(text)
    if end and end.start() > 20:
        text = text[: end.start()]
    given = [address for _name, address in addresses(mail, "X-Failed-Recipients")]
    ours = {address for name in ("To", "From", "Sender", "Reply-To") for _n, address in addresses(mail, name)}
    found = list(dict.fromkeys(given))
    listed = _LIST.search(text)
    after = text[listed.start() :] if listed else text
    for pattern, where in (
        (_AT_LINE_START, after),
        (_FIND_ADDRESS, after),
        (_AT_LINE_START, text),
        (_FIND_ADDRESS, text),
    ):
        if not found:
            matches = (match.group(match.lastindex or 0).rstrip(".").lower() for match in pattern.finditer(where))
            found = [item for item in dict.fromkeys(matches) if item not in ours and not _ROLE.match(item)]
            if pattern is _FIND_ADDRESS and len(found) > _GUESSES:
                found = []  # an explanation full of examples: better nobody than somebody wrong
    delayed = bool(_DELAY.search(header(mail, "Subject")) or (_DELAY.search(text) and not _HARD.search(text)))
    out = []
    for address in found[:20]:
        near = _near(text, address)
        status = _status_in(near)
        action = "delayed" if delayed and not status.startswith("5") else "failed"
        kind, reason = classify(status, near, action)
        out.append(Recipient(address, kind, reason, status, " ".join(near.split())[:500], action))
    return tuple(out)


def _near(text: str, address: str) -> str:
    """What the mail says about one address: from its first mention on, else everything."""
    at = text.lower().find(address)
    return text[at : at + 800] if at >= 0 else text[:1500]
