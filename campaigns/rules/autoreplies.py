"""Mail written by machines (RFC 3834 and what vendors do instead), and when an absent person is back."""

import re
from datetime import date, timedelta
from email.message import Message

from .mail_text import header

_SUBJECT = re.compile(
    r"^\W*(?:(?:re|aw|sv|antw)\s*:\s*)*(?:\[[^\]]*\]\s*)?(?:auto(?:matic|mated)?[\s:-]*(?:reply|response|answer)|autoreply|auto:|out[\s-]of[\s-](?:the[\s-])?office|ooo\b"
    r"|on vacation|away from (?:the |my )?(?:office|desk)|automatische (?:antwort|e-?mail)|abwesenheit|nicht im (?:büro|haus)|réponse automatique|absence du bureau"
    r"|(?:je suis )?absent|respuesta autom|fuera de (?:la )?oficina|resposta autom|fora do escrit|ausência|risposta automatica|fuori ufficio|automatisch antwoord"
    r"|afwezig|autosvar|frånvaro|fravær|automaattinen vastaus|poissa|automatyczna odpowied|automatická odpověď|自動応答|自動返信|不在|自动回复|자동 ?회신)",
    re.IGNORECASE,
)
_BODY = re.compile(
    r"^\W{0,10}(?:(?:hi|hello|dear|hallo|bonjour|hola|thank you|thanks|danke|merci)[^\n]{0,80}\n+)?[^\n]{0,160}"
    r"(?:i(?:'m| am)(?: currently)? (?:out of (?:the )?office|away (?:from|until)|on (?:annual |parental |maternity )?(?:leave|vacation|holiday)s?)"
    r"|i will be (?:out of (?:the )?office|away)|this is an automat(?:ic|ed) (?:reply|response|message)"
    r"|ich bin (?:derzeit |zurzeit |momentan )?(?:nicht im (?:büro|haus)|abwesend|im urlaub)|je suis (?:actuellement )?(?:absent|en congé)"
    r"|estoy fuera de la oficina|sono fuori ufficio|ik ben (?:momenteel )?(?:afwezig|niet op kantoor))",
    re.IGNORECASE,
)
LEFT = re.compile(
    r"(?:no longer (?:with|at|works?|working|employed|part of)|(?:has|have|'ve) left (?:the company|the organi[sz]ation|the team|[A-Z]\w+)|is not (?:with|working at|employed)"
    r"|has moved on from|arbeitet nicht mehr|nicht mehr (?:bei|im unternehmen|für)|ne fait plus partie|a quitté (?:l'entreprise|la société|notre)|ya no (?:trabaja|forma parte)"
    r"|non lavora più|werkt niet meer)",
    re.IGNORECASE,
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero gennaio januari janeiro", "february feb februar février fevrier febrero febbraio februari fevereiro",
            "march mar märz maerz mars marzo maart março", "april apr avril abril aprile", "may mai mayo maggio mei maio", "june jun juni juin junio giugno junho",
            "july jul juli juillet julio luglio julho", "august aug août aout agosto augustus", "september sep sept septembre septiembre settembre setembro",
            "october oct oktober okt octobre octubre ottobre outubro", "november nov novembre noviembre novembro", "december dec dezember dez décembre decembre diciembre dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_BACK = r"(?:back|return(?:ing|s)?|zurück|wieder|de retour|retour|regres\w+|vuelv\w+|volto|torn\w+|terug)"
_UNTIL = (
    r"(?:until|till|through|to|bis(?: zum| einschließlich)?|jusqu(?:'|’)au|hasta(?: el)?|até|fino al|tot(?: en met)?)"
)
_DATE = (
    r"(?:(?P<iso>\d{4}-\d{2}-\d{2})|(?P<d1>\d{1,2})(?:st|nd|rd|th|er|º|\.)?\s*(?:of |de |di )?(?P<m1>[^\W\d_]{3,10})\.?(?:,?\s*(?:de )?(?P<y1>\d{4}))?"
    r"|(?P<m2>[^\W\d_]{3,10})\.?\s+(?P<d2>\d{1,2})(?:st|nd|rd|th)?(?:,?\s*(?P<y2>\d{4}))?|(?P<d3>\d{1,2})\.(?P<m3>\d{1,2})\.(?P<y3>\d{4}|\d{2})?"
    r"|(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y4>\d{4}))"
)
_RETURN = re.compile(rf"\b(?:(?P<back>{_BACK})|(?P<until>{_UNTIL}))\b[^\n.\d]{{0,60}}?{_DATE}", re.IGNORECASE)


def why_automatic(mail: Message, subject: str, text: str) -> str:
    """Why this mail is an automatic answer, in words; '' if a person seems to have written it."""
    submitted = header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return f"Auto-Submitted: {submitted}"
    for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply-From", "X-Mail-Autoreply"):
        if mail.get(name) is not None and header(mail, name).lower() not in ("no", "false"):
            return f"the header {name}"
    if header(mail, "Precedence").lower() in ("auto_reply", "auto-reply"):
        return "Precedence: auto_reply"
    if "oof" in header(mail, "X-Auto-Response-Suppress").lower().split(", ") and _SUBJECT.search(subject):
        return "an out-of-office answer of Exchange"
    if _SUBJECT.search(subject):
        return f"the subject “{subject[:80]}”"
    if header(mail, "Return-Path") == "<>":
        return "the empty return path"
    found = _BODY.search(text[:600])
    return f"the words “{' '.join(found.group().split())[-80:]}”" if found else ""


def return_date(text: str, received: date) -> date | None:
    """The day the person says to be back, within a year of `received`; None if not said or not sure.

    "until 3 December" means back the day after. Dates like 3/12/2026 are taken only where they cannot be misread.
    """
    for match in _RETURN.finditer(text[:5_000]):
        day = _date(match, received)
        if day is None:
            continue
        if match["until"]:
            day += timedelta(days=1)
        if received <= day <= received + timedelta(days=366):
            return day
    return None


def _date(match: "re.Match[str]", received: date) -> date | None:
    try:
        if match["iso"]:
            return date.fromisoformat(match["iso"])
        if match["a"]:
            first, second = int(match["a"]), int(match["b"])
            if first != second and first <= 12 and second <= 12:
                return None
            day, month = (first, second) if first > 12 else (second, first)
            return date(int(match["y4"]), month, day)
        day = int(match["d1"] or match["d2"] or match["d3"])
        name = (match["m1"] or match["m2"] or "").lower()
        month = int(match["m3"]) if match["m3"] else _MONTHS.get(name, 0)
        year = match["y1"] or match["y2"] or match["y3"]
        if year:
            return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
        this_year = date(received.year, month, day)
        return this_year if this_year >= received else date(received.year + 1, month, day)
    except ValueError:  # a month or day that does not exist
        return None
