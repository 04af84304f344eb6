"""Job titles: seniority and department by rules (titles_words). The values are those of models.choices; "" means the
title does not say."""

import re
from functools import lru_cache
from typing import NamedTuple

from prospects.rules import titles_words as words
from prospects.rules.normalise import plain, word_set

HONORIFICS = word_set(
    "mr mrs ms miss mx dr prof herr frau fr hr m mme mlle monsieur madame sr sra srta senor senora sig dott ing dipl"
)

_SENIORITY_RULES = tuple((value, sure, re.compile(pattern)) for value, sure, pattern in words.SENIORITY)
_BEFORE, _AFTER, _EMPLOYER = (
    re.compile(rf"\b{words.BEFORE}"),
    re.compile(words.AFTER),
    re.compile(words.EMPLOYER, re.IGNORECASE),
)
_DOTTED = re.compile(r"\b(?:[A-Za-z]\.){2,}[A-Za-z]?\b|\b(?:[A-Za-z]\.){2,}")
_CUT = re.compile(r"[|;•·]|\s[-–—]\s|,")
_DEPARTMENT_RULES = tuple((value, re.compile(pattern)) for value, pattern in words.DEPARTMENT)
_WORDS = {
    "owner": "founder", "partner": "founder", "founder": "founder", "c suite": "c_level", "cxo": "c_level", "c level": "c_level",
    "executive": "c_level", "vp": "vp", "head": "head", "director": "director", "manager": "manager", "senior": "senior",
    "entry": "staff", "intern": "staff", "junior": "staff", "staff": "staff", "training": "staff", "individual contributor": "staff",
}  # fmt: skip


class Role(NamedTuple):
    """What a title says: values of Seniority and Department, "" where it says nothing."""

    seniority: str
    department: str


class Reading(NamedTuple):
    """A role, how sure its seniority is (0 to 1; 0 where the title does not say) and by which words of the title."""

    role: Role
    sure: float
    words: str


def role(title: str) -> Role:
    """ "VP of Sales" is (vp, sales), "Leiterin Einkauf" (head, purchasing), "Account Executive" (staff, sales)."""
    return read(title).role


@lru_cache(maxsize=16384)
def read(title: str) -> Reading:
    """The highest rank a title names that is held now, and the department.

    Left aside: what somebody was ("ex-CEO") or hopes to be, the employer's name ("Engineer at Director Software"), and the
    rank of whoever they work for ("Assistant to the CEO", "Office of the President").
    """
    text = _written_out(title)
    # The function of a chief comes before the rank in the department's rules.
    department = _first(_DEPARTMENT_RULES, plain(title))
    for value, sure, pattern in _SENIORITY_RULES:
        found = pattern.search(text)
        if found is not None:
            return Reading(Role(value, department), sure, found.group().strip())
    return Reading(Role("", department), 0.0, "")


def _written_out(title: str) -> str:
    """The plain title with short forms written out, without what says nothing of a rank held now."""
    # "V.P." and "C.E.O." are two and three words once their dots are gone.
    dotted = _DOTTED.sub(lambda found: found.group().replace(".", ""), _EMPLOYER.sub(" ", title))
    parts = [plain(part) for part in _CUT.split(dotted)]
    held = [_BEFORE.sub(" ", part) for part in parts]
    text = " ".join(words.SHORT.get(word, word) for part in held for word in part.split())
    return " ".join(_AFTER.sub(" ", text).split())


def seniority_word(text: str) -> str:
    """The level an export's own seniority column names ("C suite", "Entry"); else what the words would say in a title."""
    word = plain(text)
    return _WORDS.get(word) or role(text).seniority


def department_word(text: str) -> str:
    """The department an export's own column names; "other" where it names one that is none of ours."""
    word = plain(text.split(",")[0].split(";")[0])
    return (_first(_DEPARTMENT_RULES, word) or "other") if word else ""


def is_honorific(text: str) -> bool:
    """Mr, Ms, Dr, Herr, Mme and their like: what some exports call a title."""
    listed = plain(text).split()
    return bool(listed) and all(word in HONORIFICS for word in listed)


def _first(rules: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((value for value, pattern in rules if pattern.search(text)), "")
