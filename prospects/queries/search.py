"""Global search over people, companies and deals, by the trigram indexes that row-level security lets through.

What contains the words comes first. Where that is little, words of the vocabulary that are a slip of the hand away are
looked for in their place: by index too, where a trigram similarity over a million names takes hundreds of milliseconds.
"""

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from django.db.models import QuerySet

from prospects.models import Company, Deal, Person, SearchWord
from prospects.queries.companies import containing as companies_containing
from prospects.queries.texts import inside, named
from prospects.rules.search import SHORTEST as SHORTEST_SLIP
from prospects.rules.search import allowed, fold, slips, sought_keys

SHORTEST = 2  # a single letter matches nearly everything and no index helps
CANDIDATES = 60
MEANT = 4  # words that may have been meant, for each that was typed
LAST = "\U0010ffff"  # sorts after every letter
WORDS = 6  # more are left out: nobody is called so


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of each kind, best first, and whether there are more than shown. `meant`: the words that were looked for in
    place of those typed."""

    people: list[Person] = field(default_factory=list)
    companies: list[Company] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    more_people: bool = False
    more_companies: bool = False
    more_deals: bool = False
    meant: str = ""

    def __bool__(self) -> bool:
        return bool(self.people or self.companies or self.deals)


def search(text: str, *, limit: int = 6) -> Found:
    """People by name or e-mail address, companies by name or domain, deals by name. Fewer than two letters find nothing."""
    needle = " ".join(text.split())[:100]
    if len(needle) < SHORTEST:
        return Found()
    words = needle.split()[:WORDS]
    persons, firms, deals = _people(words, needle, limit), _companies(words), _deals(words)
    meant: list[str] = []
    if len(persons) + len(firms) + len(deals) < limit:
        for other in _meant(words):  # the nearest first, and no more than are needed
            near = other.split()
            more = _new(persons, Person.objects.filter(named("full_name", near)).select_related("company"))
            at = _new(firms, Company.objects.filter(named("name", near)))
            about = _new(deals, Deal.objects.filter(named("name", near)).select_related("company"))
            if more or at or about:
                meant.append(other)
                persons, firms, deals = persons + more, firms + at, deals + about
            if len(persons) + len(firms) + len(deals) >= limit:
                break
    asked = [needle, *meant]
    persons.sort(key=lambda row: (_rank(asked, row.full_name, row.email), row.full_name.casefold()))
    firms.sort(key=lambda row: (_rank(asked, row.name, row.domain), row.name.casefold()))
    deals.sort(key=lambda row: (row.outcome != Deal.Outcome.OPEN, _rank(asked, row.name), row.name.casefold()))
    helped = ", ".join(word.title() for word in meant)
    return Found(
        persons[:limit],
        firms[:limit],
        deals[:limit],
        len(persons) > limit,
        len(firms) > limit,
        len(deals) > limit,
        helped,
    )


def _people(words: list[str], needle: str, limit: int) -> list[Any]:
    """By name first; where that finds little by how the address begins, which a plain index knows, then by its inside."""
    rows = Person.objects.select_related("company")
    found: list[Any] = list(rows.filter(named("full_name", words))[: CANDIDATES + 1])
    address = "".join(needle.split()).lower()
    if len(found) < limit:
        found += _new(found, rows.filter(email__gte=address, email__lt=address + LAST).exclude(email=""))
    if len(found) < limit:
        found += _new(found, rows.filter(inside("email", address)))
    return found


def _companies(words: list[str]) -> list[Any]:
    return list(companies_containing(Company.objects.all(), " ".join(words))[: CANDIDATES + 1])


def _deals(words: list[str]) -> list[Any]:
    return list(Deal.objects.filter(named("name", words)).select_related("company")[: CANDIDATES + 1])


def _new(found: list[Any], rows: QuerySet[Any]) -> list[Any]:
    known = {row.pk for row in found}
    return [row for row in rows[: CANDIDATES + 1] if row.pk not in known]


def _meant(words: list[str]) -> list[str]:
    """What may have been meant by the words, the nearest first; empty where each is fine or nothing is near."""
    typed = {word: fold(word) for word in words if len(fold(word)) >= SHORTEST_SLIP}
    if not typed:
        return []
    keys = set().union(*(sought_keys(word) for word in typed))
    near = list(SearchWord.objects.filter(keys__overlap=sorted(keys)).values_list("word", flat=True)[:2_000])
    choices: list[list[tuple[int, str]]] = []
    for word in words:
        own = [(0, word.upper())]
        if word in typed:
            measured = ((slips(typed[word], fold(other)), other) for other in near)
            close = sorted({(far, other) for far, other in measured if far <= allowed(typed[word])})
            own = close[:MEANT] or own
        choices.append(own)
    together = sorted(
        (sum(far for far, _ in chosen), " ".join(other for _, other in chosen)) for chosen in product(*choices)
    )
    plain = " ".join(words).upper()
    return [text for _, text in together if text != plain][:MEANT]


def _rank(asked: list[str], *texts: str) -> tuple[int, int]:
    """(which of what was asked for, 0: it begins so, 1: a word of it does, 2: it is somewhere inside)."""
    for place, needle in enumerate(asked):
        sought = needle.casefold()
        for text in texts:
            folded = text.casefold()
            if folded.startswith(sought):
                return place, 0
        for text in texts:
            folded = text.casefold()
            if f" {sought}" in folded:
                return place, 1
            if all(word in folded for word in sought.split()):
                return place, 2
    return len(asked), 2


__all__ = ["SHORTEST", "Found", "search"]
