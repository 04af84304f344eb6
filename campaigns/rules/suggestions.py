"""Whom a mail names instead of its writer: a successor, a stand-in, the right person; in many languages.

A name or an address counts only beside words that send the reader there ("please contact", "wenden Sie sich an", "took over").
"""

import re
from itertools import islice
from typing import NamedTuple


class Suggestion(NamedTuple):
    """A person to write to instead. `name` or `address` may be '', never both; `why` are the words that name them."""

    name: str
    address: str
    why: str


_I = re.IGNORECASE
_ADDRESS = re.compile(r"(?:mailto:)?([A-Za-z0-9][\w.!#$%&'*+/=?^`{|}~-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herrn?|Frau|Monsieur|Madame|Mme|Mlle|M|Sra?|Sr|Don|Doña|Sig(?:nora?|\.ra)?|Dott|Ing|Pana?|Pani[ąa]?|Dhr|Mevr|Mevrouw|pan[aí]?)"
_WORD = r"(?:[A-ZÀ-ÖØ-ÞŁŚŻŹĆŃČŠŽŘĚĎŤŇŐŰÄÖÅА-ЯЁ][\w'’-]{1,24}|[A-Z]\.)"
_NAME = rf"(?:{_TITLE}\.? )?(?P<name>{_WORD}(?: (?:(?:van|von|de|der|den|da|di|la|le|del|dos|bin|al|el|zu|ter|ten) ){{0,2}}{_WORD}){{0,3}})"
_SEND = (
    r"(?:contact(?:ing)?|reach(?:ing)? out to|reach|write to|writing to|speak(?:ing)? (?:to|with)|talk(?:ing)? (?:to|with)|get in touch with|be in touch with|touch base with|connect with|e-?mail(?:ing)?|ask(?:ing)?|call|refer to|liaise with|forward(?:ed)? (?:\w+ ){0,4}to|pass(?:ed)? (?:\w+ ){0,4}(?:on )?to|direct(?:ed)? (?:\w+ ){0,5}to|address(?:ed)? (?:\w+ ){0,5}to|turn to|reply to|try|cc'?(?:ing|ed|d)?|copy(?:ing)?|copied|loop(?:ing|ed)? in|add(?:ing|ed)?|introduc(?:e|ing)|you want|replaced by|succeeded by|successor is|replacement is|handled by|taken over by|responsible is|person is"
    r"|wenden (?:sie|sich|du)[^.\n]{0,30}? an|kontaktier\w*(?: sie)?|schreiben sie(?: bitte)?(?: an)?|sprechen sie(?: bitte)?(?: mit)?|richten sie[^.\n]{0,40}? an|ansprechpartner(?:in)?(?: ist| sind)?:?|nachfolger(?:in)?(?: ist)?:?|vertretung(?: ist| übernimmt)?:?|vertreten (?:durch|von)|weitergeleitet an|zuständig ist|meldet? (?:euch|sie|ihr|dich)[^.\n]{0,20}? bei|übernimmt|erreichen sie"
    r"|contacte[rz]|adresse[rz](?:[- ]vous)?[^.\n]{0,25}? à|écri(?:re|vez) à|joindre|vous rapprocher d[eu]|remplacé(?:e)? par|transféré à|transmis à|voyez avec|en copie"
    r"|contact(?:e|ar|en|a|ad|ate|atti|tare|attare)(?: con| a| il| la)?|contatt(?:i|are|ate)|dirig(?:irse|ase|ete|ir)[^.\n]{0,20}? a|ponerse en contacto con|póngase en contacto con|escrib(?:a|ir|e|an) a|hable con|habla con|comun[ií]quese con|rivolg(?:ersi|iti|etevi|a)[^.\n]{0,15}? a(?:l|lla)?|scriv(?:ere|a|ete|i) a|parl(?:i|are|a) con|sostituit[oa] da|fale com|falar com|entr(?:e|ar) em contac?to com|escreva para|contac?te|contactar"
    r"|contact op(?: te)?(?:nemen)?(?: met)?|neem (?:dan )?(?:gerust )?contact op met|wend u tot|mail(?:en)? naar|bereikbaar via|opgevolgd door|vervangen door|skontaktować się z|kontakt(?:ować się)?(?: z)?|proszę pisać (?:do|na)|zwrócić się do|kontakta|hör av (?:dig|er) till|vänd (?:dig|er) till|kontakt(?:e|es|er)?|henvend(?:e)? (?:dig|deg|jer) til|skriv til|ota(?:kaa)? yhteyttä|kontaktujte|obra[ťt](?:te|ejte) se na|pište na"
    r"|обра(?:титесь|щайтесь|титься) к|свяжитесь с|связаться с|пишите (?:на|к)?|iletişime geçin|başvurun)"
)
_LEADS = r"(?:(?:please|kindly|with|to|an|à|a|al|con|com|met|z|do|til|med|c|к|my|our|your|the|meine[nmr]?|unsere[nmr]?|den|die|der|dem|mon|ma|notre|mi|nuestr[oa]|mio|mia|il|la|le|el|meu|minha|o|mijn|onze|mojego|moj[ąa]|min|vår|vores|kollegaani|(?:her|his|their)|(?:new )?(?:colleagues?|co-?workers?|boss|manager|assistant|director|head of \w+|team ?(?:lead|leader)?|supervisor|successor|replacement|teammate|partner|cto|ceo|cfo|cmo|coo|cio|vp(?: of| for)? ?\w*|kolleg(?:e|in|en|innen)|chef(?:in)?|vorgesetzte[nr]?|assistent(?:in)?|nachfolger(?:in)?|collègue|responsable|remplaçante?|compañer[oa]|colega|jef[ea]|collega|colleg[ao]|superiore|responsabile|chefe|kolleg[aąęi]|koleg[aąęioi]|kolegyni|kollega))[, ]+){0,5}"
_SENT_TO = re.compile(rf"(?:(?<!\w){_SEND})[:,]?\s+{_LEADS.replace('(?:(?:please', '(?:(?:please')}", _I)
_NAME_AT = re.compile(_NAME)
_SAYS_SO = re.compile(
    rf"{_NAME}(?:,? [^.\n]{{0,40}}?,)? (?:is (?:the (?:right|best|new) (?:person|contact)|(?:now )?responsible|in charge|your (?:new )?(?:contact|person)|my (?:successor|replacement)|handling|looking after|taking over)|handles|looks after|has taken over|took over|takes over|will (?:take over|be taking over|help|assist|handle|be your)|can help|would be (?:the )?(?:best|right|better)|ist (?:zuständig|ihr|ihre|der richtige|die richtige|mein)|hat (?:meine|die) [^.\n]{{0,20}} übernommen|übernimmt|s'occupe|est (?:en charge|responsable|votre)|se encarga|es (?:la persona|el responsable|la responsable)|si occupa|è (?:il|la) responsabile|trata d|é (?:o|a) responsável|is verantwoordelijk|zajmuje się|ansvarar|er ansvarlig|vastaa|отвечает|занимается)"
)
_CJK = re.compile(
    r"(?:担当(?:者)?(?:は|の)?|後任(?:は|の)?|联系(?:我的同事)?|請聯繫|请联系|담당자(?:는)?)\s*(?P<name>[\u4e00-\u9fff\u30a0-\u30ff\uac00-\ud7a3]{2,6}?)(?:様|さん|です|先生|女士|님|,|，|。|\s|\(|（|に|が|へ|入|입)"
)
_NOT_NAMES = {
    "i", "we", "he", "she", "they", "you", "please", "contact", "email", "e-mail", "for", "in", "bei", "bitte", "thank", "thanks", "if", "the", "my", "our", "your", "this", "that", "best", "kind", "regards", "hi", "hello", "dear", "monday", "tuesday", "wednesday", "thursday", "friday", "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
    "mail", "office", "team", "support", "sales", "marketing", "it", "hr", "cto", "ceo", "cfo", "cmo", "vp", "head", "director", "manager", "department", "colleague", "mr", "mrs", "ms", "dr", "herr", "herrn", "frau", "madame", "monsieur", "sie", "ihr", "unsere", "meine", "kollegin", "kollege", "kollegen", "kontakt", "us", "me", "them", "him", "her", "someone", "anyone", "people", "next", "again", "linkedin", "google", "salesforce", "zoom", "teams", "out", "from", "via", "tel", "phone", "mobile", "und", "and", "or", "oder", "urgent", "dringend", "dringenden", "fällen", "vertretung", "ansprechpartner", "je", "vous", "nous", "pour", "en", "para", "por", "per", "de", "an", "am", "im", "ab", "as", "at", "to", "on", "after", "before", "customer", "service", "info", "procurement", "purchasing", "finance", "legal", "operations", "engineering", "inc", "ltd", "gmbh", "kontakta", "kontaktieren", "contactez", "contacter", "contacte", "contatti", "fale", "neem", "proszę", "обратитесь", "свяжитесь", "пишите", "veuillez", "merci", "rivolgersi", "skontaktować", "wenden", "his", "their", "later", "back", "q1", "q2", "q3", "q4",
}  # fmt: skip
_NO_PERSON = re.compile(
    r"^(?:no-?reply|do-?not-?reply|mailer-daemon|postmaster|bounce|unsubscribe|abuse|privacy|dpo|datenschutz)", _I
)


def suggestions(text: str, *, ours: frozenset[str], named_only: bool = False) -> tuple[Suggestion, ...]:
    """The people `text` sends its reader to, at most five. `ours` are addresses never to suggest: the writer's and our own.

    `named_only` leaves out names without an address (of an absence note: "call Anna" helps nobody who cannot write to her).
    """
    text = text[:6_000]
    found: dict[str, Suggestion] = {}
    names_with_address: set[str] = set()
    for match in list(islice(_ADDRESS.finditer(text), 20)):
        address = match.group(1).rstrip(".'").lower()
        if address in ours or _NO_PERSON.match(address) or address in found:
            continue
        sentence, before = _around(text, match.start(), match.end())
        if not (
            _SENT_TO.search(before)
            or _SAYS_SO.search(sentence)
            or _AFTER.search(text[match.end() : match.end() + 60])
            or _CONTACT_LINE.search(before)
        ):
            continue
        name = _name_before(before) or _name_of(address)
        names_with_address.update(name.lower().split())
        found[address] = Suggestion(name, address, _short(sentence))
    if not named_only:
        for name, sentence in _names(text):
            if not set(name.lower().split()) & names_with_address and name.lower() not in found:
                found[name.lower()] = Suggestion(name, "", _short(sentence))
    known = list(found.values())
    bare, unnamed = [item for item in known if not item.address], [item for item in known if not item.name]
    if len(bare) == 1 and len(unnamed) == 1:  # "Tanaka took over." ... "tanaka@acme.example"
        known = [
            item._replace(name=bare[0].name) if item is unnamed[0] else item for item in known if item is not bare[0]
        ]
    return tuple(known)[:5]


_AFTER = re.compile(
    r"^[>)\]]*\s*(?:instead|for (?:urgent|any|all|further|immediate|assistance|help)|weiter|wenden|kontaktieren|contacter|zuständig|if (?:it|you|this)|までご連絡|へご連絡|にご連絡|宛)|^.{0,30}\b(?:wenden|kontaktieren|instead)\b",
    _I,
)
_CONTACT_LINE = re.compile(
    r"(?:urgent\w*|emergenc\w*|immediate\w*|in the meantime|meanwhile|in my absence|dringend\w*|eilig\w*|zwischenzeit|abwesenheit|urgence|urgent[ei]|absence|urgencia|urgencias|urgenz[ae]|urgência|spoed|dringende|piln\w+|brådskande|haste\w*|kiireellis\w+|срочн\w+|緊急|紧急|급한|successor|replacement|new contact|new e-?mail|new address|nachfolg\w*|neue adresse|ansprechpartner\w*|remplaç\w*|sucesor\w*|successore|opvolger|następc\w*|ersättare|afløser|担当|后任|後任|联系|(?:her|his|their|ihre|seine|son|sa|su) (?:new )?(?:address|e-?mail|adresse|correo))[^.!?\n]{0,160}\Z",
    _I,
)


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """(the sentence around a place, the part of it before, with the line above where the sentence is a list)."""
    before = re.split(r"(?<=[.!?。])\s+(?=[A-ZÀ-ÞА-Я])|\n\s*\n", text[max(0, start - 260) : start])[-1]
    after = re.split(r"(?<=[.!?。])\s|\n", text[end : end + 120])[0]
    return f"{before}{text[start:end]}{after}", before


def _name_before(before: str) -> str:
    """The name that stands nearest before an address, '' if none does."""
    tail = re.sub(
        r"(?:\bat|\bunter|\bvia|\ba|\bà|\bal|\bsur|\bper|\bon|\bby|\bem|\bpod|\bpå|\bna|\be-?mail|\bmail|adresse|address|[<(\[:,;–—|-]|\s)+\Z",
        "",
        before[-140:].replace("\n", " "),
        flags=_I,
    )
    names = [match for match in _NAME_AT.finditer(tail) if _is_name(match["name"]) and len(tail) - match.end() <= 45]
    return _tidy(names[-1]["name"]) if names else ""


def _names(text: str) -> list[tuple[str, str]]:
    out = []
    for match in _SENT_TO.finditer(text):
        named = _NAME_AT.match(text, match.end())
        if named and _is_name(named["name"]):
            out.append((_tidy(named["name"]), _around(text, match.start(), named.end())[0]))
    out += [
        (_tidy(match["name"]), _around(text, match.start(), match.end())[0])
        for pattern in (_SAYS_SO, _CJK)
        for match in pattern.finditer(text)
        if pattern is _CJK or _is_name(match["name"])
    ]
    return out


def _is_name(name: str) -> bool:
    words = _tidy(name).split()
    return bool(words) and len(words[0]) > 1


def _tidy(name: str) -> str:
    words = name.replace("’", "'").split()
    while words and words[0].lower().strip(".,") in _NOT_NAMES:
        words.pop(0)
    for number, word in enumerate(words):
        if word[:1].isupper() and word.lower().strip(".,") in _NOT_NAMES:
            return " ".join(words[:number])
    return " ".join(words).removesuffix("'s")[:120]


def _name_of(address: str) -> str:
    local = address.partition("@")[0].partition("+")[0]
    parts = re.split(r"[._-]", local)
    return (
        " ".join(part.capitalize() for part in parts)
        if len(parts) == 2 and all(len(part) > 1 and part.isalpha() for part in parts)
        else ""
    )


def _short(sentence: str) -> str:
    return " ".join(sentence.split())[-200:]
