"""What a persona sends back, as real MIME: replies, automatic replies, bounces; and which URLs they open."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from campaigns.sandbox.personas import Persona

WORDS = {
    "positive": "Hi,\n\nyes, this sounds interesting. Please send me more details.\n\n{name}",
    "meeting": "Hello,\n\nlet's have a call. I am free on Thursday at 15:00, does that work for you?\n\n{name}",
    "question": "Hi,\n\ndoes this work with what we already use, and what does it cost?\n\n{name}",
    "not_now": "Hello,\n\nnot right now, please check back next quarter.\n\n{name}",
    "not_interested": "Thanks, but we are not interested.\n\n{name}",
    "opt_out": "Please stop writing to me.\n\n{name}",
}
URL = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class Reaction:
    """`kind`: mail (raw MIME to the endpoint of `mailbox`), click (GET `url`) or unsubscribe (one-click POST to `url`)."""

    kind: str
    persona: Persona
    mailbox: str = ""
    raw: bytes = b""
    url: str = ""
    user_agent: str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"


def reactions_to(content: bytes, *, persona: Persona, number: int, now: datetime) -> list[Reaction]:
    """What `persona` does with the `number`-th mail they get."""
    if persona.behaviour in {"silent", "refused"} or number != persona.acts_on:
        return []
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    mailbox = str(mail["From"].addresses[0].addr_spec).lower()
    if persona.behaviour == "unsubscribes":
        header = str(mail["List-Unsubscribe"] or "")
        found = URL.search(header)
        return [Reaction("unsubscribe", persona, url=found.group().rstrip(">"))] if found else []
    if persona.behaviour in {"clicks", "scanner"}:
        return _clicks(mail, persona)
    if persona.behaviour == "bounces":
        return [Reaction("mail", persona, mailbox, _bounce(mail, content, persona, now))]
    if persona.behaviour == "away":
        return [Reaction("mail", persona, mailbox, _away(mail, persona, now))]
    return [Reaction("mail", persona, mailbox, _reply(mail, persona, now))]


def _clicks(mail: EmailMessage, persona: Persona) -> list[Reaction]:
    part = mail.get_body(("plain",))
    urls = [url for url in URL.findall(part.get_content()) if "/p/c/" in url] if part else []
    if persona.behaviour == "scanner":
        return [Reaction("click", persona, url=url, user_agent="Mimecast link scanner") for url in urls]
    return [Reaction("click", persona, url=urls[0])] if urls else []


def _answer(mail: EmailMessage, persona: Persona, now: datetime) -> EmailMessage:
    """Headers of an answer in the thread of `mail`."""
    answer = EmailMessage(policy=policy.SMTP)
    answer["From"] = f"{name_of(persona)} <{persona.address}>"
    answer["To"] = str(mail["From"])
    answer["Date"] = format_datetime(now)
    answer["Message-ID"] = make_msgid(domain=persona.address.rpartition("@")[2])
    answer["In-Reply-To"] = str(mail["Message-ID"])
    answer["References"] = " ".join([str(mail["References"] or ""), str(mail["Message-ID"])]).strip()
    return answer


def name_of(persona: Persona) -> str:
    """A name out of the address: ana.ferreira@lumen.example is Ana Ferreira."""
    return " ".join(part.capitalize() for part in re.split(r"[._-]", persona.address.partition("@")[0]))


def _reply(mail: EmailMessage, persona: Persona, now: datetime) -> bytes:
    answer = _answer(mail, persona, now)
    subject = str(mail["Subject"])
    answer["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    part = mail.get_body(("plain",))
    quoted = "\n".join(f"> {line}" for line in (part.get_content().splitlines() if part else []))
    words = WORDS[persona.behaviour].format(name=name_of(persona))
    answer.set_content(f"{words}\n\nOn {now:%a, %d %b %Y at %H:%M}, {mail['From']} wrote:\n\n{quoted}\n")
    return answer.as_bytes()


def _away(mail: EmailMessage, persona: Persona, now: datetime) -> bytes:
    answer = _answer(mail, persona, now)
    answer["Subject"] = f"Automatic reply: {mail['Subject']}"
    answer["Auto-Submitted"] = "auto-replied"
    back = now + timedelta(days=5)
    answer.set_content(f"I am out of the office and will be back on {back:%d %B %Y}.\n\n{name_of(persona)}\n")
    return answer.as_bytes()


def _bounce(mail: EmailMessage, content: bytes, persona: Persona, now: datetime) -> bytes:
    """A delivery status notification (RFC 3464) that returns the headers of our mail."""
    domain = persona.address.rpartition("@")[2]
    boundary = f"bounce-{now.timestamp():.0f}"
    headers = content.split(b"\r\n\r\n", 1)[0].decode("ascii", "replace").replace("\r\n", "\n")
    lines = [
        f"From: Mail Delivery System <mailer-daemon@{domain}>",
        f"To: {mail['From']}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {format_datetime(now)}",
        f"Message-ID: {make_msgid(domain=domain)}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=utf-8",
        "",
        f"Your mail to {persona.address} could not be delivered: the mailbox does not exist.",
        "",
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        f"Reporting-MTA: dns; mx.{domain}",
        "",
        f"Final-Recipient: rfc822; {persona.address}",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user here",
        "",
        f"--{boundary}",
        "Content-Type: text/rfc822-headers",
        "",
        headers,
        "",
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join("\n".join(lines).split("\n")).encode()
