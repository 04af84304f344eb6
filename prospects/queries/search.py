"""Global search over people and companies, by the trigram indexes that row-level security lets through."""

from dataclasses import dataclass

from prospects.models import Company, Person
from prospects.queries import companies, people

SHORTEST = 2  # a single letter matches nearly everything and no index helps
CANDIDATES = 60


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of each kind, best first, and whether there are more than shown."""

    people: list[Person]
    companies: list[Company]
    more_people: bool = False
    more_companies: bool = False

    def __bool__(self) -> bool:
        return bool(self.people or self.companies)


def search(text: str, *, limit: int = 6) -> Found:
    """People by name or e-mail address, companies by name or domain. Two queries; fewer than two letters find nothing."""
    needle = " ".join(text.split())[:100]
    if len(needle) < SHORTEST:
        return Found([], [])
    persons = list(
        people.containing(Person.objects.all(), needle, companies=False).select_related("company")[: CANDIDATES + 1]
    )
    firms = list(companies.containing(Company.objects.all(), needle)[: CANDIDATES + 1])
    persons.sort(key=lambda row: (_rank(needle, row.full_name, row.email), row.full_name.casefold()))
    firms.sort(key=lambda row: (_rank(needle, row.name, row.domain), row.name.casefold()))
    return Found(persons[:limit], firms[:limit], len(persons) > limit, len(firms) > limit)


def _rank(needle: str, *texts: str) -> int:
    """0: it begins so, 1: a word of it does, 2: it is somewhere inside."""
    sought = needle.casefold()
    best = 2
    for text in texts:
        folded = text.casefold()
        if folded.startswith(sought):
            return 0
        if f" {sought}" in folded:
            best = 1
    return best
