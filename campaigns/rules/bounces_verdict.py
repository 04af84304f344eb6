"""Why a mail was not delivered: hard (the address), soft (the moment) or policy (us or the content), and the reason in words.

The enhanced status (RFC 3463) decides where it is precise; the server's words decide where it is not, or where servers are
known to use a code against its meaning (5.7.1 for an unknown user, 5.4.1 of Exchange Online, 5.5.0 of Hotmail).
"""

import re
from typing import NamedTuple

HARD, SOFT, POLICY = "hard", "soft", "policy"


class Verdict(NamedTuple):
    """`sure` is False where nothing spoke for the type and `soft` is only the safe default."""

    type: str
    reason: str
    status: str
    sure: bool


STATUS = re.compile(r"(?<![\d.=])([245]\.[0-7]\.\d{1,3})(?![\d.]*\d)")
SMTP_CODE = re.compile(
    r"(?<![\d.,:=/#-])([45][0-5]\d)(?=[\s\-:,;\])']|$)(?!\s*(?:days?|hours?|minutes?|bytes|kb|mb)\b)"
)
_I = re.IGNORECASE

# Said about the sender, our server or the content: never the recipient's fault.
_SENDER = re.compile(
    r"\b(?:sender|from|envelope.from|return.?path|client|your)\b[^.\n]{0,30}\b(?:address |domain |host(?:name)? |ip )?(?:rejected|denied|refused|not (?:found|exist|allowed|accepted|verified|authori[sz]ed)"
    r"|does(?: not|n.t) (?:exist|resolve)|unknown|invalid|blocked|banned|verif\w+ failed|must)"
    r"|\b(?:unknown|invalid|bad|illegal|non.?existent) (?:sender|client|from|helo)|\bdomain of sender|\bsender (?:verify|id)\b|cannot (?:find|resolve) your|verify sender|callback",
    _I,
)
_SENDER_SURE = re.compile(
    r"\bsender(?: address| domain| verify)?:? (?:rejected|denied|refused|not|unknown|invalid|failed|blocked)|(?:unknown|invalid|bad|reject\w*|refus\w*|denied) sender|domain of sender|bad (?:mail )?from",
    _I,
)
_POLICY = re.compile(
    r"\bspam|\bspf\b|dmarc|dkim|\brbl\b|dnsbl|spamhaus|spamcop|sorbs\b|black.?list|block.?list|\bblocked\b|\bbanned\b|reputation|unsolicited|\bbulk mail|\bjunk\b|virus|malware|phish|suspicious"
    r"|polic(?:y|ies)\b|reverse dns|\bptr\b|rdns|\bhelo\b|greeting|dynamic (?:ip|host)|(?:message|content|mail|e-?mail)(?: \w+){0,3} (?:rejected|refused|blocked|denied|not accepted)(?! for| by (?:the )?recipient)"
    r"|prohibited|attachment|unauthenticated|authentication (?:required|is required)|not authenticated|auth\w*required|not authori[sz]ed|unauthori[sz]ed|not (?:permitted|allowed) to|no permission|do(?:es)? not have permission"
    r"|administrative prohibition|administratively|refused to talk|poor sender|bad sender|not accepting mail from|access (?:denied|not allowed)|connection rejected|\btls\b[^.\n]{0,30}required|bounce address tag|batv|prvs|filtered by|listed (?:in|on|at|by) (?!domino|public)"
    r"|(?:refus|rejet)\w+ .{0,30}(?:politique|spam)|abgelehnt .{0,30}(?:richtlinie|spam)|垃圾|拒收|被拒|迷惑",
    _I,
)
_RELAY = re.compile(
    r"relay(?:ing)?\b[^.\n]{0,30}\b(?:denied|not|prohibited|refused|disallowed)|\b(?:unable|not permitted|not allowed|cannot|won.t|will not|do not|don.t|no|denied|insecure|refuse)\b[^.\n]{0,12} relay|allowed rcpthosts|rcpthosts|we do not relay",
    _I,
)
_FULL = re.compile(
    r"mail ?(?:box|folder|store|drop)\b[^.\n]{0,30}\bfull\b|\b(?:is|was|inbox|account) (?:currently )?full\b|\bfull mailbox|mailbox_?full|over.?quota|\bquota\b|over.?limit|over (?:the|its|their) (?:allowed|limit|size|maximum)|disk full"
    r"|exceed\w*[^.\n]{0,60}\b(?:storage|limit|size|space|capacity|mailbox|maximum)|(?:storage|limit|size|space|maximum|capacity)\b[^.\n]{0,40}exceed|(?:insufficient|not enough|out of|no|low on)(?: \w+){0,2} (?:space|storage)|too much mail|mailbox size|has too many messages|too full"
    r"|postfach[^.\n]{0,30}\bvoll|speicher(?:platz|limit)|kontingent|pleine\b|satur[ée]e|bu[zs][óo]n[^.\n]{0,20}llen|\bllen[ao]\b|\bpiena\b|esaurit|caixa[^.\n]{0,30}cheia|\bcheia\b|\bis vol\b|postvak[^.\n]{0,15}vol|pełna|przepełnion|переполнен|квот|容量|いっぱい|満杯|已满|已滿|空间不足|超出|超過|가득",
    _I,
)
_SIZE = re.compile(
    r"too (?:large|big|long)\b|message (?:size|length)|maximum (?:message )?size|size limit|exceed\w*[^.\n]{0,30}message size",
    _I,
)
_HOST = re.compile(
    r"host (?:or domain name )?(?:unknown|not found)|unknown (?:host|domain)|no such (?:host|domain)|bad (?:destination )?(?:host|system|domain)|(?:domain|host)(?: name)?(?: \S+){0,3} (?:does(?: not|n.t) exist|not found|is unknown|invalid|unknown|could not be found)|non.?exist(?:ent|ing) (?:host|domain)"
    r"|nxdomain|name or service not known|address resolve failed|could ?n.t find any host|no (?:such )?(?:mx|mail exchanger)|null mx|nullmx|no mail service|does(?: not|n.t) accept (?:any )?(?:e-?)?mail|indicated no smtp|point to non.?existent|lookups? failed permanently|unable to (?:route|resolve)|unrout(?:e)?able|illegal host"
    r"|dns(?:\.| )?(?:nonexistentdomain|domain does not exist)|invalid domain|no valid (?:hosts|mx)|no route to domain|domain (?:is )?(?:not (?:valid|configured|registered|hosted|local)|no longer)|host name is invalid|could not be resolved|cannot be resolved|cannot resolve|unresolvable"
    r"|dom[äa]ne?[^.\n]{0,30}(?:nicht gefunden|existiert nicht|unbekannt)|domaine[^.\n]{0,20}(?:inconnu|introuvable|n.existe)|dominio[^.\n]{0,20}(?:no existe|desconocid|inesistente)|домен[^.\n]{0,20}не (?:найден|существует)|域名|ドメイン[^\n]{0,20}(?:見つかり|存在)",
    _I,
)
_WHO = r"(?:user|account|recipient|mailbox|address|alias|person|rcpt|e-?mail|addressee|subscriber|destination|login|customer|contact|id|name)"
_UNKNOWN = re.compile(
    rf"{_WHO}(?:s|\(s\))?\b(?: \S+){{0,5}}? (?:(?:is |was |were |are |has |have |been |currently |now |)?(?:not (?:be )?(?:found|known|exist\w*|listed|valid|recogni[sz]ed|present|active|registered|local|available|accepted here|a (?:known|valid|local))|unknown|invalid|inactive|disabled|suspended|deactivated|closed|deleted|removed|expired|terminated|cancell?ed|blocked from receiving|discontinued|undeliverable|inexistent|unrecogni[sz]ed|illegal|wrong|rejected: (?:user|undeliver|unknown|no such|invalid))"
    r"|does(?: not|n.?t) (?:exist|have|match|seem)|do(?: not|n.?t) exist|no longer|could not be found|cannot be found|couldn.t be found|wasn.t found|ist unbekannt)"
    rf"|(?:unknown|no such|no valid|non.?exist[ea]nt|not a valid|not a known|invalid|not an? (?:active|existing|local|known)|bad|illegal|unrecogni[sz]ed|inactive|disabled|nonexist\w*|not our|incorrect|wrong|obsolete|dead|malformed|no)(?: or (?:illegal|invalid|unknown|inactive))?(?: \w+[-.]?){{0,2}}? ?{_WHO}\b|user_?unknown|unknown.?user|unknown (?:or illegal )?(?:alias|local.?part|virtual|to )|userunknown"
    r"|no such (?:user|recipient|address|mailbox|person|account|alias|name|id|one|local)|no mailbox|no (?:user|one|body|person)\b[^.\n]{0,15} (?:by|with|at|here|of) |nosuchuser|no account (?:by|with|here)|mailbox_?(?:unavailable|not_?found)|recip(?:ient)?_?not_?found|not (?:in|on) (?:my|our|the|this) (?:\w+ ){0,2}(?:list|directory|database|table|server|system|validrcptto)"
    r"|not listed in|badrcptto|badrecipientto|validrcptto|not recogni[sz]ed|did not (?:exactly )?match|no match(?:es)? to|isn.t (?:listed|a (?:valid|known)|known)|doesn.t have an? |name (?:is )?not (?:found|recogni[sz]ed)|no (?:final e-?mail|e-?mail) delivery|final e-?mail delivery point|delivery userid|user (?:has )?moved|has moved|address (?:has )?changed|changed (?:his|her|their|to)|new address|please (?:use|update)[^.\n]{0,25}address"
    r"|no longer (?:valid|active|in use|in service|exists?|here|works?|accept|available|on (?:this )?server|at|with|employed|monitored|maintained|used|a )|never (?:logged|existed)|not collected|has not been (?:collected|checked)|left the (?:company|organi)|does not have an? |not a member|account (?:has )?(?:been )?(?:closed|deleted|disabled)|missing home directory|(?:could not|cannot|can't|unable to) find (?:user|recipient|mailbox|the user)|destination addresses? (?:was|were) unknown|name is not|was not found|unknown address|not reachable at this address"
    r"|unbekannt|existiert nicht|nicht (?:gefunden|bekannt|vorhanden)|ung[üu]ltige? (?:adresse|empf)|gibt es nicht|inconnu|n'existe (?:pas|plus)|n.existe pas|introuvable|adresse[^.\n]{0,20}invalide|erron[ée]e|desconocid|no existe|no (?:se )?(?:ha )?encontr|inexistente|direcci[óo]n[^.\n]{0,20}inv[áa]lida|sconosciut|non esiste|inesistente|nessun utente|non valid"
    r"|desconhecid|n[ãa]o existe|n[ãa]o encontrad|onbekend|bestaat niet|niet gevonden|nie istnieje|nieznan|neexistuje|finns inte|ok[äa]nd|findes ikke|ukendt|tuntematon|bulunamad|не существует|не найден|неизвестн|недействител|存在しません|存在しない|見つかりません|不明|有効ではありません|ありません|不存在|无此|查无|沒有此|不正确|존재하지",
    _I,
)
_WEAK_UNKNOWN = re.compile(
    r"mailbox (?:is )?(?:unavailable|unavaiable|temporarily disabled|name not allowed)|(?:recipient|rcpt|address|user)\b[^.\n]{0,40}(?:rejected|denied|refused|not (?:ok|accepted))|(?:rejected|refused|denied|not accepted)[^.\n]{0,15}(?:recipient|address|user)|recipients? (?:was|were) undeliverable|bad destination|requested action not taken|not our customer|no valid recipients?|cannot (?:route|accept) (?:mail|user)|can.t accept user|invalid address",
    _I,
)
_TEMPORARY = re.compile(
    r"temporar|try (?:again|later)|timed? ?-?out|timeout|deferred|defer\b|delay|expired?\b|expiration|retr(?:y|ied)|retries|still (?:be|being)|connection (?:refused|failed|reset|dropped|lost|closed|died|attempt)|could not connect|cannot (?:connect|contact)|can.t connect|unable to (?:connect|contact|open|create|write|lock|append|establish)|wasn.t able to establish|unreachable|no route|not reachable|not responding|did(?: not|n.t) respond|no (?:answer|response)|too many (?:hops|connections|recipients|errors|messages|concurrent|attempts|sessions)"
    r"|\bloop|gr[ea]y.?list|server busy|system (?:error|problem|not accepting|resources)|local (?:error|problem|configuration)|configuration error|i/o error|died with (?:status|signal)|mailer error|command output|can't (?:use|create|open|write|append)|resources|rate|throttl|quit unexpectedly|service (?:not available|unavailable)|server (?:is )?(?:down|unavailable|error)|attempts?:|still pending|hours|days\b|maximum.time|network|giving up|try_later|internal (?:server )?error|busy|overload|undeliverable after|per.?minute|not collected|recursion|frozen|pipe\b|vorübergehend|später|momentanément|temporaneamente|позже|временно|一時的|稍后|暂时|超时",
    _I,
)
_DEAD_SOFT = re.compile(
    r"temporar|too (?:many|fast|much)|at a rate|rate limit|over.?quota|\bquota\b|full\b|moment|try (?:again|later)", _I
)

_WORDS = {
    "1.1": "the mailbox does not exist", "1.10": "the mailbox does not exist", "1.2": "the domain does not exist", "1.3": "the address is malformed",
    "1.6": "the person has moved to another address", "1.10+": "the domain takes no mail", "2.1": "the mailbox is disabled", "2.2": "the mailbox is full",
    "2.3": "the message is too large for the mailbox", "3.4": "the message is too large", "3.1": "the mail system is full", "4.1": "the server did not answer",
    "4.2": "the connection broke", "4.4": "the domain takes no mail", "4.6": "the mail went in a loop", "4.7": "the server could not be reached in time",
    "4.310": "the domain does not exist", "4.14": "the mail went in a loop",
}  # fmt: skip
_KINDS = {
    HARD: "the address cannot receive mail",
    SOFT: "it could not be delivered for now",
    POLICY: "the server refused it because of its sender or content",
}
_DELAYED = "delivery is delayed, the server keeps trying"


def judge(status: str, words: str, action: str = "failed") -> Verdict:
    """The verdict on one recipient from the `status` of its report ('' if none), the provider's `words`, and RFC 3464's action."""
    words = words[:4_000]
    precise = _precise(status, words)
    if action == "delayed":
        return Verdict(SOFT, _DELAYED, precise, True)
    kind, reason, sure = _by_status(precise, words)
    if not reason:
        reason = (_WORDS.get(precise[2:], "") if precise else "") or _KINDS[kind]
        if precise[2:] in ("4.4", "4.1", "2.1") and kind == (HARD if precise[2:] == "4.1" else SOFT):
            reason = _KINDS[kind]
    return Verdict(kind, f"{reason} ({precise})" if precise else reason, precise, sure)


def _precise(status: str, words: str) -> str:
    """The most telling enhanced status: the reported one unless that is general and the server's words hold a better one."""
    found = [code for code in STATUS.findall(words) if not code.startswith("2")]
    telling = [code for code in found if not code.endswith(".0.0") and code[2:] != "5.0"]
    general = not status or status.endswith((".0.0", ".5.0")) or status.startswith("2")
    if general and telling:
        return telling[0]
    # "4.4.7 expired" may wrap the permanent answer it got at last; a 5.1.1 in the words is the better witness.
    if status.startswith("4") and any(code.startswith("5.1.") for code in telling):
        return next(code for code in telling if code.startswith("5.1."))
    return status if status and not status.startswith("2") else (found[0] if found else "")


def _by_status(status: str, words: str) -> tuple[str, str, bool]:
    category, subject, detail = status.split(".") if status else ("", "", "")
    if category == "4":
        return SOFT, "", True
    if category == "5" and subject == "7":
        unknown = _UNKNOWN.search(words) and not (
            _POLICY.search(words) or _SENDER.search(words) or _RELAY.search(words)
        )
        return (HARD, "the mailbox does not exist", True) if unknown else (POLICY, "", True)
    if category == "5" and subject == "1":
        return _by_address_status(detail, words)
    if category == "5" and (subject, detail) == ("2", "1"):
        return (SOFT, "the mailbox takes no mail for now", True) if _DEAD_SOFT.search(words) else (HARD, "", True)
    if category == "5" and (subject, detail) in (
        ("2", "2"),
        ("2", "3"),
        ("2", "4"),
        ("3", "1"),
        ("3", "2"),
        ("3", "4"),
        ("4", "2"),
        ("4", "6"),
        ("4", "7"),
        ("4", "14"),
        ("5", "3"),
    ):
        return SOFT, "", True
    if category == "5" and (subject, detail) in (("4", "4"), ("4", "310")):
        return (
            (SOFT, "", True)
            if re.search(r"try again|timed? ?out|refused|temporar", words, _I) and not _HOST.search(words)
            else (HARD, "", True)
        )
    if (
        category == "5"
        and (subject, detail) == ("4", "1")
        and re.search(r"recipient[^.\n]{0,30}rejected|access denied", words, _I)
    ):
        return HARD, "the mailbox does not exist", True
    kind, reason, sure = by_words(words)
    if not sure and category == "5" and subject in ("5", "0") and SMTP_CODE.search(words) is None:
        return (SOFT, "", False)
    return kind, reason, sure


def _by_address_status(detail: str, words: str) -> tuple[str, str, bool]:
    if detail in ("7", "8"):
        return POLICY, "", True
    if detail in ("0", "1") and _SENDER_SURE.search(words):
        return POLICY, "", True
    if detail == "0" and (_SENDER.search(words) or _POLICY.search(words)) and not _UNKNOWN.search(words):
        return POLICY, "", True
    if _FULL.search(words) and not _UNKNOWN.search(words):
        return SOFT, "the mailbox is full", True
    if detail in ("0", "1") and _POLICY.search(words) and not (_UNKNOWN.search(words) or _WEAK_UNKNOWN.search(words)):
        return POLICY, "", True
    return HARD, "", True


def by_words(words: str) -> tuple[str, str, bool]:
    """(type, reason, sure) from the provider's words alone."""
    if (
        _SENDER.search(words)
        and not _FULL.search(words)
        and not re.search(r"user unknown|unknown user|no such user", words, _I)
    ):
        return POLICY, "", True
    if _RELAY.search(words):
        return POLICY, "the server does not relay for that address", True
    full, unknown, host, policy = (pattern.search(words) for pattern in (_FULL, _UNKNOWN, _HOST, _POLICY))
    if full and not (unknown and unknown.start() < full.start()):
        return SOFT, "the mailbox is full", True
    if unknown and not (policy and policy.start() < unknown.start()):
        return HARD, "the mailbox does not exist", True
    if host and not policy and not re.search(r"try again|temporar|timed? ?out", words, _I):
        return HARD, "the domain does not exist or takes no mail", True
    if policy:
        return POLICY, "", True
    if full:
        return SOFT, "the mailbox is full", True
    if _SIZE.search(words):
        return SOFT, "the message is too large", True
    if _WEAK_UNKNOWN.search(words):
        return HARD, "", True
    if _TEMPORARY.search(words):
        return SOFT, "", True
    code = SMTP_CODE.search(words)
    if code:
        return (HARD if code.group(1) in ("550", "551", "553") else SOFT), "", True
    return SOFT, "", False
