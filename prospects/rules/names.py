"""Full names of people into first and last name."""

import re
from typing import NamedTuple

from prospects.rules.normalise_text import plain, word_set

PREFIXES = word_set(
    """mr mrs ms miss mx dr prof professor sir madam dame lord lady rev fr herr frau hr fr mme mlle monsieur madame maitre
    sr sra srta don dona dott dottssa dottore dottoressa ing arch avv sig sigra ra mag dipl dr ing kfm kffr med jur phil rer
    nat habil hc h c mba-prof doc doz pd capt col gen lt sgt hon drs ir mevr dhr ms"""
)
_SUFFIXES = word_set(
    """jr sr junior senior i ii iii iv v phd dphil md mba msc ma ba bsc bs ms mphil llm llb jd esq cpa cfa pmp rn pe dds dvm edd
    do facs frcs obe mbe cbe kbe shrm cissp cisa cism acca aca fca cma cpim phr sphr csm itil bcomm bcom beng meng mscs dba
    emba mpa mph mfa psyd pharmd ret"""
)
PARTICLES = word_set(
    "von van de der den del della delle di da du do dos das la le los las ten ter te zu zum zur af av bin ibn ben al el st san santa "
    "vom vander vande van't 't d' dal dalla degli y e i"
)
_JOINING = frozenset(("y", "e", "i"))
_NICKNAME = re.compile(r"\s*(?:\([^)]*\)|\[[^\]]*\]|[\"“„][^\"”“]*[\"”“]|(?<=\s)'[^']+'(?=\s))\s*")
_REST = re.compile(r"\s*(?:\||\s[-–—]\s|\s@\s|/).*\Z")


class Name(NamedTuple):
    """First and last name; either may be "" where the text does not tell them apart."""

    first: str
    last: str


def split_name(text: str) -> Name:
    """ "Dr. Ana Maria de la Cruz, PhD" is (Ana Maria, de la Cruz); "Cruz, Ana" and "CRUZ Ana" are (Ana, Cruz).

    Titles before, degrees and generations after, nicknames in brackets and what stands behind a bar are no part of either.
    """
    body = _NICKNAME.sub(" ", _REST.sub("", text)).strip(" ,;")
    parts = [part.split() for part in body.split(",")]
    parts = [kept for words in parts if (kept := _without_suffixes(words, whole=len(parts) > 1))]
    if len(parts) > 1:
        last, first = _without_prefixes(parts[0]), _without_prefixes(parts[1])
        return Name(" ".join(first), " ".join(last))
    given = parts[0] if parts else []
    words = _without_prefixes(given)
    if not words:
        return Name(" ".join(body.split()), "")
    if len(words) == 1:
        return Name("", words[0]) if len(given) > 1 else Name(words[0], "")  # "Dr. Cruz"
    if (loud := _loud_surname(words)) is not None:
        return loud
    cut = len(words) - 1
    while cut > 0 and words[cut - 1].casefold() in PARTICLES:
        # "Ortega y Gasset" is one surname of two: the word before the joining one belongs to it.
        cut -= 2 if words[cut - 1].casefold() in _JOINING and cut > 2 else 1
    if cut == 0 and words[0][0].isupper() and len(words) == 2:
        cut = 1  # "Le Nguyen", "San Marino": a capital particle before one word is a first name
    return Name(" ".join(words[:cut]), " ".join(words[cut:]))


def _bare(word: str) -> str:
    return plain(word.replace(".", "")).replace(" ", "")


def _without_prefixes(words: list[str]) -> list[str]:
    while len(words) > 1 and _is_prefix(words[0], words[1:]):
        words = words[1:]
    return words


def _is_prefix(word: str, rest: list[str]) -> bool:
    bare = _bare(word)
    if word in ("&", "+", "und", "and"):
        return True
    parts = [part for part in re.split(r"[.\-]+", word.casefold()) if part]
    return (bare in PREFIXES and (len(bare) > 1 or word.endswith("."))) or (
        len(parts) > 1 and all(part in PREFIXES for part in parts) and len(rest) > 0
    )


def _without_suffixes(words: list[str], *, whole: bool) -> list[str]:
    """Degrees and generations off the end. `whole`: after a comma nothing need be left."""
    least = 0 if whole else 2
    while len(words) > least and _is_suffix(words[-1], alone=len(words) == 1):
        words = words[:-1]
    return words


def _is_suffix(word: str, *, alone: bool) -> bool:
    bare = _bare(word)
    if bare not in _SUFFIXES:
        return False
    if len(bare) <= 2:  # "Ma" and "Do" are names; "MA", "M.A.", "Jr." and "II" are none
        return word.isupper() or "." in word or bare in ("jr", "sr", "ii", "iv")
    return alone or word[0].isupper() or "." in word or bare in ("jr", "junior")


def _loud_surname(words: list[str]) -> Name | None:
    """The surname in capitals beside a first name that is not, in either order."""
    loud = [len(word) > 1 and word.isupper() and any(c.isalpha() for c in word) and "." not in word for word in words]
    if not any(loud) or all(loud):
        return None
    count = sum(loud)
    if all(loud[:count]):
        return Name(" ".join(words[count:]), " ".join(words[:count])) if len(words[0]) > 2 else None
    if all(loud[-count:]):
        return Name(" ".join(words[:-count]), " ".join(words[-count:]))
    return None
