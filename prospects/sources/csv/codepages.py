"""Which single-byte code page a text is in, by how often its letters occur in the languages that use the page."""

import re
from functools import cache

# Letters beyond ASCII of each page's languages, the most frequent in names first.
_LATIN = {
    "cp1252": "éüöáóíäèñçãåøëßêàúâôïõæîûìòùœÿýðþ",
    "cp1250": "éáíóöüłčšžřęýńśěążćőúůűäďťňźđőăâçëßôľîş",
    "cp1254": "üıçöşğİâîûéáñóßäåøèëê",
}
_SIGNS = frozenset("€£–—‘’“”„«»…©®™°·•§²³´¿¡\u00a0")
_OTHER = {
    "cp1251": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъіїєёґўјљњћџ",
    "koi8_r": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "cp866": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "iso8859_5": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъіїєё",
    "cp1253": "αοιετσνρκηλςίάυμόπέδγωθχφύβήώξζψϊϋ",
    "iso8859_7": "αοιετσνρκηλςίάυμόπέδγωθχφύβήώξζψϊϋ",
    "cp1255": "יולאהמרשתבנםחדקעפטזסכגצךןףץ",
    "cp1256": "اليمنرتوبدسعهكفقحجشطخصزذثضغظءأإآةىؤئپچژگ",
}
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
MARGIN = 0.12  # by which another page must beat cp1252


@cache
def _weights(letters: str) -> dict[str, float]:
    count = len(letters)
    return {letter: 1.0 - 0.7 * rank / count for rank, letter in enumerate(letters)}


def latin_page(sample: bytes) -> str:
    """cp1250 (Poland to Hungary) or cp1254 (Turkey) where their letters fit clearly better than those of cp1252; else ""."""
    scores = {page: _latin_score(sample.decode(page, errors="replace"), letters) for page, letters in _LATIN.items()}
    best = max(scores, key=lambda page: scores[page])
    return best if best != "cp1252" and scores[best] > 0.35 and scores[best] > scores["cp1252"] + MARGIN else ""


def _latin_score(text: str, letters: str) -> float:
    weights = _weights(letters)
    score, seen, before = 0.0, 0, " "
    for c in text:
        if c >= "\x80":
            seen += 1
            if c.isalpha() or c == "\ufffd":
                score += (
                    weights.get(c.lower() if c != "İ" else c, -1.0) if before < "\x80" or before.isalpha() else -0.5
                )
                if c.isupper() and before.islower():
                    score -= 0.7
            else:
                score += 0.4 if c in _SIGNS and not before.isalpha() else -0.8
        before = c
    return score / seen if seen else 0.0


def other_alphabet(sample: bytes) -> str:
    """The page of a Cyrillic, Greek, Hebrew or Arabic text; "" where the letters are not spread as in a language."""
    runs = _HIGH_RUN.findall(sample)
    if len(runs) > 5 and all(len(run) % 2 == 0 for run in runs):
        return ""  # two bytes a sign: Chinese, Japanese or Korean
    scores = {page: _other_score(sample.decode(page, errors="replace"), letters) for page, letters in _OTHER.items()}
    best = max(scores, key=lambda page: scores[page])
    return best if scores[best] > 0.5 else ""


def _other_score(text: str, letters: str) -> float:
    weights = _weights(letters)
    score, seen, before = 0.0, 0, " "
    for c in text:
        if c >= "\x80":
            seen += 1
            lowered = c.lower()
            score += weights.get(lowered, 0.2 if c in _SIGNS else -1.0)
            if c != lowered and before.islower():
                score -= 0.7  # a capital after a small letter is the wrong page
        before = c
    return score / seen if seen else 0.0
