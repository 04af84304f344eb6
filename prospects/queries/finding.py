"""Reads of finding: who can be searched, what a search found and costs, who is ours already or must not be added."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet, Sum, Value
from django.db.models.functions import Upper

from leadgen.core.visibility import everyone
from prospects.models import (
    FINDING_KINDS,
    Company,
    DirectoryUpload,
    EnrichmentProvider,
    FindingOrder,
    FindingResult,
    FindingRun,
    FindingSearch,
    Icp,
    IcpVersion,
    Person,
)
from prospects.queries.duplicates import COMPANIES, PEOPLE, Subject
from prospects.queries.enrichment import spent
from prospects.queries.fit import current_version, local_now
from prospects.queries.merges import former
from prospects.queries.suppressions import suppressions_of
from prospects.queries.visibility import hidden, owner_words
from prospects.rules.fields import COMPANY_FACTS, PERSON_FACTS
from prospects.rules.finding import pages_of
from prospects.rules.finding_service import PAGE_SIZE, Cost, cost_of
from prospects.rules.fit import Fit, by_part, fit_of
from prospects.rules.icps import content_of, parse_profile
from prospects.rules.titles import role

Kind = EnrichmentProvider.Kind
ORDERS = ("created_at",)


def providers(subject: str = "", *, active: bool = True) -> list[EnrichmentProvider]:
    """Who can be searched (for `subject`), in their order."""
    rows = EnrichmentProvider.objects.filter(kind__in=FINDING_KINDS).order_by("position", "id")
    rows = rows.filter(is_active=True) if active else rows
    return [row for row in rows if not subject or subject in operations_of(row)]


def operations_of(provider: EnrichmentProvider) -> tuple[str, ...]:
    """What a provider can be asked: of a directory, what its files hold."""
    if provider.kind == Kind.PATTERN:
        return ("email",)
    if provider.kind == Kind.SEARCH:
        return tuple(provider.settings.get("operations", {}))
    held = tuple(provider.settings.get("held", ()))
    return (*held, "email", "phone") if "people" in held else held


def cost(provider: EnrichmentProvider, operation: str) -> Cost:
    """The provider's price for one operation."""
    return cost_of(provider.settings.get("operations", {}).get(operation) or {})


def page_size(provider: EnrichmentProvider, subject: str) -> int:
    return int((provider.settings.get("operations", {}).get(subject) or {}).get("page_size") or PAGE_SIZE)


@dataclass(frozen=True, slots=True)
class Quote:
    """What something costs before it is done. `left` of the month's budget, None where none is set."""

    count: int
    amount: Decimal
    currency: str
    left: Decimal | None

    @property
    def too_much(self) -> bool:
        return self.left is not None and self.amount > self.left


def left_of(provider: EnrichmentProvider, now: datetime) -> Decimal | None:
    """What is left of the month's budget."""
    return provider.monthly_budget - spent(provider, now) if provider.monthly_budget is not None else None


def quote_search(provider: EnrichmentProvider, subject: str, wanted: int, now: datetime) -> Quote:
    """The most a run may cost: requests, each at its price."""
    pages = pages_of(wanted, page_size(provider, subject))
    return Quote(pages, pages * cost(provider, subject).request, provider.currency, left_of(provider, now))


def quote_rows(search: FindingSearch, count: int, now: datetime) -> Quote:
    """What adding so many rows costs."""
    provider = search.provider
    return Quote(count, count * cost(provider, search.subject).result, provider.currency, left_of(provider, now))


# --- what was found


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands against adding a row: `row` is ours already (`by` says how it was known); `words` say so."""

    row: Company | Person | None = None
    words: str = ""

    @property
    def open(self) -> bool:
        return not self.words


OURS = "already yours"


@dataclass(frozen=True, slots=True)
class Line:
    """A result as a page shows it."""

    result: FindingResult
    standing: Standing
    why: list[tuple[str, str]]

    @property
    def title(self) -> str:
        values = self.result.values
        name = f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()
        return str(values.get("name") or name or values.get("email") or values.get("domain") or "unnamed")


def standings(subject: str, rows: Sequence[FindingResult]) -> dict[UUID, Standing]:
    """Who is ours already, by exact keys, and who must not be added; three or four queries whatever the number.

    Nobody buys what a colleague has: of a record that whoever asks may not see, only whose it is is told.
    """
    with everyone():
        found = _companies(rows) if subject == "companies" else _people(rows)
        foreign = hidden([standing.row for standing in found.values() if standing.row is not None])
        for key, standing in found.items() if foreign else ():
            if standing.row is not None and standing.row.pk in foreign:
                words = f"already here: {owner_words(standing.row)}’s" if standing.words == OURS else standing.words
                found[key] = Standing(words=words)
        return found


def _companies(rows: Sequence[FindingResult]) -> dict[UUID, Standing]:
    domains = {row.values["domain"] for row in rows if row.values.get("domain")}
    pages = {row.values["linkedin_url"] for row in rows if row.values.get("linkedin_url")}
    firms = Company.objects.select_related("owner")
    by_domain = {one.domain: one for one in firms.filter(domain__any=domains)}
    by_domain |= _merged(COMPANIES, "domain", domains - by_domain.keys(), firms)
    by_page = {one.linkedin_url: one for one in firms.filter(linkedin_url__in=pages)}
    barred = suppressions_of([f"nobody@{domain}" for domain in domains])
    found: dict[UUID, Standing] = {}
    for row in rows:
        values = row.values
        hit = by_domain.get(values.get("domain", "")) or by_page.get(values.get("linkedin_url", ""))
        if f"nobody@{values.get('domain', '')}" in barred:
            found[row.pk] = Standing(hit, "suppressed, will not be added")
        else:
            found[row.pk] = Standing(hit, OURS) if hit else _ordered(row)
    return found


def _people(rows: Sequence[FindingResult]) -> dict[UUID, Standing]:
    emails = {row.values["email"] for row in rows if row.values.get("email")}
    pages = {row.values["linkedin_url"] for row in rows if row.values.get("linkedin_url")}
    domains = {domain for row in rows if (domain := domain_of(row.values))}
    names = {name_of(row.values).upper() for row in rows} - {""}
    everybody = Person.objects.select_related("owner", "company__owner")
    by_email = {one.email: one for one in everybody.filter(email__any=emails)}
    by_email |= _merged(PEOPLE, "email", emails - by_email.keys(), everybody)
    by_page = {one.linkedin_url: one for one in everybody.filter(linkedin_url__in=pages)}
    there = everybody.filter(company__domain__in=domains).annotate(x_upper=Upper("full_name"))
    by_name: dict[tuple[str, str], Person] = {
        (one.x_upper, one.company.domain): one for one in there.filter(x_upper__in=names)
    }
    barred = suppressions_of([*emails, *(f"nobody@{domain}" for domain in domains)])
    found: dict[UUID, Standing] = {}
    for row in rows:
        values = row.values
        domain = domain_of(values)
        hit = (
            by_email.get(values.get("email", ""))
            or by_page.get(values.get("linkedin_url", ""))
            or by_name.get((name_of(values).upper(), domain))
        )
        if values.get("email") in barred or f"nobody@{domain}" in barred:
            found[row.pk] = Standing(hit, "suppressed, will not be added")
        else:
            found[row.pk] = Standing(hit, OURS) if hit else _ordered(row)
    return found


def _merged(subject: Subject, name: str, values: set[str], rows: QuerySet[Any]) -> dict[str, Any]:
    """Value -> the record it led to by a merge."""
    before = former(subject, name, values)
    known = rows.in_bulk({key for key, _ in before.values()}) if before else {}
    return {value: known[key] for value, (key, _) in before.items() if key in known}


def _ordered(row: FindingResult) -> Standing:
    """A row that was bought and whose record is gone, or is not there yet."""
    return Standing(words="bought already") if row.order_id else Standing()


def name_of(values: Mapping[str, Any]) -> str:
    return f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()


def domain_of(values: Mapping[str, Any]) -> str:
    """The company's domain of a person that was found."""
    return str(values.get("company_domain") or "")


def lines(search: FindingSearch, rows: Sequence[FindingResult]) -> list[Line]:
    standing = standings(search.subject, rows)
    versions = {one.pk: content_of(one) for one in IcpVersion.objects.filter(pk__in={row.version_id for row in rows})}
    return [
        Line(row, standing[row.pk], by_part(versions[row.version_id], row.marks) if row.version_id in versions else [])
        for row in rows
    ]


def results(search: FindingSearch, run: FindingRun | None = None) -> QuerySet[FindingResult]:
    """The best first."""
    rows = FindingResult.objects.filter(search=search)
    return (rows.filter(run=run) if run is not None else rows).order_by("-score", "id")


def has_results(search: FindingSearch) -> bool:
    """Whether any of its runs found something."""
    return FindingResult.objects.filter(search=search).exists()


def latest_run(search: FindingSearch) -> FindingRun | None:
    found: FindingRun | None = FindingRun.objects.filter(search=search).order_by("-number").first()
    return found


@dataclass(frozen=True, slots=True)
class Paid:
    """A sum in the currency it was charged in: a provider may have had other prices then."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A search in the history: its last run, what its runs and its rows have cost, how many were added. Sums of several
    currencies stand side by side, the latest first: nothing is converted."""

    search: FindingSearch
    run: FindingRun | None
    costs: list[Paid]
    added: int


def history(searches: Sequence[FindingSearch]) -> list[Entry]:
    """Three queries, whatever their number."""
    keys = [one.pk for one in searches]
    newest = FindingRun.objects.filter(search__in=keys).order_by("search", "-number").distinct("search")
    last: dict[UUID, FindingRun] = {run.search_id: run for run in newest}
    spent_on: dict[UUID, dict[str, tuple[Decimal, datetime]]] = defaultdict(dict)
    added: dict[UUID, int] = defaultdict(int)
    runs = FindingRun.objects.filter(search__in=keys).values_list("search", "currency")
    orders = FindingOrder.objects.filter(search__in=keys).values_list("search", "currency")
    for key, currency, total, at, count in (
        *runs.annotate(total=Sum("amount"), at=Max("created_at"), count=Value(0)),
        *orders.annotate(total=Sum("amount"), at=Max("created_at"), count=Sum("rows")),
    ):
        before, latest = spent_on[key].get(currency, (Decimal(), at))
        spent_on[key][currency] = (before + total, max(at, latest))
        added[key] += count
    return [Entry(one, last.get(one.pk), _paid(spent_on[one.pk]), added[one.pk]) for one in searches]


def _paid(spent_on: Mapping[str, tuple[Decimal, datetime]]) -> list[Paid]:
    latest = sorted(spent_on.items(), key=lambda item: item[1][1], reverse=True)
    return [Paid(total, currency) for currency, (total, _) in latest if total]


# --- fit


class Scorer:
    """Holds rows that are not ours against a profile, by the rules that score records."""

    def __init__(self, icp: Icp | None, subject: str, now: datetime) -> None:
        self.version = current_version(icp) if icp is not None else None
        self._person = subject == "people"
        self._profile = parse_profile(content_of(self.version), person=self._person) if self.version else None
        self._now = local_now(now)

    def fit(self, values: Mapping[str, Any], ours: Mapping[str, Company]) -> Fit | None:
        """`ours`: companies of the workspace by domain; what we know of somebody's company goes before what was told."""
        if self._profile is None:
            return None
        if not self._person:
            facts = COMPANY_FACTS.facts(Company(**values))
        else:
            told = {name.removeprefix("company_"): one for name, one in values.items() if name.startswith("company_")}
            company = ours.get(told.get("domain", "")) or Company(**told)
            own = {name: one for name, one in values.items() if not name.startswith("company_")}
            read = role(str(own.get("title", "")))
            own["seniority"] = own.get("seniority") or read.seniority
            own["department"] = own.get("department") or read.department
            facts = PERSON_FACTS.facts(Person(**own, company=company))
        return fit_of(self._profile, facts, self._now, person=self._person)


def uploads(provider: EnrichmentProvider, limit: int = 10) -> list[DirectoryUpload]:
    """A directory's files, the newest first, without their bytes."""
    rows = DirectoryUpload.objects.filter(provider=provider).defer("content")
    return list(rows.order_by("-created_at", "-id")[:limit])


def companies_by_domain(domains: Iterable[str]) -> dict[str, Company]:
    return {one.domain: one for one in Company.objects.filter(domain__any={d for d in domains if d})}
