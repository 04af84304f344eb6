"""Reads of duplicates: what is compared of a row, which rows a draft looks like, which pairs are to be reviewed."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import QuerySet

from leadgen.core.errors import NotFound
from leadgen.core.visibility import everyone
from prospects.models import Company, CompanyKeys, CompanyPair, Person, PersonKeys, PersonPair
from prospects.models.duplicates import MergeKind
from prospects.queries.visibility import hidden
from prospects.rules import duplicates as rules
from prospects.rules.normalise import company_domain


@dataclass(frozen=True, slots=True)
class Facts:
    """One row as it is compared."""

    id: UUID
    updated_at: datetime
    facts: Any


@dataclass(frozen=True, slots=True)
class Subject:
    """People or companies: the same search over different facts."""

    kind: str
    model: Any
    keys: Any
    pair: Any
    column: str
    load: Callable[[Collection[UUID]], list[Facts]]
    keys_of: Callable[[Any], list[int]]
    compare: Callable[[Any, Any], rules.Score]
    noun: str
    nouns: str


def _people(ids: Collection[UUID]) -> list[Facts]:
    rows = Person.objects.filter(pk__in=list(ids)).values_list(
        "pk", "updated_at", "first_name", "last_name", "email", "linkedin_url", "phone", "title", "company_id",
        "company__domain", "city", "country", "external_id",
    )  # fmt: skip
    return [
        Facts(
            key, at,
            rules.Human(first, last, email, linkedin, phone, title, str(company or ""), domain or "", city, country, external),
        )
        for key, at, first, last, email, linkedin, phone, title, company, domain, city, country, external in rows
    ]  # fmt: skip


def _companies(ids: Collection[UUID]) -> list[Facts]:
    wanted = list(ids)
    rows = Company.objects.filter(pk__in=wanted).values_list(
        "pk", "updated_at", "name", "domain", "website", "linkedin_url", "phone", "city", "country", "external_id"
    )
    return [
        Facts(key, at, rules.Firm(name, host, site, page, phone, city, country, external, domains))
        for (key, at, name, host, site, page, phone, city, country, external), domains in _with_domains(list(rows))
    ]


def _with_domains(rows: list[Any]) -> Iterable[tuple[Any, tuple[str, ...]]]:
    """Beside each company without a domain, the employers' domains its people write from."""
    without = [row[0] for row in rows if not row[3]]
    mails = dict(
        Person.objects.filter(company__in=without)
        .exclude(email="")
        .order_by()
        .values("company_id")
        .annotate(mails=ArrayAgg("email"))
        .values_list("company_id", "mails")
    ) if without else {}  # fmt: skip
    for row in rows:
        found = {company_domain(mail) for mail in mails.get(row[0], [])[:200]} - {""}
        yield row, tuple(sorted(found)[:5])


PEOPLE = Subject(
    MergeKind.PEOPLE, Person, PersonKeys, PersonPair, "person_id", _people, rules.human_keys, rules.compare_people,
    "person", "people",
)  # fmt: skip
COMPANIES = Subject(
    MergeKind.COMPANIES, Company, CompanyKeys, CompanyPair, "company_id", _companies, rules.firm_keys,
    rules.compare_companies, "company", "companies",
)  # fmt: skip


def subject_of(kind: str) -> Subject:
    """By the word in an address: people or companies. Raises NotFound."""
    found = {str(subject.kind): subject for subject in (PEOPLE, COMPANIES)}.get(kind)
    if found is None:
        raise NotFound("There are duplicates of people and of companies.")
    return found


def open_pairs(subject: Subject) -> QuerySet[Any]:
    """Pairs with both rows, newest facts first where the score is the same.

    What a pair points at is read by key for a page at a time: seven joins, without statistics of the tables, began with
    every person beside every other.
    """
    related = ["first__owner", "second__owner", "decided_by"]
    if subject is PEOPLE:
        related += ["first__company", "second__company"]
    return subject.pair.objects.prefetch_related(*related)


@dataclass(frozen=True, slots=True)
class Likeness:
    """A row a draft looks like."""

    row: Any
    points: int
    band: str
    reasons: list[str]
    hidden: bool = False  # it is there, whose it is may be said, and nothing else


@everyone()  # a duplicate is one whoever owns it; what may not be seen of it is left out where it is shown
def look_alikes(subject: Subject, facts: Any, *, but: UUID | None = None, most: int = 3) -> list[Likeness]:
    """Rows that `facts` (a Human or a Firm, not stored yet) may be a duplicate of, likeliest first. About three queries."""
    keys = subject.keys_of(facts)
    if not keys:
        return []
    near = subject.keys.objects.filter(keys__overlap=keys).order_by()
    if but is not None:
        near = near.exclude(**{subject.column: but})
    ids = list(near.values_list(subject.column, flat=True)[:60])
    scored = []
    for row in subject.load(ids) if ids else []:
        score = subject.compare(facts, row.facts)
        if score.points >= rules.MEDIUM:
            scored.append((score.points, row.id, score.reasons))
    best = sorted(scored, reverse=True)[:most]
    rows = {row.pk: row for row in subject.model.objects.filter(pk__in=[key for _, key, _ in best])} if best else {}
    unseen = hidden(list(rows.values()))
    return [
        Likeness(rows[key], points, rules.band(points), rules.in_words(reasons), key in unseen)
        for points, key, reasons in best
        if key in rows
    ]
