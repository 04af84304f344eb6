"""Bounces: who was not reached, and whether the address, the moment or our reputation is to blame.

RFC 3464 reports first (bounces_report), for mails without one the words of the mail programs that write their own
(bounces_words); what each recipient's trouble is says bounces_verdict. `hard`: the address does not exist. `soft`: full, too
large, unreachable, delayed. `policy`: refused because of us or the content; never a reason to suppress a person.
"""

import re
from dataclasses import dataclass
from email.message import Message

from .bounces_report import Reported, is_done, report_parts, reported
from .bounces_verdict import HARD, POLICY, SMTP_CODE, SOFT, STATUS, Verdict, judge
from .bounces_words import about, attached, failed_addresses, human_part, names_clearly
from .mail_text import header

__all__ = ["HARD", "POLICY", "SOFT", "Recipient", "bounce_recipients", "classify", "is_delay"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a bounce. `action` as RFC 3464 has it (failed, delayed, ...); a delay is not yet a failure.

    `address` is the one we wrote to where the bounce tells; `final` the one it was forwarded to, '' if the same.
    """

    address: str
    type: str
    reason: str
    status: str = ""
    diagnostic: str = ""
    action: str = "failed"
    final: str = ""


_I = re.IGNORECASE
_DAEMON = re.compile(
    r"mailer.{0,2}daemon|mail.?daemon|post.?master|mail delivery|maildelivery|delivery.?(?:sub)?.?system|mail.?(?:system|router|administrator|gateway|service)|system administrator|e-?mail system|notes router|\bndr\b|bounce|mdaemon|microsoftexchange[0-9a-f]{8}"
    r"|microsoft outlook|mail.?admin|maildeliver|mail sub.?system|\bmda\b|\bmta\b|sysadmin@|internet mail|sns\.amazonaws|undeliver|mailsystem|mail-?notification|mailfilter|mfilter",
    _I,
)
_SUBJECT = re.compile(
    r"undeliver|undelivr|non.?deliver|not deliver|delivery.{0,3}(?:status|notification|failure|problem|report|error|fail|has|delayed|incomplete|unsuccess|subsystem)|(?:failure|failed|delay\w*|bounce) notice|failure delivery|returned (?:e-?)?mail|mail (?:delivery|returned|failure|failed|error|could not|system error)|mail.?system|delivery failed|failed (?:delivery|mail|recipient)"
    r"|(?:message|mail|e-?mail)(?: \S+){0,3} (?:not|delayed|bounced|returned|frozen|rejected)\b|rejected mail|returned to sender|return to sender|unable to (?:deliver|send)|could ?n.t be (?:delivered|sent)|could not (?:be|send)|cannot (?:be )?(?:deliver|send)|user unknown|unknown (?:user|recipient)|warning: (?:message|could not)|error sending|errors? in|undelivered|message frozen|delivery of|problem delivering|nondelivery|bounced"
    r"|unzustellbar|nicht (?:zugestellt|zustellbar)|zustell|fehler|r[üu]ckl[äa]ufer|non.?remis|non distribu|[ée]chec|échec|retour|impossible|erreur|rapport de|no (?:se )?(?:pudo|entreg)|devuelto|error de|notificaci[óo]n de|no entreg|mancato recapito|mancata consegna|non recapit|non consegn|n[ãa]o (?:entreg|foi)|falha|devolvid|onbestel|niet (?:bezorg|afgel)|mislukt|niedostarcz|zwrot|nie dostarcz|nedoru[čc]|ikke leveret|kunne ikke|kan inte|olevererbar|kunde inte|toimitta"
    r"|не доставлен|недоставлен|не может быть|возвра|ошибк|уведомление о|配信|配送|届きません|エラー|送信できません|不達|返送|退信|退回|投递|无法|未送达|無法|系统退信|배달|반송|전송 실패",
    _I,
)
_FAILURE = re.compile(
    r"(?:could ?n.?t|could not|not|unable to|wasn.t able to|cannot|can't|failed to|trouble|problem\w*|error\w*|while)(?: \S+){0,6} (?:be )?(?:deliver|reach|receiv|send|sent)|permanent(?:ly)? (?:fatal )?(?:error|fail|reject)|delivery (?:of|to|has|failed|attempt|error|problem|fail|status|retry)|undeliver|addresses? had|(?:following|intended|these) (?:address|recipient|user)|mailbox (?:is )?(?:full|unavailable)|user unknown|unknown user|no such (?:user|address|mailbox)"
    r"|not a valid (?:user|recip)|returned (?:because|to)|no valid recipients|final-recipient|diagnostic-code|>>> rcpt|<<< [45]\d\d|\b[45]\d\d[ -][45]\.\d\.\d|smtp error|rejected (?:by|recipient|for)|transcript of session|has been (?:rejected|returned|frozen|bounced)|non-?delivery|failure reasons|we were unable|error(?:\(s\))?:|remote host said|did not reach|has failed|unknown address|being returned|was rejected|bounced|encountered an error"
    r"|nicht (?:zugestellt|zustellen|erreicht|ausgeliefert|übermittelt)|unzustellbar|n'a pas pu|n'a pas été|n.est pas|impossible de|no (?:se )?(?:ha )?(?:pudo|podido)|non (?:è stato|può|recapit|consegn)|n[ãa]o (?:p[ôo]de|foi)|kon niet|niet (?:worden )?(?:bezorgd|afgeleverd)|nie (?:mo[żz]|zosta|dostarcz)|не (?:может|могло|удалось|было|доставлен)|配信でき|送信でき|届け|配送でき|ありません|存在|无法|退信|退回|不存在|無法|배달",
    _I,
)
_DELAY_SUBJECT = re.compile(
    r"\bdelay(?:ed)?\b(?!.*fail)|^warning: (?:could not|message)|verz[öo]ger|retard|still being retried|transient", _I
)
_DELAY = re.compile(
    r"has(?: not|n.t) yet been delivered|not been delivered yet|not yet (?:been )?(?:be )?deliver|(?:will|we.ll) (?:continue|keep) (?:to )?(?:try|deliver|attempt)|will (?:be|keep) (?:re)?tr(?:y|ied)|still be(?:ing)? (?:re)?tr(?:y|ied)|warning message only|do(?:n't| not) need to resend|no action is required|delivery attempts will continue|is delayed|delivery (?:is|has been) delayed|still trying|wird weiterhin versucht|will try again|continue trying",
    _I,
)
_GAVE_UP = re.compile(
    r"giv(?:en|ing|e) up|given? up|permanent|fatal|failed after|will not (?:be )?(?:re)?tr|no longer|final attempt|returned|expired|not going to try",
    _I,
)
_ANSWER = re.compile(r"^\s*(?:re|aw|sv|vs|antw|odp|rif|fwd?|wg|tr)\s*:", _I)
_OUT_OF_OFFICE = re.compile(
    r"out of (?:the )?office|abwesen|auto(?:matic)?.?(?:reply|response)|vacation|réponse automatique|fuera de|assenza",
    _I,
)


def bounce_recipients(mail: Message, *, wrapped: bool = False) -> tuple[Recipient, ...] | None:
    """The recipients a bounce names (perhaps none); None if the mail is no bounce. `wrapped`: it came inside another."""
    found = reported(mail)
    if found is not None and (any(report_parts(mail)) or _looks_like_bounce(mail)):
        failed = [item for item in found if not is_done(item)]
        return _of_report(mail, failed) or None  # a report of success is no bounce
    if not _looks_like_bounce(mail):
        return None
    # A gateway may wrap the bounce it lets through into a mail of its own.
    inner = [] if wrapped else [bounce_recipients(part, wrapped=True) for part in attached(mail)[:2]]
    return next((named for named in inner if named), None) or _of_words(mail)


def is_delay(recipients: tuple[Recipient, ...], mail: Message) -> bool:
    """Whether a delivery report says, of everybody it names, that the server still tries."""
    return bool(recipients) and all(r.action == "delayed" for r in recipients) and any(report_parts(mail))


def classify(status: str, diagnostic: str, action: str = "failed") -> tuple[str, str]:
    """(type, reason in words) of one delivery problem, from RFC 3463 status and the server's words."""
    verdict = judge(status, diagnostic, action)
    return verdict.type, verdict.reason


def _of_report(mail: Message, items: list[Reported]) -> tuple[Recipient, ...]:
    out: dict[str, Recipient] = {}
    says = ""
    for item in items[:50]:
        action = "delayed" if item.action == "delayed" else "failed"
        verdict = judge(item.status, item.diagnostic, action)
        diagnostic = item.diagnostic
        if not verdict.sure or (verdict.status.endswith(".0.0") and not diagnostic):
            # The report says too little: what the same mail says in words may be clearer.
            says = says or human_part(mail)[0]
            names = [item.final, item.address]
            verdict, near = _from_words(item.status, names, says, [other.address for other in items], verdict)
            diagnostic = diagnostic or near
        known = out.get(item.address)
        if known is None or (known.type == SOFT and verdict.type != SOFT):
            final = item.final if item.final != item.address else ""
            out[item.address] = Recipient(
                item.address,
                verdict.type,
                verdict.reason,
                item.status or verdict.status,
                diagnostic[:500],
                action,
                final,
            )
    return tuple(out.values())


def _of_words(mail: Message) -> tuple[Recipient, ...]:
    says, returned = human_part(mail)
    found = failed_addresses(mail, says, returned)
    subject = header(mail, "Subject")
    delayed = bool(_DELAY.search(says[:6_000]) or _DELAY_SUBJECT.search(subject)) and not (
        _GAVE_UP.search(says[:6_000]) or re.search(r"\b5\.\d\.\d", says[:6_000])
    )
    out = []
    for address in found:
        action = "delayed" if delayed else "failed"
        verdict, near = _from_words("", [address], f"{says}\n{subject}", found, None)
        if delayed:
            verdict = judge("", near, action)
        out.append(Recipient(address, verdict.type, verdict.reason, verdict.status, near, action))
    return tuple(out)


def _from_words(
    status: str, names: list[str], says: str, others: list[str], fallback: Verdict | None
) -> tuple[Verdict, str]:
    """(the verdict, the words it rests on): the first text about the address that says anything decides."""
    last = ""
    for name in dict.fromkeys(name for name in names if name):
        for near in about(says, name, [other for other in others if other not in names]):
            last = last or " ".join(near.split())[:500]
            code = STATUS.search(near) or SMTP_CODE.search(near)
            # The server's own answer before what the program that passes it on says around it.
            answer = near[code.start() : code.start() + 500] if code else ""
            for words in (answer, near):
                verdict = judge(status, words)
                if words and verdict.sure and (verdict.type != SOFT or _speaks(words)):
                    return verdict, " ".join(near.split()).strip("<>:;., ")[:500]
    return fallback or judge(status, last), last


def _speaks(text: str) -> bool:
    return bool(STATUS.search(text) or SMTP_CODE.search(text) or len(text.split()) > 2)


def _looks_like_bounce(mail: Message) -> bool:
    if mail.get("X-Failed-Recipients") is not None or any(report_parts(mail)):
        return True
    if mail.get_content_type() == "multipart/report" and "delivery" in str(mail.get_param("report-type", "")).lower():
        return True
    sender, subject = header(mail, "From"), header(mail, "Subject")
    path = header(mail, "Return-Path").replace(" ", "")
    daemon = bool(_DAEMON.search(sender)) or not sender
    null = path in ("<>", "<MAILER-DAEMON>") or mail.get("X-Mailer-Daemon") is not None
    if _OUT_OF_OFFICE.search(subject) and not _DAEMON.search(sender):
        return False
    about_failure = bool(_SUBJECT.search(subject))
    if _ANSWER.match(subject) and not (daemon and null):
        # Somebody answers or passes on a bounce; only a machine without return path may still write "Re:".
        return False
    says = human_part(mail)[0][:6_000]
    fails = bool(_FAILURE.search(says))
    if daemon:
        return about_failure or fails
    return about_failure and fails and (null or _shows_a_returned_mail(mail, says))


def _shows_a_returned_mail(mail: Message, says: str) -> bool:
    """A person may write "delivery failed" too: an unknown sender must show the mail it returns or the server's own words."""
    threaded = mail.get("In-Reply-To") is not None or mail.get("References") is not None
    if header(mail, "Auto-Submitted").lower() in ("", "no") and threaded:
        return False
    if mail.get("List-Id") is not None or mail.get("List-Unsubscribe") is not None:
        return False
    whole, returned = human_part(mail)
    server = re.search(r"\b[45]\d\d[ -][45]\.\d\.\d|^\s*(?:>>>|<<<) |\b55\d\b|rcpt to:|smtp", says, _I | re.MULTILINE)
    named = bool(failed_addresses(mail, whole, returned))
    return names_clearly(says) or (named and (bool(returned.strip()) or server is not None))
