"""How well a list of companies is covered: contacts per persona, who is engaged or in sequence, open deals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from leadgen.core.rulelang import compile_rule
from prospects.models import Company, Deal, Person
from prospects.queries.companies import primary_icp
from prospects.queries.fit import current_version, local_now
from prospects.queries.related import annotated
from prospects.rules.fields import PERSON_FACTS, PERSON_FIELDS
from prospects.rules.icps import content_of, parse_profile
from prospects.rules.segments import ENGAGED, INSIDE

SUMMED_UP_TO = 5_000  # companies whose sums a page reads


@dataclass(frozen=True, slots=True)
class Cover:
    """One company: contacts known, contacts per persona (in the order of `personas`), and what goes on there."""

    company: Company
    people: int = 0
    personas: tuple[int, ...] = ()
    engaged: int = 0
    in_sequence: int = 0
    open_deals: int = 0
    value: Any = None

    @property
    def gaps(self) -> int:
        """Personas nobody stands for."""
        return sum(not count for count in self.personas)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Sums over a list: companies with anybody, with somebody of each persona, engaged, in sequence, with an open deal."""

    companies: int
    with_people: int
    personas: tuple[tuple[str, int], ...]
    engaged: int
    in_sequence: int
    open_deals: int

    @property
    def note(self) -> str:
        return f"of its first {SUMMED_UP_TO:,}" if self.companies >= SUMMED_UP_TO else "companies with at least one"


def personas_of_primary() -> list[Any]:
    """The personas of the primary ICP in force; none where there is no such profile."""
    icp = primary_icp()
    version = current_version(icp) if icp is not None else None
    return list(parse_profile(content_of(version), person=True).personas) if version is not None else []


def cover(companies: Sequence[Company], *, now: datetime) -> list[Cover]:
    """The coverage of these companies, in their order. Three queries however many."""
    keys = [company.pk for company in companies]
    personas = personas_of_primary()
    found = {row["company_id"]: row for row in _people(Person.objects.filter(company__in=keys), personas, now)}
    deals = {
        row["company_id"]: row
        for row in Deal.objects.filter(company__in=keys, outcome=Deal.Outcome.OPEN)
        .order_by()
        .values("company_id")
        .annotate(n=Count("pk"), total=Sum("value"))
    }
    return [_cover(company, found.get(company.pk), deals.get(company.pk), len(personas)) for company in companies]


def _cover(company: Company, row: Any, deal: Any, personas: int) -> Cover:
    row, deal = row or {}, deal or {}
    return Cover(
        company, row.get("x_people", 0), tuple(row.get(f"x_role{number}", 0) for number in range(personas)),
        row.get("x_engaged", 0), row.get("x_inside", 0), deal.get("n", 0), deal.get("total"),
    )  # fmt: skip


def coverage(companies: QuerySet[Company], *, now: datetime) -> Coverage:
    """The sums over a list (its first 5,000 companies)."""
    keys: list[UUID] = list(companies.order_by().values_list("pk", flat=True)[:SUMMED_UP_TO])
    personas = personas_of_primary()
    rows = list(_people(Person.objects.filter(company__in=keys), personas, now))
    deals = Deal.objects.filter(company__in=keys, outcome=Deal.Outcome.OPEN).order_by().values("company_id").distinct()
    return Coverage(
        len(keys), len(rows),
        tuple((part.label, sum(bool(row[f"x_role{number}"]) for row in rows)) for number, part in enumerate(personas)),
        sum(bool(row["x_engaged"]) for row in rows), sum(bool(row["x_inside"]) for row in rows), deals.count(),
    )  # fmt: skip


def _people(people: QuerySet[Person], personas: list[Any], now: datetime) -> Any:
    """One row a company: its people counted by persona, engagement and sequence, in one statement."""
    at = local_now(now)
    people = annotated(annotated(people, ENGAGED, now=now), INSIDE, now=now)
    counts: dict[str, Any] = {
        "x_people": Count("pk"),
        "x_engaged": Count("pk", filter=compile_rule(ENGAGED, PERSON_FIELDS, now).true),
        "x_inside": Count("pk", filter=compile_rule(INSIDE, PERSON_FIELDS, now).true),
    }
    for number, part in enumerate(personas):
        counts[f"x_role{number}"] = Count("pk", filter=Q(compile_rule(part.rule, PERSON_FACTS, at).true))
    return people.order_by().values("company_id").annotate(**counts)
