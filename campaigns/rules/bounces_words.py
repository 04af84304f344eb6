"""Bounces that are only words: which of the addresses in them failed, and what is said of each.

No list of mail programs: each address is weighed by where it stands (alone on a line, before a colon, after RCPT TO, below
"the following address(es) failed") and whether the returned mail was written to it. That finds the formats we never saw too.
"""

import re
from email.message import Message

from .mail_text import addresses, decoded, header, html_all_text, leaves, part_text

MAX_TEXT = 60_000
# Mail programs write short lines; patterns on hostile long ones would take seconds.
MAX_LINE, MAX_NAMED = 1_000, 300
ADDRESS = r"(?:\"[^\"\n@]{1,64}\"|[\w!#$%&'*+/=?^`{|}~.-]{1,64})@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}"
_FIND = re.compile(ADDRESS)
_I = re.IGNORECASE
ROLE = re.compile(
    r"^(mailer.?daemon|maildaemon|postmaster|post_master|abuse|root|no-?reply|do-?not-?reply|listserv|majordomo|help(?:desk)?|support|hostmaster|sysadmin|microsoftexchange[0-9a-f]{16,})@",
    _I,
)
# Where the returned mail begins in bounces that are one text.
_RETURNED = re.compile(
    r"^[ \t>]*(?:[-=*|_#+]{2,}[^\n]{0,20}(?:original|returned|unsent|undelivered|below (?:this line )?is|below this line|copy of|non-?delivered|old message|message headers?\b|message (?:header|text|contents|follows)|(?:message|mail|text|headers?) follows|included is|forwarded|ursprünglich|nachricht|message d'origine|header of|original-)[^\n]*"
    r"|(?:this is|here is|below is|following is|included is|enclosed is|attached is) a copy[^\n]*|here is (?:a copy of )?(?:the|your)[^\n]{0,40}(?:message|mail|copy)[^\n]*|(?:old|original|your|returned) (?:message|mail)(?: headers?)?(?: text)?(?: follows| below| was)?\s*[:.]\s*|original message follows[^\n]*|received: (?:from|by) [^\n]*|return-path: ?<[^\n]*"
    r"|the (?:message|mail) (?:text|header)s? (?:was|follows|were)[^\n]*|a copy of the original message[^\n]*|kopie (?:der|ihrer)[^\n]*|(?:the )?header of the original[^\n]*)$",
    _I | re.MULTILINE,
)
_HEADERS = re.compile(
    r"(?:^[> |\t]*(?:[A-Za-z][A-Za-z0-9-]{1,40}):[ \t][^\n]*\n(?:[> |]*[ \t]+[^\n]+\n)*){3,}", re.MULTILINE
)
_HEADER_SIGN = re.compile(
    r"^[> |\t]*(?:received|mime-version|return-path|x-mailer|content-type|dkim-signature)\s*:", _I | re.MULTILINE
)
_LIST = re.compile(
    r"(?:did|could|can|was|were|has|have|had|may)(?: ?n.t| not|not)[^\n]{0,60}(?:reach|receive|deliver|sent|recipient)|cannot[^\n]{0,30}deliver|unable to[^\n]{0,30}deliver|undeliver\w+ to|failed (?:address|recipient|to (?:deliver|send)|permanently)|(?:following|these|listed)[^\n]{0,20} (?:address|recipient|user|mailbox|e-?mail|destination)"
    r"|(?:address|recipient)(?:\(e?s\)|e?s)? (?:had|has|have|failed|could|were|was|that)|had (?:delivery|permanent|fatal|non-?fatal|transient)|permanent (?:fatal )?errors|intended recipient|failed recipient|delivery (?:to|of)[^\n]{0,40}fail|error sending|errors? occurred|failure reasons?|permanently rejected|affected"
    r"|folgende[nr]?\b[^\n]{0,20}(?:empf|adress)|nicht (?:zugestellt|zustellen|erreicht|ausgeliefert)|destinataires?|n'a pas (?:pu|été)|siguientes? (?:destinatario|direcc)|no (?:pudo|se pudo|se ha podido|ha podido)|seguenti? (?:destinatari|indirizz)|non (?:è stato|può|è stata|recapit)|n[ãa]o (?:p[ôo]de|foi)|seguinte|kon niet|niet (?:worden )?(?:bezorgd|afgeleverd)|nie (?:mo[żz]|zosta|dostarcz)"
    r"|не (?:может|могло|удалось|было|доставлен)|получател|配信できま|送信できま|届けることができ|配送でき|送れませ|宛先|无法(?:投递|送达|发送)|退信|收件人|無法",
    _I,
)
_BEFORE_RCPT = re.compile(
    r"(?:rcpt to:?|recipient(?: address)?s?(?: is)?:?|addressed(?: to)?[:,]?|original address:?|(?:delivered|deliver|delivery|undeliverable|sent|message|mail|sending|send|it) to(?: address)?:?|^to:?|for:?|user:?|account:?|mailbox(?: of)?:?|address:?|unknown user:?|invalid user:?|attempts?:|empfänger(?:adresse)?:?|adresse:?|an:?|destinataires?:?|à:?|destinatario:?|para:?|a:?|dirección:?|generated (?:from|by):?|error-for:?|smtp=|indirizzo:?|per:?|voor:?|aan:?|adresat:?|do:?|для:?|на:?|>>>|宛先:?|收件人[:：]?)\s*[<\"'(\[]*\s*$",
    _I,
)
_BEFORE_OTHER = re.compile(
    r"(?:\bfrom:?|sender:?|mail from:?|\bby|\bcontact|return-path:?|reply-to:?|message-id:?|in-reply-to:?|references:?|mailto:|postmaster(?: at)?:?|administrator:?|\bvon:?|absender:?|\bde:?|expéditeur:?|remitente:?|mittente:?|\bid:?|write to|questions to|e-?mail us at|help at|assistance|http\S*|sent by:?|on behalf of|originator:?|отправител\w+:?|envelope-from:?|expanded from:?|生成|forwarded by)\s*[<\"'(\[:=]*\s*$",
    _I,
)
_FAIL_WORDS = re.compile(
    r"\b[45]\d\d\b|\b[45]\.\d\.\d|unknown|not found|invalid|exist|full|quota|reject|refus|denied|fail|undeliver|unavailable|disabled|no such|error|unable|could ?n.t|timed out|expired|exceed|unbekannt|inconnu|desconocid|sconosciut|не |できません|存在|不",
    _I,
)
_AFTER = re.compile(
    r"^[>\"')\]]*\s*(?:[:;,(\[|<]|\.{2,}|-{1,2}\s|$|\bon \w{3},|=>|said|wasn|could|was|is\b|cannot|does|failed|has\b|delivery|user\b|invalid|unknown|mailbox)",
    _I,
)
_FOR = re.compile(
    rf"^[> |\t]*(?:received:[^\n]*(?:\n[> |]*[ \t]+[^\n]+){{0,4}}?|[ \t]+)\bfor <({ADDRESS})>", _I | re.MULTILINE
)
_EXCERPT = re.compile(r"^[ \t>]*(?:to|an|à|a|para|aan|do|cc)\s*:", _I)
_EXCERPT_SUBJECT = re.compile(r"^[ \t>]*(?:subject|betreff|objet|asunto|oggetto|assunto|onderwerp|temat)\s*:", _I)
_SELF = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "Apparently-To")
_RETURNED_TO = re.compile(
    r"^[> |\t]*(?:(?:to|cc|bcc|x-original-to|envelope-to|x-envelope-to|apparently-to|original-recipient|x-rcpt-to|delivered-to|x-receiver|x-failed-recipients))\s*:(?P<value>[^\n]*(?:\n[> |]*[ \t]+[^\n]+){0,8})",
    _I | re.MULTILINE,
)


def human_part(mail: Message) -> tuple[str, str]:
    """(what the mail program says, the returned mail with its headers as text), whatever parts they are in."""
    says, returned = [], []
    rich = []
    for part in leaves(mail):
        kind = part.get_content_type()
        if kind in ("text/rfc822-headers", "message/rfc822-headers"):
            returned.append(part_text(part))
        elif kind == "text/html":
            rich.append(html_all_text(part_text(part)))
        elif kind.startswith("text/") and kind != "text/calendar":
            says.append(part_text(part))
    returned += [
        "\n".join(f"{name}: {decoded(str(value))}" for name, value in part.items()) + "\n" for part in attached(mail)
    ]
    text = "\n".join(piece for piece in says if piece.strip()) or "\n".join(rich)
    text = "\n".join(line[:MAX_LINE] for line in text[:MAX_TEXT].split("\n"))
    cut = _cut(text)
    if cut is not None:
        returned.append(text[cut:])
        text = text[:cut]
    return text, "\n".join(returned)


def attached(mail: Message) -> list[Message]:
    """The mails attached to this one."""
    if mail.get_content_type() in ("message/rfc822", "message/global"):
        payload = mail.get_payload()
        return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []
    payload = mail.get_payload()
    out = []
    for part in payload if isinstance(payload, list) else []:
        if isinstance(part, Message):
            out += attached(part)
    return out


def _cut(text: str) -> int | None:
    places = []
    for mark in _RETURNED.finditer(text):
        # "The original message was received at..." opens many bounces; what is cut must leave something to read.
        if len(text[: mark.start()].strip()) > 20 and "was received at" not in mark.group().lower():
            places.append(mark.start())
            break
    for block in _HEADERS.finditer(text):
        if _HEADER_SIGN.search(block.group()) and len(text[: block.start()].strip()) > 20:
            places.append(block.start())
            break
    return min(places) if places else None


def returned_to(returned: str) -> list[str]:
    """The addresses the returned mail was written to, in lower case."""
    found = []
    for line in _RETURNED_TO.finditer(returned[:MAX_TEXT]):
        found += [clean(item) for item in _FIND.findall(line["value"])]
    return list(dict.fromkeys(item for item in found if item))


def clean(address: str) -> str:
    """An address as found in text, without what only surrounds it; '' if nothing sensible is left."""
    address = address.strip(" <>\"'`.,;:()[]{}|").lower()
    for prefix in ("mailto:", "smtp:", "smtp=", "rfc822;", "to=", "rcpt=", "orcpt=", "recipient=", "user="):
        address = address.removeprefix(prefix).lstrip("<")
    local, _, domain = address.rpartition("@")
    domain = domain.strip(".-_")
    return f"{local}@{domain}" if local and domain else ""


def failed_addresses(mail: Message, says: str, returned: str) -> list[str]:
    """The addresses a bounce of words names as failed, most likely ones only, in the order named."""
    given = [
        clean(address)
        for value in mail.get_all("X-Failed-Recipients", [])
        for address in _FIND.findall(decoded(str(value)))
    ]
    if any(given):
        return list(dict.fromkeys(item for item in given if item))[:20]
    written = returned_to(returned)
    ours = {address for name in _SELF for _n, address in addresses(mail, name)}
    senders = {
        address for name in ("From", "Sender", "Reply-To", "Return-Path") for _n, address in addresses(mail, name)
    }
    scores = _scores(says, set(written), ours | senders)
    best = max(scores.values(), default=0)
    if best >= 3:
        return [address for address, score in scores.items() if score >= max(3, best - 4)][:20]
    fresh = [item for item in written if item not in ours | senders]
    # The host that gave up knew whom the mail was for; To names a list where a list was written to.
    listed = re.search(r"^[> |\t]*list-(?:id|post)\s*:", returned[:MAX_TEXT], _I | re.MULTILINE)
    last_hop = [clean(item) for item in _FOR.findall(returned[:MAX_TEXT]) if clean(item) not in ours | senders]
    if last_hop and (listed or len(fresh) != 1):
        return last_hop[:1]
    if len(fresh) == 1 or len(written) == 1:
        return fresh or written
    local = _bare_name(says, senders)
    if local:
        return [local]
    likely = [address for address, score in scores.items() if score == best and score > 0]
    return likely if len(likely) == 1 else []


def names_clearly(says: str) -> bool:
    """Whether an address stands where lists of failed ones stand: alone or before a colon, below words that say so."""
    return max(_scores(says, set(), set()).values(), default=0) >= 5


def _scores(says: str, written: set[str], ours: set[str]) -> dict[str, int]:
    """Each address named with its best weight, in the order of appearance."""
    scores: dict[str, int] = {}
    lines = says.split("\n")
    listed = -100
    for number, line in enumerate(lines[:1_500]):
        if len(scores) > MAX_NAMED:
            break
        for found in _FIND.finditer(line):
            address = clean(found.group())
            if not address or ("." not in address.rpartition("@")[2] and f"<{found.group()}>" not in line):
                continue
            before, after = line[: found.start()][-200:], line[found.end() :][:100]
            if _EXCERPT.match(before) and any(_EXCERPT_SUBJECT.match(item) for item in lines[number + 1 : number + 5]):
                scores.setdefault(address, 2)  # "Your message / To: ... / Subject: ... / did not reach": a hint only
                continue
            score = _weight(before, after, "\n".join(lines[number : number + 3]))
            score += 3 if _LIST.search(before) else (2 if number - listed <= 12 else 0)
            score += 4 if address in written else 0
            score -= 6 if address in ours else 0
            score -= 8 if ROLE.match(address) and address not in written else 0
            scores[address] = max(score, scores.get(address, -100))
        if _LIST.search(line):
            listed = number
    return scores


def _weight(before: str, after: str, near: str) -> int:
    lead = before.strip(" \t<>\"'([*|:;.-+=•·").lower()
    if _BEFORE_OTHER.search(before) and not re.search(r"rcpt to|generated (?:from|by)", before, _I):
        return -6
    score = 0
    if not lead:
        score = 3 if _AFTER.match(after) else 1
    elif _BEFORE_RCPT.search(before):
        score = 3 if re.search(r"rcpt to|recipient|addressed|destinat|empf", before, _I) else 2
    if _FAIL_WORDS.search(near):
        score += 1
    return score


def _bare_name(says: str, senders: set[str]) -> str:
    """AOL and old Unix systems name the mailbox alone; its domain is that of the system that writes."""
    listed = re.search(
        r"(?:following|these) (?:recipient|address|user)[^\n]*(?:\n[^\n]+){0,2}?:?\s*\n+\s+<?([\w.-]{2,40})>?\s*(?:\n|$)",
        says,
        _I,
    )
    domains = {address.rpartition("@")[2] for address in senders}
    return f"{listed.group(1).lower()}@{domains.pop()}" if listed and len(domains) == 1 else ""


def about(says: str, address: str, others: list[str]) -> list[str]:
    """What the mail says of `address`, nearest first: from its mention to the next failed address, the lines before, all of it."""
    low = says.lower()
    places = [match.start() for match in re.finditer(re.escape(address), low)][:6]
    out = []
    for at in places:
        start = low.rfind("\n", 0, at) + 1
        stops = [stop for other in others if other != address and (stop := low.find(other, at + len(address))) > 0]
        out.append(says[at + len(address) : min([*stops, at + len(address) + 900])])
        line_end = low.find("\n", at)
        out.append(says[start : line_end if line_end > 0 else None])
    out += [says[max(0, at - 500) : at] for at in places[:1]]
    return [*out, says[:6_000]]


def subject_of(mail: Message) -> str:
    """The subject as one line."""
    return header(mail, "Subject")
